// What a benchmark is made of: contenders that run in turn and give figures, and rows that compare one figure of ours with a rival's.

/** Figures of one run by name. `drops` (frames lost in front of us) and `retrans` (segments sent again) make a run unclean. */
export type Figures = Record<string, number>;

export type Contender = {
  name: string;
  /** Runs once. @throws when it fails or is over its time */
  run: () => Promise<Figures>;
  /** Runs in the first round only: too long, or sure to be the same. */
  isOnce?: boolean;
};

export type Goal = {
  /** Of the ratio to the rival, or without a rival of the figure itself. */
  atLeast?: number;
  atMost?: number;
};

export type Row = {
  title: string;
  unit: string;
  /** The name of the figure. */
  figure: string;
  /** The contender that is ours. */
  ours: string;
  /** The best of these by median counts; none: the goal is of the figure itself. */
  rivals: string[];
  /** Another figure of the rivals' than of ours. */
  rivalFigure?: string;
  /** A smaller figure is the better one. */
  isLessBetter?: boolean;
  /** None: the row is there to be read beside others. */
  goal?: Goal | undefined;
};

/** Contenders that run in turn, round by round, and the rows that come of them. */
export type Group = {
  id: string;
  contenders: Contender[];
  rows: Row[];
  /** What is not here and therefore not measured. */
  skipped?: string[];
};

/** How long and how often. */
export type Effort = {
  rounds: number;
  /** Of a throughput run, s. */
  seconds: number;
  /** Of a file. */
  fileBytes: number;
  /** Of a latency run. */
  pings: number;
  /** Connections held. */
  idle: number;
};

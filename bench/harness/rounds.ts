// Runs the contenders of a group in turn (A B C A B C ...) and makes rows of what they gave.

import { softnetDrops } from "./meter.ts";
import type { Figures, Goal, Group, Row } from "./types.ts";

/** All figures of a contender; a run that failed is in `failures` and nowhere else. */
export type Runs = { runs: Figures[]; failures: string[] };
export type Spread = { median: number; min: number; max: number; n: number };

export type Outcome = {
  group: string;
  row: string;
  unit: string;
  ours: Spread | null;
  rival: (Spread & { name: string }) | null;
  /** Ours to the rival's, of the medians. */
  ratio: number | null;
  goal: string;
  /** How far towards the goal: 1 and more is reached, whichever way the goal points. */
  reached: number | null;
  isMet: boolean | null;
  failures: number;
  /** Of ours, all rounds together: frames lost in our rings, in the kernel's backlog, segments sent again. */
  drops: number;
  softnet: number;
  retrans: number;
};

export type GroupResult = {
  id: string;
  date: string;
  contenders: Record<string, Runs>;
  rows: Outcome[];
  skipped: string[];
};

/** Runs a group. @param say - told of each run */
export async function runGroup(group: Group, rounds: number, say: (text: string) => void): Promise<GroupResult> {
  const contenders: Record<string, Runs> = {};
  for (const { name } of group.contenders) contenders[name] = { runs: [], failures: [] };
  for (let round = 1; round <= rounds; round++) {
    for (const { name, run, isOnce } of group.contenders) {
      if (isOnce && round > 1) continue;
      const before = softnetDrops();
      try {
        const figures = await run();
        contenders[name]!.runs.push({ ...figures, softnet: softnetDrops() - before });
        say(`${group.id} ${round}/${rounds} ${name}: ${describe(figures)}`);
      } catch (error) {
        const message = (error as Error).message;
        contenders[name]!.failures.push(message);
        say(`${group.id} ${round}/${rounds} ${name}: FAILED ${message}`);
      }
    }
  }
  const rows = group.rows.map((row) => outcome(group.id, row, contenders));
  return { id: group.id, date: new Date().toISOString(), contenders, rows, skipped: group.skipped ?? [] };
}

function describe(figures: Figures): string {
  return Object.entries(figures)
    .map(([name, value]) => `${name} ${Number(value.toPrecision(4))}`)
    .join(", ");
}

function outcome(group: string, row: Row, contenders: Record<string, Runs>): Outcome {
  const own = contenders[row.ours] ?? { runs: [], failures: [] };
  const ours = spread(own.runs, row.figure);
  const rivals = row.rivals.flatMap((name) => {
    const found = spread(contenders[name]?.runs ?? [], row.rivalFigure ?? row.figure);
    return found === null ? [] : [{ ...found, name }];
  });
  rivals.sort((a, b) => (row.isLessBetter ? a.median - b.median : b.median - a.median));
  const rival = rivals[0] ?? null;
  const ratio = ours === null || rival === null ? null : ours.median / rival.median;
  const judged = row.rivals.length === 0 ? (ours?.median ?? null) : ratio;
  const reached = judged === null || row.goal === undefined ? null : reachedOf(row.goal, judged);
  const sum = (name: string): number => own.runs.reduce((total, run) => total + (run[name] ?? 0), 0);
  return {
    group,
    row: row.title,
    unit: row.unit,
    ours,
    rival,
    ratio,
    goal: goalText(row),
    reached,
    isMet: reached === null ? null : reached >= 1,
    failures: own.failures.length,
    drops: sum("drops"),
    softnet: sum("softnet"),
    retrans: sum("retrans"),
  };
}

function reachedOf({ atLeast, atMost }: Goal, value: number): number {
  return atLeast !== undefined ? value / atLeast : (atMost ?? 0) / value;
}

function goalText({ goal, rivals, unit }: Row): string {
  if (goal === undefined) return "";
  const { atLeast, atMost } = goal;
  const bound = atLeast !== undefined ? `≥ ${atLeast}` : `≤ ${atMost}`;
  return rivals.length === 0 ? `${bound} ${unit}`.trim() : bound;
}

/** Median, least and greatest of a figure; runs without it (0) do not count. */
function spread(runs: Figures[], figure: string): Spread | null {
  const values = runs.flatMap((run) => (run[figure] ? [run[figure]] : [])).sort((a, b) => a - b);
  const n = values.length;
  if (n === 0) return null;
  const median = n % 2 === 1 ? values[n >> 1]! : (values[n / 2 - 1]! + values[n / 2]!) / 2;
  return { median, min: values[0]!, max: values[n - 1]!, n };
}

// Two hosts, a cable and a virtual clock, all in one thread and from one seed: the same seed gives the same run, to the byte. Time
// jumps from one deadline to the next, so an hour of waiting costs nothing.

import type { Frame } from "../links/frame.ts";
import type { Impairments } from "../links/impairment.ts";
import { SimHost, type SimHostOptions } from "./host.ts";
import { Invariants } from "./invariants.ts";
import { impairedWire, type SimWire, wholeWire } from "./wire.ts";

/** Turns at one time before the simulation is taken to be stuck: a core that always has work left at once never waits. */
const MAX_TURNS_AT_ONCE = 100_000;
/** The clock starts here, so that no time is 0 by accident. */
const START_US = 1_000_000;

/** What to simulate. */
export interface SimulatorOptions {
  /** The compiled core: release, or testing with its assertions. */
  module: WebAssembly.Module;
  /** Integer, 0..2^53 - 1. Default 1. */
  seed?: number;
  /** Default: 10.0.0.1/24 and 10.0.0.2/24. */
  a?: Partial<SimHostOptions>;
  /** As `a`. */
  b?: Partial<SimHostOptions>;
  /** What happens to packets from a to b, and from b to a. Default: 50 µs of delay and no harm. `seed` is the simulator's. */
  aToB?: Omit<Impairments, "seed">;
  /** As `aToB`. */
  bToA?: Omit<Impairments, "seed">;
  /** Super-segments arrive whole, on a wire without impairments and with this delay, µs. */
  wholeDelayUs?: number;
  /** Sees each frame that enters the cable. */
  onFrame?: (from: "a" | "b", frame: Frame, nowUs: number) => void;
  /** Check the invariants after each turn. Default true. */
  checkInvariants?: boolean;
}

/** A run of two hosts. */
export class Simulator {
  /** One host. */
  readonly a: SimHost;
  /** The other. */
  readonly b: SimHost;
  /** What a sends goes through it. */
  readonly aToB: SimWire;
  /** What b sends goes through it. */
  readonly bToA: SimWire;
  /** Asked for each frame that enters the cable: `false` loses it. To be set, and reset to null, at any time. */
  filter: ((from: "a" | "b", frame: Frame) => boolean) | null = null;
  /** Called after each turn: an application that reads and writes. Set by the user. */
  readonly processes: (() => void)[] = [];
  readonly #onFrame: SimulatorOptions["onFrame"];
  readonly #invariants: Invariants[];
  #lateUs = -1;
  #nowUs = START_US;

  constructor(options: SimulatorOptions) {
    const { module, seed = 1, a, b, wholeDelayUs, checkInvariants = true } = options;
    this.a = new SimHost(module, { address: 0x0a000001, ...a }, seed);
    this.b = new SimHost(module, { address: 0x0a000002, ...b }, seed);
    const wire = (impairments: Omit<Impairments, "seed"> = { delayMs: 0.05 }, stream: number) =>
      wholeDelayUs === undefined ? impairedWire({ ...impairments, seed }, stream) : wholeWire(wholeDelayUs);
    this.aToB = wire(options.aToB, 0);
    this.bToA = wire(options.bToA, 1);
    this.#onFrame = options.onFrame;
    this.#invariants = checkInvariants ? [new Invariants(this.a, "a"), new Invariants(this.b, "b")] : [];
  }

  /** The virtual time, µs. */
  get nowUs(): number {
    return this.#nowUs;
  }

  /**
   * Runs until a time: does everything there is to do, then moves the clock to the next deadline, and so on.
   * @param untilUs - µs on the simulator's clock
   * @param done - asked whenever all is done that there was to do at a time; true ends the run, at that time
   * @returns whether `done` said so
   * @throws InvariantError; Error if the hosts never come to rest
   */
  run(untilUs: number, done: () => boolean = () => false): boolean {
    do {
      this.#settle();
      if (done()) return true;
    } while (this.#advance(untilUs));
    return false;
  }

  /** Runs for a time, µs. See {@link Simulator.run}. */
  runFor(us: number, done?: () => boolean): boolean {
    return this.run(this.#nowUs + us, done);
  }

  /** Moves the clock. @returns false when there is nothing left to wait for before `untilUs`, where it then stands */
  #advance(untilUs: number): boolean {
    // What was asked for since we settled is done before the clock moves; once, as some ask again each time they are asked
    if ((this.a.hasOps || this.b.hasOps) && this.#lateUs !== this.#nowUs) {
      this.#lateUs = this.#nowUs;
      return true;
    }
    const next = Math.min(
      this.a.nextDeadlineUs(this.#nowUs),
      this.b.nextDeadlineUs(this.#nowUs),
      this.aToB.nextDeadlineUs(),
      this.bToA.nextDeadlineUs(),
    );
    if (next > untilUs || next === Number.POSITIVE_INFINITY) {
      if (untilUs !== Number.POSITIVE_INFINITY) this.#nowUs = Math.max(this.#nowUs, untilUs);
      return false;
    }
    // Whole microseconds, as the core counts them.
    this.#nowUs = Math.max(this.#nowUs, Math.ceil(next));
    return true;
  }

  /** Turns of both hosts until nothing happens any more at this time. */
  #settle(): void {
    for (let turn = 0; turn < MAX_TURNS_AT_ONCE; turn++) {
      const busyA = this.#turn(this.a, "a", this.bToA, this.aToB);
      const busyB = this.#turn(this.b, "b", this.aToB, this.bToA);
      for (const process of this.processes) process();
      if (!busyA && !busyB && !this.#hasWork()) return;
    }
    throw new Error(`the hosts do not come to rest at ${this.#nowUs} µs`);
  }

  #hasWork(): boolean {
    const deadline = Math.min(this.a.nextDeadlineUs(this.#nowUs), this.b.nextDeadlineUs(this.#nowUs));
    const arrival = Math.min(this.aToB.nextDeadlineUs(), this.bToA.nextDeadlineUs());
    return Math.min(deadline, arrival) <= this.#nowUs || this.a.hasOps || this.b.hasOps;
  }

  #turn(host: SimHost, name: "a" | "b", input: SimWire, output: SimWire): boolean {
    const nowUs = this.#nowUs;
    host.beginTurn(nowUs);
    host.receive(input, nowUs);
    const sent = host.transmit((frame) => {
      this.#onFrame?.(name, frame, nowUs);
      if (this.filter === null || this.filter(name, frame)) output.push(frame, nowUs);
    }, nowUs);
    const told = host.deliverEvents();
    const index = name === "a" ? 0 : 1;
    this.#invariants[index]?.check();
    return sent > 0 || told;
  }
}

// The run-to-completion loop of a stack: what main wants, frames in, timers, frames out, events, sleep. A function of core, ports,
// clock and a way to wait, so that tests run it with fakes. Makes no decision about segments and knows no kind of link or thread.
import {
  CONTROL_HANDLED,
  CONTROL_REQUESTS,
  DOORBELL_PENDING,
  EVENT_BELL,
  EVENT_BELL_WAITING,
  RX_DESCRIPTOR_CAPACITY,
  STOP,
} from "../assembly/layout.ts";
import type { CoreExports } from "../src/core-exports.ts";
import type { Port } from "./port.ts";

/** The core's exports that the loop calls. */
export type LoopCore = Pick<
  CoreExports,
  "userCalls" | "receive" | "runTimers" | "transmit" | "transmitted" | "flushEvents" | "nextDeadline" | "shutdown"
>;

/** What the loop runs over. */
export interface LoopParts {
  core: LoopCore;
  /** View of the whole memory. */
  i32: Int32Array<SharedArrayBuffer>;
  /** Ports by interface; 0 is the loopback, which has none. */
  ports: readonly (Port | undefined)[];
  /** µs, never backwards. */
  clock: () => number;
}

/** How a thread that belongs to the loop spends the time between two turns. */
export interface Rest {
  /** Sleeps until the doorbell rings, a link has news, or `timeoutUs` (Infinity: no deadline) is over. Returns at once if it rang. */
  sleep: (timeoutUs: number) => void;
  /** µs to look on for work before sleeping. 0: sleep at once. */
  spinUs: number;
}

/** Turns at the end in which what is on its way out may leave. */
const LAST_TURNS = 64;
/** Turns in a row for which full batches of received frames may put the timers off: more than a link holds is a flood. */
const TIMERS_PUT_OFF = 8;
/** µs for which links that delay frames, or take no more now, may go on with what is left: the last ACK or reset is one the peer waits for. */
const LAST_FRAMES_US = 1_000_000;

/** The loop of one stack: `run` for a thread of its own, the other methods for a driver (driver.ts) on somebody else's. */
export class Loop {
  readonly #parts: LoopParts;
  /** Turns for which the timers were put off. */
  #timersPutOff = 0;
  /** When, at the end, links that have frames left have had their time, µs. */
  #lastUs = 0;

  constructor(parts: LoopParts) {
    this.#parts = parts;
  }

  /**
   * Runs until main stops the stack or has sent a control message.
   * @returns `stop`: it is over; `control`: return to the event loop, then call `run` again
   */
  run({ sleep, spinUs }: Rest): "stop" | "control" {
    const { i32, clock } = this.#parts;
    let busyUs = clock();
    for (;;) {
      // Taken down before we look for work: work that comes later puts it up again, and then we do not sleep.
      Atomics.store(i32, DOORBELL_PENDING >>> 2, 0);
      if (Atomics.load(i32, STOP >>> 2) !== 0) {
        for (let leftUs = this.finish(); leftUs !== Number.POSITIVE_INFINITY; leftUs = this.lastTurn()) {
          if (leftUs > 0) sleep(leftUs);
        }
        return "stop";
      }
      if (this.isControlWaiting) return "control";
      const nowUs = clock();
      if (this.turn(nowUs) > 0) busyUs = nowUs;
      const deadlineUs = this.nextDeadlineUs(clock());
      const afterUs = clock();
      if (deadlineUs <= afterUs || afterUs - busyUs < spinUs) continue;
      this.beforeSleep();
      sleep(deadlineUs - afterUs);
    }
  }

  /** Whether a control message has been sent that the event loop has not delivered. */
  get isControlWaiting(): boolean {
    const { i32 } = this.#parts;
    return Atomics.load(i32, CONTROL_REQUESTS >>> 2) !== Atomics.load(i32, CONTROL_HANDLED >>> 2);
  }

  /** One turn. @returns a number that is 0 if nothing was done */
  turn(nowUs: number): number {
    const { core, ports } = this.#parts;
    let work = core.userCalls(nowUs);
    let isMore = false;
    for (let index = 1; index < ports.length; index++) {
      const count = ports[index]!.receive(nowUs);
      if (count > 0) core.receive(index, count, nowUs);
      if (count === RX_DESCRIPTOR_CAPACITY) isMore = true;
      work += count;
    }
    // What a timer waits for may have arrived already and lie in the next batch
    this.#timersPutOff = isMore && this.#timersPutOff < TIMERS_PUT_OFF ? this.#timersPutOff + 1 : 0;
    if (this.#timersPutOff === 0) core.runTimers(nowUs);
    work += this.#transmit(nowUs);
    if (core.flushEvents() !== 0) this.#ringMain();
    return work;
  }

  /** Fills the TX rings and lets the links empty them, until the core has nothing more or the links take no more. */
  #transmit(nowUs: number): number {
    const { core, ports } = this.#parts;
    let total = 0;
    core.transmit(nowUs);
    for (let index = 1; index < ports.length; index++) {
      const count = ports[index]!.transmit(nowUs);
      if (count > 0) core.transmitted(index);
      total += count;
    }
    return total;
  }

  /** After the events have been published; see src/event-pump.ts for the other side. */
  #ringMain(): void {
    const { i32 } = this.#parts;
    Atomics.add(i32, EVENT_BELL >>> 2, 1);
    if (Atomics.exchange(i32, EVENT_BELL_WAITING >>> 2, 0) !== 0) Atomics.notify(i32, EVENT_BELL >>> 2);
  }

  /** When the next turn is due though nothing wakes the loop, µs; Infinity = never. */
  nextDeadlineUs(nowUs: number): number {
    return Math.min(this.#parts.core.nextDeadline(nowUs), this.#portsDeadlineUs(nowUs));
  }

  #portsDeadlineUs(nowUs: number): number {
    const { ports } = this.#parts;
    let deadlineUs = Number.POSITIVE_INFINITY;
    for (let index = 1; index < ports.length; index++) {
      deadlineUs = Math.min(deadlineUs, ports[index]!.nextDeadlineUs(nowUs));
    }
    return deadlineUs;
  }

  /** Lets the links write out what they buffer. */
  beforeSleep(): void {
    const { ports } = this.#parts;
    for (let index = 1; index < ports.length; index++) ports[index]!.beforeSleep();
  }

  /**
   * What main asked for before it stopped us is still done; then what is left ends: TIME-WAIT, connections of nobody.
   * @returns µs until `lastTurn` is due, at the latest: links that delay frames pass on what they hold, those that take no more wake the loop
   * when they do; Infinity: it is over
   */
  finish(): number {
    const { clock, core } = this.#parts;
    for (let turns = 0; turns < LAST_TURNS && this.turn(clock()) > 0; turns++);
    core.shutdown(clock());
    for (let turns = 0; turns < LAST_TURNS && this.turn(clock()) > 0; turns++);
    this.#lastUs = clock() + LAST_FRAMES_US;
    return this.#leftUs();
  }

  /** A turn after `finish`. @returns µs until the next one is due; Infinity: it is over */
  lastTurn(): number {
    const { i32, clock } = this.#parts;
    const nowUs = clock();
    Atomics.store(i32, DOORBELL_PENDING >>> 2, 0);
    this.turn(nowUs);
    return nowUs < this.#lastUs ? this.#leftUs() : Number.POSITIVE_INFINITY;
  }

  #leftUs(): number {
    const nowUs = this.#parts.clock();
    const deadlineUs = this.#portsDeadlineUs(nowUs);
    if (deadlineUs <= this.#lastUs) return Math.max(0, deadlineUs - nowUs);
    return this.#isBlocked ? Math.max(0, this.#lastUs - nowUs) : Number.POSITIVE_INFINITY;
  }

  get #isBlocked(): boolean {
    return this.#parts.ports.some((port) => port?.blocked);
  }
}

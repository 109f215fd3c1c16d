// Rings the doorbell of a core, from whatever thread has work for it. The core's side of the protocol (workers/loop.ts):
//
//   ringer                            core
//   publish the work                  pending = 0, then look for work
//   pending = 1                       nothing found: sleeping = how
//   sleeping != awake: wake it        pending still 0: sleep (a futex checks again, a poll is woken by its eventfd)
//
// All four accesses are sequentially consistent: either the core sees pending, or the ringer sees that it sleeps, or both. A wake-up may
// be on its way while the core has not yet gone to sleep, and must not be lost: an eventfd stays readable; for a futex, pending is set again.
import {
  DOORBELL_PENDING,
  DOORBELL_SLEEPING,
  SLEEP_AWAKE,
  SLEEP_FUTEX,
  SLEEP_POLL,
  WAKE_FD,
} from "../assembly/layout.ts";

/** Anything that can be rung: a `Doorbell`, or what drives a core of this thread. */
export interface Bell {
  /** Tells the core that there is work; cheap while it is awake. */
  ring(): void;
}

/** The doorbell of one core. */
export class Doorbell implements Bell {
  readonly #i32: Int32Array;
  readonly #wakeFd: (fd: number) => void;

  /**
   * @param i32 - view of the core's memory
   * @param wakeFd - makes an eventfd readable (the addon's `wake`); only called while the core sleeps in poll
   */
  constructor(i32: Int32Array, wakeFd: (fd: number) => void) {
    this.#i32 = i32;
    this.#wakeFd = wakeFd;
  }

  ring(): void {
    const i32 = this.#i32;
    Atomics.store(i32, DOORBELL_PENDING >>> 2, 1);
    const sleeping = Atomics.load(i32, DOORBELL_SLEEPING >>> 2);
    if (sleeping === SLEEP_AWAKE) return;
    // One ringer wakes it; the others see it awake, and the wake-up that is under way finds their work.
    if (Atomics.compareExchange(i32, DOORBELL_SLEEPING >>> 2, sleeping, SLEEP_AWAKE) !== sleeping) return;
    if (sleeping === SLEEP_POLL) this.#wakeFd(Atomics.load(i32, WAKE_FD >>> 2));
    if (sleeping !== SLEEP_FUTEX) return;
    // The core may have found our work and taken pending down before it said that it sleeps, and not sleep yet.
    Atomics.store(i32, DOORBELL_PENDING >>> 2, 1);
    Atomics.notify(i32, DOORBELL_PENDING >>> 2);
  }
}

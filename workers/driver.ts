// Drives the loop of a stack from an event loop that belongs to others: turns in microtasks and callbacks, never a wait. One microtask
// takes what a whole tick of the caller's code has asked for; after some turns in a row the event loop gets its own back.
import {
  DOORBELL_PENDING,
  DOORBELL_SLEEPING,
  SLEEP_AWAKE,
  type SLEEP_FUTEX,
  type SLEEP_POLL,
} from "../assembly/layout.ts";
import type { Loop } from "./loop.ts";

/**
 * Turns in microtasks before the event loop gets its turn: a caller who never waits for anything but us, and whom we never keep
 * waiting, would hold up all its timers and sockets.
 */
const TURNS_IN_A_ROW = 16;

/** What wakes a driver while nobody calls it: links, peers, time. */
export interface Waker {
  /** How a peer's doorbell reaches it. */
  readonly kind: typeof SLEEP_FUTEX | typeof SLEEP_POLL;
  /** The thread goes back to its event loop: call `onWake` when a link has news, the doorbell rings or the time is over, or earlier. */
  arm(timeoutUs: number): void;
  /** Whether it keeps the process alive. */
  ref(): void;
  unref(): void;
  close(): void;
}

/** What a driver works with. */
export interface DriverParts {
  loop: Pick<Loop, "turn" | "nextDeadlineUs" | "beforeSleep" | "finish" | "lastTurn">;
  i32: Int32Array<SharedArrayBuffer>;
  clock: () => number;
  /** @param onWake - the driver's; must be called by the event loop itself, not from within a call of the driver */
  openWaker: (onWake: () => void) => Waker;
  /** Delivers the events of the core to the user's promises. */
  deliver: () => void;
  /** The core trapped: it is over. */
  onCrash: (error: Error) => void;
}

/** Drives one loop. */
export class Driver {
  readonly #parts: DriverParts;
  readonly #waker: Waker;
  readonly #microturn = (): void => this.#run();
  readonly #macroturn = (): void => {
    this.#turnsLeft = TURNS_IN_A_ROW;
    this.#run();
  };
  #turnsLeft = TURNS_IN_A_ROW;
  #scheduled = false;
  #over = false;
  /** What the loop said when it was told to finish, or after its last turn; undefined while nobody has stopped it. */
  #leftUs: number | undefined;
  readonly #ended: Promise<void>;
  #onEnd!: () => void;

  constructor(parts: DriverParts) {
    this.#parts = parts;
    this.#ended = new Promise((resolve) => {
      this.#onEnd = resolve;
    });
    this.#waker = parts.openWaker(() => this.#wake());
  }

  /** There is work: a turn comes as soon as the code that runs now is done. */
  ring(): void {
    if (this.#scheduled || this.#over) return;
    this.#scheduled = true;
    if (this.#turnsLeft > 0) queueMicrotask(this.#microturn);
    else setImmediate(this.#macroturn);
  }

  ref(): void {
    if (!this.#over) this.#waker.ref();
  }

  unref(): void {
    if (!this.#over) this.#waker.unref();
  }

  /** Does what was asked for and says goodbye to the peers, at once; is over when the links have passed on what they delay. */
  stop(): Promise<void> {
    if (!this.#over && this.#leftUs === undefined) {
      this.#guarded(() => {
        this.#leftUs = this.#parts.loop.finish();
        this.#rest();
      });
    }
    return this.#ended;
  }

  /** As `stop`, but the event loop will turn no more: what the links delay is lost. */
  halt(): void {
    void this.stop();
    this.#end();
  }

  #wake(): void {
    if (this.#over) return;
    this.#turnsLeft = TURNS_IN_A_ROW;
    this.#turn();
  }

  #run(): void {
    this.#scheduled = false;
    if (!this.#over) this.#turn();
  }

  #turn(): void {
    const { loop, i32, clock, deliver } = this.#parts;
    Atomics.store(i32, DOORBELL_SLEEPING >>> 2, SLEEP_AWAKE);
    Atomics.store(i32, DOORBELL_PENDING >>> 2, 0);
    this.#turnsLeft--;
    const work = (): void => {
      if (this.#leftUs === undefined) loop.turn(clock());
      else this.#leftUs = loop.lastTurn();
    };
    if (!this.#guarded(work)) return;
    deliver();
    // A listener of the user's may have closed the stack.
    if (this.#over) return;
    // The user's continuations run before a turn that was rung for here.
    this.#guarded(() => this.#rest());
  }

  /** Back to the event loop, unless there is something to do at once, or all is done. */
  #rest(): void {
    if (this.#leftUs === Number.POSITIVE_INFINITY) {
      this.#end();
      return;
    }
    const { loop, i32, clock } = this.#parts;
    const nowUs = clock();
    const timeoutUs = this.#leftUs ?? loop.nextDeadlineUs(nowUs) - nowUs;
    loop.beforeSleep();
    Atomics.store(i32, DOORBELL_SLEEPING >>> 2, this.#waker.kind);
    // Looked at after we said how we sleep: whoever sets it from now on wakes us.
    const isDue = timeoutUs <= 0 || Atomics.load(i32, DOORBELL_PENDING >>> 2) !== 0;
    if (isDue) this.ring();
    this.#waker.arm(isDue ? Number.POSITIVE_INFINITY : timeoutUs);
  }

  /** @returns false if the core is dead */
  #guarded(work: () => void): boolean {
    try {
      work();
      return true;
    } catch (error) {
      this.#end();
      this.#parts.onCrash(error as Error);
      return false;
    }
  }

  #end(): void {
    if (this.#over) return;
    this.#over = true;
    Atomics.store(this.#parts.i32, DOORBELL_SLEEPING >>> 2, SLEEP_AWAKE);
    this.#waker.close();
    this.#onEnd();
  }
}

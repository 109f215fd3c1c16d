// Main's side of the event ring: takes the core's events in order and waits for more without blocking the event loop. A pending
// wait does not keep the process alive; what does is the host's business.
import { EVENT_BELL, EVENT_BELL_WAITING, EVENT_BYTES, EVENT_CAPACITY, EVENT_RING } from "../assembly/layout.ts";
import type { SharedViews } from "./memory.ts";
import { RingConsumer } from "./rings.ts";

/** Rounds of events taken in a row before other things of the process get their turn. */
const MAX_ROUNDS = 16;

/** Delivers the events of one stack. */
export class EventPump {
  readonly #i32: Int32Array<SharedArrayBuffer>;
  readonly #ring: RingConsumer;
  readonly #onEvent: (slot: number) => void;
  readonly #waits: boolean;
  readonly #pump = (): void => this.#run();
  #running = false;

  /**
   * @param onEvent - gets the address of each slot (EVENT_*), which is valid until it returns. Must not throw
   * @param waits - false: the core runs in this thread, and who runs it calls `turn` after each of its turns
   */
  constructor(views: SharedViews, onEvent: (slot: number) => void, waits: boolean) {
    this.#i32 = views.i32;
    this.#ring = new RingConsumer(views.i32, EVENT_RING, EVENT_BYTES, EVENT_CAPACITY);
    this.#onEvent = onEvent;
    this.#waits = waits;
  }

  start(): void {
    this.#running = true;
    if (this.#waits) this.#run();
    else this.drain();
  }

  /** Delivers nothing any more. */
  stop(): void {
    this.#running = false;
    // A wait that nobody ends would hold the stack's memory for as long as the process lives.
    if (this.#waits) Atomics.notify(this.#i32, EVENT_BELL >>> 2);
  }

  /** After a turn of a core in this thread: as `drain`, unless stopped. */
  turn(): void {
    if (this.#running) this.drain();
  }

  /** Delivers what is there now. */
  drain(): void {
    for (let slot = this.#ring.peek(); slot >= 0; slot = this.#ring.peek()) {
      this.#onEvent(slot);
      this.#ring.release();
    }
  }

  #run(): void {
    for (let round = 0; this.#running && round < MAX_ROUNDS; round++) {
      // The core publishes events, then increments the bell, then takes down our word that we wait, and if it was up wakes us. An
      // event that this drain misses has not rung yet, so the bell is another one when waitAsync compares it, or later.
      const sequence = Atomics.load(this.#i32, EVENT_BELL >>> 2);
      this.drain();
      if (!this.#running) return;
      const wait = Atomics.waitAsync(this.#i32, EVENT_BELL >>> 2, sequence);
      if (wait.async) {
        void wait.value.then(this.#pump);
        // Our word goes up only now that we can be woken: a ring from before we drained would take it down and wake nobody, and
        // all rings after it would find it down. Who rang before it was up did not see it, so we look once more.
        Atomics.store(this.#i32, EVENT_BELL_WAITING >>> 2, 1);
        if (Atomics.load(this.#i32, EVENT_BELL >>> 2) !== sequence) Atomics.notify(this.#i32, EVENT_BELL >>> 2);
        return;
      }
    }
    if (this.#running) setImmediate(this.#pump);
  }
}

// The TypeScript ends of the rings of fixed-size slots in shared memory (layout.ts, RING_*): one producer, one consumer, each with
// a free-running u32 index on a line of its own. The other side's index is bounded before use, never trusted.
import { RING_CORRUPT, RING_HEAD, RING_SLOTS, RING_TAIL } from "../assembly/layout.ts";

/** The end that fills slots. */
export class RingProducer {
  readonly #i32: Int32Array;
  readonly #ptr: number;
  readonly #slotBytes: number;
  readonly #capacity: number;
  #tail: number;

  /**
   * @param i32 - view of the whole memory
   * @param ptr - address of the ring
   * @param slotBytes - bytes of a slot
   * @param capacity - slots, a power of two
   */
  constructor(i32: Int32Array, ptr: number, slotBytes: number, capacity: number) {
    this.#i32 = i32;
    this.#ptr = ptr;
    this.#slotBytes = slotBytes;
    this.#capacity = capacity;
    this.#tail = Atomics.load(i32, (ptr + RING_TAIL) >>> 2) >>> 0;
  }

  /** The address of the next free slot, or -1 if the ring is full (or the consumer's index impossible, which is counted). */
  reserve(): number {
    // Atomic: what the consumer read from a slot it did read before it moved head; we must not write there earlier.
    const used = (this.#tail - Atomics.load(this.#i32, (this.#ptr + RING_HEAD) >>> 2)) >>> 0;
    if (used >= this.#capacity) {
      if (used > this.#capacity) Atomics.add(this.#i32, (this.#ptr + RING_CORRUPT) >>> 2, 1);
      return -1;
    }
    return this.#ptr + RING_SLOTS + (this.#tail & (this.#capacity - 1)) * this.#slotBytes;
  }

  /** Hands the slot that `reserve` gave to the consumer. */
  publish(): void {
    this.#tail = (this.#tail + 1) >>> 0;
    // Atomic: the slot's bytes must be seen by whoever sees the new tail.
    Atomics.store(this.#i32, (this.#ptr + RING_TAIL) >>> 2, this.#tail | 0);
  }
}

/** The end that empties slots. */
export class RingConsumer {
  readonly #i32: Int32Array;
  readonly #ptr: number;
  readonly #slotBytes: number;
  readonly #capacity: number;
  #head: number;

  /** As {@link RingProducer}. */
  constructor(i32: Int32Array, ptr: number, slotBytes: number, capacity: number) {
    this.#i32 = i32;
    this.#ptr = ptr;
    this.#slotBytes = slotBytes;
    this.#capacity = capacity;
    this.#head = Atomics.load(i32, (ptr + RING_HEAD) >>> 2) >>> 0;
  }

  /** The address of the oldest slot, or -1 if the ring is empty (or the producer's index impossible, which is counted). */
  peek(): number {
    // Atomic: we have to read the slots *after* the tail that promises them.
    const used = (Atomics.load(this.#i32, (this.#ptr + RING_TAIL) >>> 2) - this.#head) >>> 0;
    if (used === 0) return -1;
    if (used > this.#capacity) {
      Atomics.add(this.#i32, (this.#ptr + RING_CORRUPT) >>> 2, 1);
      return -1;
    }
    return this.#ptr + RING_SLOTS + (this.#head & (this.#capacity - 1)) * this.#slotBytes;
  }

  /** Gives the oldest slot, which has been read, back to the producer. */
  release(): void {
    this.#head = (this.#head + 1) >>> 0;
    // Atomic: our reads of the slot come before the head that allows its reuse.
    Atomics.store(this.#i32, (this.#ptr + RING_HEAD) >>> 2, this.#head | 0);
  }
}

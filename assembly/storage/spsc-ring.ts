// The core's end of a ring of fixed-size slots between two threads, one producer and one consumer. The layout of the header
// is in layout.ts, for the other end is TypeScript or C++; slot size and count are arguments, which callers have as constants.
// Each side writes its own free-running u32 index, on a cache line of its own, and distrusts the other's.
//
//   RING_HEAD          RING_TAIL          RING_CORRUPT      RING_SLOTS
//  ┌─ consumer's line ─┬─ producer's line ─┬─ either, rarely ─┬─ slot 0 ─┬─ slot 1 ─┬─ ...
//  │ head u32          │ tail u32          │ corrupt u32      │
//  └───────────────────┴───────────────────┴──────────────────┴──────────┴──────────┴─ ...

import { RING_CORRUPT, RING_HEAD, RING_SLOTS, RING_TAIL } from "../layout";

/**
 * ptr -> RING_SLOTS + slotBytes * capacity bytes, CACHE_LINE aligned. In all methods `capacity` is in slots and a power of two,
 * and `ahead` counts slots beyond the index: many slots can be filled or read, then published or released at once. A
 * producer that changes its mind publishes nothing.
 */
@unmanaged
@final
export class SpscRing {
  static at(ptr: usize): SpscRing {
    return changetype<SpscRing>(ptr);
  }

  /** Makes the ring empty. Before the other thread knows of it. */
  init(): void {
    const ptr = changetype<usize>(this);
    store<u32>(ptr, 0, RING_HEAD);
    store<u32>(ptr, 0, RING_CORRUPT);
    atomic.store<u32>(ptr, 0, RING_TAIL);
  }

  /** Times an index of the other side was out of bounds. */
  get corrupt(): u32 {
    return atomic.load<u32>(changetype<usize>(this), RING_CORRUPT);
  }

  /** Producer: slots that can be filled now; 0 if the consumer's index is out of bounds, which is counted. */
  free(capacity: u32): u32 {
    const ptr = changetype<usize>(this);
    // Atomic: what the consumer read from a slot it did read before it moved head; we must not write there earlier
    const used = load<u32>(ptr, RING_TAIL) - atomic.load<u32>(ptr, RING_HEAD);
    if (used > capacity) return this.countCorrupt();
    return capacity - used;
  }

  /** Producer: address of the slot `ahead` of the tail, or 0 if the ring is full there. */
  reserve(slotBytes: u32, capacity: u32, ahead: u32 = 0): usize {
    if (ahead >= this.free(capacity)) return 0;
    return this.slotAt(load<u32>(changetype<usize>(this), RING_TAIL) + ahead, slotBytes, capacity);
  }

  /** Producer: hands the next `count` slots, all filled, to the consumer. */
  publish(count: u32): void {
    const ptr = changetype<usize>(this);
    // Atomic: the slots' bytes must be seen by whoever sees the new tail
    atomic.store<u32>(ptr, load<u32>(ptr, RING_TAIL) + count, RING_TAIL);
  }

  /** Consumer: slots that can be read now; 0 if the producer's index is out of bounds, which is counted. */
  used(capacity: u32): u32 {
    const ptr = changetype<usize>(this);
    // Atomic: we have to read the slots *after* the tail that promises them
    const used = atomic.load<u32>(ptr, RING_TAIL) - load<u32>(ptr, RING_HEAD);
    if (used > capacity) return this.countCorrupt();
    return used;
  }

  /** Consumer: address of the slot `ahead` of the head, or 0 if the ring is empty there. */
  peek(slotBytes: u32, capacity: u32, ahead: u32 = 0): usize {
    if (ahead >= this.used(capacity)) return 0;
    return this.slotAt(load<u32>(changetype<usize>(this), RING_HEAD) + ahead, slotBytes, capacity);
  }

  /** Consumer: gives the next `count` slots, all read, back to the producer. */
  release(count: u32): void {
    const ptr = changetype<usize>(this);
    // Atomic: our reads of the slots come before the head that allows their reuse
    atomic.store<u32>(ptr, load<u32>(ptr, RING_HEAD) + count, RING_HEAD);
  }

  /** Address of the slot that the free-running `index` falls on: within the ring whatever the index is. */
  slotAt(index: u32, slotBytes: u32, capacity: u32): usize {
    return changetype<usize>(this) + RING_SLOTS + <usize>(index & (capacity - 1)) * slotBytes;
  }

  countCorrupt(): u32 {
    atomic.add<u32>(changetype<usize>(this), 1, RING_CORRUPT); // atomic: both ends may count
    return 0;
  }
}

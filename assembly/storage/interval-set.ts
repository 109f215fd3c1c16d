// Sorted disjoint ranges [start, end) of a u32 space that wraps, all at or after a base that moves forward: out-of-order
// data that waits for its hole. Order is that of (x - base) as u32; a position whose distance is 2^31 or more lies below the
// base (RFC 9293 3.4).
//
//   base          start0   end0        start1        end1
//    ┼──────────────┝━━━━━━━━┥───────────┝━━━━━━━━━━━━━┥────────▶      end0 < start1: touching ranges are one range

import { NONE } from "./none";

// One range: start u32, end u32
const RANGE_BYTES: u32 = 8;
const START: usize = 0;
const END: usize = 4;

/**
 * Bytes of a set.
 * @param capacity ranges, >= 1; meant for some hundreds, as every change may move them all (4 KiB at 509)
 */
export function intervalSetBytes(capacity: u32): u32 {
  return <u32>offsetof<IntervalSet>() + capacity * RANGE_BYTES;
}

/** ptr -> intervalSetBytes(capacity), 4-byte aligned. The memory may hold anything. */
@unmanaged
@final
export class IntervalSet {
  /** Nothing below is in the set. */
  base: u32;
  capacity: u32;
  /** Ranges now. */
  count: u32;
  /** Sum of the ranges' lengths. */
  totalBytes: u32;
  /** Inserts refused because the set was full. */
  refused: u32;

  static at(ptr: usize): IntervalSet {
    return changetype<IntervalSet>(ptr);
  }

  /** Makes an empty set above base. */
  init(base: u32, capacity: u32): void {
    assert(capacity > 0); // a set without room has no use
    this.capacity = capacity;
    this.refused = 0;
    this.clear(base);
  }

  /** Forgets all ranges (a SACK reneger, an abort) and starts again above base. */
  clear(base: u32): void {
    this.base = base;
    this.count = 0;
    this.totalBytes = 0;
  }

  startAt(index: u32): u32 {
    return load<u32>(this.rangePtr(index), START);
  }

  endAt(index: u32): u32 {
    return load<u32>(this.rangePtr(index), END);
  }

  /**
   * Adds [start, end), cut at the base, and joins it with every range that it overlaps or touches.
   * @returns bytes that were not covered before; 0 if none, if the range is empty or below the base, or if it would be
   *   a range of its own in a full set (`refused` tells)
   */
  insert(start: u32, end: u32): u32 {
    const base = this.base;
    if (<i32>(end - start) <= 0 || <i32>(end - base) <= 0) return 0;
    let from: u32 = <i32>(start - base) < 0 ? 0 : start - base;
    let to = end - base;

    const first = this.firstEndingFrom(from);
    let last = first;
    let covered: u32 = 0;
    while (last < this.count && this.startAt(last) - base <= to) {
      covered += this.endAt(last) - this.startAt(last);
      last += 1;
    }
    if (last > first) {
      from = min(from, this.startAt(first) - base);
      to = max(to, this.endAt(last - 1) - base);
    } else if (this.count === this.capacity) {
      this.refused += 1;
      return 0;
    }
    this.replace(first, last, base + from, base + to);
    const added = to - from - covered;
    this.totalBytes += added;
    return added;
  }

  /**
   * Moves the base forward and drops what lies below it.
   * @returns bytes dropped; 0, with nothing changed, if base lies below the present one
   */
  removeBelow(base: u32): u32 {
    const moved = base - this.base;
    if (<i32>moved < 0) return 0;
    let dropped: u32 = 0;
    let gone: u32 = 0;
    while (gone < this.count && this.endAt(gone) - this.base <= moved) {
      dropped += this.endAt(gone) - this.startAt(gone);
      gone += 1;
    }
    if (gone > 0) {
      memory.copy(this.rangePtr(0), this.rangePtr(gone), (this.count - gone) * RANGE_BYTES);
      this.count -= gone;
    }
    if (this.count > 0 && this.startAt(0) - this.base < moved) {
      dropped += base - this.startAt(0);
      store<u32>(this.rangePtr(0), base, START);
    }
    this.base = base;
    this.totalBytes -= dropped;
    return dropped;
  }

  /** Forgets the last range. @returns its start; there must be one */
  dropLast(): u32 {
    assert(this.count > 0); // the caller looked
    this.count -= 1;
    const start = this.startAt(this.count);
    this.totalBytes -= this.endAt(this.count) - start;
    return start;
  }

  /**
   * Moves the set, with all it remembers, to where it has more room.
   * @param ptr -> intervalSetBytes(capacity), apart from this set's memory
   * @param capacity ranges, at least as many as there are now
   */
  moveTo(ptr: usize, capacity: u32): void {
    assert(capacity >= this.count); // none is lost
    memory.copy(ptr, changetype<usize>(this), intervalSetBytes(this.count));
    IntervalSet.at(ptr).capacity = capacity;
  }

  /** @returns the end of the range that holds position, or position itself if none does. */
  coveredFrom(position: u32): u32 {
    const index = this.firstEndingAfter(position);
    if (index === NONE || this.startAt(index) - this.base > position - this.base) return position;
    return this.endAt(index);
  }

  /** Whether all of [start, end) is in the set. An empty range is not. */
  contains(start: u32, end: u32): bool {
    if (<i32>(end - start) <= 0) return false;
    const coveredTo = this.coveredFrom(start);
    return coveredTo !== start && coveredTo - start >= end - start;
  }

  /** @returns the index of the first range that ends after position, or NONE if there is none or it lies below the base. */
  firstEndingAfter(position: u32): u32 {
    const distance = position - this.base;
    if (<i32>distance < 0) return NONE;
    const index = this.firstEndingFrom(distance + 1);
    return index < this.count ? index : NONE;
  }

  // Index of the first range whose end is at or after base + distance (so it touches what starts there), count if none
  firstEndingFrom(distance: u32): u32 {
    let low: u32 = 0;
    let high = this.count;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.endAt(middle) - this.base < distance) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  // Puts one range in the place of ranges first..last-1 (none: it is inserted before first)
  replace(first: u32, last: u32, start: u32, end: u32): void {
    const tail = (this.count - last) * RANGE_BYTES;
    if (last !== first + 1 && tail > 0) memory.copy(this.rangePtr(first + 1), this.rangePtr(last), tail);
    this.count = this.count + 1 - (last - first);
    const ptr = this.rangePtr(first);
    store<u32>(ptr, start, START);
    store<u32>(ptr, end, END);
  }

  rangePtr(index: u32): usize {
    return changetype<usize>(this) + offsetof<IntervalSet>() + <usize>index * RANGE_BYTES;
  }
}

// A 4-ary heap of timer ids, earliest deadline on top: the near end of the timer wheel. A timer's entry knows its position,
// so one that is cancelled is found at once. Children of position p are 4p+1 .. 4p+4.

import { TIMER_IN_HEAP, TimerEntry } from "./timer-entry";

const ARITY: u32 = 4;

/** ptr -> 12 bytes of state; the ids are in an array of their own, which grows as it is used. */
@unmanaged
@final
export class DeadlineHeap {
  entriesPtr: usize;
  idsPtr: usize;
  /** Timers in the heap. */
  count: u32;

  static at(ptr: usize): DeadlineHeap {
    return changetype<DeadlineHeap>(ptr);
  }

  /**
   * @param entriesPtr TimerEntry array
   * @param idsPtr room for one u32 per id
   */
  init(entriesPtr: usize, idsPtr: usize): void {
    this.entriesPtr = entriesPtr;
    this.idsPtr = idsPtr;
    this.count = 0;
  }

  /** The id that fires first. Only if count > 0. */
  get top(): u32 {
    return load<u32>(this.idsPtr);
  }

  /** Adds an id whose entry has its deadline and sequence; fills in where and prev. */
  push(id: u32): void {
    const entry = TimerEntry.of(this.entriesPtr, id);
    entry.where = TIMER_IN_HEAP;
    const position = this.count;
    this.count = position + 1;
    this.siftUp(position, id);
  }

  /** Takes out the id at a position (its entry's prev). */
  remove(position: u32): void {
    const last = this.count - 1;
    this.count = last;
    if (position === last) return;
    const moved = load<u32>(this.idsPtr + ((<usize>last) << 2));
    // The last id may belong above the hole (it came from another branch) or below it: siftUp stops at once if below
    if (this.siftUp(position, moved) === position) this.siftDown(position, moved);
  }

  place(position: u32, id: u32): void {
    store<u32>(this.idsPtr + ((<usize>position) << 2), id);
    TimerEntry.of(this.entriesPtr, id).prev = position;
  }

  siftUp(start: u32, id: u32): u32 {
    const entry = TimerEntry.of(this.entriesPtr, id);
    let position = start;
    while (position > 0) {
      const parent = (position - 1) / ARITY;
      const parentId = load<u32>(this.idsPtr + ((<usize>parent) << 2));
      if (!entry.isBefore(TimerEntry.of(this.entriesPtr, parentId))) break;
      this.place(position, parentId);
      position = parent;
    }
    this.place(position, id);
    return position;
  }

  siftDown(start: u32, id: u32): void {
    let position = start;
    for (;;) {
      const firstChild = position * ARITY + 1;
      const end = min(firstChild + ARITY, this.count);
      let best = id;
      let bestPosition = position;
      for (let child = firstChild; child < end; child++) {
        const childId = load<u32>(this.idsPtr + ((<usize>child) << 2));
        if (TimerEntry.of(this.entriesPtr, childId).isBefore(TimerEntry.of(this.entriesPtr, best))) {
          best = childId;
          bestPosition = child;
        }
      }
      if (bestPosition === position) break;
      this.place(position, best);
      position = bestPosition;
    }
    this.place(position, id);
  }
}

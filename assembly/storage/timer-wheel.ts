// Deadlines to ids: a hierarchical timing wheel (Varghese and Lauck, 1987, scheme 7) whose next deadline is exact, because a
// virtual clock steps from one deadline to the next. The wheel keeps timers after its cursor, unsorted within a slot, in O(1);
// those at or before the cursor are in a small heap, sorted. The cursor moves only when the heap is empty: to the earliest
// deadline of the wheel, whose slot is then spread over finer ones. It is ahead of the clock, and the clock may jump.
//
// Level n has 64 slots of 64^n µs. A timer is at the level of the highest base-64 digit in which its deadline differs from
// the cursor, in the slot of that digit; so levels are in order of time, and so are the slots of a level:
//
//   cursor   = ... 5 17 40 63          level 1, slot 41: deadlines ... 5 17 41 xx
//   deadline = ... 5 17 41 02          level 2, slot 18: deadlines ... 5 18 xx xx

import { DeadlineHeap } from "./deadline-heap";
import { NONE } from "./none";
import { TIMER_ENTRY_BYTES, TIMER_IDLE, TIMER_IN_HEAP, TimerEntry } from "./timer-entry";

const SLOT_BITS: u32 = 6;
const SLOTS: u32 = 64;
const SLOT_MASK: u32 = 63;
const LEVELS: u32 = 11; // 11 digits of 6 bits hold any u64: no deadline is too far away

// State after the fields: the heap's, one u64 of occupied slots per level, one u32 (first id + 1) per slot, entries, heap ids
const HEAP_STATE: usize = offsetof<TimerWheel>();
const OCCUPIED: usize = HEAP_STATE + ((offsetof<DeadlineHeap>() + 7) & ~7);
const SLOT_HEADS: usize = OCCUPIED + LEVELS * 8;
const ENTRIES: usize = SLOT_HEADS + LEVELS * SLOTS * 4;

/** What next() says when no timer is armed, and what set() takes for "never". */
export const NEVER_US: u64 = U64.MAX_VALUE;

/**
 * Bytes of a wheel for the ids 0..capacity-1.
 * @param capacity up to 2^26
 */
export function timerWheelBytes(capacity: u32): u32 {
  return <u32>ENTRIES + capacity * TIMER_ENTRY_BYTES + ((capacity * 4 + 7) & ~7);
}

/**
 * ptr -> timerWheelBytes(capacity), 8-byte aligned; the entries must be zero (as fresh memory is) and stay untouched
 * until their id is set. set() and cancel() are O(1) for deadlines after the cursor and O(log m) for the m timers before
 * it; a timer is moved at most once per level before it fires.
 */
@unmanaged
@final
export class TimerWheel {
  cursorUs: u64;
  /** Timers armed now. */
  armed: u32;
  capacity: u32;
  sequence: u32;
  levelsOccupied: u32; // bit n: level n has a timer

  static at(ptr: usize): TimerWheel {
    return changetype<TimerWheel>(ptr);
  }

  /** Makes a wheel with no timer armed. */
  init(capacity: u32): void {
    const ptr = changetype<usize>(this);
    memory.fill(ptr, 0, ENTRIES);
    this.capacity = capacity;
    this.heap.init(ptr + ENTRIES, ptr + ENTRIES + <usize>capacity * TIMER_ENTRY_BYTES);
  }

  /**
   * Arms a timer, or moves it.
   * @param id 0..capacity-1
   * @param deadlineUs any u64; the past is fine (it fires at the next pop), NEVER_US cancels
   */
  set(id: u32, deadlineUs: u64): void {
    assert(id < this.capacity); // ids are the caller's own
    if (deadlineUs === NEVER_US) {
      this.cancel(id);
      return;
    }
    const entry = this.entry(id);
    if (entry.where === TIMER_IDLE) this.armed += 1;
    else this.detach(entry);
    entry.deadlineUs = deadlineUs;
    entry.sequence = this.sequence;
    this.sequence += 1;
    this.attach(id, entry);
  }

  /** Disarms a timer. @returns false if it was not armed. */
  cancel(id: u32): bool {
    assert(id < this.capacity); // ids are the caller's own
    const entry = this.entry(id);
    if (entry.where === TIMER_IDLE) return false;
    this.detach(entry);
    entry.where = TIMER_IDLE;
    this.armed -= 1;
    return true;
  }

  isArmed(id: u32): bool {
    return id < this.capacity && this.entry(id).where !== TIMER_IDLE;
  }

  /** @returns µs, or NEVER_US if the timer is not armed. */
  deadlineOf(id: u32): u64 {
    return this.isArmed(id) ? this.entry(id).deadlineUs : NEVER_US;
  }

  /** @returns the earliest deadline of all, exactly, in µs; NEVER_US if no timer is armed. */
  next(): u64 {
    const heap = this.heap;
    if (heap.count === 0) {
      if (this.levelsOccupied === 0) return NEVER_US;
      this.refillHeap();
    }
    return this.entry(heap.top).deadlineUs;
  }

  /**
   * Disarms the timer that fires first, if it is due: in order of deadline, and of set() among equal deadlines.
   * @param nowUs the clock; may jump forward by any amount
   * @returns its id, or NONE if no timer is due
   */
  pop(nowUs: u64): u32 {
    if (this.next() > nowUs || this.armed === 0) return NONE;
    const id = this.heap.top;
    this.heap.remove(0);
    this.entry(id).where = TIMER_IDLE;
    this.armed -= 1;
    return id;
  }

  get heap(): DeadlineHeap {
    return DeadlineHeap.at(changetype<usize>(this) + HEAP_STATE);
  }

  entry(id: u32): TimerEntry {
    return TimerEntry.of(changetype<usize>(this) + ENTRIES, id);
  }

  attach(id: u32, entry: TimerEntry): void {
    const deadlineUs = entry.deadlineUs;
    if (deadlineUs <= this.cursorUs) {
      this.heap.push(id);
      return;
    }
    const level = (63 - <u32>clz(deadlineUs ^ this.cursorUs)) / SLOT_BITS;
    const slot = <u32>(deadlineUs >> (level * SLOT_BITS)) & SLOT_MASK;
    const headPtr = this.headPtr(level, slot);
    const first = load<u32>(headPtr);
    entry.where = 1 + level * SLOTS + slot;
    entry.prev = 0;
    entry.next = first;
    if (first !== 0) {
      this.entry(first - 1).prev = id + 1;
    } else {
      const occupiedPtr = this.occupiedPtr(level);
      store<u64>(occupiedPtr, load<u64>(occupiedPtr) | ((<u64>1) << slot));
      this.levelsOccupied |= 1 << level;
    }
    store<u32>(headPtr, id + 1);
  }

  // Leaves entry.where as it is: the caller arms it again or says it is idle
  detach(entry: TimerEntry): void {
    if (entry.where === TIMER_IN_HEAP) {
      this.heap.remove(entry.prev);
      return;
    }
    if (entry.next !== 0) this.entry(entry.next - 1).prev = entry.prev;
    if (entry.prev !== 0) {
      this.entry(entry.prev - 1).next = entry.next;
      return;
    }
    const level = (entry.where - 1) / SLOTS;
    const slot = (entry.where - 1) & SLOT_MASK;
    store<u32>(this.headPtr(level, slot), entry.next);
    if (entry.next === 0) this.setSlotEmpty(level, slot);
  }

  // Moves the cursor to the wheel's earliest deadline and so at least one timer to the heap. The slot that held it is the
  // first of the lowest level in use, and nothing lies below that level: what is left of the slot goes there, relative to
  // the new cursor. All other slots differ from the new cursor in the same digit as from the old one, and stay.
  refillHeap(): void {
    const level = <u32>ctz(this.levelsOccupied);
    const slot = <u32>ctz(load<u64>(this.occupiedPtr(level)));
    const headPtr = this.headPtr(level, slot);
    const first = load<u32>(headPtr);
    let earliestUs = NEVER_US;
    for (let link = first; link !== 0; ) {
      const entry = this.entry(link - 1);
      earliestUs = min(earliestUs, entry.deadlineUs);
      link = entry.next;
    }
    store<u32>(headPtr, 0);
    this.setSlotEmpty(level, slot);
    this.cursorUs = earliestUs;
    for (let link = first; link !== 0; ) {
      const entry = this.entry(link - 1);
      const next = entry.next;
      this.attach(link - 1, entry);
      link = next;
    }
  }

  setSlotEmpty(level: u32, slot: u32): void {
    const occupiedPtr = this.occupiedPtr(level);
    const occupied = load<u64>(occupiedPtr) & ~((<u64>1) << slot);
    store<u64>(occupiedPtr, occupied);
    if (occupied === 0) this.levelsOccupied &= ~(1 << level);
  }

  occupiedPtr(level: u32): usize {
    return changetype<usize>(this) + OCCUPIED + level * 8;
  }

  headPtr(level: u32, slot: u32): usize {
    return changetype<usize>(this) + SLOT_HEADS + (level * SLOTS + slot) * 4;
  }
}

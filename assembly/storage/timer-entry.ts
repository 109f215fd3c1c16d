// What a timer wheel keeps per id: one record in an array indexed by the id, so that setting and cancelling need no search.

export const TIMER_ENTRY_BYTES: u32 = 24;

/** `where` of a timer that is not armed: zeroed memory is an array of these. */
export const TIMER_IDLE: u32 = 0;
/** `where` of a timer in the heap. Any other value is 1 + the number of its slot in the wheel. */
export const TIMER_IN_HEAP: u32 = 0xffffffff;

@unmanaged
@final
export class TimerEntry {
  deadlineUs: u64;
  next: u32; // in the wheel: id + 1 of the slot's next timer, 0 = none
  prev: u32; // in the wheel: id + 1 of the one before, 0 = none; in the heap: position
  where: u32;
  sequence: u32; // the set() that armed it, counted; timers of one deadline fire in this order

  static of(entriesPtr: usize, id: u32): TimerEntry {
    return changetype<TimerEntry>(entriesPtr + <usize>id * TIMER_ENTRY_BYTES);
  }

  /** Whether this timer fires before the other. The order of equal deadlines is right within 2^31 calls of set(). */
  isBefore(other: TimerEntry): bool {
    if (this.deadlineUs !== other.deadlineUs) return this.deadlineUs < other.deadlineUs;
    return <i32>(this.sequence - other.sequence) < 0;
  }
}

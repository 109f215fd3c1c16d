// A fixed pool of equal records, and the generation-tagged handles that name them to the outside world.
// The records may lie anywhere; what the pool needs to know about them lies in a side array of its own, so that nothing
// written into a record (by a late user of a freed one, or by another thread) can damage the pool. Knows no TCP.

import { NONE } from "./none";
import { zero } from "./zero";

// One word per record. A handle is the same word with the record's index in place of the link:
//
//   31          20 19                                      0
//  ┌──────────────┬─────────────────────────────────────────┐
//  │  generation  │ next free record, END_OF_LIST or IN_USE │
//  └──────────────┴─────────────────────────────────────────┘
const INDEX_BITS: u32 = 20;
const INDEX_MASK: u32 = (1 << INDEX_BITS) - 1;
const LAST_GENERATION: u32 = 0xfff;
const FIRST_GENERATION: u32 = 1; // never 0, so that no handle is 0
const END_OF_LIST: u32 = INDEX_MASK;
const IN_USE: u32 = INDEX_MASK - 1;

/** Most records a slab can hold: 20 bits of index, less the two marks. */
const SLAB_MAX_CAPACITY: u32 = IN_USE;

/**
 * Bytes of a slab's own state (the records themselves are extra: `capacity * recordBytes`).
 * @param capacity records, 1..SLAB_MAX_CAPACITY
 */
export function slabBytes(capacity: u32): u32 {
  return (<u32>offsetof<Slab>() + capacity * 4 + 7) & ~7;
}

/**
 * ptr -> slabBytes(capacity), 8-byte aligned. The memory may hold anything; neither it nor the records are touched
 * before they are needed: records at and above `highWater` have never been handed out.
 */
@unmanaged
@final
export class Slab {
  recordsPtr: usize;
  recordBytes: u32;
  capacity: u32;
  /** Records handed out now. */
  inUse: u32;
  /** Records 0..highWater-1 have been in use at some time; a loop over all live records ends here. */
  highWater: u32;
  firstFree: u32;

  static at(ptr: usize): Slab {
    return changetype<Slab>(ptr);
  }

  /**
   * Makes an empty pool.
   * @param recordsPtr where record 0 lies; `capacity * recordBytes` bytes
   * @param recordBytes bytes, >= 1
   * @param capacity records, 1..SLAB_MAX_CAPACITY
   */
  init(recordsPtr: usize, recordBytes: u32, capacity: u32): void {
    assert(recordBytes > 0 && capacity > 0 && capacity <= SLAB_MAX_CAPACITY); // callers pass layout constants
    this.recordsPtr = recordsPtr;
    this.recordBytes = recordBytes;
    this.capacity = capacity;
    this.inUse = 0;
    this.highWater = 0;
    this.firstFree = END_OF_LIST;
  }

  /** Takes a record, the one freed last first, and zeroes it. @returns its index, or NONE if all are in use. */
  alloc(): u32 {
    let index = this.firstFree;
    if (index !== END_OF_LIST) {
      const word = this.word(index);
      this.firstFree = word & INDEX_MASK;
      this.setWord(index, (word & ~INDEX_MASK) | IN_USE);
    } else {
      index = this.highWater;
      if (index === this.capacity) return NONE;
      this.highWater = index + 1;
      this.setWord(index, (FIRST_GENERATION << INDEX_BITS) | IN_USE);
    }
    this.inUse += 1;
    zero(this.address(index), this.recordBytes);
    return index;
  }

  /**
   * Gives a record back; its handle is stale from now on.
   * @returns false, with nothing changed, if the record is not in use (debug builds trap: the caller has a bug)
   */
  free(index: u32): bool {
    const inUse = this.isInUse(index);
    assert(inUse); // a double free, or an index that never was handed out
    if (!inUse) return false;
    const generation = this.word(index) >> INDEX_BITS;
    const next = generation === LAST_GENERATION ? FIRST_GENERATION : generation + 1;
    this.setWord(index, (next << INDEX_BITS) | this.firstFree);
    this.firstFree = index;
    this.inUse -= 1;
    return true;
  }

  isInUse(index: u32): bool {
    return index < this.highWater && (this.word(index) & INDEX_MASK) === IN_USE;
  }

  /** Address of a record. Any index below `capacity` is in bounds. */
  address(index: u32): usize {
    return this.recordsPtr + <usize>index * this.recordBytes;
  }

  /** @returns `index | generation << 20`, never 0 for a record in use; 0 for one that is not. */
  handleOf(index: u32): u32 {
    if (!this.isInUse(index)) return 0;
    return (this.word(index) & ~INDEX_MASK) | index;
  }

  /**
   * The check of a handle that came from outside.
   * @returns its record's index, or NONE if that record was freed since, or never was
   */
  indexOf(handle: u32): u32 {
    const index = handle & INDEX_MASK;
    if (!this.isInUse(index)) return NONE;
    return (this.word(index) ^ handle) >> INDEX_BITS === 0 ? index : NONE;
  }

  word(index: u32): u32 {
    return load<u32>(changetype<usize>(this) + <usize>index * 4, offsetof<Slab>());
  }

  setWord(index: u32, word: u32): void {
    store<u32>(changetype<usize>(this) + <usize>index * 4, word, offsetof<Slab>());
  }
}

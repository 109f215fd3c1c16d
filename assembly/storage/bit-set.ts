// A set of small integers that finds its lowest member in a few steps: a bitmap under a pyramid of summary bitmaps, in
// which a bit says "this word below is not zero". Three levels of 64-bit words reach 2^18 members, four reach 2^24.

import { NONE } from "./none";

const WORD_BITS_LOG2: u32 = 6;
const WORD_BITS_MASK: u32 = 63;
const MAX_LEVELS: u32 = 4;

/** Most members a set can have room for. */
const BIT_SET_MAX_CAPACITY: u32 = 1 << (WORD_BITS_LOG2 * MAX_LEVELS);

function wordsFor(bits: u32): u32 {
  return (bits + WORD_BITS_MASK) >> WORD_BITS_LOG2;
}

/**
 * Bytes of a set of 0..capacity-1.
 * @param capacity 1..BIT_SET_MAX_CAPACITY
 */
export function bitSetBytes(capacity: u32): u32 {
  let words: u32 = 0;
  let levelWords = capacity;
  do {
    levelWords = wordsFor(levelWords);
    words += levelWords;
  } while (levelWords > 1);
  return <u32>offsetof<BitSet>() + words * 8;
}

/** ptr -> bitSetBytes(capacity), 8-byte aligned and all zero (as fresh memory is), so that empty parts stay untouched. */
@unmanaged
@final
export class BitSet {
  capacity: u32;
  levels: u32;
  // Byte offsets of each level's first word from the set's address; level 0 holds the members
  level0: u32;
  level1: u32;
  level2: u32;
  level3: u32;

  static at(ptr: usize): BitSet {
    return changetype<BitSet>(ptr);
  }

  /** Makes an empty set of 0..capacity-1 in zeroed memory. */
  init(capacity: u32): void {
    assert(capacity > 0 && capacity <= BIT_SET_MAX_CAPACITY); // callers size by region
    this.capacity = capacity;
    let offset = <u32>offsetof<BitSet>();
    let level: u32 = 0;
    let levelWords = capacity;
    do {
      levelWords = wordsFor(levelWords);
      store<u32>(changetype<usize>(this) + level * 4, offset, offsetof<BitSet>("level0"));
      offset += levelWords * 8;
      level += 1;
    } while (levelWords > 1);
    this.levels = level;
  }

  has(member: u32): bool {
    if (member >= this.capacity) return false;
    return ((load<u64>(this.wordPtr(0, member)) >> (member & WORD_BITS_MASK)) & 1) !== 0;
  }

  /** @param member below capacity */
  add(member: u32): void {
    assert(member < this.capacity); // an index of the owner's own making
    let bit = member;
    for (let level: u32 = 0; level < this.levels; level++) {
      const ptr = this.wordPtr(level, bit);
      const word = load<u64>(ptr);
      store<u64>(ptr, word | ((<u64>1) << (bit & WORD_BITS_MASK)));
      if (word !== 0) return; // the summary above knows already
      bit >>= WORD_BITS_LOG2;
    }
  }

  /** @param member below capacity */
  remove(member: u32): void {
    assert(member < this.capacity); // an index of the owner's own making
    let bit = member;
    for (let level: u32 = 0; level < this.levels; level++) {
      const ptr = this.wordPtr(level, bit);
      const word = load<u64>(ptr) & ~((<u64>1) << (bit & WORD_BITS_MASK));
      store<u64>(ptr, word);
      if (word !== 0) return; // the word still has members: the summary above stays
      bit >>= WORD_BITS_LOG2;
    }
  }

  /** @returns the lowest member, or NONE. */
  first(): u32 {
    let bit: u32 = 0;
    for (let level = this.levels; level > 0; level--) {
      const word = load<u64>(this.wordPtr(level - 1, bit << WORD_BITS_LOG2));
      if (word === 0) return NONE; // only the top word can be: a summary bit promises a member below
      bit = (bit << WORD_BITS_LOG2) | <u32>ctz(word);
    }
    return bit;
  }

  wordPtr(level: u32, bit: u32): usize {
    const offset = load<u32>(changetype<usize>(this) + level * 4, offsetof<BitSet>("level0"));
    return changetype<usize>(this) + offset + (bit >> WORD_BITS_LOG2) * 8;
  }
}

// A seeded source of pseudo-random numbers (xoshiro128**, its state spread from the seed by a Weyl sequence and an
// avalanche mix), so that a run can be repeated from its seed. For emulation only: nothing secret may come from here
// (RFC 4086).

const GOLDEN_RATIO = 0x9e3779b9;

/** Deterministic pseudo-random numbers: the same seed and stream give the same sequence on every machine. */
export class Random {
  #s0: number;
  #s1: number;
  #s2: number;
  #s3: number;

  /**
   * @param seed - integer, 0..2^53 - 1
   * @param stream - integer, 0..2^32 - 1; the streams of one seed are independent of each other
   */
  constructor(seed: number, stream = 0) {
    let state = mix(seed >>> 0);
    state = mix(state ^ mix(Math.floor(seed / 0x100000000) + GOLDEN_RATIO));
    state = mix(state ^ mix(stream + GOLDEN_RATIO * 2));
    this.#s0 = mix((state + GOLDEN_RATIO) >>> 0);
    this.#s1 = mix((state + GOLDEN_RATIO * 2) >>> 0);
    this.#s2 = mix((state + GOLDEN_RATIO * 3) >>> 0);
    // The generator must not start from four zeros, the one state that it never leaves.
    this.#s3 = mix((state + GOLDEN_RATIO * 4) >>> 0) | 1;
  }

  /** The next integer, uniform in 0..2^32 - 1. */
  u32(): number {
    const product = Math.imul(this.#s1, 5);
    const result = Math.imul((product << 7) | (product >>> 25), 9) >>> 0;
    const shifted = this.#s1 << 9;
    this.#s2 ^= this.#s0;
    this.#s3 ^= this.#s1;
    this.#s1 ^= this.#s2;
    this.#s0 ^= this.#s3;
    this.#s2 ^= shifted;
    this.#s3 = (this.#s3 << 11) | (this.#s3 >>> 21);
    return result;
  }

  /** The next number, uniform in [0, 1) in steps of 2^-32. */
  next(): number {
    return this.u32() / 0x100000000;
  }

  /**
   * The next integer, uniform in 0..limit - 1.
   * @param limit - integer, 1..2^32
   */
  below(limit: number): number {
    return Math.floor(this.next() * limit);
  }
}

/** Spreads every bit of `value` (taken modulo 2^32) over a whole word; a bijection. */
function mix(value: number): number {
  let word = value | 0;
  word = Math.imul(word ^ (word >>> 16), 0x85ebca6b);
  word = Math.imul(word ^ (word >>> 13), 0xc2b2ae35);
  return (word ^ (word >>> 16)) >>> 0;
}

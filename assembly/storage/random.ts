// Small pseudo-random numbers for jitter and budgets, the same again for the same key: splitmix64 (Steele, Lea, Flood, 2014).
// What an attacker must not guess (sequence numbers, ports) comes from sipHash24 instead.
import { sipHash24 } from "./siphash";

// The constants of splitmix64: the golden ratio, and the multipliers of its mix
const STEP: u64 = ((<u64>0x9e3779b9) << 32) | 0x7f4a7c15;
const MIX1: u64 = ((<u64>0xbf58476d) << 32) | 0x1ce4e5b9;
const MIX2: u64 = ((<u64>0x94d049bb) << 32) | 0x133111eb;

let state: u64 = 0;

/** Starts the sequence. `keyPtr`: 16 bytes; they are hashed, so the sequence does not give them away. `stream`: one of several for one key */
export function randomInitialise(keyPtr: usize, stream: u32): void {
  state = sipHash24(keyPtr, keyPtr, 16) + MIX1 * <u64>stream;
}

/** The next number, uniform in 0..2^32 - 1. */
function randomU32(): u32 {
  state += STEP;
  let z = state;
  z = (z ^ (z >> 30)) * MIX1;
  z = (z ^ (z >> 27)) * MIX2;
  return <u32>((z ^ (z >> 31)) >> 32);
}

/** The next number, uniform in 0..limit - 1. `limit` >= 1 */
export function randomBelow(limit: u32): u32 {
  return <u32>((<u64>randomU32() * <u64>limit) >> 32);
}

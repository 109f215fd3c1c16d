// Adds to the counters that counters.ts names. The core is the only writer; main reads them at any time.
import { COUNTERS } from "./layout";

/** Adds one to a counter. `counter`: a COUNTER_ index. */
export function count(counter: u32): void {
  const ptr: usize = COUNTERS + ((<usize>counter) << 3);
  store<u64>(ptr, load<u64>(ptr) + 1);
}

/** Adds `n` to a counter. */
export function countMany(counter: u32, n: u32): void {
  const ptr: usize = COUNTERS + ((<usize>counter) << 3);
  store<u64>(ptr, load<u64>(ptr) + <u64>n);
}

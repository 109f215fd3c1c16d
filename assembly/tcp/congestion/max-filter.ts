// The largest of the values of a window of time that moves on, in three pairs of memory (K. Nichols' filter): the largest, the largest
// since, and the largest since that. Time is any u32 that grows, such as a count of rounds. Zero is an empty filter.

const PAIRS: u32 = 3;
const PAIR_BYTES: u32 = 8;

/** Bytes of a filter: pairs of u32 value, u32 time, the largest value first, times ascending. */
export const MAX_FILTER_BYTES: u32 = PAIRS * PAIR_BYTES;

/**
 * Takes a value.
 * @param length values older than this are forgotten
 * @returns the largest of the window
 */
export function maxFilterUpdate(ptr: usize, value: u32, time: u32, length: u32): u32 {
  const newestTime = load<u32>(ptr, 20);
  if (value >= load<u32>(ptr) || time - newestTime > length) {
    for (let i: u32 = 0; i < PAIRS; i++) put(ptr, i, value, time);
    return value;
  }
  if (value >= load<u32>(ptr, 8)) {
    put(ptr, 1, value, time);
    put(ptr, 2, value, time);
  } else if (value >= load<u32>(ptr, 16)) {
    put(ptr, 2, value, time);
  }
  ageOut(ptr, value, time, length);
  return load<u32>(ptr);
}

// The best one too old: the next ones move up. Otherwise second and third must come from later parts of the window than the first
function ageOut(ptr: usize, value: u32, time: u32, length: u32): void {
  const age = time - load<u32>(ptr, 4);
  if (age > length) {
    memory.copy(ptr, ptr + PAIR_BYTES, 2 * PAIR_BYTES);
    put(ptr, 2, value, time);
    if (time - load<u32>(ptr, 4) > length) {
      memory.copy(ptr, ptr + PAIR_BYTES, PAIR_BYTES);
      put(ptr, 1, value, time);
    }
  } else if (load<u32>(ptr, 12) === load<u32>(ptr, 4) && age > length >> 2) {
    put(ptr, 1, value, time);
    put(ptr, 2, value, time);
  } else if (load<u32>(ptr, 20) === load<u32>(ptr, 12) && age > length >> 1) {
    put(ptr, 2, value, time);
  }
}

function put(ptr: usize, index: u32, value: u32, time: u32): void {
  store<u32>(ptr + index * PAIR_BYTES, value);
  store<u32>(ptr + index * PAIR_BYTES, time, 4);
}

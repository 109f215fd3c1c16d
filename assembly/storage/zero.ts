// Zeroes small records. memory.fill leaves the engine's compiled code for a call into C, which costs more than the stores when a
// record is a few cache lines, and the hot path clears one with each frame. Knows nothing of what it clears.

/** ptr -> `bytes` of memory, any number of them and at any alignment; they are 0 afterwards. */
export function zero(ptr: usize, bytes: u32): void {
  const end = ptr + bytes;
  while (ptr + 16 <= end) {
    v128.store(ptr, i64x2.splat(0));
    ptr += 16;
  }
  while (ptr < end) {
    store<u8>(ptr, 0);
    ptr += 1;
  }
}

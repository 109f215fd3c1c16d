// Sequence-number arithmetic, modulo 2^32 (RFC 9293 3.4). Nobody else compares sequence numbers with < or >.

/** a < b in sequence space. */
export function seqLt(a: u32, b: u32): bool {
  return <i32>(a - b) < 0;
}

/** a <= b in sequence space. */
export function seqLte(a: u32, b: u32): bool {
  return <i32>(a - b) <= 0;
}

/** a > b in sequence space. */
export function seqGt(a: u32, b: u32): bool {
  return <i32>(a - b) > 0;
}

/** a >= b in sequence space. */
export function seqGte(a: u32, b: u32): bool {
  return <i32>(a - b) >= 0;
}

/** first <= x < first + size; size up to 2^32 - 1. */
export function seqInWindow(x: u32, first: u32, size: u32): bool {
  return x - first < size;
}

/** The later of two sequence numbers. */
export function seqMax(a: u32, b: u32): u32 {
  return seqGt(a, b) ? a : b;
}

/** The earlier of two sequence numbers. */
export function seqMin(a: u32, b: u32): u32 {
  return seqLt(a, b) ? a : b;
}

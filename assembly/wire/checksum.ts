// The Internet checksum (RFC 1071) and IPv4's pseudo header, with SIMD.
// A *sum* is a u64 that holds the exact total of little-endian words as they lie in memory; sums of scattered pieces are
// simply added. Only fold() turns one into a 16-bit number, and that number reads as in the RFCs (network byte order).
// Knows no header and no packet.

/** Bytes summed per round. The wrap estimate of sumVectors() is proven up to 349,000; this is far inside it. */
const CHUNK: u32 = 131072;

/**
 * Adds the bytes of a piece that starts at an even offset of the checksummed data, as 16-bit words.
 *
 * An odd last byte counts as if a zero byte followed (RFC 1071 1), so an odd-length piece may only be followed by one
 * added with {@link sumPieceAt}.
 * @param ptr first byte, any alignment; reads exactly `length` bytes
 * @param initial sum so far, 0 to start
 * @returns the sum so far and this piece; cannot wrap before 2^34 bytes in all
 */
export function sumBytes(ptr: usize, length: u32, initial: u64): u64 {
  let sum = initial;
  while (length > CHUNK) {
    sum += sumVectors(ptr, CHUNK);
    ptr += CHUNK;
    length -= CHUNK;
  }
  if (length >= 16) sum += sumVectors(ptr, length);
  return sum + sumTail(ptr + (length & ~15), length);
}

/**
 * Adds a piece of scattered data at any offset; at an odd one its bytes trade places within their words.
 *
 *   RFC 1071 2 (B): the sum of 16-bit integers can be computed in either byte order.
 * @param offset where the piece starts within the checksummed data; only its parity matters
 */
export function sumPieceAt(ptr: usize, length: u32, offset: u32, initial: u64): u64 {
  const sum = sumBytes(ptr, length, 0);
  if ((offset & 1) === 0) return initial + sum;
  return initial + <u64>bswap<u16>(foldInMemoryOrder(sum));
}

/**
 * Folds a sum to 16 bits with end-around carries.
 * @returns the ones' complement sum, *not* inverted, as the RFCs write it (host-order number): 0xffff over data that
 * includes its own correct checksum; over a pseudo header, what a frame with a partial checksum carries in its field
 */
export function fold(sum: u64): u16 {
  return bswap<u16>(foldInMemoryOrder(sum));
}

/** The value for a checksum field: the complement of the folded sum (RFC 1071 1, host-order number). */
export function finish(sum: u64): u16 {
  return ~fold(sum);
}

/** Internet checksum of one contiguous piece whose checksum field holds zero. */
export function checksum(ptr: usize, length: u32): u16 {
  return finish(sumBytes(ptr, length, 0));
}

/** Whether data that includes its checksum field sums to 0xffff, i.e. arrived as it was sent (RFC 1071 1 (3)). */
export function isChecksumValid(ptr: usize, length: u32): bool {
  return fold(sumBytes(ptr, length, 0)) === 0xffff;
}

/**
 * Sum of the IPv4 pseudo header, to go on with (RFC 9293 3.1).
 * @param src, dst host-order addresses
 * @param length bytes of the upper-layer header and data
 */
export function pseudoHeaderSumIpv4(src: u32, dst: u32, protocol: u32, length: u32): u64 {
  // It ends in a zero, the protocol and a length of 16 bits: two words of 32 bits whose upper halves are 0
  return <u64>bswap<u32>(src) + <u64>bswap<u32>(dst) + <u64>bswap<u32>(length) + <u64>bswap<u32>(protocol);
}

/** 2^16 = 1 modulo 65,535: halves may be added until 16 bits are left. Zero only if the sum is zero. */
function foldInMemoryOrder(sum: u64): u16 {
  sum = (sum & 0xffffffff) + (sum >> 32);
  sum = (sum & 0xffff) + ((sum >> 16) & 0xffff) + (sum >> 32);
  sum = (sum & 0xffff) + (sum >> 16);
  return <u16>(sum + (sum >> 16));
}

/**
 * Exact sum of the little-endian u32 words in the first `length & ~15` bytes; length <= CHUNK.
 *
 * Two operations per vector instead of the usual three. `wrapped` adds the words modulo 2^32. How often that wrapped is
 * not counted but estimated: avgr_u (rounding average of 16-bit lanes) boils eight vectors down to one, whose upper
 * half-words, times eight, stand for the upper half-words of all eight.
 *
 *      words a..h ──┬─ add, add, add ──────────────▶ wrapped   (exact, mod 2^32)
 *                   └─ avgr, avgr, avgr, >> 16 ────▶ upper     (2^16 * upper ~ the true sum)
 *
 * Each avgr rounds up by at most 1/2, three levels by at most 3/2, so eight times the average lies between the sum of the
 * upper half-words and that plus 12; the lower half-words that it leaves out are worth at most 8. So per eight vectors
 * -12 * 2^16 <= true sum - 2^16 * upper < 8 * 2^16, and below 2,730 rounds (349,000 bytes) the difference fits an i32.
 * It is then known exactly, as it is known modulo 2^32: true sum = 2^16 * upper + i32(wrapped - 2^16 * upper).
 */
function sumVectors(ptr: usize, length: u32): u64 {
  let wrapped = i32x4.splat(0);
  let average = i32x4.splat(0);
  for (let rounds = length >> 7; rounds !== 0; rounds--) {
    const a = v128.load(ptr);
    const b = v128.load(ptr, 16);
    const c = v128.load(ptr, 32);
    const d = v128.load(ptr, 48);
    const e = v128.load(ptr, 64);
    const f = v128.load(ptr, 80);
    const g = v128.load(ptr, 96);
    const h = v128.load(ptr, 112);
    wrapped = i32x4.add(wrapped, i32x4.add(addFour(a, b, c, d), addFour(e, f, g, h)));
    average = i32x4.add(average, i32x4.shr_u(i16x8.avgr_u(averageFour(a, b, c, d), averageFour(e, f, g, h)), 16));
    ptr += 128;
  }
  let upper = i32x4.shl(average, 3);
  if (length & 64) {
    const a = v128.load(ptr);
    const b = v128.load(ptr, 16);
    const c = v128.load(ptr, 32);
    const d = v128.load(ptr, 48);
    wrapped = i32x4.add(wrapped, addFour(a, b, c, d));
    upper = i32x4.add(upper, i32x4.shl(i32x4.shr_u(averageFour(a, b, c, d), 16), 2));
    ptr += 64;
  }
  if (length & 32) {
    const a = v128.load(ptr);
    const b = v128.load(ptr, 16);
    wrapped = i32x4.add(wrapped, i32x4.add(a, b));
    upper = i32x4.add(upper, i32x4.add(i32x4.shr_u(a, 16), i32x4.shr_u(b, 16)));
    ptr += 32;
  }
  if (length & 16) {
    const a = v128.load(ptr);
    wrapped = i32x4.add(wrapped, a);
    upper = i32x4.add(upper, i32x4.shr_u(a, 16));
  }
  return joinLanes(wrapped, upper);
}

function addFour(a: v128, b: v128, c: v128, d: v128): v128 {
  return i32x4.add(i32x4.add(a, b), i32x4.add(c, d));
}

function averageFour(a: v128, b: v128, c: v128, d: v128): v128 {
  return i16x8.avgr_u(i16x8.avgr_u(a, b), i16x8.avgr_u(c, d));
}

/** The true sum of the four lanes: 2^16 * upper + i32(wrapped - 2^16 * upper), in 64 bits. */
function joinLanes(wrapped: v128, upper: v128): u64 {
  const rest = i32x4.sub(wrapped, i32x4.shl(upper, 16));
  const uppers = i64x2.add(i64x2.extend_low_i32x4_u(upper), i64x2.extend_high_i32x4_u(upper));
  const rests = i64x2.add(i64x2.extend_low_i32x4_s(rest), i64x2.extend_high_i32x4_s(rest));
  const sums = i64x2.add(i64x2.shl(uppers, 16), rests);
  return i64x2.extract_lane(sums, 0) + i64x2.extract_lane(sums, 1);
}

/**
 * Sum of the last `length & 15` bytes of a piece, which start at `ptr`. A long piece is read up to its last byte with one
 * 8-byte load that also covers bytes already summed; a shift by whole bytes drops those and leaves the parity right.
 */
function sumTail(ptr: usize, length: u32): u64 {
  const rest = length & 15;
  if (rest === 0) return 0;
  let sum: u64 = 0;
  if (length >= 8) {
    if (rest > 8) sum = addHalves(load<u64>(ptr));
    return sum + addHalves(load<u64>(ptr + rest - 8) >> ((<u64>((0 - rest) & 7)) << 3));
  }
  if (rest & 4) {
    sum = load<u32>(ptr);
    ptr += 4;
  }
  if (rest & 2) {
    sum += load<u16>(ptr);
    ptr += 2;
  }
  if (rest & 1) sum += load<u8>(ptr);
  return sum;
}

function addHalves(word: u64): u64 {
  return (word & 0xffffffff) + (word >> 32);
}

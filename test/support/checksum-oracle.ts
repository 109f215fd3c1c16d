// The Internet checksum as RFC 1071 writes it: 16-bit big-endian words, one at a time, carry brought round at once.
// Slow and plain on purpose: what the SIMD checksum of assembly/wire is compared with.

/** Ones' complement sum of the bytes, not inverted; an odd last byte is followed by a zero (RFC 1071 1). */
export function onesComplementSum(bytes: Uint8Array): number {
  let sum = 0;
  for (let i = 0; i < bytes.length; i += 2) {
    sum += (bytes[i]! << 8) | (bytes[i + 1] ?? 0);
    sum = (sum & 0xffff) + (sum >>> 16);
  }
  return sum;
}

/** What goes into a checksum field. */
export function checksumOracle(bytes: Uint8Array): number {
  return ~onesComplementSum(bytes) & 0xffff;
}

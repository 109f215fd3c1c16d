// IPv4 addresses in the 16 bytes that everything above the wire uses: ::ffff:a.b.c.d (RFC 4291 2.5.5.2), held as two u64 read
// from memory in wire order, so that comparing and copying them is two instructions. Knows no interface and no route.

// The upper half of every IPv4-mapped address is zero; the lower one starts with 00 00 ff ff, which is this as a u64
const MAPPED_PREFIX: u64 = 0xffff0000;

/** Prefix bits of a 16-byte address that stand before the 32 of an IPv4 address. */
export const MAPPED_PREFIX_BITS: u32 = 96;

/** The lower half of the 16-byte form; the upper half is 0. `address`: host order. */
export function mappedLow(address: u32): u64 {
  return MAPPED_PREFIX | ((<u64>bswap<u32>(address)) << 32);
}

/** Whether 16 bytes are an IPv4-mapped address. */
export function isMapped(high: u64, low: u64): bool {
  return high === 0 && (low & 0xffffffff) === MAPPED_PREFIX;
}

/** The IPv4 address, host order, in the lower half of a mapped one. */
export function mappedAddress(low: u64): u32 {
  return bswap<u32>(<u32>(low >> 32));
}

/** Whether 16 bytes mean "any": all zero, or ::ffff:0.0.0.0. */
export function isAnyAddress(high: u64, low: u64): bool {
  return high === 0 && (low === 0 || low === MAPPED_PREFIX);
}

/** The netmask of an IPv4 prefix, host order. `length`: 0..32 */
export function prefixMask(length: u32): u32 {
  return length === 0 ? 0 : 0xffffffff << (32 - length);
}

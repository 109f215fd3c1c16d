// Where the fields of an IPv4 packet lie in an Ethernet frame (RFC 894, RFC 791 3.1, RFC 9293 3.1), for links that must
// look inside as a network card with offloads does. Offsets and checks only; no protocol decisions.

export const ETHERNET_HEADER_BYTES = 14;
export const ETHERTYPE = 12; // u16
export const ETHERTYPE_IPV4 = 0x0800;

export const IPV4_TOTAL_LENGTH = 2; // u16
export const IPV4_ID = 4; // u16
const IPV4_FRAGMENT = 6; // u16, flags and offset
export const IPV4_PROTOCOL = 9; // u8
export const IPV4_CHECKSUM = 10; // u16
export const IPV4_ADDRESSES = 12; // source and destination, 8 bytes
export const IPV4_HEADER_BYTES = 20; // without options

export const PROTOCOL_ICMP = 1;
export const PROTOCOL_TCP = 6;
export const PROTOCOL_UDP = 17;

export const TCP_SEQ = 4; // u32
export const TCP_DATA_OFFSET = 12; // u8, high half: header length in 32-bit words
export const TCP_FLAGS = 13; // u8
export const TCP_CHECKSUM = 16; // u16
export const TCP_HEADER_BYTES = 20; // without options

const MORE_FRAGMENTS_AND_OFFSET = 0x3fff;

/** Reads a big-endian u16; the caller has checked that it lies inside. */
export function read16(bytes: Uint8Array, at: number): number {
  return (bytes[at]! << 8) | bytes[at + 1]!;
}

/** Reads a big-endian u32; the caller has checked that it lies inside. */
export function read32(bytes: Uint8Array, at: number): number {
  return ((bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!) >>> 0;
}

/** Writes the low 16 bits of `value`, big-endian. */
export function write16(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >>> 8;
  bytes[at + 1] = value;
}

/** Writes `value` modulo 2^32, big-endian. */
export function write32(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >>> 24;
  bytes[at + 1] = value >>> 16;
  bytes[at + 2] = value >>> 8;
  bytes[at + 3] = value;
}

/**
 * Finds the transport header of a frame that carries one whole IPv4 packet.
 * @param start - offset of the Ethernet header in `bytes`
 * @param end - offset after the frame's last byte
 * @returns its offset, or -1: another ethertype, a bad version or length, or a fragment (whose transport segment lies
 * in several frames)
 * @see RFC 791 3.1
 */
export function transportOffset(bytes: Uint8Array, start: number, end: number): number {
  const ip = start + ETHERNET_HEADER_BYTES;
  if (end - ip < IPV4_HEADER_BYTES) return -1;
  if (read16(bytes, start + ETHERTYPE) !== ETHERTYPE_IPV4) return -1;
  const versionAndLength = bytes[ip]!;
  if (versionAndLength >>> 4 !== 4) return -1;
  const headerBytes = (versionAndLength & 15) * 4;
  const totalLength = read16(bytes, ip + IPV4_TOTAL_LENGTH);
  if (headerBytes < IPV4_HEADER_BYTES || totalLength < headerBytes || totalLength > end - ip) return -1;
  if ((read16(bytes, ip + IPV4_FRAGMENT) & MORE_FRAGMENTS_AND_OFFSET) !== 0) return -1;
  return ip + headerBytes;
}

/**
 * The offset after the IPv4 packet's last byte; Ethernet padding starts there.
 * @param start - offset of the Ethernet header of a frame that {@link transportOffset} accepted
 */
export function packetEnd(bytes: Uint8Array, start: number): number {
  const ip = start + ETHERNET_HEADER_BYTES;
  return ip + read16(bytes, ip + IPV4_TOTAL_LENGTH);
}

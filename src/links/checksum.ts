// The Internet checksum (RFC 1071) for frames outside the WASM core: it fills in what a sender with checksum offload
// left partial. Works on bytes alone; which frames are partial is the caller's knowledge.

import {
  IPV4_ADDRESSES,
  IPV4_PROTOCOL,
  IPV6_ADDRESSES,
  locatePacket,
  PacketPlace,
  PROTOCOL_ICMP,
  PROTOCOL_ICMPV6,
  PROTOCOL_TCP,
  PROTOCOL_UDP,
  read16,
  TCP_CHECKSUM,
  TCP_HEADER_BYTES,
  UDP_CHECKSUM,
  UDP_HEADER_BYTES,
  UDP_LENGTH,
  write16,
} from "./ip-frame.ts";

const ICMP_CHECKSUM = 2;
const ICMP_HEADER_BYTES = 8;

/** Used from one call to the next. */
const found = new PacketPlace();

/**
 * The one's complement of the one's complement sum of the 16-bit words of `bytes[start..end)`, as stored in a header.
 * @param initialSum - words summed before, 0..2^21 (a pseudo-header)
 * @returns 0..65535; 0 when the range includes a correct checksum field
 * @see RFC 1071
 */
export function internetChecksum(bytes: Uint8Array, start = 0, end = bytes.length, initialSum = 0): number {
  let sum = 0;
  let at = start;
  // At most 32,775 words of 65,535: the sum stays below 2^32 and the bitwise folding below is exact.
  for (const last = end - 1; at < last; at += 2) sum += (bytes[at]! << 8) | bytes[at + 1]!;
  if (at < end) sum += bytes[at]! << 8;
  sum = (sum & 0xffff) + (sum >>> 16) + initialSum;
  sum = (sum & 0xffff) + (sum >>> 16);
  sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}

/**
 * The sum of the pseudo-header of IPv4 or IPv6, not complemented.
 * @param ip - offset of the IP header
 * @param transportBytes - length of transport header and payload
 * @param protocol - of the transport; must be given for IPv6
 * @see RFC 9293 3.1, RFC 768, RFC 8200 8.1
 */
export function pseudoHeaderSum(
  bytes: Uint8Array,
  ip: number,
  transportBytes: number,
  protocol: number = bytes[ip + IPV4_PROTOCOL]!,
): number {
  const isV4 = bytes[ip]! >>> 4 === 4;
  const from = ip + (isV4 ? IPV4_ADDRESSES : IPV6_ADDRESSES);
  const to = from + (isV4 ? 8 : 32);
  let sum = protocol + transportBytes;
  for (let at = from; at < to; at += 2) sum += read16(bytes, at);
  return sum;
}

/**
 * Computes the transport checksum of a frame in place, whatever its field holds now: TCP, UDP or ICMP over IPv4 or IPv6.
 * @param start - offset of the Ethernet header in `bytes`
 * @param end - offset after the frame's last byte; Ethernet padding before it is not summed
 * @returns false when the frame has no whole IP packet with such a header; it is untouched then
 * @see RFC 1071, RFC 9293 3.1, RFC 768, RFC 792, RFC 4443 2.3
 */
export function completeChecksum(bytes: Uint8Array, start = 0, end = bytes.length): boolean {
  if (!locatePacket(bytes, start, end, found)) return false;
  const { ip, transport, version, protocol } = found;
  const room = found.end - transport;
  switch (protocol) {
    case PROTOCOL_TCP:
      if (room < TCP_HEADER_BYTES) return false;
      fill(bytes, transport, room, TCP_CHECKSUM, pseudoHeaderSum(bytes, ip, room, protocol));
      return true;
    case PROTOCOL_UDP:
      return completeUdp(bytes, found, room);
    case PROTOCOL_ICMP:
    case PROTOCOL_ICMPV6:
      if (room < ICMP_HEADER_BYTES || (protocol === PROTOCOL_ICMP) !== (version === 4)) return false;
      fill(bytes, transport, room, ICMP_CHECKSUM, version === 4 ? 0 : pseudoHeaderSum(bytes, ip, room, protocol));
      return true;
    default:
      return false;
  }
}

function completeUdp(bytes: Uint8Array, place: Readonly<PacketPlace>, room: number): boolean {
  const { ip, transport } = place;
  if (room < UDP_HEADER_BYTES) return false;
  const length = read16(bytes, transport + UDP_LENGTH);
  if (length < UDP_HEADER_BYTES || length > room) return false;
  fill(bytes, transport, length, UDP_CHECKSUM, pseudoHeaderSum(bytes, ip, length, PROTOCOL_UDP));
  // RFC 768: If the computed checksum is zero, it is transmitted as all ones.
  if (read16(bytes, transport + UDP_CHECKSUM) === 0) write16(bytes, transport + UDP_CHECKSUM, 0xffff);
  return true;
}

function fill(bytes: Uint8Array, transport: number, length: number, field: number, initialSum: number): void {
  write16(bytes, transport + field, 0);
  write16(bytes, transport + field, internetChecksum(bytes, transport, transport + length, initialSum));
}

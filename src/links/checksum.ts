// The Internet checksum (RFC 1071) for frames outside the WASM core: it fills in what a sender with checksum offload
// left partial. Works on bytes alone; which frames are partial is the caller's knowledge.

import {
  ETHERNET_HEADER_BYTES,
  IPV4_ADDRESSES,
  IPV4_PROTOCOL,
  PROTOCOL_ICMP,
  PROTOCOL_TCP,
  PROTOCOL_UDP,
  packetEnd,
  read16,
  TCP_CHECKSUM,
  TCP_HEADER_BYTES,
  transportOffset,
  write16,
} from "./ipv4-frame.ts";

const UDP_LENGTH = 4;
const UDP_CHECKSUM = 6;
const UDP_HEADER_BYTES = 8;
const ICMP_CHECKSUM = 2;
const ICMP_HEADER_BYTES = 8;

/**
 * The one's complement of the one's complement sum of the 16-bit words of `bytes[start..end)`, as stored in a header.
 * @param initialSum - words summed before, 0..2^20 (a pseudo-header)
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
 * The sum of the IPv4 pseudo-header, not complemented.
 * @param ip - offset of the IPv4 header
 * @param transportBytes - length of transport header and payload
 * @see RFC 9293 3.1, RFC 768
 */
export function pseudoHeaderSum(bytes: Uint8Array, ip: number, transportBytes: number): number {
  const at = ip + IPV4_ADDRESSES;
  const addresses = read16(bytes, at) + read16(bytes, at + 2) + read16(bytes, at + 4) + read16(bytes, at + 6);
  return addresses + bytes[ip + IPV4_PROTOCOL]! + transportBytes;
}

/**
 * Computes the transport checksum of a frame in place, whatever its field holds now: TCP, UDP or ICMP over IPv4.
 * @param start - offset of the Ethernet header in `bytes`
 * @param end - offset after the frame's last byte; Ethernet padding before it is not summed
 * @returns false when the frame has no whole IPv4 packet with such a header; it is untouched then
 * @see RFC 1071, RFC 9293 3.1, RFC 768, RFC 792
 */
export function completeChecksum(bytes: Uint8Array, start = 0, end = bytes.length): boolean {
  const transport = transportOffset(bytes, start, end);
  if (transport < 0) return false;
  const ip = start + ETHERNET_HEADER_BYTES;
  const room = packetEnd(bytes, start) - transport;
  switch (bytes[ip + IPV4_PROTOCOL]) {
    case PROTOCOL_TCP:
      if (room < TCP_HEADER_BYTES) return false;
      fill(bytes, transport, room, TCP_CHECKSUM, pseudoHeaderSum(bytes, ip, room));
      return true;
    case PROTOCOL_UDP:
      return completeUdp(bytes, ip, transport, room);
    case PROTOCOL_ICMP:
      if (room < ICMP_HEADER_BYTES) return false;
      fill(bytes, transport, room, ICMP_CHECKSUM, 0);
      return true;
    default:
      return false;
  }
}

function completeUdp(bytes: Uint8Array, ip: number, transport: number, room: number): boolean {
  if (room < UDP_HEADER_BYTES) return false;
  const length = read16(bytes, transport + UDP_LENGTH);
  if (length < UDP_HEADER_BYTES || length > room) return false;
  fill(bytes, transport, length, UDP_CHECKSUM, pseudoHeaderSum(bytes, ip, length));
  // RFC 768: If the computed checksum is zero, it is transmitted as all ones.
  if (read16(bytes, transport + UDP_CHECKSUM) === 0) write16(bytes, transport + UDP_CHECKSUM, 0xffff);
  return true;
}

function fill(bytes: Uint8Array, transport: number, length: number, field: number, initialSum: number): void {
  write16(bytes, transport + field, 0);
  write16(bytes, transport + field, internetChecksum(bytes, transport, transport + length, initialSum));
}

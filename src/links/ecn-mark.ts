// The congestion mark of a router's queue on an IPv4 packet (RFC 3168 5), with the header checksum brought up to date (RFC 1624).
import {
  ETHERNET_HEADER_BYTES,
  ETHERTYPE,
  ETHERTYPE_IPV4,
  IPV4_CHECKSUM,
  IPV4_HEADER_BYTES,
  read16,
  write16,
} from "./ipv4-frame.ts";

const TYPE_OF_SERVICE = 1;
const ECN_MASK = 3;
const CE = 3;

/**
 * Sets "congestion experienced" on a packet whose sender understands it.
 * @param bytes - from the Ethernet header on
 * @returns whether it bears the mark now and did not before; a packet that is not ECN-capable, or not IPv4, stays as it is
 */
export function markCongestion(bytes: Uint8Array): boolean {
  if (bytes.length < ETHERNET_HEADER_BYTES + IPV4_HEADER_BYTES || read16(bytes, ETHERTYPE) !== ETHERTYPE_IPV4)
    return false;
  const at = ETHERNET_HEADER_BYTES;
  const field = bytes[at + TYPE_OF_SERVICE]! & ECN_MASK;
  if (field === 0 || field === CE) return false;
  bytes[at + TYPE_OF_SERVICE] = bytes[at + TYPE_OF_SERVICE]! | CE;
  // RFC 1624 3: HC' = ~(~HC + ~m + m'); m and m' differ in the low byte of the first word
  const sum = (~read16(bytes, at + IPV4_CHECKSUM) & 0xffff) + (CE - field);
  write16(bytes, at + IPV4_CHECKSUM, ~((sum & 0xffff) + (sum >>> 16)) & 0xffff);
  return true;
}

// The congestion mark of a router's queue on an IP packet (RFC 3168 5), with IPv4's header checksum brought up to date (RFC 1624).
import { IPV4_CHECKSUM, locateHeader, PacketPlace, read16, write16 } from "./ip-frame.ts";

const TYPE_OF_SERVICE = 1;
const ECN_MASK = 3;
const CE = 3;
/** IPv6's traffic class lies four bits further left (RFC 8200 3). */
const IPV6_SHIFT = 4;

/** Used from one call to the next. */
const found = new PacketPlace();

/**
 * Sets "congestion experienced" on a packet whose sender understands it.
 * @param bytes - from the Ethernet header on
 * @returns whether it bears the mark now and did not before; a packet that is not ECN-capable, or not IP, stays as it is
 */
export function markCongestion(bytes: Uint8Array): boolean {
  if (!locateHeader(bytes, 0, bytes.length, found)) return false;
  const at = found.ip;
  const shift = found.version === 4 ? 0 : IPV6_SHIFT;
  const field = (bytes[at + TYPE_OF_SERVICE]! >>> shift) & ECN_MASK;
  if (field === 0 || field === CE) return false;
  bytes[at + TYPE_OF_SERVICE] = bytes[at + TYPE_OF_SERVICE]! | (CE << shift);
  if (found.version === 6) return true;
  // RFC 1624 3: HC' = ~(~HC + ~m + m'); m and m' differ in the low byte of the first word
  const sum = (~read16(bytes, at + IPV4_CHECKSUM) & 0xffff) + (CE - field);
  write16(bytes, at + IPV4_CHECKSUM, ~((sum & 0xffff) + (sum >>> 16)) & 0xffff);
  return true;
}

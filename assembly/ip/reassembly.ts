// Puts datagrams together again (RFC 791 3.2, RFC 815, RFC 1122 3.3.2). One rule is stricter than those: of a datagram with
// overlapping fragments nothing is delivered, nor of what still comes of it, as RFC 5722 wants for IPv6; a fragment that
// repeats bytes which are there already is a duplicate and harmless (RFC 8200 4.5). Knows no interfaces and sends nothing.
import { SYSCTL_IPFRAG_TIME } from "../layout";
import { NONE } from "../storage/none";
import { NEVER_US } from "../storage/timer-wheel";
import { IPV4_MAX_PACKET, Ipv4Header, PROTOCOL_TCP } from "../wire/ipv4";
import {
  Datagram,
  datagramEquals,
  datagramFind,
  datagramForget,
  datagramKill,
  datagramMake,
  datagramOldest,
  datagramRead,
  datagramWrite,
} from "./datagram";

/** It is kept; others are missing. */
export const FRAGMENT_KEPT: u32 = 0;
/** The datagram is whole. */
export const FRAGMENT_COMPLETES: u32 = 1;
/** Its bytes are there already. */
export const FRAGMENT_DUPLICATE: u32 = 2;
/** It contradicts what is there: the datagram is discarded. */
export const FRAGMENT_OVERLAPS: u32 = 3;
/** No honest fragment looks like this; the datagram, if there was one, is discarded. */
export const FRAGMENT_MALFORMED: u32 = 4;
/** There is no room for it, or it belongs to a datagram that was discarded. */
export const FRAGMENT_REFUSED: u32 = 5;

/** Nothing is due. */
export const EXPIRY_NONE: u32 = 0;
/** A datagram was given up without its first fragment: nobody is told (RFC 1122 3.2.2.4). */
export const EXPIRY_SILENT: u32 = 1;
/** A datagram was given up, and its first fragment is there to be quoted. */
export const EXPIRY_QUOTED: u32 = 2;

const ECN_NOT_ECT: u8 = 1; // bits of Datagram.ecnSeen
const ECN_CE: u8 = 8;
const CODE_POINT_CE: u8 = 3;

/** RFC 1858 3, RFC 3128 3.1: TCP's flags must be in the first fragment, at byte 13, and in no other. */
const TCP_FIRST_FRAGMENT_MIN: u32 = 16;

/**
 * Takes a fragment.
 * @param ipPtr -> a valid IPv4 packet with isFragment
 * @param into where the packet is written if it is whole now: IPV4_MAX_PACKET bytes
 * @returns a FRAGMENT_ code
 */
export function reassemble(interfaceIndex: u32, ipPtr: usize, into: usize, nowUs: u64): u32 {
  const ip = Ipv4Header.at(ipPtr);
  let index = datagramFind(interfaceIndex, ip.src, ip.dst, ip.identification, ip.protocol);
  if (index !== NONE && Datagram.at(index).isDead !== 0) return FRAGMENT_REFUSED;
  if (isMalformed(ip)) return discard(index, FRAGMENT_MALFORMED);
  if (index === NONE) {
    const deadlineUs = nowUs + <u64>load<u32>(SYSCTL_IPFRAG_TIME) * 1000000;
    index = datagramMake(interfaceIndex, ip.src, ip.dst, ip.identification, ip.protocol, deadlineUs);
    if (index === NONE) return FRAGMENT_REFUSED;
  }
  const verdict = add(index, ip);
  if (verdict === FRAGMENT_OVERLAPS) return discard(index, verdict);
  if (verdict === FRAGMENT_REFUSED) datagramForget(index);
  if (verdict !== FRAGMENT_KEPT) return verdict;
  const datagram = Datagram.at(index);
  datagram.ecnSeen |= <u8>(1 << (ip.typeOfService & 3));
  if (datagram.hasEnd === 0 || datagram.ranges.totalBytes !== <u32>datagram.endOffset) return FRAGMENT_KEPT;
  if (!isPlausible(datagram)) return discard(index, FRAGMENT_MALFORMED);
  writeWhole(datagram, into);
  datagramForget(index);
  return FRAGMENT_COMPLETES;
}

/** When reassemblyExpire() has something to do, µs; NEVER_US if nothing waits. */
export function reassemblyDeadline(): u64 {
  const index = datagramOldest();
  return index === NONE ? NEVER_US : Datagram.at(index).deadlineUs;
}

/**
 * Gives up the datagram that has waited longest, if its time is up. To be called until it returns EXPIRY_NONE.
 * @param into where its first fragment is written, if it has come: IPV4_MAX_PACKET bytes
 * @returns an EXPIRY_ code
 */
export function reassemblyExpire(into: usize, nowUs: u64): u32 {
  const index = datagramOldest();
  if (index === NONE || Datagram.at(index).deadlineUs > nowUs) return EXPIRY_NONE;
  const datagram = Datagram.at(index);
  const headerBytes: u32 = datagram.headerBytes;
  if (headerBytes !== 0) {
    memory.copy(into, datagram.headerPtr, headerBytes);
    datagramRead(datagram, datagram.firstBytes, into + headerBytes);
  }
  datagramForget(index);
  return headerBytes !== 0 ? EXPIRY_QUOTED : EXPIRY_SILENT;
}

// Attack cases: no payload, a middle that is no multiple of 8 bytes, an end beyond the longest packet ("ping of death"), TCP
// headers cut up to pass filters
function isMalformed(ip: Ipv4Header): bool {
  const offset = ip.fragmentOffset;
  const length = ip.payloadLength;
  if (length === 0 || offset + length + ip.headerLength > IPV4_MAX_PACKET) return true;
  if (ip.mf && (length & 7) !== 0) return true;
  if (ip.protocol !== PROTOCOL_TCP) return false;
  return offset === 0 ? length < TCP_FIRST_FRAGMENT_MIN : offset < TCP_FIRST_FRAGMENT_MIN;
}

// What only the whole shows. RFC 3168 5.3: a mark on a datagram of which a part could not be marked is no mark anybody made honestly
function isPlausible(datagram: Datagram): bool {
  if (<u32>datagram.headerBytes + <u32>datagram.endOffset > IPV4_MAX_PACKET) return false;
  return (datagram.ecnSeen & (ECN_CE | ECN_NOT_ECT)) !== (ECN_CE | ECN_NOT_ECT);
}

// Forgets what came of a datagram and drops what will
function discard(index: u32, verdict: u32): u32 {
  if (index !== NONE) datagramKill(index);
  return verdict;
}

function add(index: u32, ip: Ipv4Header): u32 {
  const datagram = Datagram.at(index);
  const ranges = datagram.ranges;
  const offset = ip.fragmentOffset;
  const length = ip.payloadLength;
  const end = offset + length;
  const highest: u32 = ranges.count === 0 ? 0 : ranges.endAt(ranges.count - 1);
  const isLast = !ip.mf;
  if (isLast ? highest > end : datagram.hasEnd !== 0 && end > <u32>datagram.endOffset) return FRAGMENT_OVERLAPS;
  if (isLast && datagram.hasEnd !== 0 && end !== <u32>datagram.endOffset) return FRAGMENT_OVERLAPS;
  if (ranges.contains(offset, end)) {
    return datagramEquals(datagram, offset, ip.payloadPtr, length) ? FRAGMENT_DUPLICATE : FRAGMENT_OVERLAPS;
  }
  const next = ranges.firstEndingAfter(offset);
  if (next !== NONE && ranges.startAt(next) < end) return FRAGMENT_OVERLAPS;
  if (!datagramWrite(index, offset, ip.payloadPtr, length) || ranges.insert(offset, end) === 0) return FRAGMENT_REFUSED;
  if (isLast) {
    datagram.hasEnd = 1;
    datagram.endOffset = <u16>end;
  }
  if (offset === 0) {
    datagram.headerBytes = <u8>ip.headerLength;
    datagram.firstBytes = <u16>length;
    memory.copy(datagram.headerPtr, changetype<usize>(ip), ip.headerLength);
  }
  return FRAGMENT_KEPT;
}

// RFC 791 3.2: the header is that of the first fragment, with the length of the whole
function writeWhole(datagram: Datagram, into: usize): void {
  const headerBytes: u32 = datagram.headerBytes;
  memory.copy(into, datagram.headerPtr, headerBytes);
  datagramRead(datagram, datagram.endOffset, into + headerBytes);
  const ip = Ipv4Header.at(into);
  if ((datagram.ecnSeen & ECN_CE) !== 0) ip.typeOfService = ip.typeOfService | CODE_POINT_CE;
  ip.makeWhole(headerBytes + <u32>datagram.endOffset);
}

// ICMP errors out (RFC 792, RFC 1122 3.2.2): whether one may be sent about a packet, within the limits of icmp/rate-limit.ts, and
// its way to whoever sent that packet. What it says is icmp/unreachable.ts's.

import { count } from "../count";
import {
  COUNTER_ICMP_OUT_DEST_UNREACHS,
  COUNTER_ICMP_OUT_RATE_LIMITED,
  COUNTER_ICMP_OUT_TIME_EXCDS,
} from "../counters";
import { mayIcmpErrorLeave } from "../icmp/rate-limit";
import { ICMP_ERROR_BYTES_MAX, isErrorAllowedFor, writeError } from "../icmp/unreachable";
import { ICMPV4_TIME_EXCEEDED, ICMPV4_UNREACHABLE, TIME_EXCEEDED_REASSEMBLY } from "../wire/icmpv4";
import { Ipv4Header, PROTOCOL_ICMP } from "../wire/ipv4";
import { mappedLow } from "./address";
import { beginPacket, sendPacket } from "./packet-out";
import { SMALL_FRAME, SMALL_FRAME_BYTES } from "./scratch";

/**
 * Complains about a packet to us that nobody here takes.
 * @param ipPtr a valid IPv4 packet that was sent to us alone, by link and IP address
 * @param code an UNREACHABLE_ code
 */
export function sendUnreachable(ipPtr: usize, code: u8, nowUs: u64): void {
  if (sendError(ipPtr, ICMPV4_UNREACHABLE, code, nowUs)) count(COUNTER_ICMP_OUT_DEST_UNREACHS);
}

/**
 * Tells the sender of a datagram that parts of it never came.
 *
 *   RFC 1122 3.3.2: "If this timeout expires, the partially-reassembled datagram MUST be discarded and an ICMP Time Exceeded message
 *   sent to the source host (if fragment zero has been received)."
 * @param ipPtr its first fragment
 */
export function sendReassemblyExceeded(ipPtr: usize, nowUs: u64): void {
  if (sendError(ipPtr, ICMPV4_TIME_EXCEEDED, TIME_EXCEEDED_REASSEMBLY, nowUs)) count(COUNTER_ICMP_OUT_TIME_EXCDS);
}

function sendError(ipPtr: usize, type: u8, code: u8, nowUs: u64): bool {
  const ip = Ipv4Header.at(ipPtr);
  if (!isErrorAllowedFor(ipPtr)) return false;
  if (!mayIcmpErrorLeave(0, mappedLow(ip.src), nowUs)) {
    count(COUNTER_ICMP_OUT_RATE_LIMITED);
    return false;
  }
  const built = SMALL_FRAME + SMALL_FRAME_BYTES - ICMP_ERROR_BYTES_MAX;
  const length = writeError(built, type, code, ipPtr);
  const message = beginPacket(length);
  if (message === 0) return false;
  memory.copy(message, built, length);
  return sendPacket(ip.dst, ip.src, PROTOCOL_ICMP, length, true, nowUs) === 0;
}

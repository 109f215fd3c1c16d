// ICMP input (RFC 792, RFC 1122 3.2.2): echo requests are answered, replies go to who pinged, errors to the connection that they
// quote, if they prove to be about something it has in flight (RFC 5927 4). Redirects, source quench and the rest are ignored.

import { count } from "../count";
import {
  COUNTER_ICMP_IN_CSUM_ERRORS,
  COUNTER_ICMP_IN_DEST_UNREACHS,
  COUNTER_ICMP_IN_ECHO_REPS,
  COUNTER_ICMP_IN_ECHOS,
  COUNTER_ICMP_IN_IGNORED,
  COUNTER_ICMP_IN_MALFORMED,
  COUNTER_ICMP_IN_NO_MATCH,
  COUNTER_ICMP_OUT_ECHO_REPS,
} from "../counters";
import { writeEchoReply } from "../icmp/echo";
import { endsConnecting, errnoOfIcmp } from "../icmp/unreachable";
import { EMSGSIZE, STATE_SYN_SENT, SYSCTL_ICMP_ECHO_IGNORE_ALL } from "../layout";
import { NONE } from "../storage/none";
import { findTuple } from "../tcp/connections";
import { pathNarrowed } from "../tcp/path-mtu";
import { seqGt, seqLte } from "../tcp/seq";
import { Tcb } from "../tcp/tcb";
import { hardError, softError } from "../tcp/user-calls";
import {
  ICMPV4_ECHO,
  ICMPV4_ECHO_REPLY,
  ICMPV4_HEADER,
  ICMPV4_PARAMETER_PROBLEM,
  ICMPV4_TIME_EXCEEDED,
  ICMPV4_UNREACHABLE,
  Icmpv4Header,
} from "../wire/icmpv4";
import { Ipv4Header, PROTOCOL_ICMP, PROTOCOL_TCP } from "../wire/ipv4";
import { TcpHeader } from "../wire/tcp";
import { mappedLow } from "./address";
import { Interface, isOwnAddress } from "./interfaces";
import { beginPacket, sendPacket } from "./packet-out";
import { pathMtuClaimed } from "./path-mtu-in";
import { pingFailed, pingReply } from "./ping";

/**
 * Takes an ICMP message.
 * @param ipPtr a valid IPv4 packet to us
 * @param isBroadcast it was sent to all, by link or IP address: then it is neither answered nor believed
 */
export function icmpInput(interfaceIndex: u32, ipPtr: usize, isBroadcast: bool, nowUs: u64): void {
  const ip = Ipv4Header.at(ipPtr);
  const receiver = Interface.at(interfaceIndex);
  const message = Icmpv4Header.at(ip.payloadPtr);
  const length = ip.payloadLength;
  if (!Icmpv4Header.isValid(ip.payloadPtr, length)) {
    receiver.drop(COUNTER_ICMP_IN_MALFORMED);
    return;
  }
  if (!message.isChecksumValid(length)) {
    receiver.drop(COUNTER_ICMP_IN_CSUM_ERRORS);
    return;
  }
  if (isBroadcast) {
    receiver.drop(COUNTER_ICMP_IN_IGNORED);
    return;
  }
  switch (message.type) {
    case ICMPV4_ECHO:
      count(COUNTER_ICMP_IN_ECHOS);
      answerEcho(ip, length, nowUs);
      return;
    case ICMPV4_ECHO_REPLY:
      count(COUNTER_ICMP_IN_ECHO_REPS);
      pingReply(ip.src, ip.dst, message.rest, length - ICMPV4_HEADER, ip.ttl, nowUs);
      return;
    case ICMPV4_UNREACHABLE:
    case ICMPV4_TIME_EXCEEDED:
    case ICMPV4_PARAMETER_PROBLEM:
      takeError(receiver, ip, message, length, nowUs);
      return;
    default:
      receiver.drop(COUNTER_ICMP_IN_IGNORED);
  }
}

function answerEcho(ip: Ipv4Header, length: u32, nowUs: u64): void {
  if (load<u32>(SYSCTL_ICMP_ECHO_IGNORE_ALL) !== 0) {
    count(COUNTER_ICMP_IN_IGNORED);
    return;
  }
  const reply = beginPacket(length);
  if (reply === 0) return; // no memory, which heapAlloc() counted
  writeEchoReply(ip.payloadPtr, length, reply);
  count(COUNTER_ICMP_OUT_ECHO_REPS);
  sendPacket(ip.dst, ip.src, PROTOCOL_ICMP, length, true, nowUs);
}

/** An error message: whom does it quote, and may it be believed? */
function takeError(receiver: Interface, ip: Ipv4Header, message: Icmpv4Header, length: u32, nowUs: u64): void {
  if (message.type === ICMPV4_UNREACHABLE) count(COUNTER_ICMP_IN_DEST_UNREACHS);
  const quoted = Ipv4Header.at(message.bodyPtr);
  if (!Ipv4Header.isValidQuote(message.bodyPtr, length - ICMPV4_HEADER)) {
    receiver.drop(COUNTER_ICMP_IN_MALFORMED);
    return;
  }
  const errno = errnoOfIcmp(message.type, message.code);
  if (errno === 0 || quoted.fragmentOffset !== 0 || !isOwnAddress(quoted.src)) {
    receiver.drop(errno === 0 ? COUNTER_ICMP_IN_IGNORED : COUNTER_ICMP_IN_NO_MATCH);
    return;
  }
  let isOurs = false;
  if (quoted.protocol === PROTOCOL_TCP) {
    isOurs = tellConnection(quoted, message, errno, nowUs);
  } else if (quoted.protocol === PROTOCOL_ICMP && Icmpv4Header.at(quoted.payloadPtr).type === ICMPV4_ECHO) {
    isOurs = pingFailed(quoted.dst, Icmpv4Header.at(quoted.payloadPtr).rest, errno, ip.src);
    if (isOurs && errno === EMSGSIZE) pathMtuClaimed(quoted.dst, message.nextHopMtu, quoted.totalLength, nowUs);
  }
  if (!isOurs) receiver.drop(COUNTER_ICMP_IN_NO_MATCH);
}

/**
 * Hands the error to the connection whose segment is quoted.
 *
 *   RFC 5927 4.1: "TCP SHOULD check that the TCP sequence number contained in the payload of the ICMP error message is within the
 *   range SND.UNA =< SEG.SEQ < SND.NXT."
 *
 * @returns false if there is none, or the quoted sequence number is not one it has in flight
 */
function tellConnection(quoted: Ipv4Header, message: Icmpv4Header, errno: u32, nowUs: u64): bool {
  const header = TcpHeader.at(quoted.payloadPtr);
  const index = findTuple(0, mappedLow(quoted.src), 0, mappedLow(quoted.dst), header.srcPort, header.dstPort);
  if (index === NONE) return false;
  const tcb = Tcb.at(index);
  if (!seqLte(tcb.sndUna, header.seq) || !seqGt(tcb.sndNxt, header.seq)) return false;
  if (errno === EMSGSIZE) {
    pathMtuClaimed(quoted.dst, message.nextHopMtu, quoted.totalLength, nowUs);
    pathNarrowed(tcb, Interface.at(tcb.interfaceIndex).mtu, quoted.totalLength);
  } else if (tcb.state === STATE_SYN_SENT && endsConnecting(message.type, message.code)) {
    hardError(tcb, errno, nowUs);
  } else {
    softError(tcb, errno);
  }
  return true;
}

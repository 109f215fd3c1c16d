// UDP in: there are no UDP sockets, so whoever sends learns that nobody listens (RFC 1122 4.1.3.1); what is damaged is dropped.

import { COUNTER_IP_IN_UNKNOWN_PROTOS, COUNTER_UDP_IN_ERRORS, COUNTER_UDP_NO_PORTS } from "../counters";
import { FRAME_CSUM_PARTIAL, FRAME_CSUM_VALID } from "../layout";
import { UNREACHABLE_PORT } from "../wire/icmpv4";
import { Ipv4Header } from "../wire/ipv4";
import { UdpHeader } from "../wire/udp";
import { sendUnreachable } from "./icmp-out";
import { Interface } from "./interfaces";

/**
 * Takes a datagram.
 *
 *   RFC 1122 4.1.3.1: "If a datagram arrives addressed to a UDP port for which there is no pending LISTEN call, UDP SHOULD send an
 *   ICMP Port Unreachable message."
 * @param ipPtr a valid IPv4 packet
 * @param isBroadcast it was sent to all hosts: then nobody is told anything
 * @param flags FRAME_ bits
 */
export function udpInput(interfaceIndex: u32, ipPtr: usize, isBroadcast: bool, flags: u32, nowUs: u64): void {
  const receiver = Interface.at(interfaceIndex);
  const ip = Ipv4Header.at(ipPtr);
  if (isBroadcast) {
    receiver.drop(COUNTER_IP_IN_UNKNOWN_PROTOS);
    return;
  }
  const isTrusted = (flags & (FRAME_CSUM_PARTIAL | FRAME_CSUM_VALID)) !== 0;
  const isWhole = UdpHeader.isValid(ip.payloadPtr, ip.payloadLength);
  if (!isWhole || !(isTrusted || UdpHeader.at(ip.payloadPtr).isChecksumValid(ip))) {
    receiver.drop(COUNTER_UDP_IN_ERRORS);
    return;
  }
  receiver.drop(COUNTER_UDP_NO_PORTS);
  sendUnreachable(ipPtr, UNREACHABLE_PORT, nowUs);
}

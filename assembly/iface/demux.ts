// From an IPv4 packet that is for us to the protocol that takes it, and for TCP: header and checksum checks (RFC 9293 3.1), the
// segment in hand, and the reset for one that nobody owns (3.10.7.1). A super-segment is one segment here.

import { countMany } from "../count";
import {
  COUNTER_IP_IN_UNKNOWN_PROTOS,
  COUNTER_TCP_IN_CSUM_ERRORS,
  COUNTER_TCP_IN_ERRS,
  COUNTER_TCP_IN_OPTION_ERRORS,
  COUNTER_TCP_IN_PORT_ZERO,
  COUNTER_TCP_IN_SEGS,
} from "../counters";
import { FRAME_CSUM_PARTIAL, FRAME_CSUM_VALID } from "../layout";
import { segmentArrives } from "../tcp/arrives";
import { DISPOSITION_SEND_RST, DISPOSITION_SEND_SYN_ACK } from "../tcp/disposition";
import { outgoing } from "../tcp/outgoing";
import { currentSegment, Segment } from "../tcp/segment";
import { fold, pseudoHeaderSumIpv4, sumBytes } from "../wire/checksum";
import { UNREACHABLE_PROTOCOL } from "../wire/icmpv4";
import { Ipv4Header, PROTOCOL_ICMP, PROTOCOL_TCP, PROTOCOL_UDP } from "../wire/ipv4";
import { FIN, SYN, TCP_HEADER, TcpHeader } from "../wire/tcp";
import { parseTcpOptions } from "../wire/tcp-options";
import { mappedLow } from "./address";
import { icmpInput } from "./icmp-in";
import { sendUnreachable } from "./icmp-out";
import { Interface } from "./interfaces";
import { sendReset, sendStateless } from "./reset-out";
import { udpInput } from "./udp-in";

/**
 * Hands a packet to its protocol.
 * @param ptr an IPv4 packet that passed all checks of ingress.ts
 * @param isBroadcast it was sent to all hosts
 */
export function demux(interfaceIndex: u32, ptr: usize, isBroadcast: bool, flags: u32, gsoSize: u32, nowUs: u64): void {
  const header = Ipv4Header.at(ptr);
  switch (header.protocol) {
    case PROTOCOL_TCP:
      // RFC 9293 3.9.2.3 (MUST-57): a segment to a broadcast or multicast address is silently discarded
      if (isBroadcast) Interface.at(interfaceIndex).drop(COUNTER_TCP_IN_ERRS);
      else tcpInput(interfaceIndex, header, flags, gsoSize, nowUs);
      return;
    case PROTOCOL_ICMP:
      icmpInput(interfaceIndex, ptr, isBroadcast, nowUs);
      return;
    case PROTOCOL_UDP:
      udpInput(interfaceIndex, ptr, isBroadcast, flags, nowUs);
      return;
    default:
      Interface.at(interfaceIndex).drop(COUNTER_IP_IN_UNKNOWN_PROTOS);
      // RFC 1122 3.2.2.1: "A host SHOULD generate [...] 2 (Protocol Unreachable), when the designated transport protocol is not
      // supported"
      if (!isBroadcast) sendUnreachable(ptr, UNREACHABLE_PROTOCOL, nowUs);
  }
}

function tcpInput(interfaceIndex: u32, ip: Ipv4Header, flags: u32, gsoSize: u32, nowUs: u64): void {
  const receiver = Interface.at(interfaceIndex);
  const ptr = ip.payloadPtr;
  const length = ip.payloadLength;
  const seg = currentSegment();
  const isWhole = TcpHeader.isValid(ptr, length);
  // What a network card merged counts as what it was on the wire. gsoSize is a hint of the link's: never trusted to be sane
  const payloadBytes: u32 = isWhole ? length - TcpHeader.at(ptr).dataOffset : 0;
  seg.gsoSize = gsoSize < payloadBytes ? gsoSize : 0;
  seg.segments = seg.gsoSize === 0 ? 1 : (payloadBytes + seg.gsoSize - 1) / seg.gsoSize;
  countMany(COUNTER_TCP_IN_SEGS, seg.segments);
  if (!isWhole) {
    receiver.drop(COUNTER_TCP_IN_ERRS);
    return;
  }
  if ((flags & (FRAME_CSUM_PARTIAL | FRAME_CSUM_VALID)) === 0 && !isTcpChecksumValid(ip)) {
    receiver.drop(COUNTER_TCP_IN_CSUM_ERRORS);
    return;
  }
  const header = TcpHeader.at(ptr);
  if (header.srcPort === 0 || header.dstPort === 0) {
    receiver.drop(COUNTER_TCP_IN_PORT_ZERO);
    return;
  }
  fillSegment(seg, interfaceIndex, ip, header);
  switch (segmentArrives(seg, nowUs)) {
    case DISPOSITION_SEND_RST:
      sendReset(seg, nowUs);
      break;
    case DISPOSITION_SEND_SYN_ACK:
      sendStateless(seg, outgoing(), nowUs);
      break;
  }
}

/** RFC 9293 3.1 (MUST-3): the receiver must check it. */
export function isTcpChecksumValid(ip: Ipv4Header): bool {
  const pseudo = pseudoHeaderSumIpv4(ip.src, ip.dst, PROTOCOL_TCP, ip.payloadLength);
  return fold(sumBytes(ip.payloadPtr, ip.payloadLength, pseudo)) === 0xffff;
}

function fillSegment(seg: Segment, interfaceIndex: u32, ip: Ipv4Header, header: TcpHeader): void {
  const controls = header.flags;
  const payloadBytes = ip.payloadLength - header.dataOffset;
  seg.seq = header.seq;
  seg.ack = header.ack;
  seg.flags = controls;
  seg.len = payloadBytes + (controls & SYN ? 1 : 0) + (controls & FIN ? 1 : 0);
  seg.wnd = header.window;
  seg.up = header.urgentPointer;
  seg.payloadPtr = <u32>(changetype<usize>(header) + header.dataOffset);
  seg.payloadLength = payloadBytes;
  seg.frames = 1;
  seg.interfaceIndex = interfaceIndex;
  seg.tos = ip.typeOfService;
  seg.localPort = header.dstPort;
  seg.remotePort = header.srcPort;
  seg.localAddressHigh = 0;
  seg.localAddressLow = mappedLow(ip.dst);
  seg.remoteAddressHigh = 0;
  seg.remoteAddressLow = mappedLow(ip.src);
  parseTcpOptions(header.optionsPtr, header.dataOffset - TCP_HEADER, (controls & SYN) !== 0, seg.options);
  if (seg.options.optionErrors !== 0) countMany(COUNTER_TCP_IN_OPTION_ERRORS, seg.options.optionErrors);
}

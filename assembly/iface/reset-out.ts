// Sends what answers a segment and belongs to no connection: the RST (RFC 9293 3.5.2, 3.10.7.1; tcp/reset.ts says what is in it), the
// SYN-ACK with a cookie (RFC 4987 3.6).

import { count } from "../count";
import { COUNTER_TCP_OUT_RSTS, COUNTER_TCP_OUT_SEGS } from "../counters";
import { Outgoing } from "../tcp/outgoing";
import { resetAck, resetFlags, resetReply, resetSeq } from "../tcp/reset";
import { Segment } from "../tcp/segment";
import { finish, pseudoHeaderSumIpv4, sumBytes } from "../wire/checksum";
import { PROTOCOL_TCP } from "../wire/ipv4";
import { TCP_HEADER, TcpHeader } from "../wire/tcp";
import { mappedAddress } from "./address";
import { beginPacket, sendPacket } from "./packet-out";

/** Answers a segment with a RST, unless it is one itself. */
export function sendReset(seg: Segment, nowUs: u64): void {
  if (!resetReply(seg)) return;
  const ptr = beginPacket(TCP_HEADER);
  TcpHeader.at(ptr).emit(seg.localPort, seg.remotePort, resetSeq, resetAck, TCP_HEADER, resetFlags, 0);
  count(COUNTER_TCP_OUT_RSTS);
  send(seg, ptr, TCP_HEADER, nowUs);
}

/** Answers a segment with one that belongs to no connection: a SYN-ACK with a cookie. It has no payload. */
export function sendStateless(seg: Segment, out: Outgoing, nowUs: u64): void {
  const bytes = TCP_HEADER + out.optionsLength;
  const ptr = beginPacket(bytes);
  const header = TcpHeader.at(ptr);
  header.emit(seg.localPort, seg.remotePort, out.seq, out.ack, bytes, out.flags, out.window);
  memory.copy(header.optionsPtr, out.optionsPtr, out.optionsLength);
  send(seg, ptr, bytes, nowUs);
}

function send(seg: Segment, ptr: usize, bytes: u32, nowUs: u64): void {
  const src = mappedAddress(seg.localAddressLow);
  const dst = mappedAddress(seg.remoteAddressLow);
  TcpHeader.at(ptr).checksum = finish(sumBytes(ptr, bytes, pseudoHeaderSumIpv4(src, dst, PROTOCOL_TCP, bytes)));
  count(COUNTER_TCP_OUT_SEGS);
  sendPacket(src, dst, PROTOCOL_TCP, bytes, true, nowUs);
}

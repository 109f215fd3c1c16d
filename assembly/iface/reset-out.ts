// Sends the RST for a segment that no connection owns (RFC 9293 3.5.2, 3.10.7.1); tcp/reset.ts says what is in it.

import { count } from "../count";
import { COUNTER_TCP_OUT_RSTS, COUNTER_TCP_OUT_SEGS } from "../counters";
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
  const src = mappedAddress(seg.localAddressLow);
  const dst = mappedAddress(seg.remoteAddressLow);
  const ptr = beginPacket(TCP_HEADER);
  const header = TcpHeader.at(ptr);
  header.emit(seg.localPort, seg.remotePort, resetSeq, resetAck, TCP_HEADER, resetFlags, 0);
  header.checksum = finish(sumBytes(ptr, TCP_HEADER, pseudoHeaderSumIpv4(src, dst, PROTOCOL_TCP, TCP_HEADER)));
  count(COUNTER_TCP_OUT_SEGS);
  count(COUNTER_TCP_OUT_RSTS);
  sendPacket(src, dst, PROTOCOL_TCP, TCP_HEADER, true, nowUs);
}

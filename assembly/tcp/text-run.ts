// A run: text that continues the segment before it, alike in all but its place in the stream, is taken together. Each piece goes to its
// place in the receive ring as it comes; the connection hears of all at the end, as of one super-segment (what Linux calls generic
// receive offload). RFC 9293 3.10.7.4 for what such a segment means; who finds pieces that are alike is iface/gro.ts.
import { count, countMany } from "../count";
import { COUNTER_TCP_PREDICTED, COUNTER_TCP_RCV_COALESCE } from "../counters";
import { STATE_ESTABLISHED } from "../layout";
import { ACK } from "../wire/tcp";
import { countSegment, notePredicted } from "./arrives";
import { ecnOnText } from "./ecn";
import { flowingTcb } from "./flow";
import { advance, isOutOfOrder, receiveOffset, TEXT_IN_ORDER } from "./reassembly";
import { placeReceived, updateReceiveHead } from "./receive-ring";
import { ackReceived } from "./receive-window";
import { Segment } from "./segment";
import { updateSendWindow } from "./send-window";
import { Tcb } from "./tcb";
import { isUrgentByteDue } from "./urgent-in";

/** Bytes of a run at most: what one IPv4 packet could bring. */
const RUN_MAX: u32 = 65495;

let bytes: u32 = 0;
let pieces: u32 = 0;
let room: u32 = 0;

/** Begins a run after the segment in hand. @returns whether its text was all taken, in order and with no news beside it, and there is room */
export function runBegin(seg: Segment): bool {
  const tcb = flowingTcb();
  if (tcb === null || tcb.state !== STATE_ESTABLISHED || tcb.rcvNxt !== seg.end) return false;
  if (isOutOfOrder(tcb) || tcb.peerFinSeen !== 0 || isUrgentByteDue(tcb)) return false;
  updateReceiveHead(tcb);
  const waiting = tcb.rcvTail - tcb.rcvHead;
  const promised = tcb.rcvAdvertised - tcb.rcvNxt;
  bytes = 0;
  pieces = 0;
  // what is promised and lies free in the receive ring
  room = min(min(promised, tcb.rcvRingCapacity > waiting ? tcb.rcvRingCapacity - waiting : 0), RUN_MAX);
  return room !== 0;
}

/** The sequence number that continues the run. */
export function runNext(seg: Segment): u32 {
  return seg.end + bytes;
}

/** Adds the next piece. @returns false, with nothing taken, if it has no room */
export function runAdd(seg: Segment, payloadPtr: usize, length: u32): bool {
  if (length > room - bytes) return false;
  const tcb = changetype<Tcb>(flowingTcb());
  placeReceived(tcb, receiveOffset(tcb, seg.end) + bytes, payloadPtr, length);
  bytes += length;
  pieces += 1;
  return true;
}

/**
 * Ends a run that has pieces: does once what the fast path does with each segment. The segment in hand becomes the run; its acknowledgment,
 * window and options are those of every piece.
 * @param size payload bytes of every piece but the last, which may have fewer
 * @param push PSH if the last piece has it
 */
export function runEnd(seg: Segment, size: u32, push: u32, nowUs: u64): void {
  const tcb = changetype<Tcb>(flowingTcb());
  seg.seq = seg.end;
  seg.flags = ACK | push;
  seg.len = bytes;
  seg.payloadLength = bytes;
  seg.segments = pieces;
  seg.frames = pieces;
  seg.gsoSize = pieces > 1 ? size : 0;
  countSegment(tcb, seg);
  count(COUNTER_TCP_PREDICTED);
  countMany(COUNTER_TCP_RCV_COALESCE, pieces);
  notePredicted(tcb, seg, nowUs);
  updateSendWindow(tcb, seg);
  advance(tcb, seg.end); // nothing waits out of order
  ackReceived(tcb, seg, TEXT_IN_ORDER, nowUs);
  ecnOnText(tcb, seg);
}

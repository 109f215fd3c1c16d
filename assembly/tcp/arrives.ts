// Segment arrival: finds the owner, takes the fast path or dispatches on the state. RFC 9293 3.10.7. Nothing else is here.
import { count } from "../count";
import { COUNTER_TCP_PREDICTED } from "../counters";
import { STATE_CLOSED, STATE_ESTABLISHED, STATE_LISTEN, STATE_SYN_SENT, STATE_TIME_WAIT } from "../layout";
import { ACK, PSH } from "../wire/tcp";
import { onAck } from "./acks";
import { arrivesClosed } from "./arrives-closed";
import { arrivesListen } from "./arrives-listen";
import { arrivesSynSent } from "./arrives-syn-sent";
import { arrivesSynchronized, takeText } from "./arrives-synchronized";
import { arrivesTimeWait } from "./arrives-time-wait";
import { lookup, wantOutput } from "./connections";
import { DISPOSITION_DONE } from "./disposition";
import { beginFlow, endFlow } from "./flow";
import { isOutOfOrder } from "./reassembly";
import { Segment } from "./segment";
import { updateSendWindow } from "./send-window";
import { seqGt, seqLt, seqLte } from "./seq";
import { isForeign } from "./shard";
import { TCB_FLAG_READING_CLOSED, Tcb } from "./tcb";
import { hasTimestamps, isTimestampAbsent, updateTsRecent } from "./timestamps";
import { isUrgentByteDue } from "./urgent-in";

export { DISPOSITION_DONE, DISPOSITION_SEND_RST, DISPOSITION_SEND_SYN_ACK } from "./disposition";

/**
 * Takes in one segment (or super-segment) whose header and checksum are right.
 * @param seg decoded, options parsed, counted; no port is 0
 * @returns DISPOSITION_DONE, or DISPOSITION_SEND_RST: the caller sends what resetReply(seg) says
 */
export function segmentArrives(seg: Segment, nowUs: u64): u32 {
  endFlow();
  const tcb = lookup(seg);
  if (tcb === null) return isForeign(seg) ? DISPOSITION_DONE : arrivesClosed(seg);
  countSegment(tcb, seg);
  if (isPredicted(tcb, seg)) {
    takePredicted(tcb, seg, nowUs);
    if (seg.payloadLength !== 0) beginFlow(tcb);
    return DISPOSITION_DONE;
  }
  return dispatch(tcb, seg, nowUs);
}

/** Counts what arrived, whatever becomes of it. */
export function countSegment(tcb: Tcb, seg: Segment): void {
  tcb.segsIn += seg.segments;
  if (seg.payloadLength !== 0) tcb.dataSegsIn += seg.segments;
}

/** The way of every segment without the fast path; a test runs both and compares. */
export function dispatch(tcb: Tcb, seg: Segment, nowUs: u64): u32 {
  switch (<u32>tcb.state) {
    case STATE_CLOSED:
      return arrivesClosed(seg);
    case STATE_LISTEN:
      return isForeign(seg) ? DISPOSITION_DONE : arrivesListen(tcb, seg, nowUs);
    case STATE_SYN_SENT:
      return arrivesSynSent(tcb, seg, nowUs);
    case STATE_TIME_WAIT:
      return arrivesTimeWait(tcb, seg, nowUs);
    default:
      return arrivesSynchronized(tcb, seg, nowUs);
  }
}

/**
 * Header prediction: in bulk transfer nearly every segment is either the next piece of text with no news in its ACK and the window
 * as it was, or a bare ACK of new data, with any window. For these two the answers to the eight steps are known: no flag but
 * ACK and PSH, SEG.SEQ = RCV.NXT, timestamp not old, SEG.ACK in range, nothing out of order, no urgent byte due, text within the window. What is
 * left is done below, with the functions that the steps use, in their order.
 */
export function isPredicted(tcb: Tcb, seg: Segment): bool {
  if (tcb.state !== STATE_ESTABLISHED || (seg.flags & ~PSH) !== ACK || seg.seq !== tcb.rcvNxt) return false;
  if (isTimestampAbsent(tcb, seg) || (hasTimestamps(tcb) && seqLt(seg.options.tsVal, tcb.tsRecent))) return false;
  if (isOutOfOrder(tcb) || tcb.peerFinSeen !== 0) return false;
  if (seg.payloadLength === 0) return seqGt(seg.ack, tcb.sndUna) && seqLte(seg.ack, tcb.sndNxt);
  if (seg.ack !== tcb.sndUna || seg.wnd << tcb.sndWscale !== tcb.sndWnd || tcb.has(TCB_FLAG_READING_CLOSED))
    return false;
  return seqLte(seg.end, tcb.rcvAdvertised) && !isUrgentByteDue(tcb);
}

/** Does what the steps would do with a segment that isPredicted() accepted. */
function takePredicted(tcb: Tcb, seg: Segment, nowUs: u64): void {
  count(COUNTER_TCP_PREDICTED);
  notePredicted(tcb, seg, nowUs);
  if (seg.payloadLength === 0) {
    onAck(tcb, seg, nowUs);
    wantOutput(tcb);
  }
  updateSendWindow(tcb, seg);
  takeText(tcb, seg, nowUs);
}

/** What every segment that is predicted tells: the peer lives, and its clock. */
export function notePredicted(tcb: Tcb, seg: Segment, nowUs: u64): void {
  updateTsRecent(tcb, seg, nowUs);
  tcb.lastReceivedUs = nowUs;
  tcb.keepAliveProbes = 0;
}

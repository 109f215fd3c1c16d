// What we promise the peer and when we tell it: the window to advertise with silly-window avoidance (RFC 9293 3.8.6.2.2), its
// growth, and delayed ACKs (RFC 9293 3.8.6.3, RFC 5681 4.2). The right edge (rcvAdvertised) never moves left, and never beyond
// what the receive ring holds. Must not know why a segment was accepted.

import { SYSCTL_TCP_MODERATE_RCVBUF, SYSCTL_TCP_RMEM_MAX, TCB_RCV_KICK_AT } from "../layout";
import { WINDOW_SCALE_MAX } from "../wire/tcp-options";
import { ackNow } from "./challenge";
import {
  ackLeft,
  acknowledgeText,
  enterQuickAck,
  initialiseRcvMss,
  isAckDueOnRead,
  noteText,
  noteUselessText,
  QUICK_ACKS_MAX,
} from "./delayed-ack";
import { linkReceiveSlots } from "./link-limits";
import {
  isOutOfOrder,
  receiveEnd,
  receiveOffset,
  TEXT_GAP_FILLED,
  TEXT_IN_ORDER,
  TEXT_OUT_OF_ORDER,
} from "./reassembly";
import { growReceiveRing, receiveCapacityInitial, unreadBytes, updateReceiveHead } from "./receive-ring";
import { hasSack } from "./sack-blocks";
import { Segment } from "./segment";
import { seqGte, seqLt, seqMax, seqMin } from "./seq";
import { TCB_FLAG_ACK_DELAYED, TCB_FLAG_ACK_NOW, Tcb } from "./tcb";

/** The window field has 16 bits. */
const WINDOW_FIELD_MAX: u32 = 0xffff;
/** Duplicate ACKs owed at most: a super-segment of 64 KiB in segments of 536 bytes. The number of segments is the link's hint. */
const DUPLICATE_ACKS_MAX: u32 = 128;
/** Frames that a link holds for us never bound the window below this: small frames are no measure of what bulk data will be. */
const FRAME_BOUND_MIN: u32 = 65536;
/** Autotuning measures over two round trips, and over 4 ms at least: a reader that is woken is slower than a 50 µs round trip. */
const MEASURE_MIN_US: u64 = 4000;

/** Our window scale: what makes tcp_rmem's maximum fit the window field (7 for 6 MiB, as Linux). RFC 7323 2.3: at most 14. */
export function receiveWindowScale(): u32 {
  const space = load<u32>(SYSCTL_TCP_RMEM_MAX);
  const bits: u32 = space === 0 ? 0 : 31 - <u32>clz(space);
  return bits <= 15 ? 0 : min<u32>(bits - 15, WINDOW_SCALE_MAX);
}

/** Sets what a new connection promises, before its first SYN leaves. */
export function initialiseReceiver(tcb: Tcb): void {
  // Four units of the window scale at least: less could not be told in the window field
  tcb.rcvBufferCapacity = max<u32>(receiveCapacityInitial(), 4 << receiveWindowScale());
  tcb.rcvFrameBytes = tcb.advMss;
}

/** Starts the receive sequence space at the peer's SYN: IRS, RCV.NXT, and the edge that our own SYN promises or promised. */
export function startReceiver(tcb: Tcb, irs: u32, nowUs: u64): void {
  tcb.irs = irs;
  tcb.rcvNxt = irs + 1;
  tcb.lastAckSent = tcb.rcvNxt;
  tcb.rcvAdvertised = tcb.rcvNxt + windowInSyn(tcb);
  tcb.rcvWnd = tcb.rcvAdvertised - tcb.rcvNxt;
  tcb.rcvSpaceMarkUs = nowUs;
  initialiseRcvMss(tcb, tcb.rcvWnd);
  updateKickAt(tcb);
}

// A window is told in units of 2^rcvWscale. Between two reads the edge stands still while RCV.NXT moves, so what is left of the
// promise is hardly ever a multiple of the unit: rounded down it would look taken back (SHLD-14), so it is rounded up, and each
// ACK may move the edge by a unit less one. The room for that is never promised: 1/16 of the ring, which is enough for
// segments of all common sizes. If it is used up, the promise is rounded down after all (RFC 7323 2.4 knows that case)
function roundingReserve(tcb: Tcb): u32 {
  return tcb.rcvWscale === 0 ? 0 : max(tcb.rcvBufferCapacity >> 4, unitOf(tcb) - 1);
}

function unitOf(tcb: Tcb): u32 {
  return 1 << (<u32>tcb.rcvWscale);
}

// Bytes beyond RCV.NXT that the ring has room for
function ringSpace(tcb: Tcb): u32 {
  const used = tcb.rcvTail - tcb.rcvHead;
  return used < tcb.rcvBufferCapacity ? tcb.rcvBufferCapacity - used : 0;
}

// Bytes beyond RCV.NXT that we would promise now
function promisable(tcb: Tcb): u32 {
  const space = ringSpace(tcb);
  const reserve = roundingReserve(tcb);
  return min(space > reserve ? space - reserve : 0, frameBound(tcb));
}

// Bytes that half of the link's receive slots hold, if frames go on to be as large as they were: a drop there would be our fault. The
// other half is for frames in hand, whose slots go back a turn later, and for other connections; with all of them promised to one
// flow of 1448-byte frames, 422 of 740,000 frames were lost.
function frameBound(tcb: Tcb): u32 {
  const slots = linkReceiveSlots(tcb.interfaceIndex);
  if (slots === 0) return 0xffffffff;
  const bytes = <u64>(slots >> 1) * tcb.rcvFrameBytes;
  return max(<u32>min<u64>(bytes, 0xffffffff), FRAME_BOUND_MIN);
}

/** The window field of a SYN or SYN-ACK: never scaled (RFC 7323 2.2). */
export function windowInSyn(tcb: Tcb): u32 {
  return min(promisable(tcb), WINDOW_FIELD_MAX);
}

/**
 * Decides the window field of a segment that leaves now, and moves the promised edge.
 *
 *   RFC 9293 3.8.6.2.2: "RCV.BUFF - RCV.USER - RCV.WND >= min( Fr * RCV.BUFF, Eff.snd.MSS )" with Fr = 1/2: only by such a step
 *   does the edge move.
 *
 * @returns 0..65535, scaled by rcvWscale
 */
export function windowToAdvertise(tcb: Tcb): u32 {
  updateReceiveHead(tcb);
  const scale: u32 = tcb.rcvWscale;
  const fraction = unitOf(tcb) - 1;
  const limit = min(promisable(tcb), WINDOW_FIELD_MAX << scale) & ~fraction;
  tcb.rcvAdvertised = seqMax(tcb.rcvAdvertised, tcb.rcvNxt); // a FIN may have been taken with the window closed
  const promised = tcb.rcvAdvertised - tcb.rcvNxt;
  const step = max<u32>(min(tcb.rcvBufferCapacity / 2, tcb.rcvMss), 1);
  if (limit > promised && limit - promised >= step) {
    tcb.rcvAdvertised = tcb.rcvNxt + limit;
    return limit >> scale;
  }
  let field = promised >> scale;
  if ((promised & fraction) !== 0 && (field + 1) << scale <= ringSpace(tcb) && field < WINDOW_FIELD_MAX) {
    field += 1;
    tcb.rcvAdvertised = tcb.rcvNxt + (field << scale);
  }
  return min(field, WINDOW_FIELD_MAX);
}

/** Notes that a segment with ACK was built: nothing is owed until more arrives. */
export function ackSent(tcb: Tcb): void {
  tcb.clear(TCB_FLAG_ACK_NOW | TCB_FLAG_ACK_DELAYED);
  tcb.delayedAckUs = 0;
  ackLeft(tcb);
  tcb.lastAckSent = tcb.rcvNxt;
  tcb.rcvWnd = tcb.rcvAdvertised - tcb.rcvNxt;
  updateKickAt(tcb);
}

// The widest window that we would promise: a ring may have grown far beyond what the link's slots let us promise at once
function reach(tcb: Tcb): u32 {
  return min(tcb.rcvBufferCapacity, frameBound(tcb));
}

// How far main must have read before it is worth telling the peer
function updateStep(tcb: Tcb): u32 {
  const widest = reach(tcb);
  return max(min(widest / 2, tcb.rcvMss), widest / 4);
}

// Where main kicks: when what it has read would move the edge by updateStep. A kick without use must not repeat at each read,
// so the point lies that far ahead of what we know to be read, too
function updateKickAt(tcb: Tcb): void {
  const step = updateStep(tcb);
  const edge = receiveOffset(tcb, tcb.rcvAdvertised);
  const moves = edge + step + roundingReserve(tcb) - tcb.rcvBufferCapacity;
  atomic.store<u32>(tcb.ptr, seqMax(moves, tcb.rcvHead + step), TCB_RCV_KICK_AT);
  // Main stores rcvHead, then looks at rcvKickAt; we store rcvKickAt, then look at rcvHead: one of us sees the other
  if (seqGte(tcb.loadRcvHead(), tcb.rcvKickAt)) onRead(tcb);
}

/**
 * Main has read: sends a window update if the peer may be waiting for one. While more than half of the reach is still promised
 * none is needed: the ACKs of what arrives carry the new edge. Sends an ACK that waited for the end of a message to be read.
 */
export function onRead(tcb: Tcb): void {
  updateReceiveHead(tcb);
  const isAckDue = isAckDueOnRead(tcb);
  if (isAckDue && unreadBytes(tcb) === 0) {
    ackNow(tcb);
    return;
  }
  const promised = tcb.rcvAdvertised - tcb.rcvNxt;
  const limit = promisable(tcb);
  if (<i32>promised < <i32>(reach(tcb) / 2) && limit > promised && limit - promised >= updateStep(tcb)) {
    ackNow(tcb);
    return;
  }
  const moves = seqMax(tcb.rcvKickAt, tcb.rcvHead + updateStep(tcb));
  atomic.store<u32>(tcb.ptr, isAckDue ? seqMin(moves, tcb.rcvTail) : moves, TCB_RCV_KICK_AT);
}

// An ACK leaves once main has read all there is: it kicks there
function watchReading(tcb: Tcb): void {
  if (!seqLt(tcb.rcvTail, tcb.rcvKickAt)) return;
  atomic.store<u32>(tcb.ptr, tcb.rcvTail, TCB_RCV_KICK_AT);
  if (tcb.loadRcvHead() === tcb.rcvTail) onRead(tcb);
}

// What one frame brings: 1/8 of the new; a last small segment hardly counts, a change of the link's batch size does
function measureFrame(tcb: Tcb, seg: Segment): void {
  tcb.rcvFrameBytes = max<u32>(tcb.rcvFrameBytes - (tcb.rcvFrameBytes >> 3) + (seg.payloadLength >> 3), 1);
}

/**
 * Payload was received: says whether its ACK leaves now or may wait for company.
 * @param outcome what became of it, a TEXT_ code: anything but plain progress is acknowledged at once (RFC 5681 4.2)
 */
export function ackReceived(tcb: Tcb, seg: Segment, outcome: u32, nowUs: u64): void {
  measureFrame(tcb, seg);
  switch (outcome) {
    case TEXT_IN_ORDER:
    case TEXT_GAP_FILLED:
      tcb.duplicateAcksOwed = 0; // those not sent yet would speak of the wrong segment
      noteText(tcb, seg, nowUs);
      adjustReceiveSpace(tcb, nowUs);
      if (outcome === TEXT_GAP_FILLED || isOutOfOrder(tcb)) break;
      acknowledgeText(tcb, nowUs);
      if (isAckDueOnRead(tcb)) watchReading(tcb);
      return;
    case TEXT_OUT_OF_ORDER:
      // RFC 5681 4.2: a duplicate ACK for each segment out of order, though many arrive in one turn: the peer counts them
      // (with SACK it counts the bytes in the blocks instead, and one tells of all)
      tcb.duplicateAcksOwed = hasSack(tcb) ? 1 : min(tcb.duplicateAcksOwed + seg.segments, DUPLICATE_ACKS_MAX);
      noteUselessText(tcb);
      break;
    default:
      enterQuickAck(tcb, QUICK_ACKS_MAX);
      noteUselessText(tcb);
  }
  ackNow(tcb);
}

// Round-trip time as a receiver sees it: from promising an edge to receiving the byte at it. Only a bound from above, as the
// peer may send slower than it may; so the smallest counts
function measureRoundTrip(tcb: Tcb, nowUs: u64): void {
  if (tcb.rcvRttMarkUs !== 0 && seqLt(tcb.rcvNxt, tcb.rcvRttSeq)) return;
  if (tcb.rcvRttMarkUs !== 0) {
    const sample = <u32>max<u64>(min<u64>(nowUs - tcb.rcvRttMarkUs, 0xffffffff), 1);
    if (tcb.rcvRttUs === 0 || sample < tcb.rcvRttUs) tcb.rcvRttUs = sample;
  }
  tcb.rcvRttSeq = tcb.rcvAdvertised;
  tcb.rcvRttMarkUs = max<u64>(nowUs, 1);
}

/**
 * Receive autotuning: doubles the ring when main has read half of it within two round trips, because then the promise and not
 * the reader is what limits the peer. Off with tcp_moderate_rcvbuf 0.
 */
export function adjustReceiveSpace(tcb: Tcb, nowUs: u64): void {
  if (load<u32>(SYSCTL_TCP_MODERATE_RCVBUF) === 0) return;
  measureRoundTrip(tcb, nowUs);
  updateReceiveHead(tcb);
  const rttUs: u64 = tcb.srttUs !== 0 ? tcb.srttUs : tcb.rcvRttUs;
  const isOver = nowUs - tcb.rcvSpaceMarkUs > max<u64>(2 * rttUs, MEASURE_MIN_US);
  const wasRead = tcb.rcvHead - tcb.rcvCopiedMark >= tcb.rcvBufferCapacity / 2;
  if (!isOver && !wasRead) return;
  if (wasRead && !isOver) growReceiveRing(tcb, receiveEnd(tcb));
  tcb.rcvCopiedMark = tcb.rcvHead;
  tcb.rcvSpaceMarkUs = nowUs;
}

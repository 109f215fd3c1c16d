// What we promise the peer and when we tell it: the window to advertise with silly-window avoidance (RFC 9293 3.8.6.2.2), its
// window updates, and which arrivals are acknowledged at once (RFC 5681 4.2). The right edge (rcvAdvertised) never moves left, and never beyond
// what the receive ring holds. Must not know why a segment was accepted.

import { TCB_RCV_KICK_AT } from "../layout";
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
import { isOutOfOrder, receiveOffset, TEXT_GAP_FILLED, TEXT_IN_ORDER, TEXT_OUT_OF_ORDER } from "./reassembly";
import { noteReceived, startAutotuning } from "./receive-autotune";
import { unreadBytes, updateReceiveHead } from "./receive-ring";
import { mayRoundUp, promisable, promisableAlone, promisedAtMost, reach, ringSpace, windowUnit } from "./receive-space";
import { hasSack } from "./sack-blocks";
import { Segment } from "./segment";
import { seqGte, seqLt, seqMax, seqMin } from "./seq";
import { TCB_FLAG_ACK_DELAYED, TCB_FLAG_ACK_NOW, Tcb } from "./tcb";

/** The window field has 16 bits. */
const WINDOW_FIELD_MAX: u32 = 0xffff;
/** Duplicate ACKs owed at most: a super-segment of 64 KiB in segments of 536 bytes. The number of segments is the link's hint. */
const DUPLICATE_ACKS_MAX: u32 = 128;

/** Starts the receive sequence space at the peer's SYN: IRS, RCV.NXT, and the edge that our own SYN promises or promised. */
export function startReceiver(tcb: Tcb, irs: u32, nowUs: u64): void {
  tcb.irs = irs;
  tcb.rcvNxt = irs + 1;
  tcb.lastAckSent = tcb.rcvNxt;
  tcb.rcvAdvertised = tcb.rcvNxt + windowInSyn(tcb);
  tcb.rcvWnd = tcb.rcvAdvertised - tcb.rcvNxt;
  startAutotuning(tcb, nowUs);
  initialiseRcvMss(tcb, tcb.rcvWnd);
  updateKickAt(tcb);
}

/**
 * The window field of a SYN or SYN-ACK: never scaled (RFC 7323 2.2). What it told is known again when the peer answers, also where nothing was
 * kept (a cookie, a SYN sent again), so it does not depend on who shares the link by then.
 */
export function windowInSyn(tcb: Tcb): u32 {
  return min(promisableAlone(tcb), WINDOW_FIELD_MAX);
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
  const fraction = windowUnit(tcb) - 1;
  const limit = min(promisable(tcb), WINDOW_FIELD_MAX << scale) & ~fraction;
  tcb.rcvAdvertised = seqMax(tcb.rcvAdvertised, tcb.rcvNxt); // a FIN may have been taken with the window closed
  const promised = tcb.rcvAdvertised - tcb.rcvNxt;
  const step = max<u32>(min(promisedAtMost(tcb) / 2, tcb.rcvMss), 1);
  if (limit > promised && limit - promised >= step) {
    tcb.rcvAdvertised = tcb.rcvNxt + limit;
    return limit >> scale;
  }
  let field = promised >> scale;
  const hasRoom = (field + 1) << scale <= ringSpace(tcb) && field < WINDOW_FIELD_MAX;
  if ((promised & fraction) !== 0 && hasRoom && mayRoundUp(tcb, promised)) {
    field += 1;
    tcb.rcvAdvertised = tcb.rcvNxt + (field << scale);
  }
  return min(field, WINDOW_FIELD_MAX);
}

/** Notes that a segment with ACK was built: nothing is owed until more arrives. */
export function ackSent(tcb: Tcb): void {
  const edge = tcb.rcvAdvertised - tcb.rcvNxt;
  const isOwed = tcb.has(TCB_FLAG_ACK_NOW | TCB_FLAG_ACK_DELAYED) || tcb.ackState !== 0 || tcb.duplicateAcksOwed !== 0;
  if (!isOwed && tcb.lastAckSent === tcb.rcvNxt && tcb.rcvWnd === edge) return; // it told the peer nothing new
  tcb.clear(TCB_FLAG_ACK_NOW | TCB_FLAG_ACK_DELAYED);
  tcb.delayedAckUs = 0;
  ackLeft(tcb);
  if (hasSack(tcb)) tcb.duplicateAcksOwed = 0; // its blocks tell of all
  tcb.lastAckSent = tcb.rcvNxt;
  tcb.rcvWnd = edge;
  updateKickAt(tcb);
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
  const moves = edge + step - promisedAtMost(tcb);
  atomic.store<u32>(tcb.ptr, seqMax(moves, tcb.rcvHead + step), TCB_RCV_KICK_AT);
  // Main stores rcvHead, then looks at rcvKickAt; we store rcvKickAt, then look at rcvHead: one of us sees the other. What main says is
  // bounded first: a head that lies beyond all we have would have us send an ACK for each ACK
  updateReceiveHead(tcb);
  if (seqGte(tcb.rcvHead, tcb.rcvKickAt)) onRead(tcb);
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

// What one frame, in a receive slot of its own, brings: 1/8 of the new; a last small segment hardly counts, a change of the link's batch size does
function measureFrame(tcb: Tcb, seg: Segment): void {
  const bytes = seg.frames > 1 ? seg.payloadLength / seg.frames : seg.payloadLength;
  tcb.rcvFrameBytes = max<u32>(tcb.rcvFrameBytes - (tcb.rcvFrameBytes >> 3) + (bytes >> 3), 1);
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
      noteReceived(tcb, seg, nowUs);
      if (outcome === TEXT_GAP_FILLED || isOutOfOrder(tcb)) break;
      acknowledgeText(tcb, nowUs);
      if (isAckDueOnRead(tcb)) watchReading(tcb);
      return;
    case TEXT_OUT_OF_ORDER:
      // RFC 5681 4.2: a duplicate ACK for each segment out of order, though many arrive in one turn: the peer counts them
      // (with SACK it counts the bytes in the blocks instead, and one tells of all)
      tcb.duplicateAcksOwed = hasSack(tcb) ? 1 : <u8>min<u32>(tcb.duplicateAcksOwed + seg.segments, DUPLICATE_ACKS_MAX);
      noteUselessText(tcb);
      break;
    default:
      enterQuickAck(tcb, QUICK_ACKS_MAX);
      noteUselessText(tcb);
  }
  ackNow(tcb);
}

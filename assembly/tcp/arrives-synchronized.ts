// A segment for a connection in SYN-RECEIVED or later (TIME-WAIT has its own file). RFC 9293 3.10.7.4: the eight steps in the RFC's
// order, a function each; the third (security) has nothing to do.
// RFC 5961 tightens RST, SYN and ACK, RFC 7323 5.3 comes before all.
import { count, countMany } from "../count";
import {
  COUNTER_TCP_ABORT_ON_DATA,
  COUNTER_TCP_ESTAB_RESETS,
  COUNTER_TCP_IN_AFTER_CLOSE,
  COUNTER_TCP_IN_BAD_ACK,
  COUNTER_TCP_IN_MISSING_TIMESTAMP,
  COUNTER_TCP_IN_NO_ACK_FLAG,
  COUNTER_TCP_IN_PAWS,
  COUNTER_TCP_IN_RST_IGNORED,
  COUNTER_TCP_IN_UNACCEPTABLE,
} from "../counters";
import {
  ECONNREFUSED,
  ECONNRESET,
  READY_EOF,
  READY_FIN_ACKED,
  READY_READABLE,
  STATE_CLOSE_WAIT,
  STATE_CLOSING,
  STATE_ESTABLISHED,
  STATE_FIN_WAIT_1,
  STATE_FIN_WAIT_2,
  STATE_LAST_ACK,
  STATE_SYN_RECEIVED,
  SYSCTL_TCP_ABORT_ON_OVERFLOW,
  TCB_EOF,
} from "../layout";
import { ACK, FIN, RST, SYN } from "../wire/tcp";
import { onAck, onOldAck } from "./acks";
import { ackNow, answerUnacceptable, challenge } from "./challenge";
import { enterClosed, enterFinWait2, enterTimeWait } from "./close";
import { raise, wantOutput } from "./connections";
import { isDeferred } from "./defer-accept";
import { enterQuickAck, QUICK_ACKS_MAX } from "./delayed-ack";
import { DISPOSITION_DONE, DISPOSITION_SEND_RST, GO_ON } from "./disposition";
import { reportOld } from "./dsack";
import { ecnOnText } from "./ecn";
import { fastOpenAnswered, fastOpenSettle, isFastOpened } from "./fast-open";
import { establish } from "./handshake";
import { offerChild } from "./listen";
import { dropOutOfOrder, isFinReached, receiveFin, receiveText } from "./reassembly";
import { ackReceived } from "./receive-window";
import { Segment } from "./segment";
import { updateSendWindow } from "./send-window";
import { seqGt, seqGte, seqInWindow, seqLt, seqLte } from "./seq";
import { mayReceive, setState } from "./state";
import {
  TCB_FLAG_CHILD,
  TCB_FLAG_FIN_QUEUED,
  TCB_FLAG_PASSIVE,
  TCB_FLAG_READ_SHUT,
  TCB_FLAG_READING_CLOSED,
  TCB_FLAG_SYN_PENDING,
  Tcb,
} from "./tcb";
import { hasTimestamps, isOldTimestamp, isTimestampMissing, updateTsRecent } from "./timestamps";
import { takeUrgent } from "./urgent-in";

/** @returns a DISPOSITION_ code */
export function arrivesSynchronized(tcb: Tcb, seg: Segment, nowUs: u64): u32 {
  let d = checkSequenceNumber(tcb, seg, nowUs); // first
  if (d !== GO_ON) return d;
  d = checkRst(tcb, seg, nowUs); // second
  if (d !== GO_ON) return d;
  d = checkSyn(tcb, seg, nowUs); // fourth
  if (d !== GO_ON) return d;
  d = checkAck(tcb, seg, nowUs); // fifth
  if (d !== GO_ON) return d;
  takeUrgent(tcb, seg); // sixth
  d = takeText(tcb, seg, nowUs); // seventh
  if (d !== GO_ON) return d;
  return takeFin(tcb, seg, nowUs); // eighth
}

/**
 * The acceptability test of RFC 9293 3.10.7.4, with two allowances that Linux makes too: what starts at RCV.NXT or at the right edge
 * passes even if the window holds none of its text, so that its ACK counts ("special allowance should be made to accept
 * valid ACKs") -- a full window's sender has SND.NXT at the edge. The text is cut to the window in the seventh step.
 */
export function isAcceptable(tcb: Tcb, seg: Segment): bool {
  if (seqGt(seg.seq, tcb.rcvAdvertised) && seg.seq !== tcb.rcvNxt) return false;
  return seg.len === 0 ? seqGte(seg.seq, tcb.rcvNxt) : seqGt(seg.end, tcb.rcvNxt);
}

// Simultaneous open (RFC 9293 figure 7): the SYN-ACK that crosses ours repeats a SYN we have, and its ACK is news
function isCrossingSynAck(tcb: Tcb, seg: Segment): bool {
  if (tcb.state !== STATE_SYN_RECEIVED || tcb.has(TCB_FLAG_PASSIVE)) return false;
  if ((seg.flags & (SYN | ACK | RST)) !== (SYN | ACK) || seg.seq !== tcb.irs) return false;
  return seqGt(seg.ack, tcb.sndUna) && seqLte(seg.ack, tcb.sndNxt); // of our SYN, maybe not of the data that went with it
}

// What begins below RCV.NXT came twice: our ACK of it was lost, or late. The next ones shall not be
function noteOld(tcb: Tcb, seg: Segment): void {
  if (seg.len === 0 || !seqLt(seg.seq, tcb.rcvNxt)) return;
  enterQuickAck(tcb, QUICK_ACKS_MAX);
  reportOld(tcb, seg.seq, seg.end);
}

/** First: sequence number, after PAWS. A RST is left to the second step, which looks at its sequence number alone. */
function checkSequenceNumber(tcb: Tcb, seg: Segment, nowUs: u64): u32 {
  if ((seg.flags & RST) !== 0 || isCrossingSynAck(tcb, seg)) return GO_ON;
  if ((seg.flags & SYN) === 0 && hasTimestamps(tcb)) {
    if (isTimestampMissing(tcb, seg)) {
      countMany(COUNTER_TCP_IN_MISSING_TIMESTAMP, seg.segments);
      return DISPOSITION_DONE;
    }
    if (isOldTimestamp(tcb, seg, nowUs)) {
      countMany(COUNTER_TCP_IN_PAWS, seg.segments);
      noteOld(tcb, seg);
      answerUnacceptable(tcb, seg.len !== 0, nowUs);
      return DISPOSITION_DONE;
    }
  }
  // Before the test: text or FIN on a SYN reach into the window, and it is still the same SYN, not another one
  if (tcb.state === STATE_SYN_RECEIVED && (seg.flags & (SYN | ACK)) === SYN && seg.seq === tcb.irs) {
    tcb.set(TCB_FLAG_SYN_PENDING); // our SYN-ACK was lost: the peer's SYN comes again
    wantOutput(tcb);
    return DISPOSITION_DONE;
  }
  if (isAcceptable(tcb, seg)) return GO_ON;
  countMany(COUNTER_TCP_IN_UNACCEPTABLE, seg.segments);
  if ((seg.flags & SYN) !== 0) {
    challenge(tcb, nowUs);
    return DISPOSITION_DONE;
  }
  noteOld(tcb, seg);
  answerUnacceptable(tcb, seg.len !== 0, nowUs);
  return DISPOSITION_DONE;
}

/**
 * Second: RST.
 *
 *   RFC 5961 3.2: 1) outside the current receive window: silently drop. 2) exactly RCV.NXT: reset the connection. 3) in the
 *   window but not exactly: send a challenge ACK.
 */
function checkRst(tcb: Tcb, seg: Segment, nowUs: u64): u32 {
  if ((seg.flags & RST) === 0) return GO_ON;
  if (seg.seq !== tcb.rcvNxt) {
    if (seqLt(tcb.rcvNxt, tcb.rcvAdvertised) && seqInWindow(seg.seq, tcb.rcvNxt, tcb.rcvAdvertised - tcb.rcvNxt)) {
      challenge(tcb, nowUs);
    } else {
      count(COUNTER_TCP_IN_RST_IGNORED);
    }
    return DISPOSITION_DONE;
  }
  // SYN-RECEIVED: a passive open returns to LISTEN, where its listener still is; an active one was refused (MUST-11)
  if (tcb.state === STATE_ESTABLISHED || tcb.state === STATE_CLOSE_WAIT) count(COUNTER_TCP_ESTAB_RESETS);
  fastOpenSettle(tcb, true, nowUs);
  enterClosed(tcb, tcb.state === STATE_SYN_RECEIVED && !isFastOpened(tcb) ? ECONNREFUSED : ECONNRESET, nowUs);
  return DISPOSITION_DONE;
}

/**
 * Fourth: SYN. A passive open in SYN-RECEIVED returns to LISTEN; else RFC 5961 4.2: "irrespective of the sequence number, TCP MUST
 * send an ACK (also referred to as challenge ACK)" -- a peer that really restarted answers that with a RST.
 */
function checkSyn(tcb: Tcb, seg: Segment, nowUs: u64): u32 {
  if ((seg.flags & SYN) === 0 || isCrossingSynAck(tcb, seg)) return GO_ON;
  if (tcb.state === STATE_SYN_RECEIVED && tcb.has(TCB_FLAG_PASSIVE) && !isFastOpened(tcb)) enterClosed(tcb, 0, nowUs);
  else challenge(tcb, nowUs);
  return DISPOSITION_DONE;
}

/** Fifth: ACK. */
function checkAck(tcb: Tcb, seg: Segment, nowUs: u64): u32 {
  if ((seg.flags & ACK) === 0) {
    countMany(COUNTER_TCP_IN_NO_ACK_FLAG, seg.segments);
    return DISPOSITION_DONE;
  }
  if (tcb.state === STATE_SYN_RECEIVED) return completeHandshake(tcb, seg, nowUs);
  // RFC 5961 5.2: SND.UNA - MAX.SND.WND <= SEG.ACK <= SND.NXT, or an ACK is sent and the segment dropped
  if (seqGt(seg.ack, tcb.sndNxt) || seqLt(seg.ack, tcb.sndUna - tcb.maxSndWnd)) {
    countMany(COUNTER_TCP_IN_BAD_ACK, seg.segments);
    challenge(tcb, nowUs);
    return DISPOSITION_DONE;
  }
  updateTsRecent(tcb, seg, nowUs);
  tcb.lastReceivedUs = nowUs;
  tcb.keepAliveProbes = 0;
  let isFinAcked = false;
  if (seqGt(seg.ack, tcb.sndUna)) {
    isFinAcked = onAck(tcb, seg, nowUs);
    wantOutput(tcb);
  } else {
    onOldAck(tcb, seg, nowUs);
  }
  if (seqGte(seg.ack, tcb.sndUna)) updateSendWindow(tcb, seg);
  return isFinAcked ? onFinAcked(tcb, nowUs) : GO_ON;
}

/** SYN-RECEIVED: "If SND.UNA < SEG.ACK =< SND.NXT, then enter ESTABLISHED state [...] else form a reset segment <SEQ=SEG.ACK>". */
function completeHandshake(tcb: Tcb, seg: Segment, nowUs: u64): u32 {
  if (!seqGt(seg.ack, tcb.sndUna) || !seqLte(seg.ack, tcb.sndNxt)) {
    count(COUNTER_TCP_IN_BAD_ACK);
    return DISPOSITION_SEND_RST;
  }
  if (isFastOpened(tcb)) {
    fastOpenSettle(tcb, false, nowUs);
  } else if (tcb.has(TCB_FLAG_CHILD)) {
    if (isDeferred(tcb, seg)) return DISPOSITION_DONE;
    if (!offerChild(tcb)) return refuseChild(tcb, nowUs);
  }
  updateTsRecent(tcb, seg, nowUs);
  establish(tcb, seg, nowUs);
  fastOpenAnswered(tcb, seg, nowUs); // simultaneous open: no end takes data of the other's SYN
  if ((seg.flags & SYN) !== 0) {
    noteOld(tcb, seg); // the SYN came before: its sender shall hear that, and that its ACK is no longer waited for
    ackNow(tcb);
  }
  return GO_ON;
}

// The accept queue is full: the retransmission of our SYN-ACK asks again, or with tcp_abort_on_overflow the peer is told now
function refuseChild(tcb: Tcb, nowUs: u64): u32 {
  if (load<u32>(SYSCTL_TCP_ABORT_ON_OVERFLOW) === 0) return DISPOSITION_DONE;
  enterClosed(tcb, 0, nowUs);
  return DISPOSITION_SEND_RST;
}

// All we sent is acknowledged, our FIN too
function onFinAcked(tcb: Tcb, nowUs: u64): u32 {
  raise(tcb, READY_FIN_ACKED);
  switch (<u32>tcb.state) {
    case STATE_FIN_WAIT_1:
      enterFinWait2(tcb, nowUs);
      return tcb.state === STATE_FIN_WAIT_2 ? GO_ON : DISPOSITION_DONE; // TCP_LINGER2 may have ended it
    case STATE_CLOSING:
      enterTimeWait(tcb, nowUs);
      return DISPOSITION_DONE;
    case STATE_LAST_ACK:
      enterClosed(tcb, 0, nowUs);
      return DISPOSITION_DONE;
    default:
      return GO_ON;
  }
}

// Nobody of ours will read it: the socket is closed, or both its directions are
function isUnwanted(tcb: Tcb): bool {
  if (tcb.has(TCB_FLAG_READING_CLOSED)) return true;
  return tcb.has(TCB_FLAG_READ_SHUT) && tcb.has(TCB_FLAG_FIN_QUEUED);
}

/** Seventh: text. */
export function takeText(tcb: Tcb, seg: Segment, nowUs: u64): u32 {
  if (seg.payloadLength === 0) return GO_ON;
  const seq = seg.seq + ((seg.flags & SYN) !== 0 ? 1 : 0);
  if (!mayReceive(tcb.state)) {
    // "This should not occur since a FIN has been received from the remote side. Ignore the segment text."
    countMany(COUNTER_TCP_IN_AFTER_CLOSE, seg.segments);
    return GO_ON;
  }
  if (isUnwanted(tcb) && seqGt(seq + seg.payloadLength, tcb.rcvNxt)) {
    // RFC 9293 3.6.1: "if new data is received after CLOSE is called, its TCP implementation SHOULD send a RST" (SHLD-3)
    countMany(COUNTER_TCP_IN_AFTER_CLOSE, seg.segments);
    count(COUNTER_TCP_ABORT_ON_DATA);
    enterClosed(tcb, ECONNRESET, nowUs);
    return DISPOSITION_SEND_RST;
  }
  const outcome = receiveText(tcb, seq, seg.payloadPtr, seg.payloadLength, seg.segments);
  ackReceived(tcb, seg, outcome, nowUs);
  ecnOnText(tcb, seg);
  return GO_ON;
}

/** Eighth: FIN, this segment's or one that came before its turn. */
export function takeFin(tcb: Tcb, seg: Segment, nowUs: u64): u32 {
  if ((seg.flags & FIN) !== 0) {
    if (mayReceive(tcb.state)) receiveFin(tcb, seg.end - 1);
    ackNow(tcb);
  }
  if (!isFinReached(tcb) || !mayReceive(tcb.state)) return DISPOSITION_DONE;
  tcb.rcvNxt += 1;
  dropOutOfOrder(tcb);
  atomic.store<u8>(tcb.ptr, 1, TCB_EOF);
  const waits = tcb.takeWaits(READY_READABLE);
  raise(tcb, READY_EOF | waits);
  ackNow(tcb);
  switch (<u32>tcb.state) {
    case STATE_ESTABLISHED:
      setState(tcb, STATE_CLOSE_WAIT, nowUs);
      break;
    case STATE_FIN_WAIT_1:
      setState(tcb, STATE_CLOSING, nowUs); // had this segment acknowledged our FIN, we would be in FIN-WAIT-2
      break;
    default:
      enterTimeWait(tcb, nowUs); // FIN-WAIT-2
  }
  return DISPOSITION_DONE;
}

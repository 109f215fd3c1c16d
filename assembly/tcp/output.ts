// What leaves next for a connection (RFC 9293 3.8, 3.7.4). iface pulls: output() builds one segment into the Outgoing record, or says
// that there is nothing to send now. In this order: RST, SYN, lost data, new data, FIN, probe, pure ACK; everything but a bare SYN
// carries the ACK, so a pure one leaves only if nothing else does. Loss is loss-recovery.ts's, how much new-data.ts's.

import { count, countMany } from "../count";
import {
  COUNTER_TCP_OUT_RSTS,
  COUNTER_TCP_OUT_SEGS,
  COUNTER_TCP_RETRANS_SEGS,
  COUNTER_TCP_WINDOW_PROBES,
} from "../counters";
import {
  CHRONO_BUSY,
  CHRONO_RWND_LIMITED,
  STATE_CLOSED,
  STATE_ESTABLISHED,
  STATE_LISTEN,
  STATE_SYN_RECEIVED,
  SYSCTL_TCP_LIMIT_OUTPUT_BYTES,
} from "../layout";
import { NONE } from "../storage/none";
import { ACK, FIN, PSH, RST } from "../wire/tcp";
import { bulkShareClock, noteSendBacklog } from "./bulk-share";
import { chronoAllSent, chronoSet } from "./chrono";
import { congestionClock, congestionOnTransmitStart } from "./congestion/control";
import { noteWindowUse, restartAfterIdle } from "./congestion/window-validation";
import { noteTextSent } from "./delayed-ack";
import { rateMarkAppLimited, rateOnSend } from "./delivery-rate";
import { ecnOnNewData } from "./ecn";
import { fastOpenPayload, mayAnswerEarly } from "./fast-open";
import { FRTO_NEW_DATA, frtoGiveUp } from "./frto";
import { mtuProbeDue, mtuProbeInconclusive, mtuProbeSent, PROBE_NONE, PROBE_WAIT } from "./mtu-probe";
import { mustPush } from "./nagle";
import { congestionRoom, isFinWaiting, largestPayload, maySendNew, sendableBytes, unsentBytes } from "./new-data";
import { Outgoing } from "./outgoing";
import { isPaced, pacedOnSend } from "./pacing";
import { startPersist } from "./persist";
import { ackSent } from "./receive-window";
import { reductionOnSend } from "./reduction";
import {
  inFlight,
  rtxAppend,
  rtxAt,
  rtxMarkRetransmitted,
  rtxNextLost,
  rtxRecount,
  rtxSplit,
  wireSegments,
} from "./rtx-queue";
import { RTX_EVER_RETRANSMITTED, RTX_FIN, RTX_PUSH, RTX_SYN, RtxRecord } from "./rtx-record";
import { buildSegment, buildSyn, buildTextSegment, setPayload } from "./segment-builder";
import { bytesToBoundary } from "./send-marks";
import { segmentSizeNow, usableWindow } from "./send-window";
import { seqGt } from "./seq";
import {
  TCB_FLAG_ACK_NOW,
  TCB_FLAG_FIN_SENT,
  TCB_FLAG_PROBE_PENDING,
  TCB_FLAG_RST_PENDING,
  TCB_FLAG_SYN_PENDING,
  TCB_FLAG_URGENT_TOLD,
  Tcb,
} from "./tcb";
import { setRetransmitTimer, TIMER_RETRANSMIT } from "./timers";
import { timestampNow } from "./timestamps";
import { tlpDropped, tlpSent, tlpTakeLast } from "./tlp";
import { TLP_DUE } from "./tlp-state";
import { undoOnRetransmission } from "./undo";
import { isUrgentOut, tellUrgent } from "./urgent-out";
import { timerOnNewData, timerOnRetransmission } from "./xmit-timer";

/** How long a connection waits for a record of the retransmission queue when all are taken. */
const RECORD_RETRY_US: u64 = 10000;

/**
 * Builds the next segment of a connection.
 * @param out filled if there is one
 * @returns false if nothing may leave now; it will want output again when that changes
 */
export function output(tcb: Tcb, out: Outgoing, nowUs: u64): bool {
  const state = tcb.state;
  if (state === <u8>STATE_CLOSED) return sendReset(tcb, out, nowUs);
  if (state === <u8>STATE_LISTEN) return false;
  if (state < <u8>STATE_ESTABLISHED) {
    if (tcb.has(TCB_FLAG_SYN_PENDING)) return sendSyn(tcb, out, nowUs);
    if (mayAnswerEarly(tcb) && sendNew(tcb, out, nowUs)) return true;
    return state === <u8>STATE_SYN_RECEIVED && sendAck(tcb, out, nowUs);
  }
  if (tcb.duplicateAcksOwed !== 0 && isAckUpToDate(tcb)) return sendDuplicateAck(tcb, out, nowUs);
  // On a super-segment a D-SACK block would be in each wire segment, and count as often
  if (tcb.dsackDue !== 0 && tcb.has(TCB_FLAG_ACK_NOW)) return sendAck(tcb, out, nowUs);
  if (tcb.tlpState === TLP_DUE && sendLossProbe(tcb, out, nowUs)) return true;
  const hasRoom = tcb.txQueuedBytes < load<u32>(SYSCTL_TCP_LIMIT_OUTPUT_BYTES) && !isPaced(tcb, nowUs);
  if (hasRoom && (sendLost(tcb, out, nowUs) || sendNew(tcb, out, nowUs))) return true;
  if (tcb.has(TCB_FLAG_PROBE_PENDING)) return sendProbe(tcb, out, nowUs);
  return sendAck(tcb, out, nowUs);
}

// RFC 9293 3.10.5: <SEQ=SND.NXT><CTL=RST>; with ACK, as a synchronized peer expects
function sendReset(tcb: Tcb, out: Outgoing, nowUs: u64): bool {
  if (!tcb.has(TCB_FLAG_RST_PENDING)) return false;
  tcb.clear(TCB_FLAG_RST_PENDING);
  buildSegment(tcb, out, tcb.sndNxt, RST | ACK, nowUs);
  out.window = 0;
  count(COUNTER_TCP_OUT_RSTS);
  noteSegments(tcb, 1);
  return true;
}

function sendSyn(tcb: Tcb, out: Outgoing, nowUs: u64): bool {
  if (tcb.rtxHead === NONE) {
    const index = rtxAppend(tcb, tcb.iss, tcb.iss + 1, RTX_SYN, 1, nowUs);
    if (index === NONE) return waitForRecord(tcb, nowUs);
    rateOnSend(tcb, rtxAt(index), true, nowUs);
    tcb.sndNxt = tcb.iss + 1;
    tcb.firstUnansweredUs = nowUs; // a user timeout of the handshake counts from here
    noteSegments(tcb, 1);
  } else {
    const record = rtxAt(tcb.rtxHead);
    record.flags |= RTX_EVER_RETRANSMITTED;
    record.sentUs = nowUs;
    tcb.totalRetrans += 1;
    tcb.segsOut += 1;
    count(COUNTER_TCP_RETRANS_SEGS);
  }
  tcb.clear(TCB_FLAG_SYN_PENDING);
  buildSyn(tcb, out, nowUs);
  if (tcb.sndNxt === tcb.iss + 1 && tcb.retransmits === 0) addSynData(tcb, out, nowUs);
  if (tcb.state === <u8>STATE_SYN_RECEIVED) ackSent(tcb);
  startRetransmitTimer(tcb, nowUs);
  return true;
}

// Fast Open: the first SYN takes data along (RFC 7413 4.2.1), in a record of its own, so that the SYN can be sent again without it
function addSynData(tcb: Tcb, out: Outgoing, nowUs: u64): void {
  const bytes = fastOpenPayload(tcb);
  if (bytes === 0) return;
  const index = rtxAppend(tcb, tcb.sndNxt, tcb.sndNxt + bytes, RTX_PUSH, 1, nowUs);
  if (index === NONE) return;
  rateOnSend(tcb, rtxAt(index), false, nowUs);
  tcb.sndNxt += bytes;
  tcb.bytesSent += bytes;
  tcb.dataSegsOut += 1;
  tcb.lastSentUs = nowUs;
  tcb.sndBlockBase = bytes; // what follows is a super-segment of its own
  setPayload(tcb, out, 0, bytes, bytes);
}

// The first lost segment, or as many in one super-segment as the congestion window allows
function sendLost(tcb: Tcb, out: Outgoing, nowUs: u64): bool {
  const index = rtxNextLost(tcb);
  if (index === NONE) return false;
  const room = congestionRoom(tcb);
  if (room === 0) return false;
  if (tcb.frto === FRTO_NEW_DATA) {
    // RFC 5682 3.1 step 2.b: new data first, or if none may leave the conventional recovery
    if (sendNew(tcb, out, nowUs)) return true;
    if (seqGt(tcb.sndNxt, tcb.highSeq)) return false;
    frtoGiveUp(tcb);
  }
  const record = rtxAt(index);
  const mss = segmentSizeNow(tcb);
  rtxRecount(tcb, index, mss);
  const bytes = retransmittable(tcb, record, mss, room);
  if (bytes === 0 && record.payloadBytes !== 0) return false;
  if (bytes < record.payloadBytes && !rtxSplit(tcb, index, record.payloadSeq + bytes, mss)) return false;
  mtuProbeInconclusive(tcb);
  rtxMarkRetransmitted(tcb, index, nowUs);
  rateOnSend(tcb, record, false, nowUs);
  if (tcb.retransmitTs === 0) tcb.retransmitTs = max<u32>(1, timestampNow(tcb, nowUs));
  undoOnRetransmission(tcb, record.segments);
  buildRepeated(tcb, out, record, mss, nowUs);
  timerOnRetransmission(tcb, index === tcb.rtxHead, nowUs);
  return true;
}

function buildRepeated(tcb: Tcb, out: Outgoing, record: RtxRecord, mss: u32, nowUs: u64): void {
  tcb.totalRetrans += record.segments;
  tcb.bytesRetrans += record.payloadBytes;
  countMany(COUNTER_TCP_RETRANS_SEGS, record.segments);
  tcb.segsOut += record.segments;
  buildData(tcb, out, record, mss, nowUs);
}

// RFC 8985 7.3: one segment of new data if the peer's window takes it, whatever the congestion window says; else the last one again
function sendLossProbe(tcb: Tcb, out: Outgoing, nowUs: u64): bool {
  const mss = segmentSizeNow(tcb);
  if (maySendNew(tcb)) {
    const unsent = unsentBytes(tcb);
    const bytes = min(min(unsent, bytesToBoundary(tcb, tcb.sndNxt - tcb.iss - 1)), mss);
    if (bytes !== 0 && bytes <= usableWindow(tcb)) {
      const withFin = isFinWaiting(tcb) && bytes === unsent && usableWindow(tcb) > bytes;
      const hasLeft = transmitNew(tcb, out, bytes, mss, withFin, false, nowUs);
      if (hasLeft) tlpSent(tcb, true, nowUs);
      else tlpDropped(tcb);
      return hasLeft;
    }
  }
  const index = tlpTakeLast(tcb, nowUs);
  if (index === NONE) {
    tlpDropped(tcb);
    return false;
  }
  const record = rtxAt(index);
  rateOnSend(tcb, record, false, nowUs);
  buildRepeated(tcb, out, record, record.mss !== 0 ? min(record.mss, mss) : mss, nowUs);
  tlpSent(tcb, false, nowUs);
  return true;
}

// Payload bytes of a lost record that may leave: whole segments, within the peer's window. The first one outstanding may always:
// into a window that was shrunk it is the probe (RFC 9293 3.8.6, SHLD-16, MUST-34)
function retransmittable(tcb: Tcb, record: RtxRecord, mss: u32, room: u32): u32 {
  const before = record.payloadSeq - tcb.sndUna;
  const window = tcb.sndWnd > before ? tcb.sndWnd - before : 0;
  let limit = <u32>min<u64>(largestPayload(tcb, mss), <u64>room * mss);
  if (window < record.payloadBytes) {
    const isFirst = record.seq === tcb.sndUna;
    limit = min(limit, window >= mss ? window - (window % mss) : isFirst ? max(window, mss) : 0);
  }
  return min(limit, record.payloadBytes);
}

// New data, with the FIN on its end; or the FIN alone
function sendNew(tcb: Tcb, out: Outgoing, nowUs: u64): bool {
  if (!maySendNew(tcb)) return false;
  const unsent = unsentBytes(tcb);
  const isLast = isFinWaiting(tcb);
  if (unsent === 0 && !isLast) {
    const hasRoom = tcb.cwnd > inFlight(tcb);
    if (hasRoom) rateMarkAppLimited(tcb);
    chronoAllSent(tcb, hasRoom, nowUs);
    return false;
  }
  // Not while the window is closed: the congestion window is as old as it is when sending begins
  if (tcb.packetsOut === 0 && usableWindow(tcb) !== 0) {
    congestionClock(nowUs);
    restartAfterIdle(tcb, nowUs);
  }
  const probeBytes = mtuProbeDue(tcb, nowUs);
  if (probeBytes === PROBE_WAIT) return false;
  if (probeBytes !== PROBE_NONE) return sendMtuProbe(tcb, out, probeBytes, nowUs);
  const isOverride = tcb.has(TCB_FLAG_PROBE_PENDING) && tcb.packetsOut === 0;
  const bytes = sendableBytes(tcb, isOverride, nowUs);
  // The FIN takes a sequence number of the window, but no room in the congestion window
  const withFin = isLast && bytes === unsent && usableWindow(tcb) > bytes;
  if (bytes === 0 && !withFin) {
    if (tcb.packetsOut === 0) startPersist(tcb, nowUs);
    const isWindow = usableWindow(tcb) < min(unsent, tcb.sndMss);
    chronoSet(tcb, isWindow ? CHRONO_RWND_LIMITED : CHRONO_BUSY, nowUs);
    return false;
  }
  chronoSet(tcb, CHRONO_BUSY, nowUs);
  bulkShareClock(nowUs);
  noteSendBacklog(tcb, tcb.sndTail - tcb.sndHeadShared);
  return transmitNew(tcb, out, bytes, segmentSizeNow(tcb), withFin, isOverride, nowUs);
}

// RFC 4821 7.4: new data in one segment that is larger than the others
function sendMtuProbe(tcb: Tcb, out: Outgoing, bytes: u32, nowUs: u64): bool {
  const seq = tcb.sndNxt;
  if (!transmitNew(tcb, out, bytes, bytes, false, false, nowUs)) return false;
  mtuProbeSent(tcb, seq, bytes);
  return true;
}

// `mss`: payload bytes of each wire segment but the last
function transmitNew(tcb: Tcb, out: Outgoing, bytes: u32, mss: u32, withFin: bool, isOverride: bool, nowUs: u64): bool {
  const isIdle = tcb.packetsOut === 0;
  const end = tcb.sndNxt + bytes + (withFin ? 1 : 0);
  const flags: u8 = (withFin ? RTX_FIN : 0) | (mustPush(tcb, bytes, isOverride) ? RTX_PUSH : 0);
  const index = rtxAppend(tcb, tcb.sndNxt, end, flags, wireSegments(bytes, mss), nowUs);
  if (index === NONE) return waitForRecord(tcb, nowUs);
  const record = rtxAt(index);
  record.mss = mss;
  rateOnSend(tcb, record, isIdle, nowUs);
  if (isIdle) congestionOnTransmitStart(tcb, tcb.lastSentUs === 0 ? 0 : nowUs - tcb.lastSentUs);
  tcb.sndNxt = end;
  tcb.clear(TCB_FLAG_PROBE_PENDING);
  tcb.persistProbes = 0; // something is in flight: the window is not what holds us
  if (withFin) tcb.set(TCB_FLAG_FIN_SENT);
  if (bytes % mss !== 0) tcb.smallEnd = end;
  noteSegments(tcb, record.segments);
  noteWindowUse(tcb, inFlight(tcb) >= tcb.cwnd);
  buildData(tcb, out, record, mss, nowUs);
  ecnOnNewData(tcb, out);
  timerOnNewData(tcb, isIdle, nowUs);
  return true;
}

// Common to data sent for the first time and again
function buildData(tcb: Tcb, out: Outgoing, record: RtxRecord, mss: u32, nowUs: u64): void {
  const bytes = record.payloadBytes;
  let flags = ACK;
  if (record.has(RTX_FIN)) flags |= FIN;
  // A super-segment is a burst, whose last segment says so (Linux); others as was decided when they left first
  if (record.has(RTX_PUSH) || record.segments > 1) flags |= PSH;
  if (bytes !== 0) buildTextSegment(tcb, out, record.seq, flags, nowUs);
  else buildSegment(tcb, out, record.seq, flags, nowUs);
  tellUrgent(tcb, out);
  setPayload(tcb, out, record.payloadSeq - tcb.iss - 1, bytes, mss);
  out.segments = record.segments;
  tcb.bytesSent += bytes;
  tcb.lastSentUs = nowUs;
  if (bytes !== 0) {
    tcb.dataSegsOut += record.segments;
    noteTextSent(tcb, nowUs);
  }
  reductionOnSend(tcb, record.segments);
  pacedOnSend(tcb, bytes, nowUs);
}

// RFC 9293 3.8.4 and 3.8.6.1: a segment the peer has seen already, so that it answers with its window; SEG.SEQ = SND.NXT-1.
// Without data, as Linux probes: the byte before SND.UNA is outside every window and so is never taken for new
function sendProbe(tcb: Tcb, out: Outgoing, nowUs: u64): bool {
  // Urgent data behind a shut window is announced in a segment that the peer takes (Linux); the probe, which it answers, comes after
  if (isUrgentOut(tcb) && !tcb.has(TCB_FLAG_URGENT_TOLD)) {
    tcb.set(TCB_FLAG_URGENT_TOLD);
    buildSegment(tcb, out, tcb.sndUna, ACK, nowUs);
    tellUrgent(tcb, out);
    noteSegments(tcb, 1);
    return true;
  }
  tcb.clear(TCB_FLAG_PROBE_PENDING | TCB_FLAG_URGENT_TOLD);
  buildSegment(tcb, out, tcb.sndUna - 1, ACK, nowUs);
  noteSegments(tcb, 1);
  if (hasWaitingData(tcb)) count(COUNTER_TCP_WINDOW_PROBES);
  return true;
}

function hasWaitingData(tcb: Tcb): bool {
  return maySendNew(tcb) && (unsentBytes(tcb) !== 0 || isFinWaiting(tcb));
}

function sendAck(tcb: Tcb, out: Outgoing, nowUs: u64): bool {
  if (!tcb.has(TCB_FLAG_ACK_NOW)) return false;
  buildSegment(tcb, out, acceptableSeq(tcb), ACK, nowUs);
  noteSegments(tcb, 1);
  return true;
}

// Whether the peer was told all that has arrived in order
function isAckUpToDate(tcb: Tcb): bool {
  return tcb.lastAckSent === tcb.rcvNxt;
}

// RFC 5681 4.2: text out of order is acknowledged at once, segment by segment and without data, because the peer counts these. The
// window must be the one it knows, or it would take the ACK for a window update (RFC 5681 2)
function sendDuplicateAck(tcb: Tcb, out: Outgoing, nowUs: u64): bool {
  const edge = tcb.rcvAdvertised - tcb.rcvNxt;
  tcb.duplicateAcksOwed -= 1;
  buildSegment(tcb, out, acceptableSeq(tcb), ACK, nowUs);
  out.window = min<u32>(edge >> tcb.rcvWscale, 0xffff);
  tcb.rcvAdvertised = tcb.rcvNxt + edge;
  tcb.rcvWnd = edge;
  noteSegments(tcb, 1);
  return true;
}

// SND.NXT; if the peer shrank its window below that, the window's end, or it would drop the ACK as unacceptable. A window that
// is smaller by less than its unit was only rounded down (RFC 7323 2.4): the peer takes SND.NXT, may have received beyond
// the end that it told, and would drop what lies there as old -- both ends, for ever, if both did so
function acceptableSeq(tcb: Tcb): u32 {
  const used = tcb.sndNxt - tcb.sndUna;
  return used >= tcb.sndWnd + ((<u32>1) << (<u32>tcb.sndWscale)) ? tcb.sndUna + tcb.sndWnd : tcb.sndNxt;
}

function noteSegments(tcb: Tcb, segments: u32): void {
  tcb.segsOut += segments;
  countMany(COUNTER_TCP_OUT_SEGS, segments);
}

// RFC 6298 5.1: "Every time a packet containing data is sent (including a retransmission), if the timer is not running, start it"
function startRetransmitTimer(tcb: Tcb, nowUs: u64): void {
  if (tcb.timerKind !== TIMER_RETRANSMIT) setRetransmitTimer(tcb, TIMER_RETRANSMIT, nowUs + tcb.rtoUs);
}

// All records are taken: others must be acknowledged first. The timer finds the queue empty, or retransmits as it would anyway
function waitForRecord(tcb: Tcb, nowUs: u64): bool {
  if (tcb.rtxHead === NONE) setRetransmitTimer(tcb, TIMER_RETRANSMIT, nowUs + RECORD_RETRY_US);
  return false;
}

// The accounting of what output() gave to a link, beside it for whoever takes the one and owes the other
export { segmentQueued, segmentSent } from "./send-ring";

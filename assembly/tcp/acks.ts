// What an acceptable ACK does for the sender (RFC 9293 3.10.7.4, "fifth, check the ACK field"): takes acknowledged records off the
// retransmission queue, moves SND.UNA and the send ring's head, measures the round trip (RFC 6298, RFC 7323 4), tells loss recovery
// and congestion control. The ACK itself was validated in arrives-synchronized.ts; the window is send-window.ts's.

import { count } from "../count";
import { COUNTER_TCP_DUPLICATE_ACKS } from "../counters";
import { TCB_OPTION_SACK, TCB_OPTION_TIMESTAMPS } from "../layout";
import { NONE } from "../storage/none";
import { ACK } from "../wire/tcp";
import { OPT_TIMESTAMPS } from "../wire/tcp-options";
import { noteAckSize } from "./ack-slots";
import { AckSample, ackSample } from "./congestion/ack-sample";
import { congestionClock, congestionOnAck } from "./congestion/control";
import { isWindowUsed } from "./congestion/window-validation";
import { wantOutput } from "./connections";
import { rateBegin, rateEnd, rateOnDelivered } from "./delivery-rate";
import { ecnOnEcho, isEcnEcho } from "./ecn";
import { isReducing, recoveryOnAck, recoveryOnDuplicate } from "./loss-recovery";
import { hasOutput } from "./new-data";
import { rttSample } from "./rtt";
import { inFlight, rtxAt, rtxRemoveHead, rtxTrimHead } from "./rtx-queue";
import { RTX_EVER_RETRANSMITTED, RTX_FIN, RtxRecord } from "./rtx-record";
import { Segment } from "./segment";
import { growSendRing, wakeWriter } from "./send-ring";
import { segmentSize } from "./send-window";
import { seqGt, seqLt } from "./seq";
import { TCB_FLAG_MORE_HELD, Tcb } from "./tcb";
import { cancelRetransmitTimer, setRetransmitTimer, TIMER_RETRANSMIT } from "./timers";
import { timestampNow } from "./timestamps";

/** A round trip is not longer than this, ms. */
const TIMESTAMP_AGE_MAX_MS: u32 = 1000000;

// What removal of records found out about times: when the first and the last transmission acknowledged now left, 0 = none
let firstSentUs: u64 = 0;
let lastSentUs: u64 = 0;
let retransmittedUs: u64 = 0; // of those sent more than once: when the first of them was sent last
let isFinAcked: bool = false;

/**
 * SND.UNA < SEG.ACK <= SND.NXT. To be called before updateSendWindow.
 * @returns whether our FIN is now acknowledged
 */
export function onAck(tcb: Tcb, seg: Segment, nowUs: u64): bool {
  const sample = ackSample();
  sample.clear();
  sample.nowUs = nowUs;
  congestionClock(nowUs);
  sample.priorInflight = inFlight(tcb);
  rateBegin();
  removeAcknowledged(tcb, seg.ack, sample, nowUs);
  if (sample.ackedSegments !== 0) noteAckSize(tcb, sample.ackedSegments);
  const finAcked = isFinAcked;
  sample.ackedBytes = advance(tcb, seg.ack, finAcked);
  measureRoundTrip(tcb, seg, sample, nowUs);
  noteAnswer(tcb);
  tcb.retransmits = 0;
  tcb.firstUnansweredUs = 0;
  const wasReducing = isReducing(tcb); // the ACK that ends a recovery sets the window to ssthresh and no further
  sample.lostSegments = recoveryOnAck(tcb, seg, sample.ackedSegments);
  if (sample.ackedBytes !== 0 && isEcnEcho(tcb, seg)) {
    sample.ecnEcho = 1;
    ecnOnEcho(tcb, sample.ackedSegments);
  }
  sample.inflight = inFlight(tcb);
  sample.deliveredSegments = sample.ackedSegments;
  rateEnd(tcb, sample, nowUs);
  // A SYN or FIN alone says nothing about the path's capacity
  if (sample.ackedBytes !== 0) {
    sample.mayGrow = wasReducing || isReducing(tcb) ? 0 : 1;
    noteConnection(tcb, sample);
    congestionOnAck(tcb, sample);
  }
  restartTimer(tcb, nowUs);
  growSendRing(tcb);
  wakeWriter(tcb);
  if (hasOutput(tcb)) wantOutput(tcb);
  return finAcked;
}

/**
 * SEG.ACK === SND.UNA. Counts it as duplicate if it is one: data is outstanding, and the segment carries no data, no SYN or FIN
 * and the window we know (RFC 5681 2). To be called before updateSendWindow.
 */
export function onDuplicateAck(tcb: Tcb, seg: Segment): void {
  noteAnswer(tcb);
  if (tcb.packetsOut !== 0 && isEcnEcho(tcb, seg)) ecnOnEcho(tcb, 0);
  if (tcb.packetsOut === 0 || seg.len !== 0 || (seg.flags & ACK) === 0) return;
  if (seg.wnd << tcb.sndWscale !== tcb.sndWnd) return;
  count(COUNTER_TCP_DUPLICATE_ACKS);
  recoveryOnDuplicate(tcb);
  if (hasOutput(tcb)) wantOutput(tcb);
}

// What congestion control is told beside what this ACK did
function noteConnection(tcb: Tcb, sample: AckSample): void {
  sample.una = tcb.sndUna;
  sample.nxt = tcb.sndNxt;
  sample.cwndLimited = isWindowUsed(tcb) ? 1 : 0;
  sample.cwndFull = tcb.cwndLimited;
  sample.inRecovery = isReducing(tcb) ? 1 : 0;
  sample.hasSack = (tcb.options & TCB_OPTION_SACK) !== 0 ? 1 : 0;
}

// The peer lives: whatever it answers, probes are not unanswered any more (RFC 9293 3.8.6.1, MUST-37)
function noteAnswer(tcb: Tcb): void {
  tcb.probes = 0;
  tcb.keepAliveProbes = 0;
  tcb.clear(TCB_FLAG_MORE_HELD); // what waits for more leaves with the next chance (Linux)
}

function removeAcknowledged(tcb: Tcb, ack: u32, sample: AckSample, nowUs: u64): void {
  firstSentUs = 0;
  lastSentUs = 0;
  retransmittedUs = 0;
  isFinAcked = false;
  while (tcb.rtxHead !== NONE) {
    const record = rtxAt(tcb.rtxHead);
    if (seqGt(record.end, ack)) {
      if (seqLt(record.seq, ack)) {
        noteDelivered(tcb, record, ack - record.seq, nowUs);
        sample.ackedSegments += rtxTrimHead(tcb, ack, segmentSize(tcb));
      }
      return;
    }
    noteDelivered(tcb, record, record.payloadBytes, nowUs);
    sample.ackedSegments += record.segments;
    if (record.has(RTX_FIN)) isFinAcked = true;
    rtxRemoveHead(tcb);
  }
}

function noteDelivered(tcb: Tcb, record: RtxRecord, bytes: u32, nowUs: u64): void {
  rateOnDelivered(tcb, record, bytes, nowUs);
  if (record.has(RTX_EVER_RETRANSMITTED)) {
    if (retransmittedUs === 0) retransmittedUs = record.sentUs;
    return;
  }
  if (firstSentUs === 0) firstSentUs = record.sentUs;
  lastSentUs = record.sentUs;
}

// Moves SND.UNA and with it the head of the send ring. Returns the payload bytes newly acknowledged
function advance(tcb: Tcb, ack: u32, finAcked: bool): u32 {
  tcb.sndUna = ack;
  const offset = ack - tcb.iss - 1 - (finAcked ? 1 : 0);
  const bytes = offset - tcb.sndHeadShared;
  if (bytes === 0) return 0;
  tcb.bytesAcked += bytes;
  tcb.publishSndHead(offset);
  return bytes;
}

// RFC 6298 3 (Karn): only from segments sent once; RFC 7323 4.1: else from the timestamp that comes back with an ACK of new data.
// The time-out follows the oldest of the segments acknowledged (it waited for the peer's delayed ACK), the path the newest
function measureRoundTrip(tcb: Tcb, seg: Segment, sample: AckSample, nowUs: u64): void {
  if (firstSentUs !== 0 && retransmittedUs === 0) {
    sample.rttUs = max<u32>(1, clampUs(nowUs - lastSentUs));
    rttSample(tcb, clampUs(nowUs - firstSentUs));
    if (sample.rttUs < tcb.minRttUs) tcb.minRttUs = max<u32>(sample.rttUs, 1);
  } else if (
    (tcb.options & TCB_OPTION_TIMESTAMPS) !== 0 &&
    seg.options.has(OPT_TIMESTAMPS) &&
    seg.options.tsEcr !== 0
  ) {
    measureByTimestamp(tcb, seg.options.tsEcr, nowUs);
  }
  sample.srttUs = tcb.srttUs;
  sample.minRttUs = tcb.minRttUs;
  sample.mss = tcb.sndMss;
}

// Only if the echo is not older than the last transmission. An older one may be of the first transmission, or of a later one whose
// ACK was lost: a peer does not take the timestamp of a duplicate (RFC 7323 5.3, R2 before R3). Taking the whole silence
// for a round trip, the time-out would grow with each ACK lost; so the back-off stays until a clear sample comes (Karn)
function measureByTimestamp(tcb: Tcb, tsEcr: u32, nowUs: u64): void {
  if (<i32>(tsEcr - timestampNow(tcb, retransmittedUs)) < 0) return;
  const elapsedMs = timestampNow(tcb, nowUs) - tsEcr;
  if (<i32>elapsedMs < 0 || elapsedMs >= TIMESTAMP_AGE_MAX_MS) return; // from the future, or from long ago: a lie
  rttSample(tcb, elapsedMs * 1000);
}

function clampUs(us: u64): u32 {
  return <u32>min<u64>(us, 0x7fffffff);
}

// RFC 6298 5.2 and 5.3: off when all is acknowledged, restarted when new data is
function restartTimer(tcb: Tcb, nowUs: u64): void {
  if (tcb.packetsOut === 0) cancelRetransmitTimer(tcb, TIMER_RETRANSMIT);
  else setRetransmitTimer(tcb, TIMER_RETRANSMIT, nowUs + tcb.rtoUs);
}

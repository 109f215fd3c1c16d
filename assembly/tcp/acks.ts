// What an acceptable ACK does for the sender (RFC 9293 3.10.7.4, "fifth, check the ACK field"): takes acknowledged records off the
// retransmission queue, moves SND.UNA and the send ring's head, measures the round trip (RFC 6298, RFC 7323 4), tells loss recovery
// and congestion control. The ACK itself was validated in arrives-synchronized.ts; the window is send-window.ts's.

import { count } from "../count";
import { COUNTER_TCP_DUPLICATE_ACKS } from "../counters";
import { CA_LOSS, CHRONO_IDLE, SYSCTL_TCP_REORDERING, TCB_OPTION_SACK, TCB_OPTION_TIMESTAMPS } from "../layout";
import { NONE } from "../storage/none";
import { OPT_SACK, OPT_TIMESTAMPS } from "../wire/tcp-options";
import {
  AckEvent,
  ackEvent,
  EVENT_DATA,
  EVENT_DATA_ACKED,
  EVENT_DSACK,
  EVENT_ECE,
  EVENT_NOT_DUPLICATE,
  EVENT_ORIGINAL_DELIVERED,
  EVENT_RENEGING,
  EVENT_RETRANS_ACKED,
  EVENT_SACKED,
  EVENT_SYN_ACKED,
  EVENT_TIMER,
  EVENT_UNA_ADVANCED,
  EVENT_WINDOW,
} from "./ack-event";
import { noteAckSize } from "./ack-slots";
import { chronoSet } from "./chrono";
import { AckSample, ackSample } from "./congestion/ack-sample";
import { congestionClock, congestionOnAck } from "./congestion/control";
import { isWindowUsed } from "./congestion/window-validation";
import { wantOutput } from "./connections";
import { rateBegin, rateEnd, rateOnDelivered, ratePriorDelivered } from "./delivery-rate";
import { ecnOnEcho, isEcnEcho } from "./ecn";
import { isDubious, recoveryOnAck } from "./loss-recovery";
import { mtuProbeOnAck } from "./mtu-probe";
import { hasOutput } from "./new-data";
import { rackAdvance, rackUpdateWindow } from "./rack";
import { isReducing, reduceWindow } from "./reduction";
import { renoRemoveSacks } from "./reno-sack";
import { noteReordering } from "./reordering";
import { rttSample } from "./rtt";
import { inFlight, rtxAt, rtxRemoveHead, rtxTrimHead } from "./rtx-queue";
import { RTX_EVER_RETRANSMITTED, RTX_FIN, RTX_SACKED, RTX_SYN, RtxRecord } from "./rtx-record";
import { hasSack } from "./sack-blocks";
import { highestSacked, takeSackBlocks } from "./sack-scoreboard";
import { Segment } from "./segment";
import { growSendRing, wakeWriter } from "./send-ring";
import { segmentSize } from "./send-window";
import { seqGt, seqLt, seqLte } from "./seq";
import { TCB_FLAG_MORE_HELD, Tcb } from "./tcb";
import { watchRings } from "./timers";
import { timestampNow } from "./timestamps";
import { tlpOnAck } from "./tlp";
import { TLP_NONE } from "./tlp-state";
import { restartTimer } from "./xmit-timer";

/** A round trip is not longer than this, ms. */
const TIMESTAMP_AGE_MAX_MS: u32 = 1000000;

// What removal of records found out about times: when the first and the last transmission acknowledged now left, 0 = none
let firstSentUs: u64 = 0;
let lastSentUs: u64 = 0;
let retransmittedUs: u64 = 0; // of those sent more than once: when the first of them was sent last
let lowestAcked: u32 = 0; // of those sent once: the first sequence number; SND.NXT = none
let isFinAcked: bool = false;

/**
 * SND.UNA < SEG.ACK <= SND.NXT. To be called before updateSendWindow.
 * @returns whether our FIN is now acknowledged
 */
export function onAck(tcb: Tcb, seg: Segment, nowUs: u64): bool {
  const event = begin(tcb, seg, nowUs);
  const sample = ackSample();
  event.flags |= EVENT_UNA_ADVANCED;
  removeAcknowledged(tcb, seg.ack, event);
  if (event.ackedSegments !== 0) noteAckSize(tcb, event.ackedSegments);
  const finAcked = isFinAcked;
  sample.ackedBytes = advance(tcb, seg.ack, finAcked);
  noteProgress(tcb, nowUs);
  tcb.softErrno = 0; // whatever was wrong with the path, it carries us again (Linux)
  mtuProbeOnAck(tcb);
  if (seg.options.has(OPT_SACK) && hasSack(tcb)) takeSackBlocks(tcb, seg, event);
  measureRoundTrip(tcb, seg, event, sample);
  if (hasSack(tcb)) noteOrder(tcb, event);
  else noteRenoDelivery(tcb, event);
  event.flags |= EVENT_TIMER;
  finish(tcb, seg, event, sample, false);
  growSendRing(tcb);
  wakeWriter(tcb);
  if (hasOutput(tcb)) wantOutput(tcb);
  else if (tcb.packetsOut === 0) chronoSet(tcb, CHRONO_IDLE, nowUs);
  return finAcked;
}

// The peer has acknowledged something new: it is not unanswered any more, and if there was a time-out, that is over
function noteProgress(tcb: Tcb, nowUs: u64): void {
  if (tcb.retransmits !== 0) tcb.totalRtoTimeMs += <u32>((nowUs - tcb.firstUnansweredUs) / 1000);
  tcb.retransmits = 0;
  tcb.firstUnansweredUs = 0;
}

/**
 * SEG.ACK <= SND.UNA: duplicate, or nothing but old. Its SACK blocks count in any case; without SACK it is a duplicate if data is
 * outstanding, and it carries no data, no SYN or FIN and the window we know (RFC 5681 2). To be called before updateSendWindow.
 */
export function onOldAck(tcb: Tcb, seg: Segment, nowUs: u64): void {
  noteAnswer(tcb);
  if (tcb.packetsOut === 0 && tcb.tlpState === TLP_NONE && !seg.options.has(OPT_SACK)) return;
  const event = begin(tcb, seg, nowUs);
  const sample = ackSample();
  if (seg.len !== 0) event.flags |= EVENT_DATA;
  if (seg.wnd << tcb.sndWscale !== tcb.sndWnd) event.flags |= EVENT_WINDOW;
  if (seg.options.has(OPT_SACK) && hasSack(tcb)) takeSackBlocks(tcb, seg, event);
  const isDuplicate = seg.ack === tcb.sndUna && (event.flags & (EVENT_NOT_DUPLICATE | EVENT_DSACK)) === 0;
  if (isDuplicate && tcb.packetsOut !== 0) count(COUNTER_TCP_DUPLICATE_ACKS);
  if (tcb.packetsOut === 0 && !event.has(EVENT_DSACK)) {
    if (tcb.tlpState !== TLP_NONE) tlpOnAck(tcb, seg.ack, event);
    return;
  }
  measureRoundTrip(tcb, seg, event, sample);
  if (hasSack(tcb)) noteOrder(tcb, event);
  finish(tcb, seg, event, sample, isDuplicate);
  if (hasOutput(tcb)) wantOutput(tcb);
}

function begin(tcb: Tcb, seg: Segment, nowUs: u64): AckEvent {
  const sample = ackSample();
  sample.clear();
  sample.nowUs = nowUs;
  sample.priorInflight = inFlight(tcb);
  congestionClock(nowUs);
  rateBegin();
  noteAnswer(tcb);
  firstSentUs = 0;
  lastSentUs = 0;
  retransmittedUs = 0;
  lowestAcked = tcb.sndNxt;
  const event = ackEvent();
  event.nowUs = nowUs;
  event.firstSackedUs = 0;
  event.lastSackedUs = 0;
  event.flags = 0;
  event.tsEcr = (tcb.options & TCB_OPTION_TIMESTAMPS) !== 0 && seg.options.has(OPT_TIMESTAMPS) ? seg.options.tsEcr : 0;
  event.priorUna = tcb.sndUna;
  event.priorFack = highestSacked(tcb);
  event.priorDelivered = tcb.deliveredSegments;
  event.priorLost = tcb.lostTotal;
  event.reordered = tcb.sndNxt;
  event.ackedSegments = 0;
  if (isEcnEcho(tcb, seg)) event.flags |= EVENT_ECE;
  event.dsackSegments = 0;
  return event;
}

// Loss recovery, then the timer, then congestion control: each needs what the one before it found out
function finish(tcb: Tcb, seg: Segment, event: AckEvent, sample: AckSample, isDuplicate: bool): void {
  if (tcb.rackSteps !== 1 || tcb.rackDsackSeen !== 0) rackUpdateWindow(tcb, ratePriorDelivered(tcb));
  if (tcb.tlpState !== TLP_NONE) tlpOnAck(tcb, seg.ack, event);
  if (isDubious(tcb, event)) recoveryOnAck(tcb, event, isDuplicate);
  // "recover" stays behind SND.UNA, so that it never looks ahead of it after 2^31 bytes
  else if (seqGt(tcb.sndUna, tcb.highSeq)) tcb.highSeq = tcb.sndUna - 1;
  if (event.has(EVENT_TIMER)) restartTimer(tcb, event.nowUs);
  sample.deliveredSegments = tcb.deliveredSegments - event.priorDelivered;
  sample.ackedSegments = sample.deliveredSegments;
  sample.lostSegments = tcb.lostTotal - event.priorLost;
  sample.inflight = inFlight(tcb);
  rateEnd(tcb, sample, event.nowUs);
  if (event.has(EVENT_ECE)) {
    sample.ecnEcho = 1;
    ecnOnEcho(tcb, sample.deliveredSegments);
  }
  if (sample.deliveredSegments === 0 && sample.ackedBytes === 0) return;
  if (isReducing(tcb)) reduceWindow(tcb, sample.deliveredSegments, sample.lostSegments, event.has(EVENT_UNA_ADVANCED));
  // A SYN or FIN alone says nothing about the path's capacity
  if (sample.ackedBytes === 0 && !event.has(EVENT_SACKED)) return;
  sample.mayGrow = isReducing(tcb) || !mayRaise(tcb, event) ? 0 : 1;
  noteConnection(tcb, sample);
  congestionOnAck(tcb, sample);
}

// Only with data cumulatively acknowledged; on a path that reorders SACKed data counts as well
function mayRaise(tcb: Tcb, event: AckEvent): bool {
  if (event.has(EVENT_DATA_ACKED)) return true;
  return tcb.reordering > load<u32>(SYSCTL_TCP_REORDERING) && event.has(EVENT_SACKED);
}

// A hole was filled by what was sent once, cumulatively or in a SACK block: the path reorders
function noteOrder(tcb: Tcb, event: AckEvent): void {
  if (seqLt(lowestAcked, event.priorFack)) noteReordering(tcb, lowestAcked, false);
  if (tcb.caState === <u8>CA_LOSS && tcb.undoValid === 0) return;
  if (event.reordered !== tcb.sndNxt) noteReordering(tcb, event.reordered, false);
}

function noteRenoDelivery(tcb: Tcb, event: AckEvent): void {
  renoRemoveSacks(tcb, event.ackedSegments);
  // Without SACK nobody can tell whether it was the original that filled the hole
  if (event.has(EVENT_RETRANS_ACKED)) event.flags &= ~EVENT_ORIGINAL_DELIVERED;
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

function removeAcknowledged(tcb: Tcb, ack: u32, event: AckEvent): void {
  isFinAcked = false;
  while (tcb.rtxHead !== NONE) {
    const record = rtxAt(tcb.rtxHead);
    if (seqGt(record.end, ack)) {
      if (record.has(RTX_SACKED)) event.flags |= EVENT_RENEGING;
      if (seqLt(record.seq, ack)) {
        const before = record.seq;
        noteAcknowledged(tcb, record, before, ack - before, rtxTrimHead(tcb, ack, segmentSize(tcb)), event);
      }
      return;
    }
    noteAcknowledged(tcb, record, record.seq, record.payloadBytes, record.segments, event);
    if (record.has(RTX_FIN)) isFinAcked = true;
    rtxRemoveHead(tcb);
  }
}

// `bytes` from `seq` on, `segments` of a record, are acknowledged. What was SACKed was delivered before
function noteAcknowledged(tcb: Tcb, record: RtxRecord, seq: u32, bytes: u32, segments: u32, event: AckEvent): void {
  event.ackedSegments += segments;
  event.flags |= record.has(RTX_SYN) ? EVENT_SYN_ACKED : EVENT_DATA_ACKED;
  if (record.has(RTX_EVER_RETRANSMITTED)) {
    event.flags |= EVENT_RETRANS_ACKED;
    if (retransmittedUs === 0) retransmittedUs = record.sentUs;
  } else if (!record.has(RTX_SACKED)) {
    if (firstSentUs === 0) firstSentUs = record.sentUs;
    lastSentUs = record.sentUs;
    if (seqLt(seq, lowestAcked)) lowestAcked = seq;
    if (seqLte(record.end, tcb.highSeq)) event.flags |= EVENT_ORIGINAL_DELIVERED;
  }
  if (record.has(RTX_SACKED)) return;
  rateOnDelivered(tcb, record, bytes, event.nowUs);
  if (!hasSack(tcb)) return;
  tcb.deliveredSegments += segments;
  // With a timestamp from before it was sent again: the original arrived
  if (!isSpuriousRetransmission(tcb, record, event)) rackAdvance(tcb, record, event.nowUs);
}

function isSpuriousRetransmission(tcb: Tcb, record: RtxRecord, event: AckEvent): bool {
  if (!record.has(RTX_EVER_RETRANSMITTED) || event.tsEcr === 0) return false;
  return <i32>(event.tsEcr - timestampNow(tcb, record.sentUs)) < 0;
}

// Moves SND.UNA and with it the head of the send ring. Returns the payload bytes newly acknowledged
function advance(tcb: Tcb, ack: u32, finAcked: bool): u32 {
  tcb.sndUna = ack;
  const offset = ack - tcb.iss - 1 - (finAcked ? 1 : 0);
  const bytes = offset - tcb.sndHeadShared;
  if (bytes === 0) return 0;
  tcb.bytesAcked += bytes;
  tcb.publishSndHead(offset);
  if (tcb.ringsUs === 0) watchRings(tcb);
  return bytes;
}

// RFC 6298 3 (Karn): only from segments sent once, acknowledged or SACKed; RFC 7323 4.1: else from the timestamp that comes back with an
// ACK of new data. The time-out follows the oldest of them (it waited for the peer's delayed ACK), the path the newest
function measureRoundTrip(tcb: Tcb, seg: Segment, event: AckEvent, sample: AckSample): void {
  const nowUs = event.nowUs;
  let isMeasured = false;
  if (firstSentUs !== 0 && retransmittedUs === 0) {
    sample.rttUs = max<u32>(1, clampUs(nowUs - lastSentUs));
    rttSample(tcb, clampUs(nowUs - firstSentUs));
    isMeasured = true;
  }
  if (event.firstSackedUs !== 0) {
    sample.rttUs = max<u32>(1, clampUs(nowUs - event.lastSackedUs));
    if (!isMeasured) rttSample(tcb, clampUs(nowUs - event.firstSackedUs));
    // The timer may move: what was SACKed left after the first outstanding did. Else SACKs would put the time-out off for ever
    if (!isMeasured && tcb.rtxHead !== NONE && event.firstSackedUs < rtxAt(tcb.rtxHead).sentUs)
      event.flags |= EVENT_TIMER;
    isMeasured = true;
  }
  if (isMeasured) {
    if (sample.rttUs < tcb.minRttUs) tcb.minRttUs = max<u32>(sample.rttUs, 1);
  } else if (event.tsEcr !== 0 && event.has(EVENT_UNA_ADVANCED)) {
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

// Loss recovery without SACK: fast retransmit and NewReno (RFC 5681 3.2, RFC 6582), the loss state after a time-out (RFC 5681
// 3.1), window reduction in proportion (RFC 6937), and the way back when timestamps prove it spurious (RFC 3522, RFC 4015).
//
// There is no window inflation: a duplicate ACK says that one segment has left the network, so it counts in sackedOut as if
// the peer had SACKed it (Linux does the same), and in-flight = packetsOut - lostOut - sackedOut + retransOut drops by one.
//
//   OPEN ── dup ──▶ DISORDER ── third dup ──▶ RECOVERY ── SND.UNA >= recover ──▶ OPEN
//     └──────── time-out ──▶ LOSS ── SND.UNA >= recover ──▶ OPEN                        recover = tcb.highSeq

import { count } from "../count";
import { COUNTER_TCP_FAST_RETRANS } from "../counters";
import {
  CA_CWR,
  CA_DISORDER,
  CA_LOSS,
  CA_OPEN,
  CA_RECOVERY,
  SYSCTL_TCP_REORDERING,
  TCB_OPTION_TIMESTAMPS,
} from "../layout";
import { NONE } from "../storage/none";
import { OPT_TIMESTAMPS } from "../wire/tcp-options";
import {
  congestionOnEcn,
  congestionOnLoss,
  congestionOnLossExit,
  congestionOnRecoveryExit,
  congestionOnTimeout,
  congestionOnUndo,
  congestionOwnsWindow,
} from "./congestion/control";
import { ecnQueueCwr } from "./ecn";
import { inFlight, rtxAt, rtxClearLost, rtxMarkAllLost, rtxMarkLost, rtxSplit } from "./rtx-queue";
import { RTX_LOST } from "./rtx-record";
import { Segment } from "./segment";
import { segmentSize } from "./send-window";
import { seqGt, seqGte } from "./seq";
import { Tcb } from "./tcb";

/** Starts a connection's recovery state: RFC 6582 3.2 step 1, "recover" is the initial send sequence number. */
export function recoveryReset(tcb: Tcb): void {
  tcb.caState = <u8>CA_OPEN;
  tcb.highSeq = tcb.iss;
  tcb.duplicateAcks = 0;
  forgetRecovery(tcb);
}

/** Whether the window is being reduced, so that it follows the recovery and not the congestion control. */
export function isReducing(tcb: Tcb): bool {
  return tcb.caState === <u8>CA_RECOVERY || tcb.caState === <u8>CA_CWR;
}

/**
 * SND.UNA has moved to SEG.ACK; the acknowledged records are gone already.
 * @param ackedSegments wire segments they were
 * @returns wire segments newly taken for lost
 */
export function recoveryOnAck(tcb: Tcb, seg: Segment, ackedSegments: u32): u32 {
  tcb.duplicateAcks = 0;
  if (isSpurious(tcb, seg)) undo(tcb);
  if (tcb.caState === <u8>CA_RECOVERY) return acknowledgedInRecovery(tcb, ackedSegments);
  if (tcb.caState === <u8>CA_LOSS) {
    tcb.sackedOut = 0; // what the duplicate ACKs spoke of may be what is acknowledged now
    if (seqGte(tcb.sndUna, tcb.highSeq)) endRecovery(tcb);
    return 0;
  }
  const delivered = takeEmulatedSacks(tcb, ackedSegments);
  if (tcb.caState === <u8>CA_CWR) {
    // Held something above `recover`, so that a late echo of the same mark finds the state and not a new window
    if (seqGt(tcb.sndUna, tcb.highSeq)) endRecovery(tcb);
    else reduceWindow(tcb, delivered, true, 0);
    return 0;
  }
  if (tcb.sackedOut === 0) tcb.caState = <u8>CA_OPEN;
  // "recover" stays behind SND.UNA, so that it never looks ahead of it after 2^31 bytes
  if (seqGt(tcb.sndUna, tcb.highSeq)) tcb.highSeq = tcb.sndUna - 1;
  return 0;
}

/** A duplicate ACK (RFC 5681 2) while data is outstanding. */
export function recoveryOnDuplicate(tcb: Tcb): void {
  tcb.duplicateAcks += 1;
  if (tcb.caState === <u8>CA_LOSS) {
    // Only data sent since the time-out can have left the network now; the rest is marked lost already
    if (seqGt(tcb.sndNxt, tcb.highSeq)) addEmulatedSack(tcb);
    return;
  }
  addEmulatedSack(tcb);
  if (tcb.caState === <u8>CA_RECOVERY) {
    reduceWindow(tcb, 1, false, 0);
    return;
  }
  const isCwr: bool = tcb.caState === <u8>CA_CWR;
  if (isCwr) reduceWindow(tcb, 1, false, 0);
  else tcb.caState = <u8>CA_DISORDER;
  // RFC 6582 3.2 step 2: only if the ACK covers more than "recover"; else these answer our own retransmissions
  if (tcb.duplicateAcks < load<u32>(SYSCTL_TCP_REORDERING) || (!isCwr && !seqGt(tcb.sndUna, tcb.highSeq))) return;
  enterRecovery(tcb);
}

/** The retransmission timer expired: everything outstanding is lost, cwnd starts anew from one segment. */
export function enterLoss(tcb: Tcb): void {
  const isFirst: bool =
    tcb.caState <= <u8>CA_DISORDER ||
    seqGte(tcb.sndUna, tcb.highSeq) ||
    (tcb.caState === <u8>CA_LOSS && tcb.retransmits === 0);
  if (isFirst) rememberForUndo(tcb);
  congestionOnTimeout(tcb, tcb.packetsOut, isFirst);
  ecnQueueCwr(tcb);
  rtxMarkAllLost(tcb);
  tcb.caState = <u8>CA_LOSS;
  tcb.duplicateAcks = 0;
  tcb.highSeq = tcb.sndNxt;
}

/**
 * The peer echoed a congestion mark: from OPEN or DISORDER to CWR, once per window of data. Nothing is lost, nothing will be undone.
 *
 *   RFC 3168 6.1.2: "TCP should not react to congestion indications more than once every window of data".
 *
 * @param delivered wire segments that the ACK in hand reported; they were outstanding before it
 */
export function enterCwr(tcb: Tcb, delivered: u32): void {
  if (tcb.caState >= <u8>CA_CWR) return;
  tcb.caState = <u8>CA_CWR;
  tcb.highSeq = tcb.sndNxt;
  forgetRecovery(tcb);
  tcb.recoverFlight = tcb.packetsOut + delivered;
  congestionOnEcn(tcb, tcb.recoverFlight);
  ecnQueueCwr(tcb);
  reduceWindow(tcb, delivered, true, 0);
}

/** Segments have left: what RFC 6937 calls prr_out. */
export function recoveryOnSend(tcb: Tcb, segments: u32): void {
  if (isReducing(tcb)) tcb.prrOut += segments;
}

// RFC 6582 3.2 step 3: a full acknowledgment ends the recovery, a partial one says that the next segment is lost as well
function acknowledgedInRecovery(tcb: Tcb, ackedSegments: u32): u32 {
  const delivered = takeEmulatedSacks(tcb, ackedSegments);
  if (seqGte(tcb.sndUna, tcb.highSeq)) {
    endRecovery(tcb);
    return 0;
  }
  const lost = markHeadLost(tcb);
  reduceWindow(tcb, delivered, lost === 0, lost);
  return lost;
}

// RFC 5681 3.2 step 2 and 3, RFC 6582 3.2 step 2
function enterRecovery(tcb: Tcb): void {
  count(COUNTER_TCP_FAST_RETRANS);
  // From CWR the window was reduced for this window of data already (RFC 3168 6.1.2)
  if (tcb.caState !== <u8>CA_CWR) {
    rememberForUndo(tcb);
    tcb.prrDelivered = 0;
    tcb.prrOut = 0;
    congestionOnLoss(tcb, tcb.packetsOut);
    ecnQueueCwr(tcb);
  }
  tcb.caState = <u8>CA_RECOVERY;
  tcb.highSeq = tcb.sndNxt;
  const lost = markHeadLost(tcb);
  reduceWindow(tcb, 1, false, lost);
}

function endRecovery(tcb: Tcb): void {
  if (isReducing(tcb)) congestionOnRecoveryExit(tcb);
  else congestionOnLossExit(tcb);
  tcb.sackedOut = 0;
  tcb.caState = <u8>CA_OPEN;
  forgetRecovery(tcb);
}

// The first segment is taken for lost, if it is not so already
function markHeadLost(tcb: Tcb): u32 {
  const index = tcb.rtxHead;
  if (index === NONE || rtxAt(index).has(RTX_LOST)) return 0;
  const record = rtxAt(index);
  const mss = segmentSize(tcb);
  if (record.payloadBytes > mss && !rtxSplit(tcb, index, record.payloadSeq + mss, mss)) return 0;
  rtxMarkLost(tcb, index);
  limitEmulatedSacks(tcb);
  return record.segments;
}

// RFC 6937 3.1: send in proportion to what is delivered, so that cwnd reaches ssthresh when the recovery ends
function reduceWindow(tcb: Tcb, delivered: u32, isProgress: bool, least: u32): void {
  if (congestionOwnsWindow(tcb)) return;
  const pipe = inFlight(tcb);
  tcb.prrDelivered += delivered;
  let send: i64;
  if (pipe > tcb.ssthresh) {
    const flight = max<u64>(tcb.recoverFlight, 1);
    send = <i64>((<u64>tcb.ssthresh * tcb.prrDelivered + flight - 1) / flight) - <i64>tcb.prrOut;
  } else {
    // Slow start up to ssthresh if the ACK makes progress and shows no further loss, else packet conservation
    send = max<i64>(<i64>tcb.prrDelivered - <i64>tcb.prrOut, <i64>delivered) + (isProgress ? 1 : 0);
    send = min<i64>(send, <i64>(tcb.ssthresh - pipe));
  }
  // What is newly lost is retransmitted at once (RFC 5681 3.2 step 3, RFC 6582 3.2 step 3); prrOut makes up for it
  tcb.cwnd = max<u32>(1, pipe + <u32>max<i64>(send, least));
}

// A duplicate ACK counts as one segment delivered out of order
function addEmulatedSack(tcb: Tcb): void {
  tcb.sackedOut += 1;
  limitEmulatedSacks(tcb);
}

// At least one segment is missing, or the peer would have acknowledged all
function limitEmulatedSacks(tcb: Tcb): void {
  const holes = min(max<u32>(tcb.lostOut, 1), tcb.packetsOut);
  if (tcb.sackedOut + holes > tcb.packetsOut) tcb.sackedOut = tcb.packetsOut - holes;
}

// Of `acked` segments one filled the hole, the others are those that duplicate ACKs spoke of. Returns the newly delivered
function takeEmulatedSacks(tcb: Tcb, acked: u32): u32 {
  const known = tcb.sackedOut;
  if (acked > 0) tcb.sackedOut = acked - 1 >= known ? 0 : known - (acked - 1);
  limitEmulatedSacks(tcb);
  return acked > known ? acked - known : 1;
}

function rememberForUndo(tcb: Tcb): void {
  tcb.priorCwnd = tcb.cwnd;
  tcb.priorSsthresh = tcb.ssthresh;
  tcb.recoverFlight = tcb.packetsOut;
  tcb.retransmitTs = 0;
}

function forgetRecovery(tcb: Tcb): void {
  tcb.priorCwnd = 0;
  tcb.retransmitTs = 0;
  tcb.prrDelivered = 0;
  tcb.prrOut = 0;
}

// RFC 3522 3.2: the ACK echoes a timestamp older than that of the first retransmission, so the original arrived
function isSpurious(tcb: Tcb, seg: Segment): bool {
  if (tcb.caState < <u8>CA_RECOVERY || tcb.retransmitTs === 0 || (tcb.options & TCB_OPTION_TIMESTAMPS) === 0)
    return false;
  if (!seg.options.has(OPT_TIMESTAMPS) || seg.options.tsEcr === 0) return false;
  return <i32>(seg.options.tsEcr - tcb.retransmitTs) < 0;
}

function undo(tcb: Tcb): void {
  congestionOnUndo(tcb, tcb.priorCwnd, tcb.priorSsthresh);
  rtxClearLost(tcb);
  tcb.sackedOut = 0;
  tcb.caState = <u8>CA_OPEN;
  forgetRecovery(tcb);
}

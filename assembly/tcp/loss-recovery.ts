// The machine of loss recovery (RFC 5681 3.2, RFC 6582, RFC 6675, RFC 8985; its states and their order are Linux's): what each ACK
// means for a connection in which something may be lost. What is lost RACK (rack.ts), RFC 6675's count (dup-threshold.ts) or, without
// SACK, duplicate ACKs (reno-sack.ts) say; the window on its way down is reduction.ts's, the way back undo.ts's and frto.ts's.
//
//   OPEN ── duplicate or SACK ──▶ DISORDER ── lost ──▶ RECOVERY ── SND.UNA >= recover ──▶ OPEN
//     ├──── congestion mark ────▶ CWR ── SND.UNA > recover ──▶ OPEN
//     └──── time-out ──▶ LOSS ── SND.UNA >= recover, or spurious ──▶ OPEN           recover = tcb.highSeq

import { count } from "../count";
import {
  COUNTER_TCP_FAST_RETRANS,
  COUNTER_TCP_PARTIAL_UNDO,
  COUNTER_TCP_RENO_RECOVERY,
  COUNTER_TCP_SACK_RECOVERY,
} from "../counters";
import { CA_CWR, CA_DISORDER, CA_LOSS, CA_OPEN, CA_RECOVERY } from "../layout";
import { NONE } from "../storage/none";
import {
  AckEvent,
  EVENT_ALERT,
  EVENT_ECE,
  EVENT_LOST_RETRANSMISSION,
  EVENT_NOT_DUPLICATE,
  EVENT_TIMER,
  EVENT_UNA_ADVANCED,
} from "./ack-event";
import { congestionOnLossExit } from "./congestion/control";
import { markLostByCount } from "./dup-threshold";
import { FRTO_OFF, FRTO_SEND_NEW, FRTO_SPURIOUS, frtoOnAck } from "./frto";
import { mtuProbeFailed } from "./mtu-probe";
import { isRack, rackMarkLost, rackReset } from "./rack";
import { beginReduction, currentSsthresh, endReduction } from "./reduction";
import { waitForReneging } from "./reneging";
import { renoAddSack, renoMarkLost, renoResetSacks } from "./reno-sack";
import { noteReordering, reorderingReset } from "./reordering";
import { rtxAt } from "./rtx-queue";
import { RTX_EVER_RETRANSMITTED } from "./rtx-record";
import { hasSack } from "./sack-blocks";
import { scoreboardReset } from "./sack-scoreboard";
import { seqGt, seqGte } from "./seq";
import { Tcb } from "./tcb";
import { TLP_NONE } from "./tlp-state";
import { isOriginalDelayed, undoAtEnd, undoBegin, undoByDsack, undoForget, undoReduction, undoTimeout } from "./undo";

/** Starts a connection's recovery state: RFC 6582 3.2 step 1, "recover" is the initial send sequence number. */
export function recoveryReset(tcb: Tcb): void {
  tcb.caState = <u8>CA_OPEN;
  tcb.highSeq = tcb.iss;
  tcb.tlpState = TLP_NONE;
  tcb.frto = FRTO_OFF;
  tcb.retransmitTs = 0;
  tcb.priorSsthresh = 0;
  tcb.prrDelivered = 0;
  tcb.prrOut = 0;
  undoForget(tcb);
  rackReset(tcb);
  reorderingReset(tcb);
  scoreboardReset(tcb);
}

/**
 * An ACK was worked into queue and scoreboard; now what it means. To be called when it is no plain ACK of new data in OPEN.
 * @param isDuplicate it says nothing but that a segment arrived out of order (RFC 5681 2)
 */
export function recoveryOnAck(tcb: Tcb, event: AckEvent, isDuplicate: bool): void {
  // RFC 3168 6.1.2: a reduction for a congestion mark is not undone
  if (event.has(EVENT_ECE)) tcb.priorSsthresh = 0;
  if (waitForReneging(tcb, event)) return;
  if (tcb.caState === <u8>CA_OPEN) {
    if (tcb.retransOut === 0) tcb.retransmitTs = 0;
  } else if (seqGte(tcb.sndUna, tcb.highSeq) && leaveAtEnd(tcb, event)) {
    return;
  }
  if (tcb.caState === <u8>CA_RECOVERY) onAckInRecovery(tcb, event, isDuplicate);
  else if (tcb.caState === <u8>CA_LOSS) onAckInLoss(tcb, event, isDuplicate);
  else onAckOutside(tcb, event, isDuplicate);
}

/** Whether an ACK needs to be looked at: all may be well, or something was not before. */
export function isDubious(tcb: Tcb, event: AckEvent): bool {
  return tcb.caState !== <u8>CA_OPEN || (event.flags & EVENT_NOT_DUPLICATE) === 0 || (event.flags & EVENT_ALERT) !== 0;
}

/**
 * Losses were found outside RECOVERY: begins it (RFC 6675 5 step 4, RFC 5681 3.2 step 2).
 * @param acked segments that the ACK in hand has acknowledged
 * @param withEcho it echoes a congestion mark: then nothing will be undone
 */
export function enterRecovery(tcb: Tcb, acked: u32, withEcho: bool): void {
  if (mtuProbeFailed(tcb)) return;
  count(COUNTER_TCP_FAST_RETRANS);
  count(hasSack(tcb) ? COUNTER_TCP_SACK_RECOVERY : COUNTER_TCP_RENO_RECOVERY);
  tcb.priorSsthresh = 0;
  undoBegin(tcb);
  if (tcb.caState !== <u8>CA_CWR) {
    if (!withEcho) tcb.priorSsthresh = currentSsthresh(tcb);
    beginReduction(tcb, acked, false);
  }
  tcb.highSeq = tcb.sndNxt;
  tcb.caState = <u8>CA_RECOVERY;
}

/**
 * The peer echoed a congestion mark: one reduction per window of data, and none that is undone.
 *
 *   RFC 3168 6.1.2: "TCP should not react to congestion indications more than once every window of data".
 * @param acked segments that the ACK in hand has acknowledged
 */
function enterCwr(tcb: Tcb, acked: u32): void {
  tcb.priorSsthresh = 0;
  if (tcb.caState >= <u8>CA_CWR) return;
  undoForget(tcb);
  beginReduction(tcb, acked, true);
  tcb.caState = <u8>CA_CWR;
}

/** All is well, or at least nothing is known to be lost: OPEN or DISORDER. */
export function keepOpen(tcb: Tcb): void {
  const state = tcb.sackedOut !== 0 || tcb.lostOut !== 0 || hasRetransmission(tcb) ? <u8>CA_DISORDER : <u8>CA_OPEN;
  if (tcb.caState === state) return;
  tcb.caState = state;
  tcb.highSeq = tcb.sndNxt;
}

// Everything that was outstanding when the state began is acknowledged. Returns true if the ACK is done with
function leaveAtEnd(tcb: Tcb, event: AckEvent): bool {
  if (tcb.caState === <u8>CA_CWR) {
    // Something above "recover" must be acknowledged, or an echo of the same mark would begin anew
    if (tcb.sndUna !== tcb.highSeq) {
      endReduction(tcb);
      tcb.caState = <u8>CA_OPEN;
    }
  } else if (tcb.caState === <u8>CA_RECOVERY) {
    if (!hasSack(tcb)) renoResetSacks(tcb);
    if (endRecovery(tcb, event)) return true;
    endReduction(tcb);
  }
  return false;
}

// Returns true if the state must be kept: without SACK, duplicate ACKs of what was sent again look like a new loss until something
// above "recover" is acknowledged (RFC 6582 3.2 step 1)
function endRecovery(tcb: Tcb, event: AckEvent): bool {
  undoAtEnd(tcb, event);
  if (!hasSack(tcb) && tcb.sndUna === tcb.highSeq) {
    if (!hasRetransmission(tcb)) tcb.retransmitTs = 0;
    return true;
  }
  open(tcb);
  return false;
}

// All that was lost is repaired, or was not lost
function open(tcb: Tcb): void {
  if (tcb.caState === <u8>CA_LOSS) congestionOnLossExit(tcb);
  tcb.caState = <u8>CA_OPEN;
}

function onAckInRecovery(tcb: Tcb, event: AckEvent, isDuplicate: bool): void {
  if (!event.has(EVENT_UNA_ADVANCED)) {
    if (!hasSack(tcb) && isDuplicate) renoAddSack(tcb);
  } else if (undoPartially(tcb, event)) {
    return;
  }
  if (undoByDsack(tcb)) tryOpen(tcb, event);
  findLosses(tcb, event);
  if (tcb.caState === <u8>CA_RECOVERY) return;
  if (tcb.lostOut !== 0) enterRecovery(tcb, event.ackedSegments, event.has(EVENT_ECE));
}

function onAckInLoss(tcb: Tcb, event: AckEvent, isDuplicate: bool): void {
  processLoss(tcb, event, isDuplicate);
  findLosses(tcb, event);
  if (tcb.caState !== <u8>CA_OPEN && !event.has(EVENT_LOST_RETRANSMISSION)) return;
  onAckOutside(tcb, event, isDuplicate);
}

function onAckOutside(tcb: Tcb, event: AckEvent, isDuplicate: bool): void {
  if (!hasSack(tcb)) {
    if (event.has(EVENT_UNA_ADVANCED)) renoResetSacks(tcb);
    if (isDuplicate) renoAddSack(tcb);
  }
  if (tcb.caState <= <u8>CA_DISORDER) undoByDsack(tcb);
  findLosses(tcb, event);
  if (tcb.lostOut !== 0) enterRecovery(tcb, event.ackedSegments, event.has(EVENT_ECE));
  else tryOpen(tcb, event);
}

// RFC 5681 3.1 and 5682: in LOSS
function processLoss(tcb: Tcb, event: AckEvent, isDuplicate: bool): void {
  const isOver = seqGte(tcb.sndUna, tcb.highSeq);
  if (event.has(EVENT_UNA_ADVANCED) && undoTimeout(tcb, event, false)) {
    leaveLoss(tcb, false);
    return;
  }
  const frto = frtoOnAck(tcb, event, isDuplicate);
  if (frto === FRTO_SPURIOUS) {
    undoTimeout(tcb, event, true);
    leaveLoss(tcb, true);
    return;
  }
  if (frto === FRTO_SEND_NEW) return;
  if (isOver) {
    endRecovery(tcb, event);
    return;
  }
  if (hasSack(tcb)) return;
  // A duplicate now is of the new data of F-RTO's step 2.b
  if (isDuplicate && seqGt(tcb.sndNxt, tcb.highSeq)) renoAddSack(tcb);
  else if (event.has(EVENT_UNA_ADVANCED)) renoResetSacks(tcb);
}

// The time-out was undone. Without SACK the state stays until something above "recover" is acknowledged, as in endRecovery()
function leaveLoss(tcb: Tcb, byFrto: bool): void {
  tcb.frto = FRTO_OFF;
  if (!hasSack(tcb) && tcb.sndUna === tcb.highSeq) {
    if (!hasRetransmission(tcb)) tcb.retransmitTs = 0;
    return;
  }
  if (byFrto || hasSack(tcb)) open(tcb);
}

// A hole was filled by a segment that was only late. Returns true if nothing more is to be taken for lost now
function undoPartially(tcb: Tcb, event: AckEvent): bool {
  if (tcb.undoValid === 0 || !isOriginalDelayed(tcb, event)) return false;
  noteReordering(tcb, event.priorUna, true);
  if (tcb.retransOut !== 0) return true;
  if (!hasRetransmission(tcb)) tcb.retransmitTs = 0;
  undoReduction(tcb, true);
  count(COUNTER_TCP_PARTIAL_UNDO);
  keepOpen(tcb);
  return false;
}

function tryOpen(tcb: Tcb, event: AckEvent): void {
  if (!hasRetransmission(tcb)) tcb.retransmitTs = 0;
  if (event.has(EVENT_ECE)) enterCwr(tcb, event.ackedSegments);
  if (tcb.caState !== <u8>CA_CWR) keepOpen(tcb);
}

function findLosses(tcb: Tcb, event: AckEvent): void {
  const before = tcb.retransOut;
  if (!hasSack(tcb)) {
    renoMarkLost(tcb, event.has(EVENT_UNA_ADVANCED));
  } else if (isRack(tcb)) {
    if (rackMarkLost(tcb, event.nowUs)) event.flags &= ~EVENT_TIMER;
  } else {
    markLostByCount(tcb);
  }
  if (before > tcb.retransOut) event.flags |= EVENT_LOST_RETRANSMISSION;
}

// Whether a retransmission may still be answered: one is in flight, or the first segment is one
function hasRetransmission(tcb: Tcb): bool {
  return tcb.retransOut !== 0 || (tcb.rtxHead !== NONE && rtxAt(tcb.rtxHead).has(RTX_EVER_RETRANSMITTED));
}

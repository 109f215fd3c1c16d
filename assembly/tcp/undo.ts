// The way back from a reduction that was not needed: a timestamp older than the first retransmission comes back (Eifel, RFC 3522, RFC
// 4015), or D-SACKs account for every retransmission (RFC 3708). Keeps what must be known and restores window and threshold; what the
// machine does then is loss-recovery.ts's.

import { count } from "../count";
import {
  COUNTER_TCP_DSACK_UNDO,
  COUNTER_TCP_FULL_UNDO,
  COUNTER_TCP_LOSS_UNDO,
  COUNTER_TCP_SPURIOUS_RTOS,
} from "../counters";
import { CA_LOSS } from "../layout";
import { AckEvent } from "./ack-event";
import { congestionOnUndo } from "./congestion/control";
import { ecnWithdrawCwr } from "./ecn";
import { rackExtendWindow } from "./rack";
import { rtxClearLost } from "./rtx-queue";
import { hasSack } from "./sack-blocks";
import { seqGt, seqGte } from "./seq";
import { Tcb } from "./tcb";
import { TLP_RETRANSMISSION } from "./tlp-state";

/** A reduction begins: from now on retransmissions and their D-SACKs are counted. To be called before tlpState is cleared. */
export function undoBegin(tcb: Tcb): void {
  tcb.undoValid = 1;
  tcb.undoMarker = tcb.sndUna;
  tcb.undoRetrans = <i32>tcb.retransOut + (tcb.tlpState === TLP_RETRANSMISSION ? 1 : 0);
  if (tcb.undoRetrans === 0) tcb.undoRetrans = -1; // not "all of them were needless"
}

/** Nothing is to be undone any more. */
export function undoForget(tcb: Tcb): void {
  tcb.undoValid = 0;
  tcb.undoRetrans = 0;
}

/** `segments` left once more. */
export function undoOnRetransmission(tcb: Tcb, segments: u32): void {
  tcb.undoRetrans = max<i32>(tcb.undoRetrans, 0) + <i32>segments;
}

/** The peer reports that a range that ends at `end` came twice. */
export function undoOnDsackOf(tcb: Tcb, end: u32, segments: u32): void {
  if (tcb.undoValid === 0 || tcb.undoRetrans <= 0 || !seqGt(end, tcb.undoMarker)) return;
  tcb.undoRetrans = max<i32>(tcb.undoRetrans - <i32>segments, 0);
}

/** RFC 3522 3.2 step 4: what came back with the ACK is older than the first retransmission, so the original had arrived. */
export function isOriginalDelayed(tcb: Tcb, event: AckEvent): bool {
  if (tcb.retransmitTs === 0) {
    // Nothing was sent again -- or it is forgotten, because without SACK the state outlives its retransmissions
    return hasSack(tcb) || !seqGte(tcb.sndUna, tcb.highSeq);
  }
  return event.tsEcr !== 0 && <i32>(event.tsEcr - tcb.retransmitTs) < 0;
}

/** Whether the reduction in hand is known to have been needless. */
function mayUndo(tcb: Tcb, event: AckEvent): bool {
  return tcb.undoValid !== 0 && (tcb.undoRetrans === 0 || isOriginalDelayed(tcb, event));
}

/** Restores window and threshold. @param clearLost forget what was taken for lost as well */
export function undoReduction(tcb: Tcb, clearLost: bool): void {
  if (clearLost) rtxClearLost(tcb);
  if (tcb.priorSsthresh !== 0) {
    if (tcb.priorSsthresh > tcb.ssthresh) ecnWithdrawCwr(tcb);
    congestionOnUndo(tcb, tcb.priorCwnd, tcb.priorSsthresh);
  }
  tcb.undoValid = 0;
  tcb.rackAdvanced = 1; // what is overdue without that is to be found again
}

/** Everything of the recovery or time-out is acknowledged: undo it if it was needless. */
export function undoAtEnd(tcb: Tcb, event: AckEvent): void {
  if (mayUndo(tcb, event)) {
    count(tcb.caState === <u8>CA_LOSS ? COUNTER_TCP_LOSS_UNDO : COUNTER_TCP_FULL_UNDO);
    undoReduction(tcb, false);
  } else if (tcb.rackPersist !== 0) {
    tcb.rackPersist -= 1;
  }
}

/** RFC 3708: every retransmission was answered by a D-SACK. @returns whether the reduction was undone */
export function undoByDsack(tcb: Tcb): bool {
  if (tcb.undoValid === 0 || tcb.undoRetrans !== 0) return false;
  rackExtendWindow(tcb);
  undoReduction(tcb, false);
  count(COUNTER_TCP_DSACK_UNDO);
  return true;
}

/** The time-out was spurious, by timestamp, D-SACK or F-RTO. @returns whether it was undone */
export function undoTimeout(tcb: Tcb, event: AckEvent, byFrto: bool): bool {
  if (!byFrto && !mayUndo(tcb, event)) return false;
  undoReduction(tcb, true);
  count(COUNTER_TCP_LOSS_UNDO);
  if (byFrto) count(COUNTER_TCP_SPURIOUS_RTOS);
  tcb.retransmits = 0;
  return true;
}

// Without SACK (RFC 5681 3.2, RFC 6582): a duplicate ACK says that one segment has left the network, so it counts in sackedOut as if the
// peer had SACKed it -- a count without records. There is no window inflation: what is in flight drops by one instead. Linux does the same.

import { CA_RECOVERY } from "../layout";
import { NONE } from "../storage/none";
import { noteRenoReordering } from "./reordering";
import { rtxAt, rtxMarkLost, rtxSplit } from "./rtx-queue";
import { RTX_LOST } from "./rtx-record";
import { segmentSize } from "./send-window";
import { Tcb } from "./tcb";

/** A duplicate ACK came: one segment more was delivered. */
export function renoAddSack(tcb: Tcb): void {
  const before = tcb.sackedOut;
  tcb.sackedOut += 1;
  limitSacks(tcb, 0);
  if (tcb.sackedOut > before) tcb.deliveredSegments += tcb.sackedOut - before;
}

/** `acked` segments were acknowledged: one of them filled the hole, the others are those that duplicate ACKs spoke of. */
export function renoRemoveSacks(tcb: Tcb, acked: u32): void {
  if (acked > 0) {
    const known = tcb.sackedOut;
    tcb.deliveredSegments += acked > known ? acked - known : 1;
    tcb.sackedOut = acked - 1 >= known ? 0 : known - (acked - 1);
  }
  if (tcb.sackedOut !== 0) limitSacks(tcb, acked);
}

/** Forgets the duplicates: those that come from now on are of another hole. */
export function renoResetSacks(tcb: Tcb): void {
  tcb.sackedOut = 0;
}

/**
 * RFC 5681 3.2 step 2 and RFC 6582 3.2 step 3: the first segment is lost at the third duplicate ACK, and again at each partial
 * acknowledgment in recovery.
 */
export function renoMarkLost(tcb: Tcb, hasAdvanced: bool): void {
  const isRecovery: bool = tcb.caState === <u8>CA_RECOVERY;
  const isEnough: bool = tcb.caState < <u8>CA_RECOVERY && tcb.sackedOut >= tcb.reordering;
  if (!isEnough && !(isRecovery && hasAdvanced)) return;
  const index = tcb.rtxHead;
  if (index === NONE || rtxAt(index).has(RTX_LOST)) return;
  const record = rtxAt(index);
  const mss = segmentSize(tcb);
  if (record.payloadBytes > mss && !rtxSplit(tcb, index, record.payloadSeq + mss, mss)) return;
  rtxMarkLost(tcb, index);
}

// At least one segment is missing, or the peer would have acknowledged all. More duplicates than that: the path reorders, or duplicates
function limitSacks(tcb: Tcb, acked: u32): void {
  const holes = min(max<u32>(tcb.lostOut, 1), tcb.packetsOut);
  if (tcb.sackedOut + holes <= tcb.packetsOut) return;
  tcb.sackedOut = tcb.packetsOut - holes;
  noteRenoReordering(tcb, tcb.packetsOut + acked);
}

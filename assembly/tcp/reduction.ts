// The congestion window on its way down: proportional rate reduction (RFC 9937, in segments as Linux counts), in fast recovery and, when
// the peer echoes a congestion mark (RFC 3168), in CWR. While it lasts cwnd follows what arrives and the congestion control only
// named the goal, ssthresh. Must not know what was lost.

import { CA_CWR, CA_RECOVERY, SSTHRESH_NONE } from "../layout";
import {
  congestionOnEcn,
  congestionOnLoss,
  congestionOnRecoveryExit,
  congestionOwnsWindow,
} from "./congestion/control";
import { ecnQueueCwr } from "./ecn";
import { inFlight } from "./rtx-queue";
import { Tcb } from "./tcb";
import { TLP_NONE } from "./tlp-state";

/** Whether the window is being reduced, so that it follows the reduction and not the congestion control. */
export function isReducing(tcb: Tcb): bool {
  return tcb.caState === <u8>CA_RECOVERY || tcb.caState === <u8>CA_CWR;
}

/** ssthresh as it would be if the reduction in hand ended now: what an undo restores. */
export function currentSsthresh(tcb: Tcb): u32 {
  if (isReducing(tcb)) return tcb.ssthresh;
  return max(tcb.ssthresh, (tcb.cwnd >> 1) + (tcb.cwnd >> 2));
}

/**
 * A reduction begins.
 * @param acked segments that the ACK in hand has acknowledged: they were in flight when the congestion happened
 * @param byEcn for a congestion mark, not a loss
 */
export function beginReduction(tcb: Tcb, acked: u32, byEcn: bool): void {
  tcb.highSeq = tcb.sndNxt;
  tcb.tlpState = TLP_NONE;
  tcb.priorCwnd = tcb.cwnd;
  tcb.prrDelivered = 0;
  tcb.prrOut = 0;
  if (byEcn) congestionOnEcn(tcb, tcb.packetsOut + acked);
  else congestionOnLoss(tcb, tcb.packetsOut + acked);
  ecnQueueCwr(tcb);
}

/** The reduction is over: cwnd is ssthresh (RFC 9937 6), unless it was undone. An algorithm that owns its window restores it itself. */
export function endReduction(tcb: Tcb): void {
  if (!congestionOwnsWindow(tcb)) {
    if (tcb.ssthresh >= <u32>SSTHRESH_NONE || (tcb.caState !== <u8>CA_CWR && tcb.undoValid === 0)) return;
  }
  congestionOnRecoveryExit(tcb);
}

/**
 * RFC 9937 6: an ACK in a reduction sets cwnd.
 * @param delivered segments newly acknowledged or SACKed (DeliveredData)
 * @param lost segments newly taken for lost
 */
export function reduceWindow(tcb: Tcb, delivered: u32, lost: u32, hasProgress: bool): void {
  if (congestionOwnsWindow(tcb) || delivered === 0 || tcb.priorCwnd === 0) return;
  const pipe = inFlight(tcb);
  tcb.prrDelivered += delivered;
  let send: i64;
  if (pipe > tcb.ssthresh) {
    const flight = <u64>tcb.priorCwnd;
    send = <i64>((<u64>tcb.ssthresh * tcb.prrDelivered + flight - 1) / flight) - <i64>tcb.prrOut;
  } else {
    send = max<i64>(<i64>tcb.prrDelivered - <i64>tcb.prrOut, <i64>delivered);
    if (hasProgress && lost === 0) send += 1;
    send = min<i64>(send, <i64>(tcb.ssthresh - pipe));
  }
  // The first retransmission leaves at once, whatever is in flight (RFC 5681 3.2 step 3)
  send = max<i64>(send, tcb.prrOut === 0 ? 1 : 0);
  tcb.cwnd = max<u32>(1, pipe + <u32>send);
}

/** Segments have left: prr_out of RFC 9937. */
export function reductionOnSend(tcb: Tcb, segments: u32): void {
  if (isReducing(tcb)) tcb.prrOut += segments;
}

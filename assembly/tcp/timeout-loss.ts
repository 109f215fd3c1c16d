// The retransmission timer expired (RFC 5681 3.1, RFC 8985 6.3): what is outstanding is taken for lost -- with RACK only the first segment
// and what is as old as a lost one --, the window starts anew, and LOSS begins. The timer itself is timeouts.ts's.

import { count } from "../count";
import { COUNTER_TCP_LOSS_FAILURES } from "../counters";
import { CA_DISORDER, CA_LOSS, CA_RECOVERY, SYSCTL_TCP_REORDERING, TCB_OPTION_SACK } from "../layout";
import { NONE } from "../storage/none";
import { congestionOnTimeout, congestionOwnsWindow } from "./congestion/control";
import { ecnQueueCwr } from "./ecn";
import { frtoBegin } from "./frto";
import { isRack, rackIsExpired } from "./rack";
import { currentSsthresh } from "./reduction";
import { isHeadSacked, takeSacksBack } from "./reneging";
import { renoResetSacks } from "./reno-sack";
import { forgetReordering } from "./reordering";
import { inFlight, rtxAt, rtxMarkLost } from "./rtx-queue";
import { seqGte } from "./seq";
import { Tcb } from "./tcb";
import { TLP_NONE } from "./tlp-state";
import { undoBegin } from "./undo";

/** Enters LOSS, or stays in it. To be called before the time-out is counted in tcb.retransmits. */
export function enterLoss(tcb: Tcb, nowUs: u64): void {
  const wasOutside: bool = tcb.caState < <u8>CA_RECOVERY;
  // ssthresh is halved once per window of data (RFC 5681 3.1)
  const isFirst: bool =
    tcb.caState <= <u8>CA_DISORDER ||
    seqGte(tcb.sndUna, tcb.highSeq) ||
    (tcb.caState === <u8>CA_LOSS && tcb.retransmits === 0);
  const reported = tcb.sackedOut;
  if (isFirst) {
    tcb.priorSsthresh = currentSsthresh(tcb);
    tcb.priorCwnd = tcb.cwnd;
  }
  markLost(tcb, nowUs);
  if (isFirst) undoBegin(tcb);
  congestionOnTimeout(tcb, tcb.packetsOut, isFirst);
  // What RACK leaves in flight stays there; the first segment leaves in any case
  if (!congestionOwnsWindow(tcb)) tcb.cwnd = inFlight(tcb) + 1;
  if (tcb.caState <= <u8>CA_DISORDER && reported >= load<u32>(SYSCTL_TCP_REORDERING)) forgetReordering(tcb);
  if (!wasOutside) count(COUNTER_TCP_LOSS_FAILURES);
  ecnQueueCwr(tcb);
  tcb.caState = <u8>CA_LOSS;
  tcb.highSeq = tcb.sndNxt;
  tcb.tlpState = TLP_NONE;
  frtoBegin(tcb, wasOutside || tcb.retransmits !== 0);
}

function markLost(tcb: Tcb, nowUs: u64): void {
  if ((tcb.options & TCB_OPTION_SACK) === 0) renoResetSacks(tcb);
  const isReneging = isHeadSacked(tcb);
  if (isReneging) takeSacksBack(tcb);
  const byAge = isRack(tcb) && !isReneging;
  for (let index = tcb.rtxHead; index !== NONE; ) {
    const record = rtxAt(index);
    const next = record.next;
    if (!byAge || index === tcb.rtxHead || rackIsExpired(tcb, record, nowUs)) rtxMarkLost(tcb, index);
    index = next;
  }
}

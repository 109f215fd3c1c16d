// Is the congestion window in use? Only then may it grow (RFC 5681 3.1, RFC 7661 in spirit, Linux's rule in fact), and after a
// pause it is too old to be burst into the network (RFC 5681 4.1). Knows no particular algorithm.
import { SYSCTL_TCP_SLOW_START_AFTER_IDLE } from "../../layout";
import { seqGte } from "../seq";
import { Tcb } from "../tcb";
import { congestionOnIdleRestart, congestionOwnsWindow, initialWindow } from "./control";

/**
 * Notes after a transmission, or after one was held back, how much of the window is used. The strongest signal of each window
 * of data counts.
 * @param isLimited the window, and nothing else, holds data back
 */
export function noteWindowUse(tcb: Tcb, isLimited: bool): void {
  const isNewRound = seqGte(tcb.sndUna, tcb.cwndUsageSeq);
  if (!isNewRound && !isLimited && (tcb.cwndLimited !== 0 || tcb.packetsOut <= tcb.cwndUsed)) return;
  tcb.cwndLimited = isLimited ? 1 : 0;
  tcb.cwndUsed = tcb.packetsOut;
  tcb.cwndUsageSeq = tcb.sndNxt;
}

/** Whether the window may grow: it was the limit, or slow start uses more than half of it. */
export function isWindowUsed(tcb: Tcb): bool {
  if (tcb.cwndLimited !== 0) return true;
  return tcb.cwnd < tcb.ssthresh && tcb.cwnd < 2 * tcb.cwndUsed;
}

/**
 * Before the first segment after a pause: halves the window for each RTO that passed, down to the initial window.
 *
 *   RFC 5681 4.1: a TCP SHOULD set cwnd to no more than RW before beginning transmission if the TCP has not sent data in an
 *   interval exceeding the retransmission timeout.
 *
 * Gentler than that and what Linux does (RFC 2861); ssthresh remembers three quarters of what was.
 */
export function restartAfterIdle(tcb: Tcb, nowUs: u64): void {
  if (congestionOwnsWindow(tcb)) return; // its model of the path has a use for what it knew
  if (load<u32>(SYSCTL_TCP_SLOW_START_AFTER_IDLE) === 0 || tcb.lastSentUs === 0 || tcb.packetsOut !== 0) return;
  if (nowUs <= tcb.lastSentUs + tcb.rtoUs) return;
  const floor = min(initialWindow(), tcb.cwnd);
  tcb.ssthresh = max(tcb.ssthresh, (tcb.cwnd >> 1) + (tcb.cwnd >> 2));
  let cwnd = tcb.cwnd;
  for (let idleUs = nowUs - tcb.lastSentUs; idleUs > tcb.rtoUs && cwnd > floor; idleUs -= tcb.rtoUs) cwnd >>= 1;
  tcb.cwnd = max(cwnd, floor);
  tcb.cwndUsed = 0;
  tcb.cwndLimited = 0;
  congestionOnIdleRestart(tcb);
}

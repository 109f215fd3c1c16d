// The reordering timer expired (RFC 8985 6.2 step 5): what RACK waited for has not come, so it is lost, and recovery begins without an ACK.

import { CA_RECOVERY } from "../layout";
import { congestionOwnsWindow } from "./congestion/control";
import { wantOutput } from "./connections";
import { enterRecovery } from "./loss-recovery";
import { REORDER_SLACK_US, rackDetect } from "./rack";
import { reduceWindow } from "./reduction";
import { inFlight } from "./rtx-queue";
import { Tcb } from "./tcb";
import { setRetransmitTimer, TIMER_REORDER } from "./timers";
import { resumeTimeout } from "./xmit-timer";

/** To be called when TIMER_REORDER has expired. */
export function reorderExpired(tcb: Tcb, nowUs: u64): void {
  if (tcb.packetsOut === 0) return;
  const before = inFlight(tcb);
  const lostBefore = tcb.lostTotal;
  const waitUs = rackDetect(tcb, nowUs);
  if (inFlight(tcb) !== before) {
    if (tcb.caState !== <u8>CA_RECOVERY) {
      enterRecovery(tcb, 0, false);
      const isReduced: bool = tcb.caState === <u8>CA_RECOVERY; // a lost MTU probe begins none
      if (isReduced && !congestionOwnsWindow(tcb)) reduceWindow(tcb, 1, tcb.lostTotal - lostBefore, false);
    }
    wantOutput(tcb);
  }
  if (waitUs !== 0) setRetransmitTimer(tcb, TIMER_REORDER, nowUs + waitUs + REORDER_SLACK_US);
  else resumeTimeout(tcb, nowUs);
}

// The persist timer: while nothing is in flight and data waits for the peer's window, something must leave now and then, or a lost
// window update would stop the connection for ever (RFC 9293 3.8.6.1). The same timer is the override of the sender's silly-
// window avoidance (3.8.6.2.1): what it finds when it expires decides which it was. Sends nothing; output.ts does.

import { rtoMaxUs } from "./rtt";
import { usableWindow } from "./send-window";
import { Tcb } from "./tcb";
import { setRetransmitTimer, TIMER_NONE, TIMER_PERSIST } from "./timers";

/** RFC 9293 3.8.6.2.1: "The override timeout should be in the range 0.1 - 1.0 seconds". */
const OVERRIDE_MAX_US: u64 = 1000000;

/** Starts the timer unless one runs. Data waits and nothing is in flight. */
export function startPersist(tcb: Tcb, nowUs: u64): void {
  if (tcb.timerKind === TIMER_NONE) setRetransmitTimer(tcb, TIMER_PERSIST, nowUs + persistInterval(tcb));
}

/**
 * Time to the next probe. RFC 9293 3.8.6.1: "The transmitting host SHOULD send the first zero-window probe when a zero window has
 * existed for the retransmission timeout period (SHLD-29), and SHOULD increase exponentially the interval between successive
 * probes (SHLD-30)."
 */
export function persistInterval(tcb: Tcb): u64 {
  const us = min<u64>((<u64>tcb.rtoUs) << min<u32>(tcb.persistProbes, 20), rtoMaxUs());
  return usableWindow(tcb) === 0 ? us : min(us, OVERRIDE_MAX_US);
}

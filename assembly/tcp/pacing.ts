// Pacing: spreads segments over time at the rate the congestion control answered with (0 = as fast as the window allows).
// A token bucket of depth one: after each segment the next may leave once this one has gone out at that rate.
import { Tcb } from "./tcb";
import { arm } from "./timers";

/** Whether the next data segment must wait; the timer then wants output again. */
export function isPaced(tcb: Tcb, nowUs: u64): bool {
  if (tcb.pacingRate === 0 || tcb.pacingNextUs <= nowUs) return false;
  arm(tcb);
  return true;
}

/** `bytes` of payload leave now. */
export function pacedOnSend(tcb: Tcb, bytes: u32, nowUs: u64): void {
  if (tcb.pacingRate === 0) return;
  tcb.pacingNextUs = max(nowUs, tcb.pacingNextUs) + (<u64>bytes * 1000000) / tcb.pacingRate;
}

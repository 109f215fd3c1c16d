// Pacing: spreads segments over time at the rate the congestion control answered with (0 = as fast as the window allows).
// After each segment the next may leave once this one has gone out at that rate. A timer that fires late, as all timers of a
// process do, is made up for: up to half of a segment's time is given back, as Linux does, so that lateness does not add up to a
// slower connection.
import { Tcb } from "./tcb";
import { arm } from "./timers";

const NS_PER_US: u64 = 1000;
/** A segment never holds the next back for longer than this, however small the rate. */
const GAP_MAX_NS: u64 = 60000000000;
/** Later than this it was not the timer: there was nothing to send. */
const LATE_MAX_NS: u64 = 10000000;

/** Whether the next data segment must wait; the timer then wants output again. */
export function isPaced(tcb: Tcb, nowUs: u64): bool {
  if (tcb.pacingRate === 0 || tcb.pacingNextUs <= nowUs) return false;
  tcb.pacingTimerUs = tcb.pacingNextUs;
  arm(tcb);
  return true;
}

/** `bytes` of payload leave now. */
export function pacedOnSend(tcb: Tcb, bytes: u32, nowUs: u64): void {
  if (tcb.pacingRate === 0) return;
  let gapNs = min<u64>((<u64>bytes * 1000000000) / tcb.pacingRate, GAP_MAX_NS);
  const nowNs = nowUs * NS_PER_US;
  const dueNs = tcb.pacingNextUs * NS_PER_US + tcb.pacingNextNs;
  let fromNs = dueNs;
  if (dueNs < nowNs) {
    fromNs = nowNs;
    const lateNs = nowNs - dueNs;
    if (lateNs < LATE_MAX_NS) gapNs -= min(gapNs >> 1, lateNs);
  }
  const nextNs = fromNs + gapNs;
  tcb.pacingNextUs = nextNs / NS_PER_US;
  tcb.pacingNextNs = <u32>(nextNs % NS_PER_US);
}

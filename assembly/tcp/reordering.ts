// How far the path is known to reorder, in segments (tcb.reordering, at least tcp_reordering): grows when something that was sent once
// arrives after what left behind it. It is the number of duplicate ACKs that mean loss, and whether it ever grew decides if RACK waits
// (RFC 8985 6.2 step 3, RFC 4653 in spirit, Linux's metric in fact).

import { count } from "../count";
import { COUNTER_TCP_RENO_REORDER, COUNTER_TCP_SACK_REORDER, COUNTER_TCP_TS_REORDER } from "../counters";
import { SYSCTL_TCP_MAX_REORDERING, SYSCTL_TCP_REORDERING } from "../layout";
import { highestSacked } from "./sack-scoreboard";
import { segmentSize } from "./send-window";
import { seqLt } from "./seq";
import { Tcb } from "./tcb";

/** Starts from what the sysctl says. */
export function reorderingReset(tcb: Tcb): void {
  tcb.reordering = load<u32>(SYSCTL_TCP_REORDERING);
  tcb.reorderingSeen = 0;
}

/**
 * `low`, sent once, was delivered after what lies at the highest SACK.
 * @param byTimestamp it was a timestamp that told so
 */
export function noteReordering(tcb: Tcb, low: u32, byTimestamp: bool): void {
  const highest = highestSacked(tcb);
  if (!seqLt(low, highest)) return;
  const mss = segmentSize(tcb);
  const segments = (highest - low + mss - 1) / mss;
  if (segments > tcb.reordering) tcb.reordering = min(segments, load<u32>(SYSCTL_TCP_MAX_REORDERING));
  tcb.reorderingSeen += 1;
  count(byTimestamp ? COUNTER_TCP_TS_REORDER : COUNTER_TCP_SACK_REORDER);
}

/** Without SACK: more duplicate ACKs came than segments can have left the network, `segments` in all. */
export function noteRenoReordering(tcb: Tcb, segments: u32): void {
  tcb.reordering = max(tcb.reordering, min(segments, load<u32>(SYSCTL_TCP_MAX_REORDERING)));
  tcb.reorderingSeen += 1;
  count(COUNTER_TCP_RENO_REORDER);
}

/** A time-out although many segments were reported delivered: the path reorders less than was thought. */
export function forgetReordering(tcb: Tcb): void {
  tcb.reordering = min(tcb.reordering, load<u32>(SYSCTL_TCP_REORDERING));
}

// "Fragmentation needed" in (RFC 1191), once it proved to be about something of ours that is in flight: the path is remembered as
// narrower, for as long as SYSCTL_MTU_EXPIRES says. What a connection then does is tcp/path-mtu.ts's.

import { count } from "../count";
import { COUNTER_ICMP_IN_PMTU, COUNTER_ICMP_IN_PMTU_IGNORED } from "../counters";
import { pathMtuClaim, pathMtuDeadline, pathMtuExpire } from "../ip/path-mtu";
import { NEVER_US } from "../storage/timer-wheel";
import { mappedLow } from "./address";
import { Interface } from "./interfaces";
import { routeInterface, routeLookup } from "./route";
import { ifaceTimers, TIMER_PATH_MTU } from "./timers";

/**
 * Takes a claim that a packet to `dst` was too big.
 * @param dst host order
 * @param claimed next-hop MTU, 0 = not said
 * @param quotedBytes total length of that packet, as quoted
 * @returns whether the path is narrower now than it was believed to be
 */
export function pathMtuClaimed(dst: u32, claimed: u32, quotedBytes: u32, nowUs: u64): bool {
  const low = mappedLow(dst);
  const isKnown = routeLookup(0, low) && routeInterface !== 0;
  if (!isKnown || !pathMtuClaim(0, low, Interface.at(routeInterface).mtu, claimed, quotedBytes, nowUs)) {
    count(COUNTER_ICMP_IN_PMTU_IGNORED);
    return false;
  }
  count(COUNTER_ICMP_IN_PMTU);
  armTimer();
  return true;
}

/** What is known of some path is too old now. */
export function pathMtuTimer(nowUs: u64): void {
  pathMtuExpire(nowUs);
  armTimer();
}

function armTimer(): void {
  const deadlineUs = pathMtuDeadline();
  if (deadlineUs === NEVER_US) ifaceTimers().cancel(TIMER_PATH_MTU);
  else ifaceTimers().set(TIMER_PATH_MTU, deadlineUs);
}

// The parts of one turn of the loop, in the order in which the worker calls them: userCalls, receive for each link, timers, transmit,
// (the link sends,) transmitted, flushEvents; and when the next turn must come. Holds no state of its own.
import { TX_CAPACITY } from "../layout";
import { NONE } from "../storage/none";
import { NEVER_US } from "../storage/timer-wheel";
import { isOutputWanted } from "../tcp/connections";
import { linkRestored } from "../tcp/link-change";
import { runTimers as runTcpTimers } from "../tcp/timeouts";
import { nextTimer } from "../tcp/timers";
import { announceTimer } from "./announce";
import { egress } from "./egress";
import { reassemblyTimer } from "./fragments-in";
import { neighborLost } from "./interface-events";
import { interfacesCount } from "./interfaces";
import { loopbackDeliver } from "./loopback";
import { Neighbor } from "./neighbor";
import { neighborTimer } from "./neighbor-cache";
import { areOpsStalled } from "./ops";
import { pathMtuTimer } from "./path-mtu-in";
import { pingTimer } from "./ping";
import { areEventsDeferred } from "./socket-events";
import { ifaceTimers, TIMER_ANNOUNCE, TIMER_PATH_MTU, TIMER_PING, TIMER_REASSEMBLY } from "./timers";
import { txQueued, txRoom } from "./tx-ring";
import { wakeFailed } from "./waking";

// Frames to ourselves in one turn, so that two ends in one stack do not keep everybody else waiting
const LOOPBACK_FRAMES: u32 = 256;
// When to look again whether main has read events; it does not ring for that
const DEFERRED_RETRY_US: u64 = 1000;

/** Runs what is due: TCP's timers and those of iface/. */
export function timers(nowUs: u64): void {
  const wheel = ifaceTimers();
  for (let id = wheel.pop(nowUs); id !== NONE; id = wheel.pop(nowUs)) {
    if (id === TIMER_REASSEMBLY) reassemblyTimer(nowUs);
    else if (id === TIMER_PATH_MTU) pathMtuTimer(nowUs);
    else if (id >= TIMER_ANNOUNCE) announce(id - TIMER_ANNOUNCE, nowUs);
    else if (id >= TIMER_PING) pingTimer(id - TIMER_PING);
    else neighbor(id, nowUs);
  }
  runTcpTimers(nowUs);
}

function announce(interfaceIndex: u32, nowUs: u64): void {
  if (announceTimer(interfaceIndex, nowUs)) linkRestored(interfaceIndex, nowUs);
}

function neighbor(index: u32, nowUs: u64): void {
  const wasUsable = Neighbor.at(index).isUsable;
  if (!neighborTimer(index, nowUs)) return;
  if (wasUsable) neighborLost(index);
  wakeFailed(index, nowUs);
}

/** Fills the TX rings. @returns frames that wait for their links */
export function transmitAll(nowUs: u64): u32 {
  let left = LOOPBACK_FRAMES;
  for (;;) {
    egress(nowUs);
    const delivered = loopbackDeliver(min<u32>(left, LOOPBACK_FRAMES), nowUs);
    left -= delivered;
    if (delivered === 0 || left === 0) break;
  }
  let frames: u32 = 0;
  for (let i: u32 = 1; i < interfacesCount(); i++) frames += txQueued(i);
  return frames;
}

/** When something must be done next, µs: now if there is work left, NEVER_US if there is nothing to wait for. */
export function deadline(nowUs: u64): u64 {
  if (isOutputWanted() || txQueued(0) !== 0) return nowUs;
  const due = min<u64>(nextTimer(), ifaceTimers().next());
  if (areOpsStalled() || areEventsDeferred()) return min<u64>(due, nowUs + DEFERRED_RETRY_US);
  return due;
}

/** Frames in all TX rings, those included that the link has taken and that are not accounted for. */
export function framesInRings(): u32 {
  let frames: u32 = 0;
  for (let i: u32 = 0; i < interfacesCount(); i++) frames += TX_CAPACITY - txRoom(i);
  return frames;
}

/** NEVER_US as the Infinity that the other side of the boundary expects. */
export function toDeadline(us: u64): f64 {
  return us === NEVER_US ? Infinity : <f64>us;
}

// The production exports: what the worker's loop, the simulator and the benchmarks call. Thin; numbers only, times as f64 µs (u64 would
// be a BigInt per call), IPv4 addresses as u32 in host order. What a call does stands in the module it forwards to.
import { eventsInitialise } from "./events";
import { heapBytesInUse, heapBytesReserved, heapInitialise, heapReserve } from "./heap";
import { rateLimitInitialise } from "./icmp/rate-limit";
import { announceStart } from "./iface/announce";
import { reap } from "./iface/egress";
import { ingress } from "./iface/ingress";
import { interfaceCreate, interfacesCount, interfacesInitialise } from "./iface/interfaces";
import { removeLink, setClaim, setLinkMtu, setLinkUp } from "./iface/link-state";
import { neighborsInitialise, neighborsInUse } from "./iface/neighbor";
import { opsInitialise, opsRun } from "./iface/ops";
import { pingInitialise, pingsInUse } from "./iface/ping";
import { routeAdd, routesInitialise } from "./iface/route";
import { socketEventsFlush } from "./iface/socket-events";
import { ifaceTimers, ifaceTimersInitialise } from "./iface/timers";
import { deadline, framesInRings, timers, toDeadline, transmitAll } from "./iface/turn";
import { txRingsInitialise } from "./iface/tx-ring";
import { waitListsInitialise } from "./iface/wait-lists";
import { datagramBytes, datagramsInitialise } from "./ip/datagram";
import { identificationInitialise } from "./ip/identification";
import { pathMtuInitialise, pathMtusInUse } from "./ip/path-mtu";
import {
  CONFIG_SHARD_INDEX,
  CONFIG_VERSION,
  EINVAL,
  ENOMEM,
  HEAP,
  LAYOUT_VERSION,
  SECRET_TIMESTAMPS,
  TABLES,
  TCB_BYTES,
  TCB_CAPACITY,
  TCB_RECORDS,
  USAGE_FRAGMENT_BYTES,
  USAGE_HEAP_BYTES,
  USAGE_IFACE_TIMERS,
  USAGE_LINK_BYTES,
  USAGE_NEIGHBORS,
  USAGE_PATH_MTUS,
  USAGE_PINGS,
  USAGE_RTX_RECORDS,
  USAGE_TCBS,
  USAGE_TCP_ORPHANS,
  USAGE_TCP_TIMERS,
  USAGE_TX_FRAMES,
} from "./layout";
import { randomInitialise } from "./storage/random";
import { tcbsInUse, tcpInitialise } from "./tcp/connections";
import { orphanCount } from "./tcp/orphans";
import { rtxInUse } from "./tcp/rtx-queue";
import { shutdown as shutdownAll } from "./tcp/shutdown";
import { timersArmed } from "./tcp/timers";

/**
 * Makes an empty stack with the loopback as interface 0. The memory is fresh (all zero) but for CONFIG, which main has written.
 * @returns 0, -EINVAL (CONFIG is of another version or its heap size is wrong) or -ENOMEM (the tables reach into the heap)
 */
export function initialise(): i32 {
  if (load<u32>(CONFIG_VERSION) !== LAYOUT_VERSION) return -EINVAL;
  randomInitialise(SECRET_TIMESTAMPS, load<u32>(CONFIG_SHARD_INDEX));
  let end: usize = heapInitialise(TCB_RECORDS + <usize>TCB_CAPACITY * <usize>TCB_BYTES);
  if (end === 0) return -EINVAL;
  end = tcpInitialise(end);
  end = neighborsInitialise(end);
  end = waitListsInitialise(end);
  end = ifaceTimersInitialise(end);
  end = pingInitialise(end);
  end = rateLimitInitialise(end);
  end = datagramsInitialise(end);
  end = identificationInitialise(end);
  end = pathMtuInitialise(end);
  if (end < <usize>TABLES || end > <usize>HEAP) return -ENOMEM;
  interfacesInitialise();
  routesInitialise();
  txRingsInitialise();
  opsInitialise();
  eventsInitialise();
  return 0;
}

/** Adds an interface and announces its address if it is up. See interfaceCreate(). @returns its index or a negative E* code */
export function addInterface(
  addressV4: u32,
  prefixLength: u32,
  macHigh16: u32,
  macLow32: u32,
  mtu: u32,
  gsoMax: u32,
  rxSlots: u32,
  flags: u32,
): i32 {
  const index = interfaceCreate(addressV4, prefixLength, macHigh16, macLow32, mtu, gsoMax, rxSlots, flags);
  if (index > 0) announceStart(index);
  return index;
}

/** Adds an IPv4 route; see routeAdd(). @returns 0 or a negative E* code */
export function addRoute(destination: u32, prefixLength: u32, gateway: u32, interfaceIndex: u32): i32 {
  return routeAdd(destination, prefixLength, gateway, interfaceIndex);
}

/** The link of an interface came up or went down; see setLinkUp(). @returns 0 or a negative E* code */
export function setInterfaceUp(index: u32, up: bool, nowUs: f64): i32 {
  return setLinkUp(index, up, <u64>nowUs);
}

/** The link of an interface takes packets of another size; see setLinkMtu(). @returns 0 or a negative E* code */
export function setInterfaceMtu(index: u32, mtu: u32, gsoMax: u32): i32 {
  return setLinkMtu(index, mtu, gsoMax);
}

/** Whether the address of an interface may be used, as the first shard says; see setClaim(). @returns 0 or a negative E* code */
export function setInterfaceClaim(index: u32, claim: u32, nowUs: f64): i32 {
  return setClaim(index, claim, <u64>nowUs);
}

/** There is no such interface any more; see removeLink(). @returns 0 or a negative E* code */
export function removeInterface(index: u32, nowUs: f64): i32 {
  return removeLink(index, <u64>nowUs);
}

/** Takes a heap block for a link's receive region. @returns its address, a multiple of its size, or 0 */
export function heapAllocate(bytes: u32): u32 {
  return <u32>heapReserve(bytes);
}

/** Does what main asked for. @returns ops taken */
export function userCalls(nowUs: f64): u32 {
  return opsRun(<u64>nowUs);
}

/** Takes `count` frames described in the RX descriptors of an interface. */
export function receive(interfaceIndex: u32, count: u32, nowUs: f64): void {
  ingress(interfaceIndex, count, <u64>nowUs);
}

/** Runs all timers that are due. */
export function runTimers(nowUs: f64): void {
  timers(<u64>nowUs);
}

/** Fills the TX rings. @returns frames that wait in the rings of all links */
export function transmit(nowUs: f64): u32 {
  return transmitAll(<u64>nowUs);
}

/** The link has moved RING_HEAD of its TX ring. */
export function transmitted(interfaceIndex: u32): void {
  if (interfaceIndex < interfacesCount()) reap(interfaceIndex);
}

/** Publishes events. @returns 1 if main has to be rung */
export function flushEvents(): u32 {
  return socketEventsFlush() !== 0 ? 1 : 0;
}

/** Ends every connection and listener, TIME-WAIT too; the last frames leave with the next transmit(). */
export function shutdown(nowUs: f64): void {
  shutdownAll(<u64>nowUs);
}

/** When runTimers() or another turn is due, µs; Infinity = never, not after nowUs = at once. */
export function nextDeadline(nowUs: f64): f64 {
  return toDeadline(deadline(<u64>nowUs));
}

/**
 * How much of something is in use, for leak checks and statistics.
 * @param kind a USAGE_ code
 */
export function usage(kind: u32): u32 {
  switch (kind) {
    case USAGE_TCBS:
      return tcbsInUse();
    case USAGE_RTX_RECORDS:
      return rtxInUse();
    case USAGE_HEAP_BYTES:
      return heapBytesInUse();
    case USAGE_LINK_BYTES:
      return heapBytesReserved();
    case USAGE_TCP_TIMERS:
      return timersArmed();
    case USAGE_TCP_ORPHANS:
      return orphanCount();
    case USAGE_TX_FRAMES:
      return framesInRings();
    case USAGE_NEIGHBORS:
      return neighborsInUse();
    case USAGE_PINGS:
      return pingsInUse();
    case USAGE_IFACE_TIMERS:
      return ifaceTimers().armed;
    case USAGE_PATH_MTUS:
      return pathMtusInUse();
    case USAGE_FRAGMENT_BYTES:
      return datagramBytes();
    default:
      return 0;
  }
}

// From next hop to MAC address: the ARP cache (RFC 826) with the states of RFC 4861 7.3.2, as Linux uses them for IPv4 too.
// Bounded, with expiry and retry by the NEIGH sysctls; what we did not ask for never makes a record (see arp-in.ts). Knows no
// TCP: who waits is in wait-lists.ts and woken by iface/waking.ts.
//
//            first use           answer              30 s              used              5 s
//   (none) ────────────▶ INCOMPLETE ─────▶ REACHABLE ────▶ STALE ────────────▶ DELAY ────────▶ PROBE ──▶ REACHABLE
//                            │ 3 × 1 s                       │ 60 s                              │ 3 × 1 s
//                            ▼                               ▼                                   ▼
//                          FAILED ──── 1 s ───▶ (none)     (none)                              FAILED

import { count } from "../count";
import { COUNTER_ARP_CACHE_FULL, COUNTER_ARP_FAILED } from "../counters";
import {
  NEIGHBOR_CAPACITY,
  SYSCTL_NEIGH_BASE_REACHABLE_TIME_MS,
  SYSCTL_NEIGH_MCAST_SOLICIT,
  SYSCTL_NEIGH_RETRANS_TIME_MS,
} from "../layout";
import { NONE } from "../storage/none";
import { randomBelow } from "../storage/random";
import { macCopy } from "../wire/ethernet";
import { mappedAddress } from "./address";
import { sendArpRequest } from "./arp-out";
import {
  NEIGHBOR_DELAY,
  NEIGHBOR_FAILED,
  NEIGHBOR_INCOMPLETE,
  NEIGHBOR_PROBE,
  NEIGHBOR_REACHABLE,
  NEIGHBOR_STALE,
  Neighbor,
  neighborFind,
  neighborForget,
  neighborMake,
  neighborSetState,
  neighborsIncomplete,
} from "./neighbor";
import { ifaceTimers, TIMER_NEIGHBOR } from "./timers";

// RFC 4861 10: DELAY_FIRST_PROBE_TIME 5 seconds
const DELAY_FIRST_PROBE_US: u64 = 5000000;
// Linux gc_stale_time: how long a record that nobody uses is kept
const STALE_LIFE_US: u64 = 60000000;

// What strangers can make us ask for (an answer to an address that they made up) leaves room for what we want ourselves
const INCOMPLETE_FOR_ANSWERS: u32 = NEIGHBOR_CAPACITY / 4;

function retransmitUs(): u64 {
  return <u64>load<u32>(SYSCTL_NEIGH_RETRANS_TIME_MS) * 1000;
}

function setTimer(index: u32, deadlineUs: u64): void {
  ifaceTimers().set(TIMER_NEIGHBOR + index, deadlineUs);
}

function solicit(index: u32, nowUs: u64): void {
  const asked = Neighbor.at(index);
  asked.requests += 1;
  const macPtr = asked.state === NEIGHBOR_PROBE ? asked.macPtr : 0;
  sendArpRequest(asked.interfaceIndex, mappedAddress(asked.addressLow), macPtr);
  setTimer(index, nowUs + retransmitUs());
}

/**
 * The record of a next hop about to be used; asks for its MAC address if that is not known.
 * @param low the lower half of an IPv4-mapped address
 * @param isAnswer to something that came unasked; such questions have only a part of the cache
 * @returns its index, or NONE when the cache is full of others that are in use (counted). See Neighbor.isUsable
 */
export function neighborUse(interfaceIndex: u32, high: u64, low: u64, isAnswer: bool, nowUs: u64): u32 {
  let index = neighborFind(interfaceIndex, high, low);
  if (index === NONE) {
    const isRefused = isAnswer && neighborsIncomplete() >= INCOMPLETE_FOR_ANSWERS;
    if (!isRefused) index = neighborMake(interfaceIndex, high, low);
    if (index === NONE) {
      count(COUNTER_ARP_CACHE_FULL);
      return NONE;
    }
    neighborSetState(index, NEIGHBOR_INCOMPLETE);
    solicit(index, nowUs);
  } else if (Neighbor.at(index).state === NEIGHBOR_STALE) {
    neighborSetState(index, NEIGHBOR_DELAY);
    setTimer(index, nowUs + DELAY_FIRST_PROBE_US);
  }
  return index;
}

/**
 * What was sent there goes unanswered: the MAC address is checked now, while it stays in use.
 *
 *   RFC 9293 3.8.3 (MUST-20): "pass negative advice [...] to the IP layer, to trigger dead-gateway diagnosis"
 */
export function neighborSuspect(index: u32, nowUs: u64): void {
  const neighbor = Neighbor.at(index);
  if (!neighbor.isUsable || neighbor.state === NEIGHBOR_PROBE) return;
  neighborSetState(index, NEIGHBOR_PROBE);
  solicit(index, nowUs);
}

/** An answer to our question came: the MAC address (-> 6 bytes) is good for half to one and a half times the reachable time. */
export function neighborConfirm(index: u32, macPtr: usize, nowUs: u64): void {
  macCopy(Neighbor.at(index).macPtr, macPtr);
  neighborSetState(index, NEIGHBOR_REACHABLE);
  const baseUs = <u64>load<u32>(SYSCTL_NEIGH_BASE_REACHABLE_TIME_MS) * 1000;
  setTimer(index, nowUs + baseUs / 2 + (baseUs * <u64>randomBelow(1024)) / 1024);
}

/** Somebody told us the MAC address (-> 6 bytes) without being asked: used, and checked when it has been used for a while. */
export function neighborHear(index: u32, macPtr: usize, nowUs: u64): void {
  macCopy(Neighbor.at(index).macPtr, macPtr);
  neighborSetState(index, NEIGHBOR_STALE);
  setTimer(index, nowUs + STALE_LIFE_US);
}

/** Ends the timer of a record and forgets it; its queue must be empty. */
export function neighborDrop(index: u32): void {
  ifaceTimers().cancel(TIMER_NEIGHBOR + index);
  neighborForget(index);
}

/**
 * The timer of a record fired.
 * @returns true if the neighbour failed just now: who waits for it must be told
 */
export function neighborTimer(index: u32, nowUs: u64): bool {
  const neighbor = Neighbor.at(index);
  switch (neighbor.state) {
    case NEIGHBOR_REACHABLE:
      neighborSetState(index, NEIGHBOR_STALE);
      setTimer(index, nowUs + STALE_LIFE_US);
      return false;
    case NEIGHBOR_DELAY:
      neighborSetState(index, NEIGHBOR_PROBE);
      solicit(index, nowUs);
      return false;
    case NEIGHBOR_INCOMPLETE:
    case NEIGHBOR_PROBE:
      if (<u32>neighbor.requests < load<u32>(SYSCTL_NEIGH_MCAST_SOLICIT)) {
        solicit(index, nowUs);
        return false;
      }
      count(COUNTER_ARP_FAILED);
      neighborSetState(index, NEIGHBOR_FAILED);
      setTimer(index, nowUs + retransmitUs());
      return true;
    default: // STALE and unused, or FAILED long enough
      neighborForget(index);
      return false;
  }
}

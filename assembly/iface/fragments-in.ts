// Fragments in: what ip/reassembly.ts says of each is counted, whole datagrams go the way of packets that came whole, and who sent
// the first fragment of one that is given up is told (RFC 1122 3.2.2.4, 3.3.2).

import { count } from "../count";
import {
  COUNTER_IP_REASM_FAILS,
  COUNTER_IP_REASM_OKS,
  COUNTER_IP_REASM_OVERLAPS,
  COUNTER_IP_REASM_REQDS,
  COUNTER_IP_REASM_TIMEOUT,
} from "../counters";
import {
  EXPIRY_NONE,
  EXPIRY_QUOTED,
  FRAGMENT_COMPLETES,
  FRAGMENT_KEPT,
  FRAGMENT_OVERLAPS,
  reassemble,
  reassemblyDeadline,
  reassemblyExpire,
} from "../ip/reassembly";
import { NEVER_US } from "../storage/timer-wheel";
import { isFirstShard } from "../tcp/shard";
import { demux } from "./demux";
import { sendReassemblyExceeded } from "./icmp-out";
import { Interface } from "./interfaces";
import { REASSEMBLED } from "./scratch";
import { isPacketOfThisShard } from "./shard-of-packet";
import { ifaceTimers, TIMER_REASSEMBLY } from "./timers";

/**
 * Takes a fragment. What the link said of its checksums or of segments holds for the fragment at most: it is forgotten.
 * @param ipPtr -> an IPv4 packet with isFragment that passed all checks of ingress.ts
 * @param isBroadcast it was sent to all hosts; nothing of ours takes such a thing in parts
 */
export function fragmentInput(interfaceIndex: u32, ipPtr: usize, isBroadcast: bool, nowUs: u64): void {
  count(COUNTER_IP_REASM_REQDS);
  const receiver = Interface.at(interfaceIndex);
  if (isBroadcast) {
    receiver.drop(COUNTER_IP_REASM_FAILS);
    return;
  }
  const verdict = reassemble(interfaceIndex, ipPtr, REASSEMBLED, nowUs);
  armTimer();
  if (verdict === FRAGMENT_KEPT) return;
  if (verdict !== FRAGMENT_COMPLETES) {
    receiver.drop(verdict === FRAGMENT_OVERLAPS ? COUNTER_IP_REASM_OVERLAPS : COUNTER_IP_REASM_FAILS);
    return;
  }
  count(COUNTER_IP_REASM_OKS);
  if (isPacketOfThisShard(REASSEMBLED)) demux(interfaceIndex, REASSEMBLED, false, 0, 0, nowUs);
}

/** The time of the datagram that waits longest, and maybe of others, is up. */
export function reassemblyTimer(nowUs: u64): void {
  for (;;) {
    const expiry = reassemblyExpire(REASSEMBLED, nowUs);
    if (expiry === EXPIRY_NONE) break;
    count(COUNTER_IP_REASM_TIMEOUT);
    if (expiry === EXPIRY_QUOTED && isFirstShard()) sendReassemblyExceeded(REASSEMBLED, nowUs);
  }
  armTimer();
}

function armTimer(): void {
  const deadlineUs = reassemblyDeadline();
  if (deadlineUs === NEVER_US) ifaceTimers().cancel(TIMER_REASSEMBLY);
  else ifaceTimers().set(TIMER_REASSEMBLY, deadlineUs);
}

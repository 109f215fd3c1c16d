// Claims an address of ours when its link comes up (RFC 5227): with SYSCTL_ARP_PROBE others are asked first whether it is theirs (2.1.1),
// then neighbours are told (2.3), two announcements, two seconds apart, so that caches with who had it before are put right.
// What an objection looks like is arp-in.ts's. Of several shards the first claims for all, and the others are told (claimFollow).
import { CLAIM_DONE, CLAIM_LOST, CLAIM_PROBING, INTERFACE_CAPACITY, SYSCTL_ARP_PROBE } from "../layout";
import { randomBelow } from "../storage/random";
import { isFirstShard } from "../tcp/shard";
import { sendArpAnnouncement, sendArpProbe } from "./arp-out";
import { Interface } from "./interfaces";
import { ifaceTimers, TIMER_ANNOUNCE } from "./timers";

// RFC 5227 1.1: PROBE_WAIT 1 second, PROBE_NUM 3, PROBE_MIN 1 second, PROBE_MAX 2 seconds, ANNOUNCE_WAIT 2 seconds
const PROBE_WAIT_US: u32 = 1000000;
const PROBE_NUM: u32 = 3;
const PROBE_MIN_US: u64 = 1000000;
const PROBE_SPREAD_US: u32 = 1000000;
const ANNOUNCE_WAIT_US: u64 = 2000000;
// ANNOUNCE_NUM 2, ANNOUNCE_INTERVAL 2 seconds
const ANNOUNCE_NUM: u32 = 2;
const ANNOUNCE_INTERVAL_US: u64 = 2000000;

function setTimer(interfaceIndex: u32, deadlineUs: u64): void {
  ifaceTimers().set(TIMER_ANNOUNCE + interfaceIndex, deadlineUs);
}

/** Starts claiming at the next turn, or to wait for the first shard's claim; stops if the link is down. */
export function announceStart(interfaceIndex: u32): void {
  assert(interfaceIndex > 0 && interfaceIndex < <u32>INTERFACE_CAPACITY); // the loopback has no neighbours
  const sender = Interface.at(interfaceIndex);
  const isUp = sender.isLinkUp;
  sender.announcementsLeft = isUp ? ANNOUNCE_NUM : 0;
  sender.claim = isUp && load<u32>(SYSCTL_ARP_PROBE) !== 0 ? CLAIM_PROBING : CLAIM_DONE;
  sender.probesLeft = PROBE_NUM + 1; // the first turn waits only
  if (isUp && isFirstShard()) setTimer(interfaceIndex, 0);
  else ifaceTimers().cancel(TIMER_ANNOUNCE + interfaceIndex);
}

/** Somebody has the address: it is not used until the link goes down and up. */
export function announceLost(interfaceIndex: u32): void {
  const sender = Interface.at(interfaceIndex);
  sender.claim = CLAIM_LOST;
  sender.announcementsLeft = 0;
  ifaceTimers().cancel(TIMER_ANNOUNCE + interfaceIndex);
}

/** What has become of the first shard's claim, in another one. @returns whether the address, which could not be used, can be now */
export function claimFollow(interfaceIndex: u32, claim: u32): bool {
  const follower = Interface.at(interfaceIndex);
  const couldBeUsed = follower.isUp;
  follower.claim = claim;
  return !couldBeUsed && follower.isUp;
}

/** The time of a probe or an announcement has come. @returns whether the address, which could not be used, can be now */
export function announceTimer(interfaceIndex: u32, nowUs: u64): bool {
  const sender = Interface.at(interfaceIndex);
  if (!sender.isLinkUp) return false;
  if (sender.claim === CLAIM_PROBING && sender.probesLeft !== 0) {
    probe(sender, nowUs);
    return false;
  }
  const wasProbing = sender.claim === CLAIM_PROBING;
  sender.claim = CLAIM_DONE; // nobody objected
  if (sender.announcementsLeft === 0) return wasProbing;
  sendArpAnnouncement(interfaceIndex);
  sender.announcementsLeft -= 1;
  if (sender.announcementsLeft !== 0) setTimer(interfaceIndex, nowUs + ANNOUNCE_INTERVAL_US);
  return wasProbing;
}

function probe(sender: Interface, nowUs: u64): void {
  let waitUs: u64 = randomBelow(PROBE_WAIT_US + 1);
  if (sender.probesLeft <= PROBE_NUM) {
    sendArpProbe(sender.index);
    waitUs = sender.probesLeft === 1 ? ANNOUNCE_WAIT_US : PROBE_MIN_US + <u64>randomBelow(PROBE_SPREAD_US + 1);
  }
  sender.probesLeft -= 1;
  setTimer(sender.index, nowUs + waitUs);
}

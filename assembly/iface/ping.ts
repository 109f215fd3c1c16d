// Echo requests of ours: who waits for which reply, for how long, and the event that answers OP_PING (RFC 1122 3.2.2.6: "MUST be
// passed up to the ICMP user interface"). A result that finds the event ring full is kept and told later.

import { count } from "../count";
import { COUNTER_ICMP_OUT_ECHOS, COUNTER_PING_REPLIES_UNMATCHED } from "../counters";
import { pushEvent } from "../events";
import { writeEchoRequest } from "../icmp/echo";
import {
  EADDRNOTAVAIL,
  EMSGSIZE,
  ENETUNREACH,
  ENOBUFS,
  ETIMEDOUT,
  EVENT_ERRNO,
  EVENT_LOCAL_ADDRESS,
  EVENT_PING_FAILED,
  EVENT_PING_REPLY,
  EVENT_REMOTE_ADDRESS,
  EVENT_TIME_US,
  EVENT_TOKEN,
  EVENT_VALUE,
  EVENT_VALUE2,
} from "../layout";
import { NONE } from "../storage/none";
import { Slab, slabBytes } from "../storage/slab";
import { ICMPV4_HEADER } from "../wire/icmpv4";
import { IPV4_HEADER, IPV4_MAX_PACKET, isMulticast, isUnspecified, PROTOCOL_ICMP } from "../wire/ipv4";
import { isMapped, mappedAddress, mappedLow } from "./address";
import { Interface, isBroadcastAddress } from "./interfaces";
import { beginPacket, sendPacket } from "./packet-out";
import { routeInterface, routeLookup } from "./route";
import { ifaceTimers, PING_CAPACITY, TIMER_PING } from "./timers";

// How long a reply is waited for; who wants less gives up earlier
const REPLY_TIMEOUT_US: u64 = 10000000;

@unmanaged
@final
class Ping {
  sentUs: u64;
  durationUs: u64; // of one that was answered
  token: u32;
  remote: u32; // host order
  local: u32;
  identifier: u32; // ICMP id << 16 | sequence
  isDone: u32; // the result below waits for a slot in the event ring
  errno: u32;
  value2: u32; // bytes << 8 | ttl
  who: u32; // who sent the reply or the error, host order, 0 = nobody did
}

let records: usize = 0;
let slab: usize = 0;
let done: u32 = 0; // records whose event is owed

/** Lays out the records in zeroed memory at `tablesPtr`. @returns their end */
export function pingInitialise(tablesPtr: usize): usize {
  records = (tablesPtr + 63) & ~63;
  slab = records + PING_CAPACITY * offsetof<Ping>();
  done = 0;
  Slab.at(slab).init(records, <u32>offsetof<Ping>(), PING_CAPACITY);
  return slab + slabBytes(PING_CAPACITY);
}

/** Requests that were not answered yet, or whose event is owed. */
export function pingsInUse(): u32 {
  return Slab.at(slab).inUse;
}

function at(index: u32): Ping {
  return changetype<Ping>(records + <usize>index * offsetof<Ping>());
}

/**
 * Sends an echo request (OP_PING). The answer is always one event: EVENT_PING_REPLY or EVENT_PING_FAILED.
 * @param high, low the destination, 16 bytes
 * @param identifier ICMP id << 16 | sequence
 * @param payloadBytes of echo data
 * @returns false if not even a failure can be noted now: too many are outstanding
 */
export function pingStart(token: u32, high: u64, low: u64, identifier: u32, payloadBytes: u32, nowUs: u64): bool {
  const index = Slab.at(slab).alloc();
  if (index === NONE) return false;
  const ping = at(index);
  ping.token = token;
  ping.identifier = identifier;
  ping.sentUs = nowUs;
  const errno = send(ping, high, low, payloadBytes, nowUs);
  if (errno !== 0) finish(ping, errno, 0);
  else ifaceTimers().set(TIMER_PING + index, nowUs + REPLY_TIMEOUT_US);
  return true;
}

function send(ping: Ping, high: u64, low: u64, payloadBytes: u32, nowUs: u64): u32 {
  if (!isMapped(high, low)) return EADDRNOTAVAIL;
  const remote = mappedAddress(low);
  ping.remote = remote;
  if (isUnspecified(remote) || isMulticast(remote) || isBroadcastAddress(remote)) return ENETUNREACH;
  if (payloadBytes > IPV4_MAX_PACKET - IPV4_HEADER - ICMPV4_HEADER) return EMSGSIZE;
  if (!routeLookup(high, low)) return ENETUNREACH;
  const isOurs = routeInterface === 0;
  ping.local = isOurs ? remote : Interface.at(routeInterface).address;
  const message = beginPacket(ICMPV4_HEADER + payloadBytes);
  if (message === 0) return ENOBUFS;
  writeEchoRequest(message, <u16>(ping.identifier >> 16), <u16>ping.identifier, payloadBytes);
  count(COUNTER_ICMP_OUT_ECHOS);
  return sendPacket(ping.local, remote, PROTOCOL_ICMP, ICMPV4_HEADER + payloadBytes, false, nowUs);
}

function find(remote: u32, identifier: u32): Ping {
  for (let i: u32 = 0; i < Slab.at(slab).highWater; i++) {
    const ping = at(i);
    if (ping.identifier !== identifier || ping.remote !== remote) continue;
    if (Slab.at(slab).isInUse(i) && ping.isDone === 0) return ping;
  }
  return changetype<Ping>(0);
}

/** An echo reply came. `bytes`: of echo data */
export function pingReply(from: u32, to: u32, identifier: u32, bytes: u32, ttl: u32, nowUs: u64): void {
  const ping = find(from, identifier);
  if (changetype<usize>(ping) === 0 || ping.local !== to) {
    count(COUNTER_PING_REPLIES_UNMATCHED);
    return;
  }
  ping.durationUs = nowUs - ping.sentUs;
  ping.value2 = (bytes << 8) | ttl;
  finish(ping, 0, from);
}

/**
 * An echo request to `remote` was given up, or somebody said that it cannot be delivered.
 * @param who the host that said so, 0 = nobody did
 * @returns false if there is no such request
 */
export function pingFailed(remote: u32, identifier: u32, errno: u32, who: u32): bool {
  const ping = find(remote, identifier);
  if (changetype<usize>(ping) === 0) return false;
  finish(ping, errno, who);
  return true;
}

/** The time of a request is up. */
export function pingTimer(index: u32): void {
  finish(at(index), ETIMEDOUT, 0);
}

function finish(ping: Ping, errno: u32, who: u32): void {
  ping.isDone = 1;
  ping.errno = errno;
  ping.who = who;
  ifaceTimers().cancel(TIMER_PING + indexOf(ping));
  done += 1;
  pingFlush();
}

function indexOf(ping: Ping): u32 {
  return <u32>((changetype<usize>(ping) - records) / offsetof<Ping>());
}

/** Writes the events that are owed, as far as the event ring has room. */
export function pingFlush(): void {
  for (let i: u32 = 0; done !== 0 && i < Slab.at(slab).highWater; i++) {
    const ping = at(i);
    if (ping.isDone === 0 || !Slab.at(slab).isInUse(i)) continue;
    const slot = pushEvent(ping.errno === 0 ? EVENT_PING_REPLY : EVENT_PING_FAILED);
    if (slot === 0) return;
    store<u32>(slot, ping.token, EVENT_TOKEN);
    store<u32>(slot, ping.identifier, EVENT_VALUE);
    store<u32>(slot, ping.errno, EVENT_ERRNO);
    store<u32>(slot, ping.value2, EVENT_VALUE2);
    store<f64>(slot, <f64>ping.durationUs, EVENT_TIME_US);
    store<u64>(slot, mappedLow(ping.local), EVENT_LOCAL_ADDRESS + 8);
    if (ping.who !== 0) store<u64>(slot, mappedLow(ping.who), EVENT_REMOTE_ADDRESS + 8);
    Slab.at(slab).free(i);
    done -= 1;
  }
}

/** Whether events are owed that found no room. */
export function pingsOwed(): bool {
  return done !== 0;
}

// What main wants: takes the ops out of the op ring, checks them, and calls TCP (RFC 9293 3.10.1-3.10.6) or the pings. Main is not
// trusted: each slot is copied once and only the copy is looked at; handles carry a generation. An op that can fail has its
// answer in the event ring, so ops are taken only while that has room.

import { count } from "../count";
import { COUNTER_OP_STALE_HANDLE, COUNTER_OP_UNKNOWN } from "../counters";
import { eventRoom, pushEvent } from "../events";
import {
  EADDRNOTAVAIL,
  ENETDOWN,
  ENETUNREACH,
  ENOBUFS,
  ENODEV,
  EVENT_ERRNO,
  EVENT_FAILED,
  EVENT_PING_FAILED,
  EVENT_TOKEN,
  EVENT_VALUE,
  OP_ABORT,
  OP_ACCEPT,
  OP_BYTES,
  OP_CAPACITY,
  OP_CLOSE,
  OP_CLOSE_LISTENER,
  OP_CONNECT,
  OP_COUNT,
  OP_KICK,
  OP_LISTEN,
  OP_MARK,
  OP_PING,
  OP_RELEASE,
  OP_RING,
  OP_RING_WANTED,
  OP_SET_OPTION,
  OP_SHUTDOWN_READ,
  OP_SHUTDOWN_WRITE,
} from "../layout";
import { SpscRing } from "../storage/spsc-ring";
import { tcbOfHandle } from "../tcp/connections";
import { TCB_FLAG_OWNED } from "../tcp/tcb";
import {
  abort,
  accept,
  close,
  closeListener,
  endOpen,
  kick,
  mark,
  openActive,
  openPassive,
  release,
  ringWanted,
  setOption,
  shutdownRead,
  shutdownWrite,
  stageOptionFor,
} from "../tcp/user-calls";
import { isLoopback, isMulticast, isUnspecified } from "../wire/ipv4";
import { isAnyAddress, isMapped, mappedAddress } from "./address";
import { Interface, isBroadcastAddress, isOwnAddress } from "./interfaces";
import { pingStart } from "./ping";
import { routeInterface, routeLookup } from "./route";
import { OP_COPY } from "./scratch";

// An op causes an event or two; what state changes add may be lost and is bounded elsewhere
const EVENT_ROOM_MIN: u32 = 64;

// The op in hand: a slot of the ring, copied. Offsets are layout.ts OP_*
@unmanaged
@final
class Op {
  kind: u32;
  handle: u32;
  token: u32;
  value: u32;
  remoteHigh: u64;
  remoteLow: u64;
  localHigh: u64;
  localLow: u64;
  remotePort: u16;
  localPort: u16;
  value2: u32;
  value3: u32;
  value4: u32;
}

if (<i32>offsetof<Op>() !== OP_BYTES) ERROR("layout drift: Op");

let stalled: bool = false;

/** Makes the op ring empty. Before main writes to it. */
export function opsInitialise(): void {
  stalled = false;
  SpscRing.at(OP_RING).init();
}

/** Whether ops wait because the event ring has no room for their answers. */
export function areOpsStalled(): bool {
  return stalled;
}

/** Does what main asked for since the last call. @returns ops taken */
export function opsRun(nowUs: u64): u32 {
  const ring = SpscRing.at(OP_RING);
  // Main may go on writing while we read: what comes later is for the next turn
  const end = ring.used(OP_CAPACITY);
  let taken: u32 = 0;
  while (taken < end && eventRoom() >= EVENT_ROOM_MIN) {
    memory.copy(OP_COPY, ring.peek(OP_BYTES, OP_CAPACITY), OP_BYTES);
    ring.release(1);
    run(changetype<Op>(OP_COPY), nowUs);
    taken += 1;
  }
  stalled = taken < end;
  return taken;
}

function run(op: Op, nowUs: u64): void {
  switch (op.kind) {
    case OP_CONNECT:
      answer(op.token, connect(op, nowUs));
      endOpen();
      return;
    case OP_LISTEN:
      answer(op.token, listen(op, nowUs));
      endOpen();
      return;
    case OP_PING:
      ping(op, nowUs);
      return;
    case OP_SET_OPTION:
      if (op.handle === 0) stageOptionFor(op.token, op.value, op.value2, op.value3);
      else runOnSocket(op, nowUs);
      return;
    default:
      if (op.kind === 0 || op.kind >= <u32>OP_COUNT) count(COUNTER_OP_UNKNOWN);
      else runOnSocket(op, nowUs);
  }
}

function runOnSocket(op: Op, nowUs: u64): void {
  const tcb = tcbOfHandle(op.handle);
  // A child in SYN-RECEIVED has a handle that main was not given, a closed connection one that main gave back
  if (tcb === null || !tcb.has(TCB_FLAG_OWNED)) {
    count(COUNTER_OP_STALE_HANDLE);
    return;
  }
  switch (op.kind) {
    case OP_ACCEPT:
      accept(tcb);
      break;
    case OP_KICK:
      kick(tcb, nowUs);
      break;
    case OP_SHUTDOWN_WRITE:
      shutdownWrite(tcb, nowUs);
      break;
    case OP_CLOSE:
      close(tcb, nowUs);
      break;
    case OP_ABORT:
      abort(tcb, nowUs);
      break;
    case OP_SET_OPTION:
      setOption(tcb, op.value, op.value2, op.value3, nowUs);
      break;
    case OP_MARK:
      mark(tcb, op.value, op.value2);
      break;
    case OP_CLOSE_LISTENER:
      closeListener(tcb, nowUs);
      break;
    case OP_RING_WANTED:
      ringWanted(tcb, op.value);
      break;
    case OP_SHUTDOWN_READ:
      shutdownRead(tcb);
      break;
    case OP_RELEASE:
      release(tcb, nowUs);
      break;
    default:
      count(COUNTER_OP_UNKNOWN);
  }
}

/** A socket was made, which tells of itself; or the negative E* code why not. */
function answer(token: u32, result: i32): void {
  if (result >= 0) return;
  const slot = pushEvent(EVENT_FAILED);
  store<u32>(slot, token, EVENT_TOKEN);
  store<u32>(slot, -result, EVENT_ERRNO);
  if (result === -ENETDOWN || result === -ENODEV) store<u32>(slot, routeInterface, EVENT_VALUE);
}

/**
 * OPEN, active (RFC 9293 3.10.1).
 *
 *   RFC 9293 3.9.2.3 (MUST-46): A TCP implementation MUST reject as an error a local OPEN call for an invalid remote IP address
 *   (e.g., a broadcast or multicast address).
 *
 * The local address, if none is given, is the one of the interface on which the route leaves (3.9.1.1, MUST-44).
 */
function connect(op: Op, nowUs: u64): i32 {
  if (!isMapped(op.remoteHigh, op.remoteLow)) return -ENETUNREACH;
  const remote = mappedAddress(op.remoteLow);
  if (isUnspecified(remote) || isMulticast(remote) || isBroadcastAddress(remote)) return -ENETUNREACH;
  if (op.remotePort === 0) return -EADDRNOTAVAIL;
  if (!routeLookup(op.remoteHigh, op.remoteLow)) return -ENETUNREACH;
  const sender = Interface.at(routeInterface);
  if (!sender.isUp) return sender.isGone ? -ENODEV : -ENETDOWN;
  let localHigh = op.localHigh;
  let localLow = op.localLow;
  if (isAnyAddress(localHigh, localLow)) {
    localHigh = 0;
    localLow = sender.isLoopback ? op.remoteLow : sender.addressLow;
  } else if (!isMapped(localHigh, localLow) || !isOwnAddress(mappedAddress(localLow))) {
    return -EADDRNOTAVAIL;
  } else if (isLoopback(mappedAddress(localLow)) && !sender.isLoopback) {
    return -EADDRNOTAVAIL; // RFC 1122 3.2.1.3 (g): never leaves the host
  }
  return openActive(
    op.token,
    localHigh,
    localLow,
    op.localPort,
    op.remoteHigh,
    op.remoteLow,
    op.remotePort,
    routeInterface,
    sender.mtu,
    op.value2,
    nowUs,
  );
}

/** OPEN, passive (RFC 9293 3.10.1). */
function listen(op: Op, nowUs: u64): i32 {
  const isAny = isAnyAddress(op.localHigh, op.localLow);
  if (!isAny && (!isMapped(op.localHigh, op.localLow) || !isOwnAddress(mappedAddress(op.localLow))))
    return -EADDRNOTAVAIL;
  return openPassive(op.token, op.localHigh, op.localLow, op.localPort, op.value, nowUs);
}

function ping(op: Op, nowUs: u64): void {
  if (pingStart(op.token, op.remoteHigh, op.remoteLow, op.value, op.value2, nowUs)) return;
  const slot = pushEvent(EVENT_PING_FAILED);
  store<u32>(slot, op.token, EVENT_TOKEN);
  store<u32>(slot, op.value, EVENT_VALUE);
  store<u32>(slot, ENOBUFS, EVENT_ERRNO);
}

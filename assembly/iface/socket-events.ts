// Tells main what became of its sockets: empties TCP's list of those with something to say into the event ring. What finds no room
// stays on the list, so a connection or a child is never lost, only late.

import { count } from "../count";
import { COUNTER_EVENTS_DEFERRED } from "../counters";
import { eventRoom, INTERNAL_ACCEPTED, INTERNAL_ATTACHED, publishEvents, pushEvent } from "../events";
import {
  EVENT_ACCEPTED,
  EVENT_ATTACHED,
  EVENT_ERRNO,
  EVENT_HANDLE,
  EVENT_LOCAL_ADDRESS,
  EVENT_PORTS,
  EVENT_REMOTE_ADDRESS,
  EVENT_SOCKET,
  EVENT_TOKEN,
  EVENT_VALUE,
  EVENT_VALUE2,
  READY_CLOSED,
} from "../layout";
import { NONE } from "../storage/none";
import { freeIfDone, nextEvent } from "../tcp/connections";
import { Tcb } from "../tcp/tcb";
import { pingFlush, pingsOwed } from "./ping";

// A connection has at most these events at once: ATTACHED or ACCEPTED, and SOCKET
const EVENTS_PER_SOCKET: u32 = 2;
const READY_MASK: u32 = 0xffff;

let deferred: bool = false;

/** Writes all events that have room and publishes them with those written before. @returns how many main has to look at */
export function socketEventsFlush(): u32 {
  pingFlush();
  deferred = pingsOwed();
  for (;;) {
    if (eventRoom() < EVENTS_PER_SOCKET) {
      deferred = true;
      count(COUNTER_EVENTS_DEFERRED);
      break;
    }
    const index = nextEvent();
    if (index === NONE) break;
    tell(Tcb.at(index));
  }
  return publishEvents();
}

/** Whether events wait for main to make room. */
export function areEventsDeferred(): bool {
  return deferred;
}

function tell(tcb: Tcb): void {
  const bits = tcb.readyBits;
  tcb.readyBits = 0;
  if ((bits & INTERNAL_ATTACHED) !== 0) introduce(tcb, EVENT_ATTACHED, tcb.token, 0);
  if ((bits & INTERNAL_ACCEPTED) !== 0) introduce(tcb, EVENT_ACCEPTED, 0, tcb.listenerHandle);
  if ((bits & READY_MASK) !== 0) {
    const slot = pushEvent(EVENT_SOCKET);
    store<u32>(slot, tcb.handle, EVENT_HANDLE);
    store<u32>(slot, bits & READY_MASK, EVENT_VALUE);
    if ((bits & READY_CLOSED) !== 0) {
      store<u32>(slot, tcb.error, EVENT_ERRNO);
      store<u32>(slot, tcb.interfaceIndex, EVENT_VALUE2);
    }
  }
  freeIfDone(tcb);
}

function introduce(tcb: Tcb, kind: u32, token: u32, value: u32): void {
  const slot = pushEvent(kind);
  store<u32>(slot, tcb.handle, EVENT_HANDLE);
  store<u32>(slot, token, EVENT_TOKEN);
  store<u32>(slot, value, EVENT_VALUE);
  store<u32>(slot, ((<u32>tcb.localPort) << 16) | tcb.remotePort, EVENT_PORTS);
  store<u64>(slot, tcb.localAddressHigh, EVENT_LOCAL_ADDRESS);
  store<u64>(slot, tcb.localAddressLow, EVENT_LOCAL_ADDRESS + 8);
  store<u64>(slot, tcb.remoteAddressHigh, EVENT_REMOTE_ADDRESS);
  store<u64>(slot, tcb.remoteAddressLow, EVENT_REMOTE_ADDRESS + 8);
}

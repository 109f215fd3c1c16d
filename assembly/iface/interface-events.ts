// What main is told of interfaces (EVENT_INTERFACE): the link up, down or gone, another MTU, an address conflict, a neighbour that is lost.
// When to tell is decided elsewhere. An event that finds no room is counted; the interface's record says how things stand.

import { count } from "../count";
import { COUNTER_STATE_EVENTS_LOST } from "../counters";
import { pushEvent } from "../events";
import {
  EVENT_INTERFACE,
  EVENT_REMOTE_ADDRESS,
  EVENT_TOKEN,
  EVENT_VALUE,
  EVENT_VALUE2,
  INTERFACE_EVENT_CONFLICT,
  INTERFACE_EVENT_NEIGHBOR_FAILED,
} from "../layout";
import { Interface } from "./interfaces";
import { Neighbor } from "./neighbor";

function push(subject: Interface, code: u32, addressHigh: u64, addressLow: u64): void {
  const slot = pushEvent(EVENT_INTERFACE);
  if (slot === 0) {
    count(COUNTER_STATE_EVENTS_LOST);
    return;
  }
  store<u32>(slot, subject.index, EVENT_VALUE);
  store<u32>(slot, code, EVENT_VALUE2);
  store<u32>(slot, subject.mtu, EVENT_TOKEN);
  store<u64>(slot, addressHigh, EVENT_REMOTE_ADDRESS);
  store<u64>(slot, addressLow, EVENT_REMOTE_ADDRESS + 8);
}

/** The link of an interface is another one now. @param code INTERFACE_EVENT_UP, _DOWN, _GONE or _MTU */
export function linkChanged(subject: Interface, code: u32): void {
  push(subject, code, subject.addressHigh, subject.addressLow);
}

/** Somebody else uses our address. */
export function addressConflict(subject: Interface): void {
  push(subject, INTERFACE_EVENT_CONFLICT, subject.addressHigh, subject.addressLow);
}

/** A neighbour that had answered does not any more. */
export function neighborLost(index: u32): void {
  const lost = Neighbor.at(index);
  push(Interface.at(lost.interfaceIndex), INTERFACE_EVENT_NEIGHBOR_FAILED, lost.addressHigh, lost.addressLow);
}

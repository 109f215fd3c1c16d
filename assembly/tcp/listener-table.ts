// Which listener gets a SYN: one chain of listeners per local port, the more specific address first served. RFC 9293 3.9.1.1
// (MUST-43: a listener may name its local address). Knows no queues and no states.
import { NONE } from "../storage/none";
import { listening } from "./listener-record";
import { Tcb } from "./tcb";

const PORTS: u32 = 65536;
const HEAD_BYTES: usize = 4;

// One u32 per port: index + 1 of the first listener, 0 = none, so that fresh memory is an empty table
let headsPtr: usize = 0;

/** Bytes of the table. */
export const LISTENER_TABLE_BYTES: usize = <usize>PORTS * HEAD_BYTES;

/** Lays the table at `ptr`: LISTENER_TABLE_BYTES, 4-byte aligned, all zero. */
export function listenerTableInitialise(ptr: usize): void {
  headsPtr = ptr;
}

function head(port: u32): u32 {
  return load<u32>(headsPtr + <usize>port * HEAD_BYTES) - 1; // 0 - 1 is NONE
}

function setHead(port: u32, index: u32): void {
  store<u32>(headsPtr + <usize>port * HEAD_BYTES, index + 1);
}

/** Whether 16 bytes mean "any": all zero, or ::ffff:0.0.0.0. */
export function isUnspecified(high: u64, low: u64): bool {
  return high === 0 && (low === 0 || low === 0xffff0000);
}

/** Whether a listener takes what is sent to an address. */
function covers(listener: Tcb, high: u64, low: u64): bool {
  if (isUnspecified(listener.localAddressHigh, listener.localAddressLow)) return true;
  return listener.localAddressHigh === high && listener.localAddressLow === low;
}

/**
 * Finds the listener for a local address and port; one that names the address goes before one that takes any.
 * @returns its TCB index, or NONE
 */
export function findListener(high: u64, low: u64, port: u32): u32 {
  let found = NONE;
  for (let index = head(port); index !== NONE; index = listening(Tcb.at(index)).next) {
    const listener = Tcb.at(index);
    if (!covers(listener, high, low)) continue;
    if (!isUnspecified(listener.localAddressHigh, listener.localAddressLow)) return index;
    found = index;
  }
  return found;
}

/** Whether a listener on this port and address would share an address with one there is (any conflicts with all). */
export function isListenerTaken(high: u64, low: u64, port: u32): bool {
  const wantsAny = isUnspecified(high, low);
  for (let index = head(port); index !== NONE; index = listening(Tcb.at(index)).next) {
    if (wantsAny || covers(Tcb.at(index), high, low)) return true;
  }
  return false;
}

/** Puts a listener into the table under its local port. */
export function addListener(listener: Tcb): void {
  listening(listener).next = head(listener.localPort);
  setHead(listener.localPort, listener.index);
}

/** Takes a listener out of the table. */
export function removeListener(listener: Tcb): void {
  const wanted = listener.index;
  let index = head(listener.localPort);
  if (index === wanted) {
    setHead(listener.localPort, listening(listener).next);
    return;
  }
  while (index !== NONE) {
    const other = listening(Tcb.at(index));
    if (other.next === wanted) {
      other.next = listening(listener).next;
      return;
    }
    index = other.next;
  }
}

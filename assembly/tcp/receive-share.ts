// How many connections share the receive slots of a link: those in bulk transfer over it, counted anew in each epoch. What
// they are promised together must find a slot (receive-space.ts). RFC 9293 3.8.6 leaves the size of a window to the receiver. Knows no
// windows: a connection says at what rate it receives.
import { INTERFACE_CAPACITY } from "../layout";
import { Tcb } from "./tcb";

/** Long enough that a connection whose round trip is half as long is seen in each epoch. */
const EPOCH_US: u64 = 100000;
/** What a connection reads at least in an epoch if it is to count: as much as the first windows are wide. */
const BULK_BYTES: u64 = 65536;

// 1 to 255: a TCB has 0 before it was counted. The number comes again after 25 s: then a connection may miss one epoch
let epoch: u8 = 1;
let epochEndUs: u64 = 0;
// By interface: those counted in this epoch, and in the one before
const COUNTED: usize = memory.data(INTERFACE_CAPACITY * 4, 4);
const COUNTED_BEFORE: usize = memory.data(INTERFACE_CAPACITY * 4, 4);

/** No connection receives yet. */
export function receiveShareInitialise(): void {
  epoch = 1;
  epochEndUs = 0;
  memory.fill(COUNTED, 0, INTERFACE_CAPACITY * 4);
  memory.fill(COUNTED_BEFORE, 0, INTERFACE_CAPACITY * 4);
}

/** Time passes: to be called with the time of the turn before anything is promised, so that a count does not outlive those who were counted. */
export function receiveShareClock(nowUs: u64): void {
  if (nowUs < epochEndUs) return;
  if (nowUs - epochEndUs < EPOCH_US) memory.copy(COUNTED_BEFORE, COUNTED, INTERFACE_CAPACITY * 4);
  else memory.fill(COUNTED_BEFORE, 0, INTERFACE_CAPACITY * 4);
  memory.fill(COUNTED, 0, INTERFACE_CAPACITY * 4);
  epochEndUs = nowUs + EPOCH_US;
  epoch = epoch === 255 ? 1 : epoch + 1;
}

/** A connection has read so many bytes in so many µs: whether it is one of those that share. To be called after receiveShareClock(). */
export function noteReceiveRate(tcb: Tcb, bytes: u32, us: u64): void {
  if (tcb.rcvShareEpoch === epoch || <u64>bytes * EPOCH_US < us * BULK_BYTES) return;
  tcb.rcvShareEpoch = epoch;
  const at = COUNTED + ((<usize>tcb.interfaceIndex) << 2);
  store<u32>(at, load<u32>(at) + 1);
}

/** Connections that share the slots of an interface, at least one. */
export function bulkReceivers(interfaceIndex: u32): u32 {
  const at = (<usize>interfaceIndex) << 2;
  return max<u32>(max(load<u32>(COUNTED + at), load<u32>(COUNTED_BEFORE + at)), 1);
}

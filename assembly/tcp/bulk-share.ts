// How many connections are in bulk transfer over an interface, by direction, counted anew in each epoch, and what each may have of what they
// share: receive slots of the link (receive-space.ts), and bytes in windows and rings, so that those of all stay near the processor. RFC 9293
// 3.8.6 leaves the size of a window to the receiver. Knows no windows: a connection says what it receives and sends.
import { INTERFACE_CAPACITY } from "../layout";
import { Tcb } from "./tcb";

/** Long enough that a connection whose round trip is half as long is seen in each epoch. */
const EPOCH_US: u64 = 100000;
/** Numbers of epochs: four bits of a TCB's byte for each direction. */
const EPOCHS: u8 = 15;
/** What a connection reads at least in an epoch, or has in its send ring, if it is to count: as much as the first windows are wide. */
const BULK_BYTES: u32 = 65536;
/** Bytes that all windows of a direction have together: a window beyond what the path holds makes each byte a walk through cold memory, */
const SHARED_BYTES: u64 = 8388608;
/** and what the path holds: so many bytes in each µs of its round trip, 16 Gbit/s. */
const SHARED_BYTES_PER_US: u64 = 2048;
/** No share is less than one super-segment. */
const SHARE_MIN: u64 = 65536;
const NO_LIMIT: u32 = 0xffffffff;

// 1 to 15: a TCB has 0 before it was counted. The number comes again after 1.5 s: then a connection may miss one epoch
let epoch: u8 = 1;
let epochEndUs: u64 = 0;
// By direction and interface: those counted in this epoch, and in the one before
const DIRECTION: usize = INTERFACE_CAPACITY * 4;
const COUNTED: usize = memory.data(INTERFACE_CAPACITY * 8, 4);
const COUNTED_BEFORE: usize = memory.data(INTERFACE_CAPACITY * 8, 4);
const RECEIVING: usize = 0;
const SENDING: usize = DIRECTION;

/** No connection receives or sends yet. */
export function bulkShareInitialise(): void {
  epoch = 1;
  epochEndUs = 0;
  memory.fill(COUNTED, 0, 2 * DIRECTION);
  memory.fill(COUNTED_BEFORE, 0, 2 * DIRECTION);
}

/** Time passes: to be called with the time of the turn before anything is promised, so that a count does not outlive those who were counted. */
export function bulkShareClock(nowUs: u64): void {
  if (nowUs < epochEndUs) return;
  if (nowUs - epochEndUs < EPOCH_US) memory.copy(COUNTED_BEFORE, COUNTED, 2 * DIRECTION);
  else memory.fill(COUNTED_BEFORE, 0, 2 * DIRECTION);
  memory.fill(COUNTED, 0, 2 * DIRECTION);
  epochEndUs = nowUs + EPOCH_US;
  epoch = epoch === EPOCHS ? 1 : epoch + 1;
}

/** A connection has read so many bytes in so many µs: whether it is one of those that share. To be called after bulkShareClock(). */
export function noteReceiveRate(tcb: Tcb, bytes: u32, us: u64): void {
  if ((tcb.shareEpochs & 15) === epoch || <u64>bytes * EPOCH_US < us * BULK_BYTES) return;
  tcb.shareEpochs = (tcb.shareEpochs & 0xf0) | epoch;
  countOne(RECEIVING, tcb);
}

/**
 * A connection sends new data, and has `bytes` in its send ring, in flight and waiting: whether it is one of those that share. One whose peer is
 * gone sends none, and soon counts no more. To be called after bulkShareClock().
 */
export function noteSendBacklog(tcb: Tcb, bytes: u32): void {
  if (tcb.shareEpochs >> 4 === epoch || bytes < BULK_BYTES / 2) return;
  tcb.shareEpochs = (tcb.shareEpochs & 15) | (epoch << 4);
  countOne(SENDING, tcb);
}

function countOne(direction: usize, tcb: Tcb): void {
  const at = COUNTED + direction + ((<usize>tcb.interfaceIndex) << 2);
  store<u32>(at, load<u32>(at) + 1);
}

function counted(direction: usize, interfaceIndex: u32): u32 {
  const at = direction + ((<usize>interfaceIndex) << 2);
  return max<u32>(max(load<u32>(COUNTED + at), load<u32>(COUNTED_BEFORE + at)), 1);
}

/** Connections that share the slots of an interface, at least one. */
export function bulkReceivers(interfaceIndex: u32): u32 {
  return counted(RECEIVING, interfaceIndex);
}

/** Bytes that a connection may promise beside the others that receive in bulk; no limit for one alone. */
export function receiveShare(tcb: Tcb): u32 {
  return share(tcb, counted(RECEIVING, tcb.interfaceIndex));
}

/** Bytes in flight for which a connection is given room beside the others that send in bulk; no limit for one alone. */
export function sendShare(tcb: Tcb): u32 {
  return share(tcb, counted(SENDING, tcb.interfaceIndex));
}

// By the least round trip: what waits in the queues of the others makes a longer one, and is no reason for more. A handshake that showed none (a
// cookie, a SYN sent twice) leaves that which a receiver sees
function share(tcb: Tcb, sharing: u32): u32 {
  if (sharing === 1) return NO_LIMIT;
  const roundTripUs = tcb.minRttUs !== 0 ? tcb.minRttUs : tcb.rcvRttUs;
  const bytes = max<u64>(SHARED_BYTES, SHARED_BYTES_PER_US * roundTripUs) / sharing;
  return <u32>min<u64>(max<u64>(bytes, SHARE_MIN), NO_LIMIT);
}

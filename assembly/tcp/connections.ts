// The set of all TCBs: where they live, how a segment finds its own, and the two lists that a turn of the loop works off
// (who wants to send, who has something to tell main). RFC 9293 3.3.1, 3.10.7 ("look up the connection"). Knows no state rules.

import { count } from "../count";
import { COUNTER_TCB_EXHAUSTED } from "../counters";
import { SECRET_TUPLES, STATE_CLOSED, TCB_BYTES, TCB_CAPACITY, TCB_LOCAL_ADDRESS, TCB_RECORDS } from "../layout";
import { NONE } from "../storage/none";
import { Slab, slabBytes } from "../storage/slab";
import { TupleTable, tupleTableBytes } from "../storage/tuple-table";
import { bulkShareInitialise } from "./bulk-share";
import { congestionDefault, congestionRelease } from "./congestion/control";
import { fastOpenCacheInitialise } from "./fast-open-cache";
import { findListener, LISTENER_TABLE_BYTES, listenerTableInitialise } from "./listener-table";
import { memoryInitialise } from "./memory";
import { orphansInitialise } from "./orphans";
import { portsInitialise } from "./ports";
import { releaseReceiveRing } from "./receive-ring";
import { rtxInitialise, rtxPurge } from "./rtx-queue";
import { TUPLE_KEY } from "./scratch";
import { Segment } from "./segment";
import { releaseSendRing } from "./send-ring";
import {
  TCB_FLAG_EVENT_QUEUED,
  TCB_FLAG_HASHED,
  TCB_FLAG_OUTPUT_QUEUED,
  TCB_FLAG_OWNED,
  TCB_FLAG_RST_PENDING,
  Tcb,
} from "./tcb";
import { timeWaitInitialise } from "./time-wait";
import { disarm, timersInitialise } from "./timers";

let slabPtr: usize = 0;
let tuplesPtr: usize = 0;
let outputHead: u32 = NONE;
let outputTail: u32 = NONE;
let isOutputUrgent: bool = false;
let eventHead: u32 = NONE;
let eventTail: u32 = NONE;
// The TCB that the segment before was for: in bulk transfer the next one is for it too, and the hash is spared
let lastFound: u32 = NONE;

function aligned(ptr: usize): usize {
  return (ptr + 63) & ~63;
}

/**
 * Lays out everything that TCP keeps beside its TCBs: slab, tuple table, listener table, timer wheel, retransmission records.
 * @param tablesPtr where it may start; what is below the end of the TCB records is theirs. All zero from there on
 * @returns the end
 */
export function tcpInitialise(tablesPtr: usize): usize {
  const recordsEnd: usize = <usize>TCB_RECORDS + <usize>TCB_CAPACITY * <usize>TCB_BYTES;
  slabPtr = aligned(max(tablesPtr, recordsEnd));
  Slab.at(slabPtr).init(TCB_RECORDS, TCB_BYTES, TCB_CAPACITY);
  tuplesPtr = aligned(slabPtr + slabBytes(TCB_CAPACITY));
  TupleTable.at(tuplesPtr).init(TCB_CAPACITY, SECRET_TUPLES, TCB_RECORDS, TCB_BYTES, TCB_LOCAL_ADDRESS);
  const listenersPtr = aligned(tuplesPtr + tupleTableBytes(TCB_CAPACITY));
  listenerTableInitialise(listenersPtr);
  const portsPtr = aligned(listenersPtr + LISTENER_TABLE_BYTES);
  const portsEnd = fastOpenCacheInitialise(aligned(portsInitialise(portsPtr)));
  timeWaitInitialise();
  orphansInitialise();
  outputHead = NONE;
  outputTail = NONE;
  isOutputUrgent = false;
  eventHead = NONE;
  eventTail = NONE;
  lastFound = NONE;
  memoryInitialise();
  bulkShareInitialise();
  return rtxInitialise(timersInitialise(aligned(portsEnd)));
}

/** Takes a TCB: CLOSED, all zero but its handle and empty links. @returns null if there is none (counted) */
export function allocTcb(): Tcb | null {
  const index = Slab.at(slabPtr).alloc();
  if (index === NONE) {
    count(COUNTER_TCB_EXHAUSTED);
    return null;
  }
  const tcb = Tcb.at(index);
  tcb.handle = Slab.at(slabPtr).handleOf(index);
  tcb.outputNext = NONE;
  tcb.eventNext = NONE;
  tcb.rtxHead = NONE;
  tcb.rtxTail = NONE;
  tcb.rtxLost = NONE;
  tcb.congestion = congestionDefault();
  return tcb;
}

/** Gives a TCB back with all it holds. Only for one that is CLOSED, on no list and in no queue. */
function freeTcb(tcb: Tcb): void {
  unhash(tcb);
  rtxPurge(tcb);
  disarm(tcb);
  congestionRelease(tcb);
  releaseReceiveRing(tcb);
  releaseSendRing(tcb);
  if (lastFound === tcb.index) lastFound = NONE;
  Slab.at(slabPtr).free(tcb.index);
}

/**
 * Frees a TCB if nobody needs it any more: it is CLOSED, main has forgotten it, no RST is owed, no frame of its send ring
 * waits for a link and it is on no list. Asked wherever one of these ends; one that is free already stays so.
 * @returns whether it was freed now
 */
export function freeIfDone(tcb: Tcb): bool {
  const needed = TCB_FLAG_OWNED | TCB_FLAG_RST_PENDING | TCB_FLAG_OUTPUT_QUEUED | TCB_FLAG_EVENT_QUEUED;
  if (tcb.state !== STATE_CLOSED || tcb.has(needed) || tcb.txQueuedFrames !== 0) return false;
  if (!Slab.at(slabPtr).isInUse(tcb.index)) return false;
  freeTcb(tcb);
  return true;
}

/** The TCB that a handle from main names, or null if it was freed since, or never was. */
export function tcbOfHandle(handle: u32): Tcb | null {
  const index = Slab.at(slabPtr).indexOf(handle);
  if (index === NONE) return null;
  return Tcb.at(index);
}

/** TCBs in use, listeners and TIME-WAIT included. */
export function tcbsInUse(): u32 {
  return Slab.at(slabPtr).inUse;
}

/** One more than the largest TCB index that was ever in use. */
export function tcbHighWater(): u32 {
  return Slab.at(slabPtr).highWater;
}

/** Whether a TCB index is in use. */
export function isTcbInUse(index: u32): bool {
  return Slab.at(slabPtr).isInUse(index);
}

/** Puts a TCB whose addresses and ports are set into the tuple table. @returns false if the tuple is taken or the table full */
export function hash(tcb: Tcb): bool {
  if (!TupleTable.at(tuplesPtr).insert(tcb.index)) return false;
  tcb.set(TCB_FLAG_HASHED);
  return true;
}

/** Takes a TCB out of the tuple table, if it is in it. */
export function unhash(tcb: Tcb): void {
  if (!tcb.has(TCB_FLAG_HASHED)) return;
  TupleTable.at(tuplesPtr).remove(tcb.index);
  tcb.clear(TCB_FLAG_HASHED);
  if (lastFound === tcb.index) lastFound = NONE;
}

/** The connection with exactly these ends, or NONE. Addresses as in Tcb, ports in host order. */
export function findTuple(
  localHigh: u64,
  localLow: u64,
  remoteHigh: u64,
  remoteLow: u64,
  localPort: u32,
  remotePort: u32,
): u32 {
  store<u64>(TUPLE_KEY, localHigh);
  store<u64>(TUPLE_KEY, localLow, 8);
  store<u64>(TUPLE_KEY, remoteHigh, 16);
  store<u64>(TUPLE_KEY, remoteLow, 24);
  store<u16>(TUPLE_KEY, <u16>localPort, 32);
  store<u16>(TUPLE_KEY, <u16>remotePort, 34);
  return TupleTable.at(tuplesPtr).lookup(TUPLE_KEY);
}

function isFor(tcb: Tcb, seg: Segment): bool {
  return (
    tcb.localPort === seg.localPort &&
    tcb.remotePort === seg.remotePort &&
    tcb.remoteAddressLow === seg.remoteAddressLow &&
    tcb.localAddressLow === seg.localAddressLow &&
    tcb.remoteAddressHigh === seg.remoteAddressHigh &&
    tcb.localAddressHigh === seg.localAddressHigh
  );
}

/** The TCB a segment is for: the connection with its four-tuple, else the listener for its destination, else null. */
export function lookup(seg: Segment): Tcb | null {
  if (lastFound !== NONE && isFor(Tcb.at(lastFound), seg)) return Tcb.at(lastFound);
  let index = findTuple(
    seg.localAddressHigh,
    seg.localAddressLow,
    seg.remoteAddressHigh,
    seg.remoteAddressLow,
    seg.localPort,
    seg.remotePort,
  );
  if (index !== NONE) {
    lastFound = index;
    return Tcb.at(index);
  }
  index = findListener(seg.localAddressHigh, seg.localAddressLow, seg.localPort);
  if (index === NONE) return null;
  return Tcb.at(index);
}

/** Notes that output() may have something to send for this TCB. */
export function wantOutput(tcb: Tcb): void {
  if (tcb.has(TCB_FLAG_OUTPUT_QUEUED)) return;
  tcb.set(TCB_FLAG_OUTPUT_QUEUED);
  tcb.outputNext = NONE;
  if (outputTail === NONE) outputHead = tcb.index;
  else Tcb.at(outputTail).outputNext = tcb.index;
  outputTail = tcb.index;
}

/** As wantOutput(), and before the next frame is taken in: the ACK that is owed could not tell of what that one brings, too. */
export function wantOutputSoon(tcb: Tcb): void {
  wantOutput(tcb);
  isOutputUrgent = true;
}

/** Whether wantOutputSoon() was called since this was asked last. */
export function takeOutputUrgent(): bool {
  const urgent = isOutputUrgent;
  isOutputUrgent = false;
  return urgent;
}

/** Takes the TCB that has waited longest off the output list; frees those found dead. @returns its index or NONE */
export function nextWantingOutput(): u32 {
  while (outputHead !== NONE) {
    const tcb = Tcb.at(outputHead);
    outputHead = tcb.outputNext;
    if (outputHead === NONE) outputTail = NONE;
    tcb.clear(TCB_FLAG_OUTPUT_QUEUED);
    if (!freeIfDone(tcb)) return tcb.index;
  }
  return NONE;
}

/** Whether any TCB is on the output list. */
export function isOutputWanted(): bool {
  return outputHead !== NONE;
}

/** Notes READY_ (or INTERNAL_) bits that main is to be told of. For a TCB that main does not know, nothing happens. */
export function raise(tcb: Tcb, readyBits: u32): void {
  if (!tcb.has(TCB_FLAG_OWNED)) return;
  tcb.readyBits |= readyBits;
  if (tcb.has(TCB_FLAG_EVENT_QUEUED)) return;
  tcb.set(TCB_FLAG_EVENT_QUEUED);
  tcb.eventNext = NONE;
  if (eventTail === NONE) eventHead = tcb.index;
  else Tcb.at(eventTail).eventNext = tcb.index;
  eventTail = tcb.index;
}

/** Takes the next TCB with readyBits off the event list; frees those found dead, passes over those main forgot. */
export function nextEvent(): u32 {
  while (eventHead !== NONE) {
    const tcb = Tcb.at(eventHead);
    eventHead = tcb.eventNext;
    if (eventHead === NONE) eventTail = NONE;
    tcb.clear(TCB_FLAG_EVENT_QUEUED);
    if (freeIfDone(tcb)) continue;
    if (tcb.has(TCB_FLAG_OWNED) && tcb.readyBits !== 0) return tcb.index;
  }
  return NONE;
}

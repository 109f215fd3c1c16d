// Payload into the receive ring, in order or not. RFC 9293 3.10.7.4, seventh step; the ranges kept here are what SACK will
// report (RFC 2018). One rule for overlaps: the first copy of a byte wins, a later one with other bytes changes nothing. Must
// not know states, ACKs or windows beyond the right edge that was promised.
import { count, countMany } from "../count";
import {
  COUNTER_TCP_IN_BEYOND_WINDOW,
  COUNTER_TCP_IN_DUPLICATE_DATA,
  COUNTER_TCP_IN_NO_MEMORY,
  COUNTER_TCP_IN_OFO_DROPPED,
  COUNTER_TCP_IN_OFO_QUEUED,
  COUNTER_TCP_OFO_PRUNED,
  COUNTER_TCP_RCVQ_DROP,
} from "../counters";
import { heapFree } from "../heap";
import { IntervalSet, intervalSetBytes } from "../storage/interval-set";
import { NONE } from "../storage/none";
import { reportDuplicate, reportOld } from "./dsack";
import { allocGrowth, allocNeeded } from "./memory";
import { ensureReceiveRing, placeReceived, publishReceived, updateReceiveHead } from "./receive-ring";
import { clearSackBlocks, cutSackBlocks, noteSackBlock, SACK_BYTES, trimSackBlocks } from "./sack-blocks";
import { seqGt, seqGte, seqLt, seqMax, seqMin } from "./seq";
import { Tcb } from "./tcb";

/** Bytes of the first block of ranges and SACK blocks and of the largest: 25 and 505 ranges. What bounds work and memory per connection (CVE-2018-5390). */
const SET_BYTES_FIRST: u32 = 256;
const SET_BYTES_MAX: u32 = 4096;
/** Eighths of the heap up to which a set may grow. */
const SET_SHARE: u32 = 6;

// What became of the payload of a segment
/** All of it was there already. */
export const TEXT_DUPLICATE: u32 = 0;
/** RCV.NXT moved; nothing waits out of order. */
export const TEXT_IN_ORDER: u32 = 1;
/** RCV.NXT moved, and there were bytes out of order: a gap was filled, wholly or in part. */
export const TEXT_GAP_FILLED: u32 = 2;
/** It waits behind a gap. */
export const TEXT_OUT_OF_ORDER: u32 = 3;
/** There was no room for it: beyond the window, too many ranges, or no memory. */
export const TEXT_REFUSED: u32 = 4;

/** Offset of a sequence number in the receive stream. */
export function receiveOffset(tcb: Tcb, seq: u32): u32 {
  return seq - tcb.irs - 1;
}

/** Whether bytes wait behind a gap. */
export function isOutOfOrder(tcb: Tcb): bool {
  return tcb.oooBlock !== 0; // a set is freed when it becomes empty
}

/** Offset after the last byte in the receive ring. */
export function receiveEnd(tcb: Tcb): u32 {
  if (tcb.oooBlock === 0) return tcb.rcvTail;
  const set = setOf(tcb);
  return receiveOffset(tcb, set.endAt(set.count - 1));
}

/** Forgets the bytes that wait out of order. */
export function dropOutOfOrder(tcb: Tcb): void {
  if (tcb.oooBlock === 0) return;
  heapFree(tcb.oooBlock);
  tcb.oooBlock = 0;
  clearSackBlocks(tcb);
}

// The ranges that wait. There must be some
function setOf(tcb: Tcb): IntervalSet {
  return IntervalSet.at(tcb.oooBlock + SACK_BYTES);
}

// Ranges that a block of so many bytes holds
function rangesIn(bytes: u32): u32 {
  return (bytes - SACK_BYTES - intervalSetBytes(0)) / (intervalSetBytes(1) - intervalSetBytes(0));
}

// Copies those bytes of [from, to) that are not there yet
function placeMissing(tcb: Tcb, from: u32, to: u32, sourcePtr: usize): void {
  if (tcb.oooBlock === 0) {
    placeReceived(tcb, receiveOffset(tcb, from), sourcePtr, to - from);
    return;
  }
  const set = setOf(tcb);
  let at = from;
  for (let index = set.firstEndingAfter(from); index !== NONE && index < set.count; index++) {
    const start = set.startAt(index);
    if (seqGte(start, to)) break;
    if (seqLt(at, start)) placeReceived(tcb, receiveOffset(tcb, at), sourcePtr + (at - from), start - at);
    at = set.endAt(index);
    if (seqGte(at, to)) return;
  }
  placeReceived(tcb, receiveOffset(tcb, at), sourcePtr + (at - from), to - at);
}

/** [RCV.NXT, to) is in the ring now: moves RCV.NXT, past what waited for it too. @returns a TEXT_ code */
export function advance(tcb: Tcb, to: u32): u32 {
  let next = to;
  let outcome = TEXT_IN_ORDER;
  if (tcb.oooBlock !== 0) {
    const set = setOf(tcb);
    next = set.coveredFrom(to);
    if (tcb.peerFinSeen !== 0) next = seqMin(next, tcb.peerFinSeq); // the stream ends there, whatever lies behind
    set.removeBelow(next);
    if (set.count === 0) dropOutOfOrder(tcb);
    outcome = TEXT_GAP_FILLED;
  }
  tcb.bytesReceived += next - tcb.rcvNxt;
  tcb.rcvNxt = next;
  trimSackBlocks(tcb);
  publishReceived(tcb, receiveOffset(tcb, next));
  return outcome;
}

// Bytes of [from, to) that wait out of order already: the first run of them, as one D-SACK block holds no more
function reportOverlap(tcb: Tcb, from: u32, to: u32): void {
  if (tcb.oooBlock === 0) return;
  const set = setOf(tcb);
  const index = set.firstEndingAfter(from);
  if (index === NONE || seqGte(set.startAt(index), to)) return;
  reportDuplicate(tcb, seqMax(from, set.startAt(index)), seqMin(to, set.endAt(index)));
}

// The set that remembers what waits, made for the first range
function outOfOrderSet(tcb: Tcb): bool {
  if (tcb.oooBlock !== 0) return true;
  const ptr = allocNeeded(SET_BYTES_FIRST);
  if (ptr === 0) return false;
  IntervalSet.at(ptr + SACK_BYTES).init(tcb.rcvNxt, rangesIn(SET_BYTES_FIRST));
  tcb.oooBlock = <u32>ptr;
  return true;
}

// A larger block for a set that is full: four times the size, up to SET_BYTES_MAX
function growSet(tcb: Tcb): bool {
  const set = setOf(tcb);
  let bytes = SET_BYTES_FIRST;
  while (rangesIn(bytes) <= set.capacity) bytes *= 4;
  if (bytes > SET_BYTES_MAX) return false;
  const ptr = allocGrowth(bytes, SET_SHARE);
  if (ptr === 0) return false;
  memory.copy(ptr, tcb.oooBlock, SACK_BYTES);
  set.moveTo(ptr + SACK_BYTES, rangesIn(bytes));
  heapFree(tcb.oooBlock);
  tcb.oooBlock = <u32>ptr;
  return true;
}

// Adds [from, to) to the set. One that has no room for another range grows; one that may not forgets the furthest range for a nearer
// one, which will be needed sooner (RFC 2018 8: "the data receiver is permitted to discard data in its queue that has not been
// acknowledged", even if it was reported). Returns bytes added, or NONE if it was refused
function remember(tcb: Tcb, from: u32, to: u32): u32 {
  let set = setOf(tcb);
  set.refused = 0;
  let added = set.insert(from, to);
  while (set.refused !== 0) {
    if (!growSet(tcb)) {
      if (!seqLt(from, set.startAt(set.count - 1))) return NONE;
      cutSackBlocks(tcb, set.dropLast());
      count(COUNTER_TCP_OFO_PRUNED);
    }
    set = setOf(tcb);
    set.refused = 0;
    added = set.insert(from, to);
  }
  return added;
}

function queueOutOfOrder(tcb: Tcb, from: u32, to: u32, sourcePtr: usize, segments: u32): u32 {
  if (!outOfOrderSet(tcb)) {
    count(COUNTER_TCP_IN_NO_MEMORY);
    return TEXT_REFUSED;
  }
  placeMissing(tcb, from, to, sourcePtr);
  reportOverlap(tcb, from, to);
  const added = remember(tcb, from, to);
  if (added === NONE) {
    countMany(COUNTER_TCP_IN_OFO_DROPPED, segments);
    return TEXT_REFUSED;
  }
  const set = setOf(tcb);
  const range = set.firstEndingAfter(from);
  noteSackBlock(tcb, set.startAt(range), set.endAt(range));
  if (added === 0) {
    countMany(COUNTER_TCP_IN_DUPLICATE_DATA, segments);
    return TEXT_DUPLICATE;
  }
  tcb.rcvOooSegs += segments;
  countMany(COUNTER_TCP_IN_OFO_QUEUED, segments);
  return TEXT_OUT_OF_ORDER;
}

// The sequence number after what the ring has room for. It lies before the promised edge only if the promise was given before memory
// ran out, and the ring is smaller
function ringEdge(tcb: Tcb): u32 {
  updateReceiveHead(tcb);
  return tcb.irs + 1 + tcb.rcvHead + tcb.rcvBufferCapacity;
}

/**
 * Takes the payload of a segment, cut at RCV.NXT, at the promised right edge and at the peer's FIN.
 * @param seq sequence number of the first byte
 * @param sourcePtr `length` bytes
 * @param segments wire segments they came in
 * @returns a TEXT_ code
 */
export function receiveText(tcb: Tcb, seq: u32, sourcePtr: usize, length: u32, segments: u32): u32 {
  const end = seq + length;
  const from = seqMax(seq, tcb.rcvNxt);
  let to = seqMin(end, tcb.rcvAdvertised);
  if (tcb.peerFinSeen !== 0) to = seqMin(to, tcb.peerFinSeq);
  if (seqGt(end, to)) countMany(COUNTER_TCP_IN_BEYOND_WINDOW, segments);
  reportOld(tcb, seq, end);
  if (seqGte(from, to)) {
    if (seqGt(end, to)) return TEXT_REFUSED;
    countMany(COUNTER_TCP_IN_DUPLICATE_DATA, segments);
    return TEXT_DUPLICATE;
  }
  if (!ensureReceiveRing(tcb, receiveEnd(tcb), receiveOffset(tcb, to))) {
    count(COUNTER_TCP_IN_NO_MEMORY);
    return TEXT_REFUSED;
  }
  if (receiveOffset(tcb, to) - tcb.rcvHead > tcb.rcvBufferCapacity) {
    const edge = ringEdge(tcb);
    if (seqGt(to, edge)) {
      countMany(COUNTER_TCP_RCVQ_DROP, segments);
      to = edge;
      if (seqGte(from, to)) return TEXT_REFUSED;
    }
  }
  if (from !== tcb.rcvNxt) return queueOutOfOrder(tcb, from, to, sourcePtr + (from - seq), segments);
  placeMissing(tcb, from, to, sourcePtr + (from - seq));
  reportOverlap(tcb, from, to);
  return advance(tcb, to);
}

/**
 * Notes where the peer's stream ends. The first FIN counts; one below RCV.NXT or beyond the promised edge is none.
 * @param finSeq sequence number of the FIN itself
 */
export function receiveFin(tcb: Tcb, finSeq: u32): void {
  if (tcb.peerFinSeen !== 0 || seqLt(finSeq, tcb.rcvNxt) || seqGt(finSeq, tcb.rcvAdvertised)) return;
  tcb.peerFinSeen = 1;
  tcb.peerFinSeq = finSeq;
}

/** Whether all bytes before the peer's FIN are in order, so that the FIN is next. */
export function isFinReached(tcb: Tcb): bool {
  return tcb.peerFinSeen !== 0 && tcb.peerFinSeq === tcb.rcvNxt;
}

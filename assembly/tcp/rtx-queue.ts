// The retransmission queue (RFC 9293 3.10.7.4): per connection a doubly linked list of RtxRecords in sequence order, all records
// of all connections in one slab, and the counts of wire segments that follow from them, kept as RFC 6675's pipe needs them:
//
//   packetsOut  sent and not cumulatively acknowledged       lostOut    of these, taken for lost
//   sackedOut   of these, known to have left the network     retransOut retransmissions in flight
//
// Every change of a record goes through here, so that sums and records cannot differ. It does not know why one is lost.

import { count, countMany } from "../count";
import { COUNTER_RTX_EXHAUSTED, COUNTER_TCP_LOST_RETRANSMIT } from "../counters";
import { RTX_CAPACITY } from "../layout";
import { NONE } from "../storage/none";
import { Slab, slabBytes } from "../storage/slab";
import { congestionOnLostRecord } from "./congestion/control";
import { indexInsert, indexRemove } from "./rtx-index";
import {
  RTX_EVER_RETRANSMITTED,
  RTX_FIN,
  RTX_LOST,
  RTX_PUSH,
  RTX_RECORD_BYTES,
  RTX_RETRANSMITTED,
  RTX_SACKED,
  RTX_SYN,
  RtxRecord,
} from "./rtx-record";
import { timeAppend, timeRemove, timeSplit } from "./rtx-time";
import { seqLt } from "./seq";
import { Tcb } from "./tcb";

/** Records that only splits may take: what is already sent must stay recoverable when new data has used up the rest. */
const RTX_RESERVE: u32 = 4096;

let slab: usize = 0;
let records: usize = 0; // where the slab has them, for rtxAt()

/** Lays out the slab of records from `ptr` on. @returns the end */
export function rtxInitialise(ptr: usize): usize {
  slab = (ptr + 63) & ~63;
  records = (slab + slabBytes(RTX_CAPACITY) + 63) & ~63;
  Slab.at(slab).init(records, RTX_RECORD_BYTES, RTX_CAPACITY);
  return records + <usize>RTX_CAPACITY * RTX_RECORD_BYTES;
}

/** Records in use, of all connections. */
export function rtxInUse(): u32 {
  return Slab.at(slab).inUse;
}

/** The record of an index that is not NONE. */
export function rtxAt(index: u32): RtxRecord {
  return RtxRecord.at(records + <usize>index * RTX_RECORD_BYTES);
}

/** Wire segments that `bytes` of payload make: at least one, as a SYN or FIN alone makes. */
export function wireSegments(bytes: u32, mss: u32): u32 {
  return bytes <= mss ? 1 : (bytes + mss - 1) / mss;
}

/** Segments in flight (RFC 6675's pipe, counted as Linux does). */
export function inFlight(tcb: Tcb): u32 {
  const out = tcb.packetsOut + tcb.retransOut;
  const gone = tcb.lostOut + tcb.sackedOut;
  // Emulated SACKs are counts without records: when the segment size grows and records are counted anew they may exceed them
  return out > gone ? out - gone : 0;
}

/**
 * Whether a connection may take a record for new data: it may hold as many as are left for all others together, so that one
 * with a huge window of tiny segments cannot starve the rest.
 */
export function rtxHasRoom(tcb: Tcb): bool {
  const free = <u32>RTX_CAPACITY - Slab.at(slab).inUse;
  return free > RTX_RESERVE && tcb.rtxCount < free - RTX_RESERVE;
}

/**
 * Appends the range [seq, end), sent now for the first time.
 * @param flags RTX_SYN, RTX_FIN
 * @returns its index, or NONE if the connection may have no more (counted)
 */
export function rtxAppend(tcb: Tcb, seq: u32, end: u32, flags: u8, segments: u32, nowUs: u64): u32 {
  const index = rtxHasRoom(tcb) ? Slab.at(slab).alloc() : NONE;
  if (index === NONE) {
    count(COUNTER_RTX_EXHAUSTED);
    return NONE;
  }
  const record = rtxAt(index);
  record.seq = seq;
  record.end = end;
  record.flags = flags;
  record.sentUs = nowUs;
  record.transmissions = 1;
  link(tcb, index, tcb.rtxTail);
  setSegments(tcb, record, segments);
  if (tcb.rackCursor === NONE) tcb.rackCursor = index;
  return index;
}

/**
 * Cuts a record in two at `atSeq`, which lies inside its payload: it keeps [seq, atSeq), a record with the same history after
 * it gets [atSeq, end) and the FIN.
 * @returns false, with nothing changed, if no record is free (counted)
 */
export function rtxSplit(tcb: Tcb, index: u32, atSeq: u32, mss: u32): bool {
  const tailIndex = Slab.at(slab).alloc();
  if (tailIndex === NONE) {
    count(COUNTER_RTX_EXHAUSTED);
    return false;
  }
  const head = rtxAt(index);
  const tail = rtxAt(tailIndex);
  assert(seqLt(head.payloadSeq, atSeq) && seqLt(atSeq, head.payloadSeq + head.payloadBytes)); // both parts carry data
  memory.copy(changetype<usize>(tail), changetype<usize>(head), RTX_RECORD_BYTES);
  tail.seq = atSeq;
  tail.flags &= ~RTX_SYN;
  tail.segments = 0;
  tail.mss = mss;
  head.mss = mss;
  head.end = atSeq;
  head.flags &= ~(RTX_FIN | RTX_PUSH);
  link(tcb, tailIndex, index);
  timeSplit(tcb, index, tailIndex);
  setSegments(tcb, head, wireSegments(head.payloadBytes, mss));
  setSegments(tcb, tail, wireSegments(tail.payloadBytes, mss));
  return true;
}

/** Cuts off what lies before `ack` from the first record, which reaches beyond it. @returns wire segments taken off */
export function rtxTrimHead(tcb: Tcb, ack: u32, mss: u32): u32 {
  const record = rtxAt(tcb.rtxHead);
  const before = record.segments;
  record.seq = ack;
  record.flags &= ~RTX_SYN;
  // The peer may acknowledge in the middle of a segment, so the rest may still count as many as before, but never more
  setSegments(tcb, record, min(before, wireSegments(record.payloadBytes, mss)));
  return before - record.segments;
}

/** Removes the first record, which exists. */
export function rtxRemoveHead(tcb: Tcb): void {
  const index = tcb.rtxHead;
  const record = rtxAt(index);
  const next = record.next;
  setSegments(tcb, record, 0);
  forget(tcb, index, record);
  tcb.rtxHead = next;
  if (next === NONE) tcb.rtxTail = NONE;
  else rtxAt(next).prev = NONE;
  Slab.at(slab).free(index);
}

/** Makes one record of two neighbours that are both SACKED and nothing else: what happened to them is over. */
export function rtxMergeNext(tcb: Tcb, index: u32): void {
  const record = rtxAt(index);
  const next = rtxAt(record.next);
  const end = next.end;
  record.segments += next.segments;
  record.flags |= next.flags & (RTX_FIN | RTX_PUSH | RTX_EVER_RETRANSMITTED);
  record.mss = max(record.mss, next.mss);
  unlink(tcb, record.next);
  record.end = end;
}

/** Removes all records: the connection is over. Leaves the queue as a new TCB's: empty. */
export function rtxPurge(tcb: Tcb): void {
  if (tcb.rtxCount !== 0) while (tcb.rtxHead !== NONE) rtxRemoveHead(tcb);
  rtxReset(tcb);
}

/** Makes the queue of a new TCB empty. */
export function rtxReset(tcb: Tcb): void {
  tcb.rtxHead = NONE;
  tcb.rtxTail = NONE;
  tcb.rtxLost = NONE;
  tcb.rtxRoot = NONE;
  tcb.timeHead = NONE;
  tcb.timeTail = NONE;
  tcb.rackCursor = NONE;
  tcb.rtxCount = 0;
  tcb.packetsOut = 0;
  tcb.lostOut = 0;
  tcb.sackedOut = 0;
  tcb.retransOut = 0;
}

/** Says that a record's last transmission is lost: it is to be sent again. */
export function rtxMarkLost(tcb: Tcb, index: u32): void {
  const record = rtxAt(index);
  if (record.has(RTX_SACKED)) return; // it has arrived
  timeRemove(tcb, index);
  let isNew = false;
  if (record.has(RTX_RETRANSMITTED)) {
    record.flags &= ~RTX_RETRANSMITTED;
    tcb.retransOut -= record.segments;
    isNew = true; // that retransmission is
    countMany(COUNTER_TCP_LOST_RETRANSMIT, record.segments);
  }
  if (!record.has(RTX_LOST)) {
    record.flags |= RTX_LOST;
    tcb.lostOut += record.segments;
    isNew = true;
  }
  if (isNew) {
    tcb.lostTotal += record.segments;
    congestionOnLostRecord(tcb, record);
  }
  if (tcb.rtxLost === NONE || seqLt(record.seq, rtxAt(tcb.rtxLost).seq)) tcb.rtxLost = index;
}

/** Says that a record, not SACKED so far, was delivered out of order (RFC 2018 3). */
export function rtxMarkSacked(tcb: Tcb, index: u32): void {
  const record = rtxAt(index);
  if (record.has(RTX_LOST)) {
    tcb.lostOut -= record.segments;
    if (record.has(RTX_RETRANSMITTED)) tcb.retransOut -= record.segments;
    record.flags &= ~(RTX_LOST | RTX_RETRANSMITTED);
  }
  // Sent again and not lost (a spurious recovery was undone): it may have been the original that arrived, the other stays in flight
  timeRemove(tcb, index);
  record.flags |= RTX_SACKED;
  tcb.sackedOut += record.segments;
}

/** Says that a retransmission of a SACKED record has arrived as well. */
export function rtxClearRetransmitted(tcb: Tcb, index: u32): void {
  const record = rtxAt(index);
  if (!record.has(RTX_RETRANSMITTED)) return;
  record.flags &= ~RTX_RETRANSMITTED;
  tcb.retransOut -= record.segments;
  timeRemove(tcb, index);
}

/** Forgets all SACKs: the peer may drop what it has not acknowledged (RFC 2018 8), or they were counts without records. */
export function rtxClearSacked(tcb: Tcb): void {
  for (let index = tcb.rtxHead; index !== NONE; ) {
    const record = rtxAt(index);
    record.flags &= ~RTX_SACKED;
    index = record.next;
  }
  tcb.sackedOut = 0;
  tcb.rackCursor = tcb.rtxHead;
}

/** Takes back all that was said about losses: the time-out or the recovery was spurious (RFC 4015). */
export function rtxClearLost(tcb: Tcb): void {
  for (let index = tcb.rtxHead; index !== NONE; ) {
    const record = rtxAt(index);
    record.flags &= ~RTX_LOST;
    index = record.next;
  }
  tcb.lostOut = 0;
  tcb.rtxLost = NONE;
  tcb.rackCursor = tcb.rtxHead;
}

/** The first record that is lost and not retransmitted since, or NONE. */
export function rtxNextLost(tcb: Tcb): u32 {
  let index = tcb.rtxLost;
  while (index !== NONE) {
    const record = rtxAt(index);
    if ((record.flags & (RTX_LOST | RTX_RETRANSMITTED)) === RTX_LOST) break;
    index = record.next;
  }
  tcb.rtxLost = index;
  return index;
}

/** Says that a record left once more, now. The caller has cut it to what left. */
export function rtxMarkRetransmitted(tcb: Tcb, index: u32, nowUs: u64): void {
  const record = rtxAt(index);
  if (!record.has(RTX_RETRANSMITTED)) tcb.retransOut += record.segments;
  record.flags |= RTX_RETRANSMITTED | RTX_EVER_RETRANSMITTED;
  record.sentUs = nowUs;
  timeAppend(tcb, index);
  if (record.transmissions !== 0xffff) record.transmissions += 1;
}

/** Says that a record left once more as a loss probe, now: it is not taken for lost, and no retransmission in flight. */
export function rtxMarkProbed(tcb: Tcb, index: u32, nowUs: u64): void {
  const record = rtxAt(index);
  record.flags |= RTX_EVER_RETRANSMITTED;
  record.sentUs = nowUs;
  timeAppend(tcb, index);
  if (record.transmissions !== 0xffff) record.transmissions += 1;
}

/** Counts a record anew after the segment size changed. */
export function rtxRecount(tcb: Tcb, index: u32, mss: u32): void {
  const record = rtxAt(index);
  record.mss = mss;
  setSegments(tcb, record, wireSegments(record.payloadBytes, mss));
}

function setSegments(tcb: Tcb, record: RtxRecord, segments: u32): void {
  const change = segments - record.segments; // modulo 2^32, as are the sums
  if (change === 0) return;
  record.segments = segments;
  tcb.packetsOut += change;
  if (record.has(RTX_LOST)) tcb.lostOut += change;
  if (record.has(RTX_RETRANSMITTED)) tcb.retransOut += change;
  if (record.has(RTX_SACKED)) tcb.sackedOut += change;
}

// Puts a record after another one; NONE = the queue is empty
function link(tcb: Tcb, index: u32, after: u32): void {
  const record = rtxAt(index);
  record.prev = after;
  if (after === NONE) {
    record.next = NONE;
    tcb.rtxHead = index;
  } else {
    const previous = rtxAt(after);
    record.next = previous.next;
    previous.next = index;
  }
  if (record.next === NONE) tcb.rtxTail = index;
  else rtxAt(record.next).prev = index;
  tcb.rtxCount += 1;
  indexInsert(tcb, index);
}

// Takes a record that goes off what points to it beside its neighbours
function forget(tcb: Tcb, index: u32, record: RtxRecord): void {
  indexRemove(tcb, index);
  timeRemove(tcb, index);
  if (tcb.rtxLost === index) tcb.rtxLost = record.next;
  if (tcb.rackCursor === index) tcb.rackCursor = record.next;
  tcb.rtxCount -= 1;
}

// Takes a record out of all lists and frees it; its counts are the caller's
function unlink(tcb: Tcb, index: u32): void {
  const record = rtxAt(index);
  forget(tcb, index, record);
  if (record.prev === NONE) tcb.rtxHead = record.next;
  else rtxAt(record.prev).next = record.next;
  if (record.next === NONE) tcb.rtxTail = record.prev;
  else rtxAt(record.next).prev = record.prev;
  Slab.at(slab).free(index);
}

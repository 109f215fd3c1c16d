// The scoreboard (RFC 2018 5, RFC 6675 3, "Update()"): takes the SACK blocks of an ACK, drops those that cannot be true, and marks the
// records they cover. A record of many wire segments is cut at segment boundaries, and SACKED neighbours become one record again, so
// that the work of an ACK is O(log n) and, over a connection, bounded by what was sent -- whatever a peer makes up. Says what was
// delivered; what is lost is decided elsewhere.

import { count } from "../count";
import { COUNTER_TCP_SACK_DISCARD, COUNTER_TCP_WQUEUE_TOO_BIG } from "../counters";
import { NONE } from "../storage/none";
import { AckEvent, EVENT_ORIGINAL_DELIVERED, EVENT_SACKED } from "./ack-event";
import { rateOnDelivered } from "./delivery-rate";
import { takeDsack } from "./dsack-in";
import { rackAdvance } from "./rack";
import { rtxFind } from "./rtx-index";
import { rtxAt, rtxClearRetransmitted, rtxHasRoom, rtxMarkSacked, rtxMergeNext, rtxSplit } from "./rtx-queue";
import { RTX_EVER_RETRANSMITTED, RTX_LOST, RTX_RETRANSMITTED, RTX_SACKED, RTX_SYN, RtxRecord } from "./rtx-record";
import { hasSack } from "./sack-blocks";
import { SACK_WORK } from "./scratch";
import { Segment } from "./segment";
import { segmentSize } from "./send-window";
import { seqGt, seqGte, seqLt, seqLte } from "./seq";
import { Tcb } from "./tcb";
import { undoOnDsackOf } from "./undo";

const BLOCKS_MAX: u32 = 4;
/** Two SACKED records with these bits alike become one. */
const MERGE_MASK: u8 = RTX_SACKED | RTX_LOST | RTX_RETRANSMITTED | RTX_SYN;

/** Begins anew. The records' marks are the queue's. */
export function scoreboardReset(tcb: Tcb): void {
  tcb.fack = tcb.sndUna;
}

/** The end of the highest SACKed data; SND.UNA without any, and where duplicate ACKs are only counted as SACKs (reno-sack.ts). */
export function highestSacked(tcb: Tcb): u32 {
  return tcb.sackedOut === 0 || !hasSack(tcb) ? tcb.sndUna : tcb.fack;
}

/** Takes the SACK blocks of an ACK whose SEG.ACK is worked in already: SND.UNA >= SEG.ACK. */
export function takeSackBlocks(tcb: Tcb, seg: Segment, event: AckEvent): void {
  const options = seg.options;
  const blocks = min<u32>(options.sackCount, BLOCKS_MAX);
  const isDuplicate = takeDsack(tcb, seg, event);
  let used: u32 = 0;
  for (let i: u32 = 0; i < blocks; i++) {
    const left = options.sackLeft(i);
    const right = options.sackRight(i);
    const isDsack: bool = i === 0 && isDuplicate;
    if (!isValid(tcb, left, right)) {
      // D-SACKs of what is acknowledged were worth their count; an ACK that was overtaken speaks of old blocks
      if (!isDsack && (seg.ack === tcb.sndUna || seqGt(right, tcb.sndUna))) count(COUNTER_TCP_SACK_DISCARD);
      continue;
    }
    insertSorted(used, left, right, isDsack);
    used += 1;
  }
  if (tcb.packetsOut === 0) return;
  for (let i: u32 = 0; i < used; i++) {
    const isDsack = load<u32>(workPtr(i), 8) !== 0;
    const left = load<u32>(workPtr(i));
    const right = load<u32>(workPtr(i), 4);
    markRange(tcb, left, right, isDsack, event);
  }
}

// Within what is outstanding: SND.UNA < left < right <= SND.NXT. "left === SND.UNA" would have been acknowledged
function isValid(tcb: Tcb, left: u32, right: u32): bool {
  return seqLt(left, right) && seqGt(left, tcb.sndUna) && seqLte(right, tcb.sndNxt);
}

function workPtr(i: u32): usize {
  return SACK_WORK + i * 12;
}

function insertSorted(used: u32, left: u32, right: u32, isDsack: bool): void {
  let at = used;
  while (at > 0 && seqGt(load<u32>(workPtr(at - 1)), left)) {
    memory.copy(workPtr(at), workPtr(at - 1), 12);
    at -= 1;
  }
  store<u32>(workPtr(at), left);
  store<u32>(workPtr(at), right, 4);
  store<u32>(workPtr(at), isDsack ? 1 : 0, 8);
}

function markRange(tcb: Tcb, left: u32, right: u32, isDsack: bool, event: AckEvent): void {
  let index = rtxFind(tcb, left);
  while (index !== NONE && seqLt(rtxAt(index).seq, right)) {
    const covered = cutToBlock(tcb, index, left, right);
    if (covered !== NONE) {
      index = covered;
      if (isDsack) noteDuplicate(tcb, index, event);
      if (!rtxAt(index).has(RTX_SACKED)) markDelivered(tcb, index, event);
    }
    index = rtxAt(joinBefore(tcb, index)).next;
  }
  // The last one and what was SACKED behind it
  if (index !== NONE) joinBefore(tcb, index);
}

// The part of a record that a block covers as a record of its own, in whole wire segments; NONE if it covers none of them, or if
// the queue has no room for more records (a peer that SACKs every other segment of tiny ones: CVE-2019-11478)
function cutToBlock(tcb: Tcb, index: u32, left: u32, right: u32): u32 {
  let record = rtxAt(index);
  if (seqLte(left, record.seq) && seqGte(right, record.end)) return index;
  if (record.has(RTX_SACKED) || record.segments < 2) return NONE;
  const mss = record.mss !== 0 ? record.mss : segmentSize(tcb);
  const bytes = record.payloadBytes;
  const before: u32 = seqGt(left, record.payloadSeq) ? left - record.payloadSeq : 0;
  const from = <u32>(((<u64>before + mss - 1) / mss) * mss);
  let to = bytes;
  if (seqLt(right, record.end)) {
    const inside = right - record.payloadSeq;
    to = inside - (inside % mss);
    if (to >= bytes) to = bytes - 1 - ((bytes - 1) % mss); // all but the FIN: its segment is not delivered
  }
  if (from >= to) return NONE;
  if (!rtxHasRoom(tcb)) {
    count(COUNTER_TCP_WQUEUE_TOO_BIG);
    return NONE;
  }
  const start = record.payloadSeq;
  if (from !== 0) {
    if (!rtxSplit(tcb, index, start + from, mss)) return NONE;
    index = record.next;
    record = rtxAt(index);
  }
  if (to < bytes && !rtxSplit(tcb, index, start + to, mss)) return NONE;
  return index;
}

// RFC 2018 5: "the SACKed bit"; with the time it took if it was sent once, for RACK, the round trip and the delivery rate
function markDelivered(tcb: Tcb, index: u32, event: AckEvent): void {
  const record = rtxAt(index);
  rackAdvance(tcb, record, event.nowUs);
  if (!record.has(RTX_EVER_RETRANSMITTED)) {
    // It lay in a hole below the highest SACK and was sent once: the path reorders
    if (seqLt(record.seq, highestSacked(tcb)) && seqLt(record.seq, event.reordered)) event.reordered = record.seq;
    if (seqLte(record.end, tcb.highSeq)) event.flags |= EVENT_ORIGINAL_DELIVERED;
    if (event.firstSackedUs === 0) event.firstSackedUs = record.sentUs;
    event.lastSackedUs = record.sentUs;
  }
  rateOnDelivered(tcb, record, record.payloadBytes, event.nowUs);
  tcb.deliveredSegments += record.segments;
  const highest = highestSacked(tcb);
  rtxMarkSacked(tcb, index);
  tcb.fack = seqGt(record.end, highest) ? record.end : highest;
  event.flags |= EVENT_SACKED;
}

// A D-SACK of a range that is still outstanding: a hole lies before it
function noteDuplicate(tcb: Tcb, index: u32, event: AckEvent): void {
  const record: RtxRecord = rtxAt(index);
  if (!record.has(RTX_EVER_RETRANSMITTED)) return;
  undoOnDsackOf(tcb, record.end, record.segments);
  if (record.has(RTX_SACKED) && seqLt(record.seq, event.reordered)) event.reordered = record.seq;
  if (record.has(RTX_SACKED)) rtxClearRetransmitted(tcb, index);
}

// Joins a SACKED record with the one before it. Returns the index under which it is found now
function joinBefore(tcb: Tcb, index: u32): u32 {
  const record = rtxAt(index);
  if (record.prev === NONE || (record.flags & MERGE_MASK) !== RTX_SACKED) return index;
  const previous = rtxAt(record.prev);
  if ((previous.flags & MERGE_MASK) !== RTX_SACKED) return index;
  const joined = record.prev;
  rtxMergeNext(tcb, joined);
  return joined;
}

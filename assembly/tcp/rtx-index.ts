// Finds the record that holds a sequence number in O(log n): a treap over the retransmission queue, in sequence order, with the
// children's indices in the records and a hash of the record's index as its priority. It is made only when a walk along the queue
// gets long, so that a connection without SACK blocks never pays for it, and dropped when what it was made for is gone.
// No RFC; it bounds what a hostile SACK option can cost. Changes no record but its two links.

import { NONE } from "../storage/none";
import { rtxAt } from "./rtx-queue";
import { RtxRecord } from "./rtx-record";
import { Tcb } from "./tcb";

/** Records that a search looks at one by one before it makes an index. */
const WALK_MAX: u32 = 24;

/**
 * The record that holds `seq`, or else the first one after it; NONE if there is none.
 * @param seq at or above the first record's
 */
export function rtxFind(tcb: Tcb, seq: u32): u32 {
  if (tcb.rtxHead === NONE) return NONE;
  if (tcb.rtxRoot === NONE) {
    const near = walk(tcb, seq);
    if (near !== NONE || isBeyond(tcb, seq)) return near;
    build(tcb);
  }
  return search(tcb, seq);
}

/** A record was put into the queue. */
export function indexInsert(tcb: Tcb, index: u32): void {
  if (tcb.rtxRoot === NONE) return;
  const record = rtxAt(index);
  const key = record.seq - tcb.sndUna;
  const priority = priorityOf(index);
  let slot = rootSlot(tcb);
  for (let at = load<u32>(slot); at !== NONE && priorityOf(at) >= priority; at = load<u32>(slot)) {
    slot = rtxAt(at).seq - tcb.sndUna < key ? rightSlot(at) : leftSlot(at);
  }
  split(tcb, load<u32>(slot), key, leftSlot(index), rightSlot(index));
  store<u32>(slot, index);
}

/** A record is about to leave the queue. */
export function indexRemove(tcb: Tcb, index: u32): void {
  if (tcb.rtxRoot === NONE) return;
  const record = rtxAt(index);
  const key = record.seq - tcb.sndUna;
  let slot = rootSlot(tcb);
  for (let at = load<u32>(slot); at !== index; at = load<u32>(slot)) {
    assert(at !== NONE); // every record of the queue is in the index
    slot = rtxAt(at).seq - tcb.sndUna < key ? rightSlot(at) : leftSlot(at);
  }
  merge(slot, record.treeLeft, record.treeRight);
  // Whatever was looked for has been acknowledged: records that come from now on need not pay
  if (tcb.rtxIndexCredit !== 0) tcb.rtxIndexCredit -= 1;
  else if (tcb.sackedOut === 0) tcb.rtxRoot = NONE;
}

// From the ends inwards, a few steps
function walk(tcb: Tcb, seq: u32): u32 {
  let ahead = tcb.rtxHead;
  let back = tcb.rtxTail;
  const offset = seq - tcb.sndUna;
  for (let i: u32 = 0; i < WALK_MAX && ahead !== NONE; i++) {
    const record = rtxAt(ahead);
    if (record.end - tcb.sndUna > offset) return ahead;
    ahead = record.next;
    const last = rtxAt(back);
    if (last.end - tcb.sndUna <= offset) return last.next;
    if (last.seq - tcb.sndUna <= offset) return back;
    if (last.prev === NONE) return back;
    back = last.prev;
  }
  return NONE;
}

function isBeyond(tcb: Tcb, seq: u32): bool {
  return seq - tcb.sndUna >= rtxAt(tcb.rtxTail).end - tcb.sndUna;
}

function search(tcb: Tcb, seq: u32): u32 {
  const offset = seq - tcb.sndUna;
  let found = NONE;
  for (let at = tcb.rtxRoot; at !== NONE; ) {
    const record = rtxAt(at);
    if (record.end - tcb.sndUna > offset) {
      found = at;
      at = record.treeLeft;
    } else {
      at = record.treeRight;
    }
  }
  return found;
}

// Record by record in sequence order: each goes to the right edge, which is O(log n) long, and what it outranks becomes its left subtree
function build(tcb: Tcb): void {
  tcb.rtxIndexCredit = tcb.rtxCount;
  for (let index = tcb.rtxHead; index !== NONE; index = rtxAt(index).next) {
    const record = rtxAt(index);
    const priority = priorityOf(index);
    record.treeRight = NONE;
    let slot = rootSlot(tcb);
    for (let at = load<u32>(slot); at !== NONE && priorityOf(at) >= priority; at = load<u32>(slot)) {
      slot = rightSlot(at);
    }
    record.treeLeft = load<u32>(slot);
    store<u32>(slot, index);
  }
}

// Cuts the subtree at `at` into records below `key` and the rest
function split(tcb: Tcb, at: u32, key: u32, lowSlot: usize, highSlot: usize): void {
  while (at !== NONE) {
    const record: RtxRecord = rtxAt(at);
    if (record.seq - tcb.sndUna < key) {
      store<u32>(lowSlot, at);
      lowSlot = rightSlot(at);
      at = record.treeRight;
    } else {
      store<u32>(highSlot, at);
      highSlot = leftSlot(at);
      at = record.treeLeft;
    }
  }
  store<u32>(lowSlot, NONE);
  store<u32>(highSlot, NONE);
}

// Joins two subtrees, all of `low` before all of `high`
function merge(slot: usize, low: u32, high: u32): void {
  while (low !== NONE && high !== NONE) {
    if (priorityOf(low) >= priorityOf(high)) {
      store<u32>(slot, low);
      slot = rightSlot(low);
      low = rtxAt(low).treeRight;
    } else {
      store<u32>(slot, high);
      slot = leftSlot(high);
      high = rtxAt(high).treeLeft;
    }
  }
  store<u32>(slot, low !== NONE ? low : high);
}

// A peer chooses neither indices nor their order, so a fixed hash does
function priorityOf(index: u32): u32 {
  let h = index + 1;
  h = (h ^ (h >> 16)) * 0x7feb352d;
  h = (h ^ (h >> 15)) * 0x846ca68b;
  return h ^ (h >> 16);
}

function rootSlot(tcb: Tcb): usize {
  return changetype<usize>(tcb) + offsetof<Tcb>("rtxRoot");
}

function leftSlot(index: u32): usize {
  return changetype<usize>(rtxAt(index)) + offsetof<RtxRecord>("treeLeft");
}

function rightSlot(index: u32): usize {
  return changetype<usize>(rtxAt(index)) + offsetof<RtxRecord>("treeRight");
}

// The neighbour records: one per (interface, next hop), found by hash, taken from a slab, oldest unconfirmed one evicted when
// all are in use. Storage only: what a state means and when it changes is neighbor-cache.ts.
import { NEIGHBOR_CAPACITY, SECRET_TUPLES } from "../layout";
import { NONE } from "../storage/none";
import { sipHash24 } from "../storage/siphash";
import { Slab, slabBytes } from "../storage/slab";

/** Asked for, no answer yet: frames and connections wait. */
export const NEIGHBOR_INCOMPLETE: u8 = 1;
/** An answer to our question confirmed the MAC address lately. */
export const NEIGHBOR_REACHABLE: u8 = 2;
/** The MAC address is old, or somebody told it unasked: good to use, to be checked when used. The ones that may be evicted. */
export const NEIGHBOR_STALE: u8 = 3;
/** Stale and in use: asked by unicast soon. */
export const NEIGHBOR_DELAY: u8 = 4;
/** Asked by unicast; still used meanwhile. */
export const NEIGHBOR_PROBE: u8 = 5;
/** No answer. What is sent there is lost until the record expires and the next frame asks again. */
export const NEIGHBOR_FAILED: u8 = 6;

@unmanaged
@final
export class Neighbor {
  addressHigh: u64;
  addressLow: u64;
  interfaceIndex: u32;
  macLow: u32; // 6 bytes as on the wire
  macHigh: u16;
  state: u8; // NEIGHBOR_; change it with neighborSetState() only
  requests: u8; // sent since the state began
  hashNext: u32; // index + 1, 0 = end; likewise below
  staleNext: u32;
  stalePrev: u32;
  queueFirst: u32; // heap blocks of waiting frames, see neighbor-queue.ts
  queueLast: u32;
  queueLength: u32;
  reserved: u32;

  static at(index: u32): Neighbor {
    return changetype<Neighbor>(recordsPtr + <usize>index * offsetof<Neighbor>());
  }

  get macPtr(): usize {
    return changetype<usize>(this) + offsetof<Neighbor>("macLow");
  }

  /** Whether frames can be sent to its MAC address. */
  get isUsable(): bool {
    return this.state >= NEIGHBOR_REACHABLE && this.state <= NEIGHBOR_PROBE;
  }
}

const BUCKETS: u32 = NEIGHBOR_CAPACITY;

let recordsPtr: usize = 0;
let slabPtr: usize = 0;
let bucketsPtr: usize = 0;
let staleFirst: u32 = 0; // the oldest stale record, index + 1
let staleLast: u32 = 0;
let incomplete: u32 = 0; // records in NEIGHBOR_INCOMPLETE

/** Lays out the records in zeroed memory at `tablesPtr`. @returns their end */
export function neighborsInitialise(tablesPtr: usize): usize {
  recordsPtr = (tablesPtr + 63) & ~63;
  slabPtr = recordsPtr + NEIGHBOR_CAPACITY * offsetof<Neighbor>();
  bucketsPtr = slabPtr + slabBytes(NEIGHBOR_CAPACITY);
  staleFirst = 0;
  staleLast = 0;
  incomplete = 0;
  Slab.at(slabPtr).init(recordsPtr, <u32>offsetof<Neighbor>(), NEIGHBOR_CAPACITY);
  return bucketsPtr + BUCKETS * 4;
}

/** Records in use. */
export function neighborsInUse(): u32 {
  return Slab.at(slabPtr).inUse;
}

/** Records that are being asked for the first time. */
export function neighborsIncomplete(): u32 {
  return incomplete;
}

function bucketPtr(neighbor: Neighbor): usize {
  const hash = <u32>sipHash24(SECRET_TUPLES, changetype<usize>(neighbor), 16);
  return bucketsPtr + <usize>(hash & (BUCKETS - 1)) * 4;
}

// The key to look for, in a record of its own form so that it hashes alike
const KEY: usize = memory.data(64, 16);

/** @returns the index of a neighbour, or NONE */
export function neighborFind(interfaceIndex: u32, high: u64, low: u64): u32 {
  const key = changetype<Neighbor>(KEY);
  key.addressHigh = high;
  key.addressLow = low;
  let next = load<u32>(bucketPtr(key));
  while (next !== 0) {
    const found = Neighbor.at(next - 1);
    if (found.addressLow === low && found.addressHigh === high && found.interfaceIndex === interfaceIndex)
      return next - 1;
    next = found.hashNext;
  }
  return NONE;
}

/**
 * Makes a record, state 0, evicting the oldest stale one if all are in use: who was confirmed or is being asked for stays.
 * @returns its index, or NONE
 */
export function neighborMake(interfaceIndex: u32, high: u64, low: u64): u32 {
  let index = Slab.at(slabPtr).alloc();
  if (index === NONE) {
    if (staleFirst === 0) return NONE;
    neighborForget(staleFirst - 1);
    index = Slab.at(slabPtr).alloc();
  }
  const made = Neighbor.at(index);
  made.addressHigh = high;
  made.addressLow = low;
  made.interfaceIndex = interfaceIndex;
  const bucket = bucketPtr(made);
  made.hashNext = load<u32>(bucket);
  store<u32>(bucket, index + 1);
  return index;
}

/** Frees a record; its queue must be empty and its timer off. */
export function neighborForget(index: u32): void {
  const gone = Neighbor.at(index);
  neighborSetState(index, 0);
  let at = bucketPtr(gone);
  while (load<u32>(at) !== index + 1)
    at = changetype<usize>(Neighbor.at(load<u32>(at) - 1)) + offsetof<Neighbor>("hashNext");
  store<u32>(at, gone.hashNext);
  Slab.at(slabPtr).free(index);
}

/** Changes the state and keeps the list of stale ones. */
export function neighborSetState(index: u32, state: u8): void {
  const changed = Neighbor.at(index);
  if (changed.state === NEIGHBOR_STALE) unlinkStale(changed);
  if (changed.state === NEIGHBOR_INCOMPLETE) incomplete -= 1;
  if (state === NEIGHBOR_INCOMPLETE) incomplete += 1;
  changed.state = state;
  changed.requests = 0;
  if (state !== NEIGHBOR_STALE) return;
  changed.staleNext = 0;
  changed.stalePrev = staleLast;
  if (staleLast !== 0) Neighbor.at(staleLast - 1).staleNext = index + 1;
  else staleFirst = index + 1;
  staleLast = index + 1;
}

function unlinkStale(neighbor: Neighbor): void {
  if (neighbor.staleNext !== 0) Neighbor.at(neighbor.staleNext - 1).stalePrev = neighbor.stalePrev;
  else staleLast = neighbor.stalePrev;
  if (neighbor.stalePrev !== 0) Neighbor.at(neighbor.stalePrev - 1).staleNext = neighbor.staleNext;
  else staleFirst = neighbor.staleNext;
}

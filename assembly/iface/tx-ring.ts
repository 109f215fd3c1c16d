// The TX rings: descriptors of frames for a link, one ring per interface, filled here and emptied by the link (or, for
// interface 0, by iface/loopback.ts) in the same thread. A slot is ours again once transmitted() has seen it taken, because
// its header bytes and the accounting of its owner stay in use until then. Knows no protocol.

import { heapFree } from "../heap";
import {
  INTERFACE_CAPACITY,
  RING_HEAD,
  RING_SLOTS,
  RING_TAIL,
  TX_BLOCK,
  TX_CAPACITY,
  TX_DESCRIPTOR_BYTES,
  TX_HEADER_BYTES,
  TX_HEADER_LENGTH,
  TX_HEADER_PTR,
  TX_HEADERS,
  TX_OWNER,
  TX_PIECE1_LENGTH,
  TX_PIECE2_LENGTH,
  TX_RING_BYTES,
  TX_RINGS,
} from "../layout";
import { NONE } from "../storage/none";
import { zero } from "../storage/zero";
import { Interface } from "./interfaces";

/** Slots that bulk data leaves to ARP, ICMP and resets, which nobody keeps for a second try. */
export const TX_RESERVED: u32 = 16;

@unmanaged
@final
export class TxDescriptor {
  headerPtr: u32;
  headerLength: u32;
  piece1Ptr: u32;
  piece1Length: u32;
  piece2Ptr: u32;
  piece2Length: u32;
  flags: u16;
  gsoSize: u16;
  csumStart: u16;
  csumOffset: u16;
  owner: u32;
  block: u32;

  /** Bytes of the frame. */
  get length(): u32 {
    return this.headerLength + this.piece1Length + this.piece2Length;
  }
}

if (offsetof<TxDescriptor>("headerPtr") !== TX_HEADER_PTR) ERROR("layout drift: TxDescriptor.headerPtr");
if (offsetof<TxDescriptor>("headerLength") !== TX_HEADER_LENGTH) ERROR("layout drift: TxDescriptor.headerLength");
if (offsetof<TxDescriptor>("piece1Length") !== TX_PIECE1_LENGTH) ERROR("layout drift: TxDescriptor.piece1Length");
if (offsetof<TxDescriptor>("piece2Length") !== TX_PIECE2_LENGTH) ERROR("layout drift: TxDescriptor.piece2Length");
if (offsetof<TxDescriptor>("owner") !== TX_OWNER) ERROR("layout drift: TxDescriptor.owner");
if (offsetof<TxDescriptor>("block") !== TX_BLOCK) ERROR("layout drift: TxDescriptor.block");

function ringPtr(interfaceIndex: u32): usize {
  return <usize>TX_RINGS + <usize>interfaceIndex * <usize>TX_RING_BYTES;
}

function descriptorAt(interfaceIndex: u32, index: u32): TxDescriptor {
  const slot = <usize>(index & (TX_CAPACITY - 1));
  return changetype<TxDescriptor>(ringPtr(interfaceIndex) + RING_SLOTS + slot * TX_DESCRIPTOR_BYTES);
}

/** Makes all rings empty. */
export function txRingsInitialise(): void {
  for (let i: u32 = 0; i < <u32>INTERFACE_CAPACITY; i++) {
    store<u32>(ringPtr(i), 0, RING_HEAD);
    store<u32>(ringPtr(i), 0, RING_TAIL);
  }
}

/** Slots that can be filled. */
export function txRoom(interfaceIndex: u32): u32 {
  return TX_CAPACITY - (load<u32>(ringPtr(interfaceIndex), RING_TAIL) - Interface.at(interfaceIndex).txReaped);
}

/** Frames that the link has not taken. */
export function txQueued(interfaceIndex: u32): u32 {
  return load<u32>(ringPtr(interfaceIndex), RING_TAIL) - load<u32>(ringPtr(interfaceIndex), RING_HEAD);
}

/**
 * The next slot, cleared, with the address of its TX_HEADER_BYTES as headerPtr and without owner. Only if txRoom() > 0.
 */
export function txNext(interfaceIndex: u32): TxDescriptor {
  const tail = load<u32>(ringPtr(interfaceIndex), RING_TAIL);
  const slot = tail & (TX_CAPACITY - 1);
  const next = descriptorAt(interfaceIndex, tail);
  zero(changetype<usize>(next), TX_DESCRIPTOR_BYTES);
  next.headerPtr = TX_HEADERS + (interfaceIndex * TX_CAPACITY + slot) * TX_HEADER_BYTES;
  next.owner = NONE;
  return next;
}

/** Queues the slot that txNext() gave, now filled, and counts it. */
export function txPush(interfaceIndex: u32): void {
  const ring = ringPtr(interfaceIndex);
  const tail = load<u32>(ring, RING_TAIL);
  const sender = Interface.at(interfaceIndex);
  sender.txFrames += 1;
  sender.txBytes += descriptorAt(interfaceIndex, tail).length;
  store<u32>(ring, tail + 1, RING_TAIL);
}

/** The oldest frame not taken. Only if txQueued() > 0. */
export function txPeek(interfaceIndex: u32): TxDescriptor {
  return descriptorAt(interfaceIndex, load<u32>(ringPtr(interfaceIndex), RING_HEAD));
}

/** Says that the oldest frame was taken. */
export function txTaken(interfaceIndex: u32): void {
  const ring = ringPtr(interfaceIndex);
  store<u32>(ring, load<u32>(ring, RING_HEAD) + 1, RING_HEAD);
}

/** Takes all frames that the link has not taken out of the ring; txReap() gives them back like others. @returns how many */
export function txDiscard(interfaceIndex: u32): u32 {
  const ring = ringPtr(interfaceIndex);
  const queued = txQueued(interfaceIndex);
  store<u32>(ring, load<u32>(ring, RING_TAIL), RING_HEAD);
  return queued;
}

/**
 * The next descriptor that the link has taken and that is not accounted for; its block, if any, is freed. To be called until
 * it returns null (0).
 */
export function txReap(interfaceIndex: u32): TxDescriptor {
  const sender = Interface.at(interfaceIndex);
  const ring = ringPtr(interfaceIndex);
  const taken = load<u32>(ring, RING_HEAD) - sender.txReaped;
  // A link that moves the head past the tail is broken; what it cannot have taken stays queued
  if (taken === 0 || taken > load<u32>(ring, RING_TAIL) - sender.txReaped) return changetype<TxDescriptor>(0);
  const done = descriptorAt(interfaceIndex, sender.txReaped);
  sender.txReaped += 1;
  if (done.block !== 0) heapFree(done.block);
  return done;
}

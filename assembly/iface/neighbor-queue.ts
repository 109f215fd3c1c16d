// Frames that wait for the MAC address of their next hop (RFC 1122 2.3.2.2: "at least one packet"): whole control frames, each in
// a heap block of its own, at most NEIGH_UNRES_QLEN per neighbour. TCP data does not wait here, see wait-lists.ts.

import { count } from "../count";
import { COUNTER_ARP_QUEUE_DROPPED } from "../counters";
import { heapAlloc, heapFree } from "../heap";
import { SYSCTL_NEIGH_UNRES_QLEN } from "../layout";
import { Neighbor } from "./neighbor";

// At the start of the block; the frame follows
const NODE_NEXT: usize = 0; // u32 address of the next block
const NODE_LENGTH: usize = 4; // u32 bytes of the frame

/** Bytes to leave before a frame that is built in a heap block, so that the block can be queued as it is. */
export const QUEUE_HEADROOM: u32 = 8;

/**
 * Queues a frame; if too many wait the oldest is dropped for it.
 *
 *   RFC 1122 2.3.2.2: "The link layer SHOULD save (rather than discard) at least one (the latest) packet of each set of packets
 *   destined to the same unresolved IP address"
 * @param length bytes, at most FRAME_MAX_BYTES
 * @param block heap block with the frame at QUEUE_HEADROOM, taken over in any case; 0 = copy the frame
 * @returns false if it was dropped: the heap is full
 */
export function neighborEnqueue(neighbor: Neighbor, framePtr: usize, length: u32, block: usize): bool {
  let node = block;
  if (node === 0) {
    node = heapAlloc(QUEUE_HEADROOM + length);
    if (node === 0) {
      count(COUNTER_ARP_QUEUE_DROPPED);
      return false;
    }
    memory.copy(node + QUEUE_HEADROOM, framePtr, length);
  }
  neighborMakeRoom(neighbor);
  neighborAppend(neighbor, node, length);
  return true;
}

/** Makes room for one more frame, or for the fragments of one more datagram. */
export function neighborMakeRoom(neighbor: Neighbor): void {
  while (neighbor.queueLength !== 0 && neighbor.queueLength >= load<u32>(SYSCTL_NEIGH_UNRES_QLEN)) {
    heapFree(neighborDequeue(neighbor));
    count(COUNTER_ARP_QUEUE_DROPPED);
  }
}

/** Queues a frame whatever waits already: the fragments of a datagram go together. `node`, `length`: as `block` of neighborEnqueue() */
export function neighborAppend(neighbor: Neighbor, node: usize, length: u32): void {
  store<u32>(node, 0, NODE_NEXT);
  store<u32>(node, length, NODE_LENGTH);
  if (neighbor.queueLast !== 0) store<u32>(neighbor.queueLast, <u32>node, NODE_NEXT);
  else neighbor.queueFirst = <u32>node;
  neighbor.queueLast = <u32>node;
  neighbor.queueLength += 1;
}

/** Takes the block that waits longest; it is the caller's now. @returns its address, or 0 */
export function neighborDequeue(neighbor: Neighbor): usize {
  const node = <usize>neighbor.queueFirst;
  if (node === 0) return 0;
  neighbor.queueFirst = load<u32>(node, NODE_NEXT);
  if (neighbor.queueFirst === 0) neighbor.queueLast = 0;
  neighbor.queueLength -= 1;
  return node;
}

/** Bytes of the frame at QUEUE_HEADROOM in a block from neighborDequeue(). */
export function queuedFrameLength(node: usize): u32 {
  return load<u32>(node, NODE_LENGTH);
}

// Interface 0: what we send to ourselves goes round inside the stack (RFC 1122 3.2.1.3 (g)). Its TX ring is emptied here: each
// frame is gathered from its pieces into one and comes in again as from a link. Nothing is lost on the way, so checksums are not
// computed.
import { FRAME_CSUM_VALID } from "../layout";
import { reap } from "./egress";
import { frameInput } from "./ingress";
import { LOOPBACK_FRAME } from "./scratch";
import { txPeek, txQueued, txTaken } from "./tx-ring";

/**
 * Delivers what is in the loopback's TX ring.
 * @param frames at most so many: each may cause another one
 * @returns how many were delivered
 */
export function loopbackDeliver(frames: u32, nowUs: u64): u32 {
  let delivered: u32 = 0;
  while (delivered < frames && txQueued(0) !== 0) {
    const descriptor = txPeek(0);
    const length = descriptor.length;
    let to = LOOPBACK_FRAME;
    memory.copy(to, descriptor.headerPtr, descriptor.headerLength);
    to += descriptor.headerLength;
    memory.copy(to, descriptor.piece1Ptr, descriptor.piece1Length);
    to += descriptor.piece1Length;
    memory.copy(to, descriptor.piece2Ptr, descriptor.piece2Length);
    const flags = <u32>descriptor.flags | FRAME_CSUM_VALID;
    const gsoSize: u32 = descriptor.gsoSize;
    // Taken and accounted for before it comes in: coming in may queue the answer into the slot
    txTaken(0);
    reap(0);
    frameInput(0, LOOPBACK_FRAME, length, flags, gsoSize, nowUs);
    delivered += 1;
  }
  return delivered;
}

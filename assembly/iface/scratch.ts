// Who uses which part of SCRATCH in iface/; tcp/ has the first 2 KiB (tcp/scratch.ts).
// Nothing in SCRATCH outlives the call that wrote it.
import { SCRATCH } from "../layout";

/** A copy of the op slot in hand: main may write the slot while we read it (64 bytes). */
export const OP_COPY: usize = SCRATCH + 4096;
/** An ARP packet while it is built: sending one may happen while SMALL_FRAME is in use. */
export const ARP_FRAME: usize = SCRATCH + 4608;
/** A whole small frame while it is built: Ethernet and IPv4 headers, then up to 2 KiB. */
export const SMALL_FRAME: usize = SCRATCH + 8192;
/** Bytes at SMALL_FRAME. */
export const SMALL_FRAME_BYTES: u32 = 4096;
/** A datagram put together from fragments (IPV4_MAX_PACKET). Delivering it may use all the others. */
export const REASSEMBLED: usize = SCRATCH + 65536;
/** A frame to our own address, gathered from its pieces (FRAME_MAX_BYTES). */
export const LOOPBACK_FRAME: usize = SCRATCH + 131072;

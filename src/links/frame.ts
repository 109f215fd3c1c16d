// What travels over a link outside the shared memory: one Ethernet frame with the two facts a virtio-net header adds.
// Knows nothing of sockets, threads or clocks.

/** One Ethernet frame, possibly a super-segment that still has to be cut into wire-size packets. */
export interface Frame {
  /** The frame from the destination MAC on, without FCS; up to `FRAME_MAX_BYTES` (65,549) bytes. */
  bytes: Uint8Array;
  /** `FRAME_CSUM_PARTIAL` and `FRAME_CSUM_VALID` of `assembly/layout.ts`, or 0. */
  flags: number;
  /** TCP or UDP payload bytes per wire segment of a super-segment; 0 = the frame is a wire packet as it is. */
  gsoSize: number;
  /** What kind of super-segment, as in struct virtio_net_hdr; 0 or nothing: what its headers say. */
  gsoType?: number;
}

/**
 * Makes an empty frame of its own.
 * @param length - bytes
 */
export function allocateFrame(length: number): Frame {
  return { bytes: new Uint8Array(length), flags: 0, gsoSize: 0 };
}

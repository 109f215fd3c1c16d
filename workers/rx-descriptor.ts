// The descriptors by which a link tells the core of received frames (RX_, assembly/layout.ts), for links that copy frames into the memory:
// native/packet-socket.cc writes those of packet links.
import {
  RX_DESCRIPTOR_BYTES,
  RX_FLAGS,
  RX_FRAME_LENGTH,
  RX_FRAME_PTR,
  RX_GSO_SIZE,
  RX_TIME_US,
} from "../assembly/layout.ts";
import type { FrameRingConsumer } from "../src/links/frame-ring.ts";
import type { PortPlace } from "./port.ts";

/**
 * Describes the frame that a ring is at.
 * @param index - of the descriptor
 * @param at - where the frame has been copied to
 */
export function describeCopy(
  place: PortPlace,
  index: number,
  at: number,
  ring: FrameRingConsumer,
  nowUs: number,
): void {
  const { views, rxDescriptors } = place;
  const descriptor = rxDescriptors + index * RX_DESCRIPTOR_BYTES;
  views.u32[(descriptor + RX_FRAME_PTR) >>> 2] = at;
  views.u32[(descriptor + RX_FRAME_LENGTH) >>> 2] = ring.length;
  views.u16[(descriptor + RX_FLAGS) >>> 1] = ring.flags;
  views.u16[(descriptor + RX_GSO_SIZE) >>> 1] = ring.gsoSize;
  views.f64[(descriptor + RX_TIME_US) >>> 3] = nowUs;
}

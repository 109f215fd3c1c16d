// A router in the middle of a simulated cable whose next link is narrower: what does not fit is dropped, and its sender told, as the
// test wants it, with RFC 1191's message, an old router's without a size, or not at all (a black hole).
import { splitSuperSegment } from "../../src/links/segmentation.ts";
import type { Simulator } from "../../src/sim/index.ts";
import { icmp, ipv4 } from "./frames.ts";

const ROUTER = 0x0a0000fe;

/** How a narrow path behaves. */
export interface NarrowPath {
  /** Bytes of the largest packet that gets through; may be changed at any time. */
  mtu: number;
  /** The next-hop MTU that is told; `null` = nothing is sent. Default: `mtu`. */
  told?: number | null;
  /** Packets that were dropped. */
  dropped: number;
  /** Packets without DF that would have been cut. */
  cut: number;
}

/** Puts the router on the way from a to b. */
export function narrowPath(sim: Simulator, mtu: number, told?: number | null): NarrowPath {
  const path: NarrowPath = { mtu, dropped: 0, cut: 0, ...(told !== undefined && { told }) };
  sim.filter = (from, frame) => {
    if (from !== "a" || frame.bytes[12] !== 8 || frame.bytes[13] !== 0) return true;
    const wire: Uint8Array[] = [];
    splitSuperSegment(frame, (segment) => wire.push(segment.bytes));
    const tooBig = wire.filter((bytes) => bytes.length - 14 > path.mtu);
    if (tooBig.length === 0) return true;
    if ((tooBig[0]![20]! & 0x40) === 0) {
      path.cut += tooBig.length;
      return true;
    }
    path.dropped += tooBig.length;
    if (path.told === null) return false;
    for (const bytes of tooBig) {
      const message = icmp(3, 4, path.told ?? path.mtu, bytes.slice(14, 14 + 28));
      const complaint = ipv4(message, { src: ROUTER, dst: read32(bytes, 26), to: [...bytes.slice(6, 12)] });
      sim.bToA.push({ bytes: complaint, flags: 0, gsoSize: 0 }, sim.nowUs);
    }
    return false;
  };
  return path;
}

function read32(bytes: Uint8Array, at: number): number {
  return new DataView(bytes.buffer, bytes.byteOffset).getUint32(at);
}

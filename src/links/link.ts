// What a stack may be plugged into. A link is plain data that says what to open: it can be cloned to another thread, and nothing
// is open before a stack starts on it. The code that moves its frames runs in the stack's worker.
import type { ResolvedImpairments } from "./impairment-options.ts";

/** One end of a cable in memory, see `memoryLinkPair`. */
export interface MemoryLink {
  /** What it is. */
  readonly kind: "memory";
  /** The cable: both directions, and who has plugged in. */
  readonly cable: SharedArrayBuffer;
  /** Which end this is. */
  readonly end: 0 | 1;
  /** Longest IP packet of the cable, bytes. */
  readonly mtu: number;
}

/** A network interface of the host, see `packetLink`. */
export interface PacketLink {
  /** What it is. */
  readonly kind: "packet";
  /** Name of the interface in the network namespace of the process. */
  readonly interface: string;
}

/** A link whose outgoing packets are impaired, see `emulatedLink`. */
export interface EmulatedLink {
  /** What it is. */
  readonly kind: "emulated";
  /** What is impaired. */
  readonly link: Link;
  /** How, with the defaults filled in. */
  readonly impairments: ResolvedImpairments;
}

/** A link whose frames are written to a file, see `captureLink`. */
export interface CaptureLink {
  /** What it is. */
  readonly kind: "capture";
  /** What is captured. */
  readonly link: Link;
  /** A pcapng file. */
  readonly path: string;
}

/** What a stack may be plugged into; made by `packetLink`, `memoryLinkPair`, `emulatedLink` and `captureLink`. */
export type Link = MemoryLink | PacketLink | EmulatedLink | CaptureLink;

/** The link at the bottom of a tower of emulated and capture links: the one that has a wire. */
export function wireOf(link: Link): MemoryLink | PacketLink {
  let wire = link;
  while (wire.kind === "emulated" || wire.kind === "capture") wire = wire.link;
  return wire;
}

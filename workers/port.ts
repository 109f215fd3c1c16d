// What the loop asks of a link: frames in, frames out, when to look again. One implementation per kind of link in ports/; each works
// on an array of RX descriptors and a TX ring in the shared memory that it is told, so that ports can wrap ports.
import type { SharedViews } from "../src/memory.ts";
import type { ShardedLink } from "../src/protocol.ts";

/** How a link is. */
export interface LinkStatus {
  /** `gone`: there is no such interface any more, for good. */
  state: "up" | "down" | "gone";
  /** Bytes of an IP packet. */
  mtu: number;
  /** Largest super-segment (IP packet) it takes, 0 = none. */
  gsoMax: number;
}

/** The place of a packet link's port in a stack with several shards. */
export interface PortShard extends ShardedLink {
  /** The first shard's claim of the address (INTERFACE_CLAIM) is another one. Called from `receive()`. */
  onClaim(claim: number): void;
}

/** A link at work. All methods are called from the one thread of the loop. */
export interface Port {
  /** How the link was when the port was opened; `PortPlace.onLink` tells what changes. */
  readonly link: LinkStatus;
  /** Whether it takes frames with partial checksums. */
  readonly checksumOffload: boolean;
  /** Frames it can hold for us without loss. */
  readonly rxSlots: number;
  /** Frames wait in the TX ring because the link takes no more; something will wake the loop when it does. */
  readonly blocked: boolean;
  /**
   * Describes the frames that have arrived, at most RX_DESCRIPTOR_CAPACITY. Their bytes are valid until the next call.
   * @returns how many
   */
  receive(nowUs: number): number;
  /** Takes frames from the head of the TX ring as far as it can, and moves the head. @returns how many */
  transmit(nowUs: number): number;
  /** When it wants to be called though nothing wakes the loop, µs; Infinity = never. */
  nextDeadlineUs(nowUs: number): number;
  /** The loop is about to sleep: write out what is buffered. */
  beforeSleep(): void;
  /** The other end of a memory link: the memory that holds its core's doorbell. */
  peerAttached(memory: SharedArrayBuffer): void;
  /** Lets go of everything. */
  close(): void;
}

/** Where a port works. */
export interface PortPlace {
  views: SharedViews;
  /** Address of the RX descriptors it writes. */
  rxDescriptors: number;
  /** Address of the TX ring it empties. */
  txRing: number;
  /** Address of the interface's record: INTERFACE_LINK_DROPS and INTERFACE_LINK_ERRORS are counted there. */
  interfaceRecord: number;
  /** Number and name of the interface in the stack. */
  index: number;
  name: string;
  /** Its IPv4 address (u32, host order) and network. */
  address: number;
  prefixLength: number;
  mac: Uint8Array;
  /** Bytes of an IP packet, at first. */
  mtu: number;
  /** Bytes of an IP packet that the interface never has more of, whatever the link takes. */
  mtuLimit: number;
  /** Of a stack with several shards. */
  shard?: PortShard | undefined;
  /** The link is not as it was. Called from `receive()` or `peerAttached()`. */
  onLink(status: LinkStatus): void;
  /** Takes a block of the heap that lives as long as the link. @throws Error with code ENOMEM */
  allocate(bytes: number): number;
}

// One direction of a wire: frames that arrive at one end leave at the other, at once and as they are, or through an Impairment, packet
// by packet of wire size.
import { FRAME_CSUM_PARTIAL, RX_DESCRIPTOR_CAPACITY } from "../../assembly/layout.ts";
import { internetChecksum } from "../../src/links/checksum.ts";
import type { Frame } from "../../src/links/frame.ts";
import { FramePool } from "../../src/links/frame-pool.ts";
import { Impairment, type ImpairmentCounters, type Impairments } from "../../src/links/impairment.ts";
import { ETHERNET_HEADER_BYTES, TCP_CHECKSUM } from "../../src/links/ipv4-frame.ts";
import { copyBytes } from "../tx-ring.ts";
import { noFrame, type ReceivedFrame, type WireSide } from "./wire-side.ts";

const POOL_BYTES = 16 * 1024 * 1024;
const ETHERTYPE_IPV6 = 0x86dd;
const IPV6_BYTES = 40;

/** One direction of a wire. */
export interface Passage {
  /** Moves what can be moved now. @returns 0 if nothing was done */
  turn(nowUs: number): number;
  /** When there is something to do although nothing arrives, µs; Infinity = never. */
  nextDeadlineUs(): number;
  /** Frames (or wire packets, when impaired) that came in and that went on. */
  readonly counters: Readonly<Pick<ImpairmentCounters, "received" | "forwarded"> & Partial<ImpairmentCounters>>;
}

/** Frames pass as they are, super-segments whole. */
export class PlainPassage implements Passage {
  readonly counters = { received: 0, forwarded: 0 };
  readonly #from: WireSide;
  readonly #to: WireSide;

  constructor(from: WireSide, to: WireSide) {
    this.#from = from;
    this.#to = to;
  }

  turn(nowUs: number): number {
    const from = this.#from;
    const to = this.#to;
    const count = from.receive(Math.min(to.room, RX_DESCRIPTOR_CAPACITY), nowUs);
    for (let i = 0; i < count; i++) to.queueCopy(from.describe(i));
    const sent = to.transmit();
    this.counters.received += count;
    this.counters.forwarded += sent;
    return count + sent;
  }

  nextDeadlineUs(): number {
    return Number.POSITIVE_INFINITY;
  }
}

/** Frames are split into wire packets, and each is lost, delayed and so on as asked. */
export class ImpairedPassage implements Passage {
  readonly counters: Readonly<ImpairmentCounters>;
  readonly #from: WireSide;
  readonly #to: WireSide;
  readonly #memory: Uint8Array;
  readonly #impairment: Impairment;
  readonly #pool = new FramePool(POOL_BYTES);
  readonly #info = noFrame();

  /** @param stream - which of the seed's random streams to use, so that the directions differ */
  constructor(from: WireSide, to: WireSide, memory: Uint8Array, impairments: Impairments, stream: number) {
    this.#from = from;
    this.#to = to;
    this.#memory = memory;
    this.#impairment = new Impairment(impairments, stream);
    this.counters = this.#impairment.counters;
  }

  turn(nowUs: number): number {
    const count = this.#from.receive(RX_DESCRIPTOR_CAPACITY, nowUs);
    for (let i = 0; i < count; i++) this.#take(this.#from.describe(i), nowUs);
    return count + this.#deliver(nowUs);
  }

  nextDeadlineUs(): number {
    return this.#to.blocked ? Number.POSITIVE_INFINITY : this.#impairment.nextDeadlineUs();
  }

  #take(received: Readonly<ReceivedFrame>, nowUs: number): void {
    const frame = this.#pool.take(received.length);
    copyBytes(frame.bytes, 0, this.#memory, received.ptr, received.length);
    frame.flags = received.flags;
    frame.gsoSize = received.gsoSize;
    if (received.gsoSize === 0 && (received.flags & FRAME_CSUM_PARTIAL) !== 0) finishChecksum(frame, received);
    this.#impairment.push(frame, nowUs);
    this.#pool.give(frame);
  }

  #deliver(nowUs: number): number {
    let done = 0;
    for (;;) {
      while (this.#to.room > 0) {
        const frame = this.#impairment.pop(nowUs);
        if (frame === null) break;
        this.#to.queueBytes(frame.bytes, this.#describe(frame));
        this.#impairment.recycle(frame);
      }
      const sent = this.#to.transmit();
      if (sent === 0) return done;
      done += sent;
    }
  }

  /** A wire packet is whole by now; only what could not be split still has its checksum to come. */
  #describe(frame: Frame): ReceivedFrame {
    const info = this.#info;
    const isV6 = ((frame.bytes[12]! << 8) | frame.bytes[13]!) === ETHERTYPE_IPV6;
    info.length = frame.bytes.length;
    info.flags = frame.flags;
    info.gsoSize = frame.gsoSize;
    info.csumStart = ETHERNET_HEADER_BYTES + (isV6 ? IPV6_BYTES : (frame.bytes[ETHERNET_HEADER_BYTES]! & 15) * 4);
    info.csumOffset = TCP_CHECKSUM;
    const headers = info.csumStart + ((frame.bytes[info.csumStart + 12] ?? 0) >>> 4) * 4;
    info.headerBytes = frame.gsoSize === 0 ? info.length : Math.min(headers, info.length);
    return info;
  }
}

/** Fills in the checksum that the kernel left to its network card: the field holds the pseudo-header's sum. */
function finishChecksum(frame: Frame, { csumStart, csumOffset }: Readonly<ReceivedFrame>): void {
  const { bytes } = frame;
  const field = csumStart + csumOffset;
  if (field + 2 > bytes.length) return;
  // UDP says 0 for "none", and a sum of 0 as all ones; TCP takes either (RFC 768, RFC 1624)
  const sum = internetChecksum(bytes, csumStart, bytes.length) || 0xffff;
  bytes[field] = sum >>> 8;
  bytes[field + 1] = sum & 0xff;
  frame.flags &= ~FRAME_CSUM_PARTIAL;
}

// One direction of a wire: frames that arrive at one end leave at the other, at once and as they are, or through an Impairment, packet
// by packet of wire size.
import { FRAME_CSUM_PARTIAL, RX_DESCRIPTOR_CAPACITY } from "../../assembly/layout.ts";
import { copyBytes } from "../../src/copy-bytes.ts";
import { internetChecksum } from "../../src/links/checksum.ts";
import { FrameArena } from "../../src/links/frame-arena.ts";
import type { PooledFrame } from "../../src/links/frame-pool.ts";
import { Impairment, type ImpairmentCounters, type Impairments } from "../../src/links/impairment.ts";
import { PASSAGE_HEAP_BYTES } from "../../src/wire-task.ts";
import { noFrame, type ReceivedFrame, type WireSide } from "./wire-side.ts";

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

  turn(): number {
    const from = this.#from;
    const to = this.#to;
    const count = from.receive(Math.min(to.room, RX_DESCRIPTOR_CAPACITY));
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
  readonly #info = noFrame();

  /**
   * @param stream - which of the seed's random streams to use, so that the directions differ
   * @param heap - offset of PASSAGE_HEAP_BYTES for the frames under way
   */
  constructor(
    from: WireSide,
    to: WireSide,
    memory: Uint8Array,
    impairments: Impairments,
    stream: number,
    heap: number,
  ) {
    this.#from = from;
    this.#to = to;
    this.#memory = memory;
    this.#impairment = new Impairment(impairments, stream, new FrameArena(memory, heap, PASSAGE_HEAP_BYTES));
    this.counters = this.#impairment.counters;
  }

  turn(nowUs: number): number {
    const count = this.#from.receive(RX_DESCRIPTOR_CAPACITY);
    for (let i = 0; i < count; i++) this.#take(this.#from.describe(i), nowUs);
    return count + this.#deliver(nowUs);
  }

  nextDeadlineUs(): number {
    return this.#to.blocked ? Number.POSITIVE_INFINITY : this.#impairment.nextDeadlineUs();
  }

  #take(received: Readonly<ReceivedFrame>, nowUs: number): void {
    const frame = this.#impairment.take(received.length);
    // Within one buffer: a view for each frame would be garbage for each frame.
    if (frame.home === this.#memory) frame.home.copyWithin(frame.at, received.ptr, received.ptr + received.length);
    else copyBytes(frame.bytes, 0, this.#memory, received.ptr, received.length);
    frame.flags = received.flags;
    frame.gsoSize = received.gsoSize;
    frame.gsoType = received.gsoType;
    frame.headerBytes = received.headerBytes;
    frame.csumStart = received.csumStart;
    frame.csumOffset = received.csumOffset;
    if (received.gsoSize === 0 && (received.flags & FRAME_CSUM_PARTIAL) !== 0) finishChecksum(frame);
    this.#impairment.pushOwn(frame, nowUs);
  }

  #deliver(nowUs: number): number {
    let done = 0;
    for (;;) {
      while (this.#to.room > 0) {
        const frame = this.#impairment.pop(nowUs);
        if (frame === null) break;
        this.#to.queueBytes(frame.bytes, this.#describe(frame as PooledFrame));
        this.#impairment.recycle(frame);
      }
      const sent = this.#to.transmit();
      if (sent === 0) return done;
      done += sent;
    }
  }

  /** A wire packet is whole by now; what could not be split leaves as the kernel described it. */
  #describe(frame: PooledFrame): ReceivedFrame {
    const info = this.#info;
    const { length } = frame.bytes;
    info.length = length;
    info.flags = frame.flags;
    info.gsoSize = frame.gsoSize;
    info.gsoType = frame.gsoSize === 0 ? 0 : frame.gsoType;
    info.headerBytes = frame.gsoSize === 0 ? length : frame.headerBytes;
    info.csumStart = frame.csumStart;
    info.csumOffset = frame.csumOffset;
    return info;
  }
}

/** Fills in the checksum that the kernel left to its network card: the field holds the pseudo-header's sum. */
function finishChecksum(frame: PooledFrame): void {
  const { bytes, csumStart, csumOffset } = frame;
  const field = csumStart + csumOffset;
  if (field + 2 > bytes.length) return;
  // UDP says 0 for "none", and a sum of 0 as all ones; TCP takes either (RFC 768, RFC 1624)
  const sum = internetChecksum(bytes, csumStart, bytes.length) || 0xffff;
  bytes[field] = sum >>> 8;
  bytes[field + 1] = sum & 0xff;
  frame.flags &= ~FRAME_CSUM_PARTIAL;
}

// One core and the link that a benchmark plays for it, in steps that can be timed one by one: let the core fill its TX ring and empty
// that, copy what left to the receive slots of another core, hand frames of those slots to the core. No clock and no sockets.
import {
  RING_HEAD,
  RING_SLOTS,
  RING_TAIL,
  RX_DESCRIPTOR_BYTES,
  RX_DESCRIPTOR_CAPACITY,
  RX_DESCRIPTORS,
  RX_FLAGS,
  RX_FRAME_LENGTH,
  RX_FRAME_PTR,
  RX_GSO_SIZE,
  RX_TIME_US,
  TX_CAPACITY,
  TX_DESCRIPTOR_BYTES,
  TX_FLAGS,
  TX_GSO_SIZE,
  TX_HEADER_LENGTH,
  TX_HEADER_PTR,
  TX_PIECE1_LENGTH,
  TX_PIECE1_PTR,
  TX_PIECE2_LENGTH,
  TX_PIECE2_PTR,
  TX_RING_BYTES,
  TX_RINGS,
} from "../../assembly/layout.ts";
import type { SimHost } from "../../src/sim/index.ts";

/** SimHost's one interface. */
const INTERFACE = 1;
const TX_RING = TX_RINGS + INTERFACE * TX_RING_BYTES;
const RX_FIRST = RX_DESCRIPTORS + INTERFACE * RX_DESCRIPTOR_CAPACITY * RX_DESCRIPTOR_BYTES;
/** Puts the IPv4 header on a 16-byte boundary, as a receive ring does. */
const ETHERNET_PAD = 2;
/** Where TX descriptors say where a frame's bytes are. */
const PIECES = [
  [TX_HEADER_PTR, TX_HEADER_LENGTH],
  [TX_PIECE1_PTR, TX_PIECE1_LENGTH],
  [TX_PIECE2_PTR, TX_PIECE2_LENGTH],
] as const;

/** One of the two ends of a benchmark. */
export class Station {
  readonly host: SimHost;
  /** Frames in the receive slots, described by as many RX descriptors. */
  arrived = 0;
  /** Frames that left with the last `send` and were not carried anywhere yet. */
  taken = 0;
  readonly #slots: number;
  readonly #slotBytes: number;

  /** @param slotBytes - of a receive slot; there are RX_DESCRIPTOR_CAPACITY of them */
  constructor(host: SimHost, slotBytes: number) {
    this.host = host;
    this.#slotBytes = slotBytes;
    this.#slots = host.exports.heapAllocate(RX_DESCRIPTOR_CAPACITY * slotBytes);
    if (this.#slots === 0) throw new Error("the heap has no room for the receive slots");
  }

  /** Lets the core send what it has, and takes all of it. @returns how many frames left */
  send(nowUs: number): number {
    const { u32 } = this.host.views;
    this.host.exports.transmit(nowUs);
    const tail = u32[(TX_RING + RING_TAIL) >>> 2]!;
    this.taken = (tail - u32[(TX_RING + RING_HEAD) >>> 2]!) >>> 0;
    u32[(TX_RING + RING_HEAD) >>> 2] = tail;
    this.host.exports.transmitted(INTERFACE);
    return this.taken;
  }

  /** Copies the frames that left to the receive slots of the other end, where they arrive at `arrivalUs`. */
  carryTo(other: Station, arrivalUs: number): void {
    const tail = this.host.views.u32[(TX_RING + RING_TAIL) >>> 2]!;
    for (let i = 0; i < this.taken; i++) {
      // The slots are the core's again, but it has not used them yet
      const slot = (tail - this.taken + i) & (TX_CAPACITY - 1);
      other.#accept(i, this, TX_RING + RING_SLOTS + slot * TX_DESCRIPTOR_BYTES, arrivalUs);
    }
    other.arrived = this.taken;
    this.taken = 0;
  }

  /** Hands all frames that arrived to the core. */
  receiveAll(nowUs: number): void {
    if (this.arrived > 0) this.host.exports.receive(INTERFACE, this.arrived, nowUs);
    this.arrived = 0;
  }

  /**
   * Hands `count` frames to the core from slot `first` on, `batch` at a time. They are all alike (see `expectAlike`), so that
   * of the descriptors only the pointers have to be written.
   */
  receiveAlike(first: number, count: number, batch: number, nowUs: number): void {
    const { u32 } = this.host.views;
    const { receive } = this.host.exports;
    const slotBytes = this.#slotBytes;
    let frame = this.#slots + first * slotBytes + ETHERNET_PAD;
    for (let done = 0; done < count; done += batch) {
      for (let i = 0; i < batch; i++) {
        u32[(RX_FIRST + i * RX_DESCRIPTOR_BYTES + RX_FRAME_PTR) >>> 2] = frame;
        frame += slotBytes;
      }
      receive(INTERFACE, batch, nowUs);
    }
  }

  /** @throws Error unless exactly `count` frames arrived, and all with the same length, flags and segment size */
  expectAlike(count: number): void {
    const { u16, u32 } = this.host.views;
    if (this.arrived !== count) throw new Error(`${this.arrived} frames arrived where ${count} were to`);
    for (let i = 1; i < count; i++) {
      const at = RX_FIRST + i * RX_DESCRIPTOR_BYTES;
      const isAlike =
        u32[(at + RX_FRAME_LENGTH) >>> 2] === u32[(RX_FIRST + RX_FRAME_LENGTH) >>> 2] &&
        u16[(at + RX_FLAGS) >>> 1] === u16[(RX_FIRST + RX_FLAGS) >>> 1] &&
        u16[(at + RX_GSO_SIZE) >>> 1] === u16[(RX_FIRST + RX_GSO_SIZE) >>> 1];
      if (!isAlike) throw new Error(`frame ${i} is not like the first`);
    }
  }

  #accept(index: number, from: Station, descriptor: number, arrivalUs: number): void {
    const { u8, u16, u32, f64 } = this.host.views;
    const source = from.host.views;
    const frame = this.#slots + index * this.#slotBytes + ETHERNET_PAD;
    let length = 0;
    for (const [ptrField, lengthField] of PIECES) {
      const ptr = source.u32[(descriptor + ptrField) >>> 2]!;
      const bytes = source.u32[(descriptor + lengthField) >>> 2]!;
      if (ETHERNET_PAD + length + bytes > this.#slotBytes) throw new Error("the frame is longer than a receive slot");
      u8.set(source.u8.subarray(ptr, ptr + bytes), frame + length);
      length += bytes;
    }
    const at = RX_FIRST + index * RX_DESCRIPTOR_BYTES;
    u32[(at + RX_FRAME_PTR) >>> 2] = frame;
    u32[(at + RX_FRAME_LENGTH) >>> 2] = length;
    u16[(at + RX_FLAGS) >>> 1] = source.u16[(descriptor + TX_FLAGS) >>> 1]!;
    u16[(at + RX_GSO_SIZE) >>> 1] = source.u16[(descriptor + TX_GSO_SIZE) >>> 1]!;
    f64[(at + RX_TIME_US) >>> 3] = arrivalUs;
  }
}

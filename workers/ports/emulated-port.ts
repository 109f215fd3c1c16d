// Impairs what leaves through another port: frames go from the core's TX ring through an Impairment, and when they are due through a
// TX ring of our own to the inner port. What comes in passes untouched.
import {
  RING_SLOTS,
  TX_CAPACITY,
  TX_CSUM_OFFSET,
  TX_CSUM_START,
  TX_FLAGS,
  TX_GSO_SIZE,
  TX_HEADER_LENGTH,
  TX_HEADER_PTR,
  TX_PIECE1_LENGTH,
  TX_PIECE2_LENGTH,
  TX_RING_BYTES,
} from "../../assembly/layout.ts";
import type { Frame } from "../../src/links/frame.ts";
import { FramePool } from "../../src/links/frame-pool.ts";
import { Impairment } from "../../src/links/impairment.ts";
import type { ResolvedImpairments } from "../../src/links/impairment-options.ts";
import { ETHERNET_HEADER_BYTES, TCP_CHECKSUM } from "../../src/links/ipv4-frame.ts";
import type { EmulatedLink } from "../../src/links/link.ts";
import { countLinkErrors } from "../link-counter.ts";
import type { Port, PortPlace } from "../port.ts";
import { TxRing } from "../tx-ring.ts";

const POOL_BYTES = 4 * 1024 * 1024;

/** The port of an emulated link. */
export class EmulatedPort implements Port {
  readonly #inner: Port;
  readonly #views: PortPlace["views"];
  readonly #interfaceRecord: number;
  readonly #outer: TxRing;
  readonly #due: TxRing;
  readonly #slots: number;
  readonly #slotBytes: number;
  readonly #impairment: Impairment;
  readonly #pool = new FramePool(POOL_BYTES);

  /**
   * @param open - opens the inner port on another TX ring
   * @param stream - which of the seed's random streams to use, so that interfaces differ
   */
  constructor(link: EmulatedLink, place: PortPlace, stream: number, open: (place: PortPlace) => Port) {
    this.#views = place.views;
    this.#interfaceRecord = place.interfaceRecord;
    this.#outer = new TxRing(place.views, place.txRing);
    this.#slotBytes = (place.mtu + ETHERNET_HEADER_BYTES + 63) & -64;
    const ring = place.allocate(TX_RING_BYTES);
    place.views.u8.fill(0, ring, ring + RING_SLOTS);
    this.#slots = place.allocate(TX_CAPACITY * this.#slotBytes);
    this.#due = new TxRing(place.views, ring);
    this.#impairment = new Impairment(optionsOf(link.impairments), stream);
    this.#inner = open({ ...place, txRing: ring });
  }

  get gsoMax(): number {
    return this.#inner.gsoMax;
  }

  get checksumOffload(): boolean {
    return this.#inner.checksumOffload;
  }

  get rxSlots(): number {
    return this.#inner.rxSlots;
  }

  get blocked(): boolean {
    return this.#inner.blocked;
  }

  receive(nowUs: number): number {
    return this.#inner.receive(nowUs);
  }

  transmit(nowUs: number): number {
    const outer = this.#outer;
    this.#deliver(nowUs);
    // A link that takes no more holds the core back, as it would without us in between.
    if (this.#inner.blocked) return 0;
    const first = outer.head;
    const tail = outer.tail;
    for (let index = first; index !== tail; index = (index + 1) >>> 0) this.#impair(outer.slot(index), nowUs);
    outer.head = tail;
    this.#deliver(nowUs);
    return (tail - first) >>> 0;
  }

  nextDeadlineUs(nowUs: number): number {
    // While the inner link is blocked it wakes the loop when it can go on; what is due waits for that.
    const due = this.blocked ? Number.POSITIVE_INFINITY : this.#impairment.nextDeadlineUs();
    return Math.min(due, this.#inner.nextDeadlineUs(nowUs));
  }

  beforeSleep(): void {
    this.#inner.beforeSleep();
  }

  peerAttached(memory: SharedArrayBuffer): void {
    this.#inner.peerAttached(memory);
  }

  close(): void {
    this.#inner.close();
  }

  #impair(slot: number, nowUs: number): void {
    const frame = this.#pool.take(this.#outer.length(slot));
    this.#outer.gather(slot, frame.bytes, 0);
    frame.flags = this.#outer.flags(slot);
    frame.gsoSize = this.#outer.gsoSize(slot);
    this.#impairment.push(frame, nowUs);
    this.#pool.give(frame);
  }

  /** Moves what is due to the inner port, until it takes no more. */
  #deliver(nowUs: number): void {
    for (;;) {
      this.#fillDue(nowUs);
      if (this.#due.head === this.#due.tail || this.#inner.transmit(nowUs) === 0) return;
    }
  }

  #fillDue(nowUs: number): void {
    const due = this.#due;
    let tail = due.tail;
    while ((tail - due.head) >>> 0 < TX_CAPACITY) {
      const frame = this.#impairment.pop(nowUs);
      if (frame === null) break;
      if (frame.bytes.length <= this.#slotBytes) {
        this.#describe(tail, frame);
        tail = (tail + 1) >>> 0;
      } else {
        // Longer than the MTU and not to be split: no link would carry it.
        countLinkErrors(this.#views, this.#interfaceRecord, 1);
      }
      this.#impairment.recycle(frame);
    }
    due.tail = tail;
  }

  #describe(index: number, frame: Frame): void {
    const { u8, u16, u32 } = this.#views;
    const slot = this.#due.slot(index);
    const at = this.#slots + (index & (TX_CAPACITY - 1)) * this.#slotBytes;
    u8.set(frame.bytes, at);
    u32[(slot + TX_HEADER_PTR) >>> 2] = at;
    u32[(slot + TX_HEADER_LENGTH) >>> 2] = frame.bytes.length;
    u32[(slot + TX_PIECE1_LENGTH) >>> 2] = 0;
    u32[(slot + TX_PIECE2_LENGTH) >>> 2] = 0;
    u16[(slot + TX_FLAGS) >>> 1] = frame.flags;
    u16[(slot + TX_GSO_SIZE) >>> 1] = frame.gsoSize;
    // Only TCP over IPv4 leaves the core with a partial checksum (FRAME_CSUM_PARTIAL).
    u16[(slot + TX_CSUM_START) >>> 1] = ETHERNET_HEADER_BYTES + (frame.bytes[ETHERNET_HEADER_BYTES]! & 15) * 4;
    u16[(slot + TX_CSUM_OFFSET) >>> 1] = TCP_CHECKSUM;
  }
}

/** Resolved options as options: without a rate there is no queue to speak of. */
function optionsOf(resolved: ResolvedImpairments): ConstructorParameters<typeof Impairment>[0] {
  const { rateBps, queueBytes, ecnBytes, ...rest } = resolved;
  if (rateBps === Number.POSITIVE_INFINITY) return rest;
  return { ...rest, rateBps, queueBytes, ...(ecnBytes === Number.POSITIVE_INFINITY ? {} : { ecnBytes }) };
}

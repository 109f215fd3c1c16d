// Impairs what leaves through another port: frames go from the core's TX ring through an Impairment, and when they are due through a
// TX ring of our own to the inner port. What comes in passes untouched.
import { RING_SLOTS, TX_CAPACITY, TX_RING_BYTES } from "../../assembly/layout.ts";
import type { Frame } from "../../src/links/frame.ts";
import { FramePool } from "../../src/links/frame-pool.ts";
import { Impairment } from "../../src/links/impairment.ts";
import type { ResolvedImpairments } from "../../src/links/impairment-options.ts";
import { ETHERNET_HEADER_BYTES, TCP_CHECKSUM } from "../../src/links/ip-frame.ts";
import type { EmulatedLink } from "../../src/links/link.ts";
import { countLinkErrors } from "../link-counter.ts";
import type { LinkStatus, Port, PortPlace } from "../port.ts";
import { TxRing } from "../tx-ring.ts";
import { OuterPort } from "./outer-port.ts";

const POOL_BYTES = 4 * 1024 * 1024;

/** The port of an emulated link. */
export class EmulatedPort extends OuterPort {
  readonly #views: PortPlace["views"];
  readonly #interfaceRecord: number;
  readonly #outer: TxRing;
  readonly #due: TxRing;
  readonly #place: PortPlace;
  #slots: number;
  #slotBytes: number;
  readonly #impairment: Impairment;
  readonly #pool = new FramePool(POOL_BYTES);
  readonly #info = {
    length: 0,
    headerBytes: 0,
    flags: 0,
    gsoSize: 0,
    gsoType: 0,
    csumStart: 0,
    csumOffset: TCP_CHECKSUM,
  };

  /** @param open - opens the inner port on another TX ring */
  constructor(link: EmulatedLink, place: PortPlace, open: (place: PortPlace) => Port) {
    const slotBytes = slotBytesOf(place.mtu);
    const ring = place.allocate(TX_RING_BYTES);
    const slots = place.allocate(TX_CAPACITY * slotBytes);
    place.views.u8.fill(0, ring, ring + RING_SLOTS);
    const onLink = (status: LinkStatus): void => {
      this.#fit(status.mtu);
      place.onLink(status);
    };
    super(open({ ...place, txRing: ring, onLink }));
    this.#place = place;
    this.#views = place.views;
    this.#interfaceRecord = place.interfaceRecord;
    this.#outer = new TxRing(place.views, place.txRing);
    this.#due = new TxRing(place.views, ring);
    this.#slots = slots;
    this.#slotBytes = slotBytes;
    // Interfaces with the same seed draw differently.
    this.#impairment = new Impairment(optionsOf(link.impairments), place.index);
  }

  override transmit(nowUs: number): number {
    const outer = this.#outer;
    this.#deliver(nowUs);
    // A link that takes no more holds the core back, as it would without us in between.
    if (this.inner.blocked) return 0;
    const first = outer.head;
    const tail = outer.tail;
    for (let index = first; index !== tail; index = (index + 1) >>> 0) this.#impair(outer.slot(index), nowUs);
    outer.head = tail;
    this.#deliver(nowUs);
    return (tail - first) >>> 0;
  }

  override nextDeadlineUs(nowUs: number): number {
    // While the inner link is blocked it wakes the loop when it can go on; what is due waits for that.
    const due = this.blocked ? Number.POSITIVE_INFINITY : this.#impairment.nextDeadlineUs();
    return Math.min(due, this.inner.nextDeadlineUs(nowUs));
  }

  /** What it still holds is lost, as what its link has not taken. */
  override close(): void {
    super.close();
    const held = this.#impairment.queuedPackets + ((this.#due.tail - this.#due.head) >>> 0);
    if (held > 0) countLinkErrors(this.#views, this.#interfaceRecord, held);
  }

  /** Makes room for longer frames. The old slots stay with the link: frames may lie in them. */
  #fit(mtu: number): void {
    if (slotBytesOf(mtu) <= this.#slotBytes) return;
    // Blocks of the heap have sizes like that, so growing leaves few behind.
    const slotBytes = 2 ** Math.ceil(Math.log2(slotBytesOf(mtu)));
    try {
      this.#slots = this.#place.allocate(TX_CAPACITY * slotBytes);
      this.#slotBytes = slotBytes;
    } catch {
      // No memory for it: frames that do not fit are counted as the link's errors.
    }
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
      if (this.#due.head === this.#due.tail || this.inner.transmit(nowUs) === 0) return;
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
    const at = this.#slots + (index & (TX_CAPACITY - 1)) * this.#slotBytes;
    this.#views.u8.set(frame.bytes, at);
    const info = this.#info;
    info.length = frame.bytes.length;
    info.headerBytes = frame.bytes.length;
    info.flags = frame.flags;
    info.gsoSize = frame.gsoSize;
    // Only TCP over IPv4 leaves the core with a partial checksum (FRAME_CSUM_PARTIAL).
    info.csumStart = ETHERNET_HEADER_BYTES + (frame.bytes[ETHERNET_HEADER_BYTES]! & 15) * 4;
    this.#due.fill(index, at, info);
  }
}

function slotBytesOf(mtu: number): number {
  return (mtu + ETHERNET_HEADER_BYTES + 63) & -64;
}

/** Resolved options as options: without a rate there is no queue to speak of. */
function optionsOf(resolved: ResolvedImpairments): ConstructorParameters<typeof Impairment>[0] {
  const { rateBps, queueBytes, ecnBytes, ...rest } = resolved;
  if (rateBps === Number.POSITIVE_INFINITY) return rest;
  return { ...rest, rateBps, queueBytes, ...(ecnBytes === Number.POSITIVE_INFINITY ? {} : { ecnBytes }) };
}

// One end of a cable in memory (src/links/memory-link.ts). Frames are copied into the cable's ring and out of it; a full ring holds
// the sender back until the peer has made room and rings.
import { RX_DESCRIPTOR_CAPACITY } from "../../assembly/layout.ts";
import { copyBytes } from "../../src/copy-bytes.ts";
import type { Bell } from "../../src/doorbell.ts";
import type { MemoryLink } from "../../src/links/link.ts";
import { CableEnd } from "../../src/links/memory-link.ts";
import { bellOf } from "../../src/local-bells.ts";
import { countLinkErrors } from "../link-counter.ts";
import type { LinkStatus, Port, PortPlace } from "../port.ts";
import { describeCopy } from "../rx-descriptor.ts";
import { TxRing } from "../tx-ring.ts";

/** Bytes of frames described at once: small enough to stay in the processor's cache, and a frame fits. */
const REGION_BYTES = 1024 * 1024;
/** The longest IP packet: super-segments cross the cable whole. */
const GSO_MAX = 65535;
/** A full ring holds the sender back, so this only has to be more than windows are. */
const RX_SLOTS = 65535;
/** How often to look for frames of a peer whose doorbell we do not know (yet). */
const UNINTRODUCED_PEER_US = 1000;

/** The port of a memory link. */
export class MemoryPort implements Port {
  readonly checksumOffload = true;
  readonly rxSlots = RX_SLOTS;
  readonly link: LinkStatus;
  blocked = false;
  readonly #place: PortPlace;
  readonly #cable: CableEnd;
  readonly #tx: TxRing;
  readonly #region: number;
  #peer: Bell | undefined;
  #isUp: boolean;

  /** @throws Error with code EBUSY (the end is taken) or ENOMEM */
  constructor(link: MemoryLink, place: PortPlace) {
    this.#place = place;
    this.#cable = new CableEnd(link);
    this.#tx = new TxRing(place.views, place.txRing);
    try {
      this.#region = place.allocate(REGION_BYTES);
    } catch (error) {
      this.#cable.unplug();
      throw error;
    }
    this.#isUp = this.#cable.hasPeer;
    this.link = this.#status();
  }

  receive(nowUs: number): number {
    const { consumer } = this.#cable;
    const { views } = this.#place;
    let count = 0;
    let used = 0;
    for (let at = consumer.peek(); at >= 0 && count < RX_DESCRIPTOR_CAPACITY; at = consumer.peek()) {
      if (used + consumer.length > REGION_BYTES) break;
      copyBytes(views.u8, this.#region + used, consumer.bytes, at, consumer.length);
      describeCopy(this.#place, count++, this.#region + used, consumer, nowUs);
      used = (used + consumer.length + 63) & -64;
      consumer.advance();
    }
    if (count > 0 && consumer.release()) this.#peer?.ring();
    if (this.#cable.hasPeer !== this.#isUp && (!this.#isUp || count === 0)) this.#changed();
    return count;
  }

  transmit(): number {
    const tx = this.#tx;
    const tail = tx.tail;
    const first = tx.head;
    this.blocked = false;
    if (first === tail) return 0;
    const end = this.#cable.hasPeer ? this.#send(first, tail) : this.#lose(first, tail);
    tx.head = end;
    return (end - first) >>> 0;
  }

  nextDeadlineUs(nowUs: number): number {
    const uncertain = this.#peer === undefined && this.#cable.hasPeer;
    return uncertain ? nowUs + UNINTRODUCED_PEER_US : Number.POSITIVE_INFINITY;
  }

  beforeSleep(): void {}

  peerAttached(memory: SharedArrayBuffer): void {
    this.#peer = bellOf(memory);
    if (this.#cable.hasPeer && !this.#isUp) this.#changed();
    // It may wait for what we have not told it.
    this.#peer.ring();
  }

  close(): void {
    this.#cable.unplug();
    // A peer that waits for room shall see that nobody is here.
    this.#peer?.ring();
  }

  #send(first: number, tail: number): number {
    const { producer } = this.#cable;
    const tx = this.#tx;
    let index = first;
    for (; index !== tail; index = (index + 1) >>> 0) {
      const slot = tx.slot(index);
      const length = tx.length(slot);
      const at = producer.reserve(length);
      if (at < 0) {
        this.blocked = true;
        break;
      }
      tx.gather(slot, producer.bytes, at);
      producer.commit(length, tx.flags(slot), tx.gsoSize(slot));
    }
    if (index !== first) {
      producer.publish();
      this.#peer?.ring();
    }
    return index;
  }

  /** Somebody was plugged in at the other end, or out: all that he had sent has been taken. */
  #changed(): void {
    this.#isUp = !this.#isUp;
    this.#place.onLink(this.#status());
  }

  #status(): LinkStatus {
    return { state: this.#isUp ? "up" : "down", mtu: this.#place.mtu, gsoMax: GSO_MAX };
  }

  /** Nobody is plugged in at the other end. */
  #lose(first: number, tail: number): number {
    countLinkErrors(this.#place.views, this.#place.interfaceRecord, (tail - first) >>> 0);
    return tail;
  }
}

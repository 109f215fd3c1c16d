// What a capture says of its packets: changes of TCP states and events of the interface, read in the core's event ring as they are written.
// A change goes to the received frame that caused it (EVENT_FRAME); one that no frame caused, to the next packet the connection sends; an
// event of the interface, to its next packet. The core fills the ring in our thread, so what it has not published yet can be read as well.
import {
  EVENT_BYTES,
  EVENT_CAPACITY,
  EVENT_FRAME,
  EVENT_INTERFACE,
  EVENT_KIND,
  EVENT_LOCAL_ADDRESS,
  EVENT_PORTS,
  EVENT_REMOTE_ADDRESS,
  EVENT_RING,
  EVENT_STATE,
  EVENT_VALUE,
  RING_AHEAD,
  RING_SLOTS,
  RING_TAIL,
} from "../../assembly/layout.ts";
import { formatIpv4, readAddress } from "../../src/address.ts";
import { interfaceEventText, stateChangeText } from "../../src/event-text.ts";
import { readInterfaceEvent } from "../../src/interface-event.ts";
import { locatePacket, PacketPlace, PROTOCOL_TCP, read32 } from "../../src/links/ip-frame.ts";
import type { SharedViews } from "../../src/memory.ts";

/** Connections whose next packet is waited for; then the oldest is forgotten. */
const WAITING_MAX = 1024;

const IPV4_SOURCE = 12;
const IPV4_DESTINATION = 16;

/** The comments of one interface. */
export class CaptureComments {
  readonly #views: SharedViews;
  readonly #index: number;
  readonly #name: string;
  /** By number of the frame in the last batch, from 1. */
  readonly #ofFrame = new Map<number, string>();
  /** By connection: for the next packet it sends. */
  readonly #ofConnection = new Map<string, string>();
  readonly #place = new PacketPlace();
  #ofInterface: string | undefined;
  #next: number;

  /** @param index, name - of the interface */
  constructor(views: SharedViews, index: number, name: string) {
    this.#views = views;
    this.#index = index;
    this.#name = name;
    this.#next = this.#end;
  }

  /** Reads the events since the last time. */
  collect(): void {
    const end = this.#end;
    if ((end - this.#next) >>> 0 > EVENT_CAPACITY) this.#next = (end - EVENT_CAPACITY) >>> 0;
    for (; this.#next !== end; this.#next = (this.#next + 1) >>> 0) {
      this.#read(EVENT_RING + RING_SLOTS + (this.#next & (EVENT_CAPACITY - 1)) * EVENT_BYTES);
    }
  }

  /** The comment of a received frame of the batch that the core has just worked off, from 0. */
  received(index: number): string | undefined {
    const own = this.#ofFrame.get(index + 1);
    if (own !== undefined) this.#ofFrame.delete(index + 1);
    return this.#withInterface(own);
  }

  /** No frame of this batch is asked for any more. */
  endBatch(): void {
    this.#ofFrame.clear();
  }

  /** The comment of a frame that leaves. */
  sent(bytes: Uint8Array): string | undefined {
    if (this.#ofConnection.size === 0) return this.#withInterface(undefined);
    const place = this.#place;
    if (!locatePacket(bytes, 0, bytes.length, place) || place.protocol !== PROTOCOL_TCP || place.version !== 4)
      return this.#withInterface(undefined);
    if (place.end - place.transport < 4) return this.#withInterface(undefined);
    const ports = read32(bytes, place.transport);
    const key = keyOf(read32(bytes, place.ip + IPV4_SOURCE), read32(bytes, place.ip + IPV4_DESTINATION), ports);
    const own = this.#ofConnection.get(key);
    if (own !== undefined) this.#ofConnection.delete(key);
    return this.#withInterface(own);
  }

  get #end(): number {
    const { u32 } = this.#views;
    return (u32[(EVENT_RING + RING_TAIL) >>> 2]! + u32[(EVENT_RING + RING_AHEAD) >>> 2]!) >>> 0;
  }

  #withInterface(own: string | undefined): string | undefined {
    const both = own === undefined ? this.#ofInterface : joined(this.#ofInterface, own);
    this.#ofInterface = undefined;
    return both;
  }

  #read(slot: number): void {
    const { u8, u32 } = this.#views;
    const kind = u32[(slot + EVENT_KIND) >>> 2];
    const value = u32[(slot + EVENT_VALUE) >>> 2]!;
    if (kind === EVENT_INTERFACE && value === this.#index) {
      const text = interfaceEventText(this.#name, readInterfaceEvent(this.#views, slot));
      this.#ofInterface = joined(this.#ofInterface, text);
    }
    if (kind !== EVENT_STATE) return;
    const ports = u32[(slot + EVENT_PORTS) >>> 2]!;
    // A listener's own changes are no packet's business.
    if ((ports & 0xffff) === 0) return;
    const local = readAddress(u8, slot + EVENT_LOCAL_ADDRESS);
    const text = `${formatIpv4(local)}:${ports >>> 16} ${stateChangeText(value)}`;
    const frame = u32[(slot + EVENT_FRAME) >>> 2]!;
    if (frame === 0) this.#wait(keyOf(local, readAddress(u8, slot + EVENT_REMOTE_ADDRESS), ports), text);
    else if (frame >>> 16 === this.#index)
      this.#ofFrame.set(frame & 0xffff, joined(this.#ofFrame.get(frame & 0xffff), text));
  }

  #wait(key: string, text: string): void {
    const before = this.#ofConnection.get(key);
    if (before === undefined && this.#ofConnection.size === WAITING_MAX) {
      for (const oldest of this.#ofConnection.keys()) {
        this.#ofConnection.delete(oldest);
        break;
      }
    }
    this.#ofConnection.set(key, joined(before, text));
  }
}

function keyOf(local: number, remote: number, ports: number): string {
  return `${local} ${remote} ${ports}`;
}

function joined(first: string | undefined, second: string): string {
  return first === undefined ? second : `${first}\n${second}`;
}

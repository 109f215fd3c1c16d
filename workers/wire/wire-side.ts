// One end of a wire: a packet socket that sees every frame of its interface, and the slots from which frames leave. Knows neither the
// other end nor what happens on the way.
import {
  FRAME_CSUM_PARTIAL,
  FRAME_MAX_BYTES,
  INTERFACE_BYTES,
  INTERFACE_LINK_NEWS,
  INTERFACES,
  RX_CSUM_OFFSET,
  RX_CSUM_START,
  RX_DESCRIPTOR_BYTES,
  RX_DESCRIPTOR_CAPACITY,
  RX_DESCRIPTORS,
  RX_FLAGS,
  RX_FRAME_LENGTH,
  RX_FRAME_PTR,
  RX_GSO_SIZE,
  RX_GSO_TYPE,
  RX_HEADER_BYTES,
  TX_CAPACITY,
  TX_RING_BYTES,
  TX_RINGS,
} from "../../assembly/layout.ts";
import { FRAME_OFFSET } from "../../src/links/frame-arena.ts";
import { ETHERNET_HEADER_BYTES } from "../../src/links/ip-frame.ts";
import type { SharedViews } from "../../src/memory.ts";
import { loadAddon, type PacketSocket } from "../../src/native.ts";
import { TxRing, type WholeFrame } from "../tx-ring.ts";

/** Bytes for received frames; the kernel pins as much, or less when it is short of memory. */
const RING_BYTES = 64 * 1024 * 1024;
/** A slot for each frame that waits to leave. */
const SLOT_BYTES = (FRAME_MAX_BYTES + 4 + FRAME_OFFSET + 63) & -64; // 4: a VLAN tag
/** Bytes of the heap that one end takes. */
export const SIDE_BYTES = RING_BYTES + TX_CAPACITY * SLOT_BYTES;

/** A received frame as the kernel described it, read into one object that is used again and again. */
export interface ReceivedFrame extends WholeFrame {
  ptr: number;
}

/** A frame to be filled in. */
export function noFrame(): ReceivedFrame {
  return { ptr: 0, length: 0, flags: 0, gsoSize: 0, gsoType: 0, headerBytes: 0, csumStart: 0, csumOffset: 0 };
}

/** One end of a wire. */
export class WireSide {
  readonly name: string;
  readonly socket: PacketSocket;
  readonly #views: SharedViews;
  readonly #descriptors: number;
  readonly #ring: TxRing;
  readonly #slots: number;
  readonly #frame = noFrame();
  /** Index of the word that says that there is news of the link. */
  readonly #news: number;
  #isInDoubt = false;

  /**
   * @param index - 0 or 1
   * @param heap - SIDE_BYTES of the memory, aligned to pages
   * @throws AddonError; Error with code, errno and syscall: EPERM without CAP_NET_RAW, ENODEV, ENOMEM, ...
   */
  constructor(views: SharedViews, index: number, name: string, heap: number) {
    this.name = name;
    this.#views = views;
    this.#descriptors = RX_DESCRIPTORS + index * RX_DESCRIPTOR_CAPACITY * RX_DESCRIPTOR_BYTES;
    this.#ring = new TxRing(views, TX_RINGS + index * TX_RING_BYTES);
    this.#slots = heap + RING_BYTES + FRAME_OFFSET;
    const interfacePtr = INTERFACES + index * INTERFACE_BYTES;
    this.#news = (interfacePtr + INTERFACE_LINK_NEWS) >>> 2;
    this.socket = new (loadAddon().PacketSocket)(views.u8, {
      interface: name,
      ringPtr: heap,
      ringBytes: RING_BYTES,
      rxDescriptorsPtr: this.#descriptors,
      txRingPtr: TX_RINGS + index * TX_RING_BYTES,
      interfacePtr,
      macHigh16: 0,
      macLow32: 0,
      everyFrame: true,
    });
  }

  /** Frames that can be queued now. */
  get room(): number {
    return TX_CAPACITY - ((this.#ring.tail - this.#ring.head) >>> 0);
  }

  /** Takes at most `maxFrames` frames in; they stay valid until the next call or the next sleep. @returns how many */
  receive(maxFrames: number): number {
    // 0: nobody asks when they came
    const count = this.socket.receive(maxFrames, 0);
    if (count === 0) this.#checkLink();
    return count;
  }

  /** What the kernel says of a frame of the last `receive`. Valid until the next call. */
  describe(index: number): Readonly<ReceivedFrame> {
    const { u16, u32 } = this.#views;
    const at = this.#descriptors + index * RX_DESCRIPTOR_BYTES;
    const frame = this.#frame;
    frame.ptr = u32[(at + RX_FRAME_PTR) >>> 2]!;
    frame.length = u32[(at + RX_FRAME_LENGTH) >>> 2]!;
    frame.flags = u16[(at + RX_FLAGS) >>> 1]! & FRAME_CSUM_PARTIAL;
    frame.gsoSize = u16[(at + RX_GSO_SIZE) >>> 1]!;
    frame.gsoType = u16[(at + RX_GSO_TYPE) >>> 1]!;
    // The headers of a super-segment go first and alone: the kernel keeps as much in one piece, and no more than it must.
    const header =
      frame.gsoSize === 0 ? frame.length : Math.max(u16[(at + RX_HEADER_BYTES) >>> 1]!, ETHERNET_HEADER_BYTES);
    frame.headerBytes = Math.min(header, frame.length);
    frame.csumStart = u16[(at + RX_CSUM_START) >>> 1]!;
    frame.csumOffset = u16[(at + RX_CSUM_OFFSET) >>> 1]!;
    return frame;
  }

  /** Queues a frame that lies in the memory; it is copied. There must be room. */
  queueCopy(frame: Readonly<ReceivedFrame>): void {
    const to = this.#slotOf(this.#ring.tail);
    this.#views.u8.copyWithin(to, frame.ptr, frame.ptr + frame.length);
    this.#queue(frame);
  }

  /** Queues a frame from anywhere else. There must be room. */
  queueBytes(bytes: Uint8Array, info: Readonly<WholeFrame>): void {
    this.#views.u8.set(bytes, this.#slotOf(this.#ring.tail));
    this.#queue(info);
  }

  /** Sends what is queued, as far as the kernel takes it. @returns frames that left */
  transmit(): number {
    return this.#ring.head === this.#ring.tail ? 0 : this.socket.transmit();
  }

  /** Whether frames wait because the kernel took no more. */
  get blocked(): boolean {
    return this.#ring.head !== this.#ring.tail && this.socket.blocked;
  }

  close(): void {
    this.socket.close();
  }

  #slotOf(index: number): number {
    return this.#slots + (index & (TX_CAPACITY - 1)) * SLOT_BYTES;
  }

  #queue(frame: Readonly<WholeFrame>): void {
    const index = this.#ring.tail;
    this.#ring.fill(index, this.#slotOf(index), frame);
    this.#ring.tail = (index + 1) >>> 0;
  }

  /** An interface that is down comes back, maybe under another name; one that is gone does not. */
  #checkLink(): void {
    // The kernel says that it is down before it says that it is gone
    if (this.socket.takeError() !== 0) this.#isInDoubt = true;
    if (!this.#isInDoubt && this.#views.u32[this.#news] === 0) return;
    const link = this.socket.takeLink();
    if (link === null) return;
    if (link.gone) throw Object.assign(new Error(`The interface ${this.name} is gone`), { code: "ENODEV" });
    this.#isInDoubt = !link.up;
  }
}

// One end of a test link: a shared memory with a TX ring, RX descriptors and a receive region, and a PacketSocket over it.
import * as layout from "../../../assembly/layout.ts";
import type { PacketSocket } from "../../../src/native.ts";
import { loadAddon } from "../../../src/native.ts";

const INTERFACE = 1;
const PAYLOAD_PTR = 32 << 20; // where send() puts headers and pieces
const RING_PTR = 64 << 20;
export const TX_RING_PTR = layout.TX_RINGS + INTERFACE * layout.TX_RING_BYTES;
export const RX_DESCRIPTORS_PTR =
  layout.RX_DESCRIPTORS + INTERFACE * layout.RX_DESCRIPTOR_CAPACITY * layout.RX_DESCRIPTOR_BYTES;
const INTERFACE_PTR = layout.INTERFACES + INTERFACE * layout.INTERFACE_BYTES;

export interface EndOptions {
  interface: string;
  /** Last byte of the MAC address 02:77:00:00:00:xx. */
  mac: number;
  ringBytes?: number;
  slotBytes?: number;
  overflowBytes?: number;
  firstRingBytes?: number;
  inPlace?: boolean;
  sendBufferBytes?: number;
}

/** A received frame; `bytes` is a copy. */
export interface Received {
  ptr: number;
  bytes: Uint8Array;
  flags: number;
  gsoSize: number;
  timeUs: number;
}

export interface Outgoing {
  header: Uint8Array;
  piece1?: Uint8Array;
  piece2?: Uint8Array;
  flags?: number;
  gsoSize?: number;
  csumStart?: number;
}

/** The address 02:77:00:00:00:xx. */
export function macAddress(last: number): Uint8Array {
  return Uint8Array.of(0x02, 0x77, 0, 0, 0, last);
}

export class End {
  readonly memory: WebAssembly.Memory;
  readonly u8: Uint8Array;
  readonly view: DataView;
  readonly socket: PacketSocket;
  readonly ringPtr = RING_PTR;
  readonly ringBytes: number;
  #used = 0;

  constructor(options: EndOptions) {
    this.ringBytes = options.ringBytes ?? 2 << 20;
    const pages = (RING_PTR + this.ringBytes) / layout.WASM_PAGE;
    this.memory = new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true });
    this.u8 = new Uint8Array(this.memory.buffer);
    this.view = new DataView(this.memory.buffer);
    this.socket = new (loadAddon().PacketSocket)(this.u8, this.socketOptions(options));
  }

  socketOptions(options: EndOptions) {
    return {
      interface: options.interface,
      ringPtr: RING_PTR,
      ringBytes: this.ringBytes,
      rxDescriptorsPtr: RX_DESCRIPTORS_PTR,
      txRingPtr: TX_RING_PTR,
      interfacePtr: INTERFACE_PTR,
      macHigh16: 0x0277,
      macLow32: options.mac,
      ...(options.slotBytes === undefined ? {} : { slotBytes: options.slotBytes }),
      ...(options.overflowBytes === undefined ? {} : { overflowBytes: options.overflowBytes }),
      ...(options.firstRingBytes === undefined ? {} : { firstRingBytes: options.firstRingBytes }),
      inPlace: options.inPlace ?? true,
      sendBufferBytes: options.sendBufferBytes ?? 4 << 20,
    };
  }

  /** Copies bytes into the memory and returns their address. */
  put(bytes: Uint8Array): number {
    if (PAYLOAD_PTR + this.#used + bytes.length > RING_PTR) this.#used = 0;
    const ptr = PAYLOAD_PTR + this.#used;
    this.u8.set(bytes, ptr);
    this.#used += bytes.length;
    return ptr;
  }

  get txHead(): number {
    return this.view.getUint32(TX_RING_PTR + layout.RING_HEAD, true);
  }

  get txTail(): number {
    return this.view.getUint32(TX_RING_PTR + layout.RING_TAIL, true);
  }

  set txTail(value: number) {
    this.view.setUint32(TX_RING_PTR + layout.RING_TAIL, value, true);
  }

  /** Appends a descriptor to the TX ring and returns its address. */
  queue(frame: Outgoing): number {
    const slot = this.txTail & (layout.TX_CAPACITY - 1);
    const at = TX_RING_PTR + layout.RING_SLOTS + slot * layout.TX_DESCRIPTOR_BYTES;
    const { view } = this;
    const pieces: [number, number, Uint8Array | undefined][] = [
      [layout.TX_HEADER_PTR, layout.TX_HEADER_LENGTH, frame.header],
      [layout.TX_PIECE1_PTR, layout.TX_PIECE1_LENGTH, frame.piece1],
      [layout.TX_PIECE2_PTR, layout.TX_PIECE2_LENGTH, frame.piece2],
    ];
    for (const [ptr, length, bytes] of pieces) {
      view.setUint32(at + ptr, bytes ? this.put(bytes) : 0, true);
      view.setUint32(at + length, bytes?.length ?? 0, true);
    }
    view.setUint16(at + layout.TX_FLAGS, frame.flags ?? 0, true);
    view.setUint16(at + layout.TX_GSO_SIZE, frame.gsoSize ?? 0, true);
    view.setUint16(at + layout.TX_CSUM_START, frame.csumStart ?? 0, true);
    view.setUint16(at + layout.TX_CSUM_OFFSET, 16, true);
    this.txTail = (this.txTail + 1) >>> 0;
    return at;
  }

  /** Queues whole frames and sends them. */
  send(...frames: Uint8Array[]): number {
    for (const header of frames) this.queue({ header });
    return this.socket.transmit();
  }

  receive(maxFrames = layout.RX_DESCRIPTOR_CAPACITY, nowUs?: number): Received[] {
    const count = this.socket.receive(maxFrames, nowUs);
    const { view } = this;
    return Array.from({ length: count }, (_, i) => {
      const at = RX_DESCRIPTORS_PTR + i * layout.RX_DESCRIPTOR_BYTES;
      const ptr = view.getUint32(at + layout.RX_FRAME_PTR, true);
      return {
        ptr,
        bytes: this.u8.slice(ptr, ptr + view.getUint32(at + layout.RX_FRAME_LENGTH, true)),
        flags: view.getUint16(at + layout.RX_FLAGS, true),
        gsoSize: view.getUint16(at + layout.RX_GSO_SIZE, true),
        timeUs: view.getFloat64(at + layout.RX_TIME_US, true),
      };
    });
  }

  get linkDrops(): number {
    return Number(this.view.getBigUint64(INTERFACE_PTR + layout.INTERFACE_LINK_DROPS, true));
  }

  get linkErrors(): number {
    return Number(this.view.getBigUint64(INTERFACE_PTR + layout.INTERFACE_LINK_ERRORS, true));
  }
}

// A TX ring of the shared memory from the link's end: frames as headers and pieces of payload, to be gathered.
import {
  RING_HEAD,
  RING_SLOTS,
  RING_TAIL,
  TX_CAPACITY,
  TX_CSUM_OFFSET,
  TX_CSUM_START,
  TX_DESCRIPTOR_BYTES,
  TX_FLAGS,
  TX_GSO_SIZE,
  TX_GSO_TYPE,
  TX_HEADER_LENGTH,
  TX_HEADER_PTR,
  TX_PIECE1_LENGTH,
  TX_PIECE1_PTR,
  TX_PIECE2_LENGTH,
  TX_PIECE2_PTR,
} from "../assembly/layout.ts";
import { copyBytes } from "../src/copy-bytes.ts";
import type { SharedViews } from "../src/memory.ts";

/** A frame that lies in one run of bytes, as a port puts it into a TX ring. */
export interface WholeFrame {
  length: number;
  /** Bytes that go first and alone, at most `length`. */
  headerBytes: number;
  /** FRAME_ bits. */
  flags: number;
  gsoSize: number;
  /** As in struct virtio_net_hdr; 0 = TCP of the frame's IP version. */
  gsoType: number;
  /** Where a partial checksum begins, and its field from there. */
  csumStart: number;
  csumOffset: number;
}

/** Both ends of a TX ring are in one thread, so nothing here is atomic. */
export class TxRing {
  readonly #u8: Uint8Array;
  readonly #u16: Uint16Array;
  readonly #u32: Uint32Array;
  readonly #ptr: number;

  /** @param ptr - address of the ring */
  constructor(views: SharedViews, ptr: number) {
    this.#u8 = views.u8;
    this.#u16 = views.u16;
    this.#u32 = views.u32;
    this.#ptr = ptr;
  }

  get head(): number {
    return this.#u32[(this.#ptr + RING_HEAD) >>> 2]!;
  }

  /** Everything before it has been taken. */
  set head(value: number) {
    this.#u32[(this.#ptr + RING_HEAD) >>> 2] = value;
  }

  get tail(): number {
    return this.#u32[(this.#ptr + RING_TAIL) >>> 2]!;
  }

  /** Everything before it has been filled: only for rings that a port fills itself. */
  set tail(value: number) {
    this.#u32[(this.#ptr + RING_TAIL) >>> 2] = value;
  }

  /** The address of the slot of a free-running index. */
  slot(index: number): number {
    return this.#ptr + RING_SLOTS + (index & (TX_CAPACITY - 1)) * TX_DESCRIPTOR_BYTES;
  }

  /** Describes the frame of a free-running index, which lies at `ptr`. The tail is the caller's to move. */
  fill(index: number, ptr: number, frame: Readonly<WholeFrame>): void {
    const u16 = this.#u16;
    const u32 = this.#u32;
    const slot = this.slot(index);
    u32[(slot + TX_HEADER_PTR) >>> 2] = ptr;
    u32[(slot + TX_HEADER_LENGTH) >>> 2] = frame.headerBytes;
    u32[(slot + TX_PIECE1_PTR) >>> 2] = ptr + frame.headerBytes;
    u32[(slot + TX_PIECE1_LENGTH) >>> 2] = frame.length - frame.headerBytes;
    u32[(slot + TX_PIECE2_LENGTH) >>> 2] = 0;
    u16[(slot + TX_FLAGS) >>> 1] = frame.flags;
    u16[(slot + TX_GSO_SIZE) >>> 1] = frame.gsoSize;
    u16[(slot + TX_GSO_TYPE) >>> 1] = frame.gsoType;
    u16[(slot + TX_CSUM_START) >>> 1] = frame.csumStart;
    u16[(slot + TX_CSUM_OFFSET) >>> 1] = frame.csumOffset;
  }

  /** Bytes of the frame in a slot. */
  length(slot: number): number {
    const u32 = this.#u32;
    return (
      u32[(slot + TX_HEADER_LENGTH) >>> 2]! +
      u32[(slot + TX_PIECE1_LENGTH) >>> 2]! +
      u32[(slot + TX_PIECE2_LENGTH) >>> 2]!
    );
  }

  /** FRAME_ bits. */
  flags(slot: number): number {
    return this.#u16[(slot + TX_FLAGS) >>> 1]!;
  }

  gsoSize(slot: number): number {
    return this.#u16[(slot + TX_GSO_SIZE) >>> 1]!;
  }

  /** Writes the frame in a slot to `target[at..]`. */
  gather(slot: number, target: Uint8Array, at: number): void {
    const u32 = this.#u32;
    const header = u32[(slot + TX_HEADER_LENGTH) >>> 2]!;
    const piece1 = u32[(slot + TX_PIECE1_LENGTH) >>> 2]!;
    const piece2 = u32[(slot + TX_PIECE2_LENGTH) >>> 2]!;
    copyBytes(target, at, this.#u8, u32[(slot + TX_HEADER_PTR) >>> 2]!, header);
    if (piece1 > 0) copyBytes(target, at + header, this.#u8, u32[(slot + TX_PIECE1_PTR) >>> 2]!, piece1);
    if (piece2 > 0) copyBytes(target, at + header + piece1, this.#u8, u32[(slot + TX_PIECE2_PTR) >>> 2]!, piece2);
  }
}

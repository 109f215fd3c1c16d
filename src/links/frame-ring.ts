// A ring of whole frames between two threads, one producer and one consumer, in a SharedArrayBuffer. A record is eight bytes
// {length u32, flags u16, gsoSize u16} and the frame, on a multiple of 16 and never wrapped: where the end of the buffer is too near,
// a record of length SKIP sends the consumer to the start. Head and tail are free-running u32 byte positions.
//
//   0 head (consumer)   64 tail (producer)   128 producer waits for room   192 bytes (capacity)
import { FRAME_MAX_BYTES } from "../../assembly/layout.ts";

const HEAD = 0;
const TAIL = 64;
const WAITING = 128;
const BYTES = 192;
const RECORD_HEADER_BYTES = 8;
const ALIGNMENT = 16;
const SKIP = 0xffffffff;

/** Bytes of a ring with room for `capacity` (a power of two, at least 256 KiB) bytes of records. */
export function frameRingBytes(capacity: number): number {
  return BYTES + capacity;
}

function recordBytes(length: number): number {
  return (RECORD_HEADER_BYTES + length + ALIGNMENT - 1) & -ALIGNMENT;
}

/** The end that sends. */
export class FrameRingProducer {
  /** The bytes of the ring; frames are written where `reserve` says. */
  readonly bytes: Uint8Array;
  readonly #words: Int32Array;
  readonly #view: DataView;
  readonly #capacity: number;
  #tail: number;
  #at = 0;

  /** @param offset - of the ring in `buffer`, a multiple of 64 */
  constructor(buffer: SharedArrayBuffer, offset: number, capacity: number) {
    this.bytes = new Uint8Array(buffer, offset + BYTES, capacity);
    this.#words = new Int32Array(buffer, offset, BYTES >>> 2);
    this.#view = new DataView(buffer, offset + BYTES, capacity);
    this.#capacity = capacity;
    this.#tail = Atomics.load(this.#words, TAIL >>> 2) >>> 0;
  }

  /**
   * Makes room for a frame. If there is none, the consumer is asked to say when there is (`FrameRingConsumer.release`).
   * @param length - 1..FRAME_MAX_BYTES
   * @param spare - bytes to leave free
   * @returns where in `bytes` the frame goes, or -1
   */
  reserve(length: number, spare = 0): number {
    const at = this.#tryReserve(length, spare);
    if (at >= 0) return at;
    // Said before we look again: either we see the room that the consumer made, or it sees that we wait.
    Atomics.store(this.#words, WAITING >>> 2, 1);
    return this.#tryReserve(length, spare);
  }

  /** Finishes the frame that `reserve` made room for; the consumer sees it after `publish`. */
  commit(length: number, flags: number, gsoSize: number): void {
    this.#view.setUint32(this.#at, length, true);
    this.#view.setUint16(this.#at + 4, flags, true);
    this.#view.setUint16(this.#at + 6, gsoSize, true);
    this.#tail = (this.#tail + recordBytes(length)) >>> 0;
  }

  /** Hands all committed frames to the consumer. */
  publish(): void {
    Atomics.store(this.#words, TAIL >>> 2, this.#tail | 0);
  }

  #tryReserve(length: number, spare: number): number {
    const head = Atomics.load(this.#words, HEAD >>> 2);
    const free = this.#capacity - ((this.#tail - head) >>> 0) - spare;
    const start = this.#tail & (this.#capacity - 1);
    const toEnd = this.#capacity - start;
    const size = recordBytes(length);
    if (size <= toEnd) {
      if (size > free) return -1;
      this.#at = start;
      return start + RECORD_HEADER_BYTES;
    }
    if (toEnd + size > free) return -1;
    this.#view.setUint32(start, SKIP, true);
    this.#tail = (this.#tail + toEnd) >>> 0;
    this.#at = 0;
    return RECORD_HEADER_BYTES;
  }
}

/** The end that receives. */
export class FrameRingConsumer {
  readonly bytes: Uint8Array;
  /** Of the frame that `peek` found. */
  length = 0;
  flags = 0;
  gsoSize = 0;
  readonly #words: Int32Array;
  readonly #view: DataView;
  readonly #capacity: number;
  #head: number;

  /** @param offset - of the ring in `buffer`, a multiple of 64 */
  constructor(buffer: SharedArrayBuffer, offset: number, capacity: number) {
    this.bytes = new Uint8Array(buffer, offset + BYTES, capacity);
    this.#words = new Int32Array(buffer, offset, BYTES >>> 2);
    this.#view = new DataView(buffer, offset + BYTES, capacity);
    this.#capacity = capacity;
    this.#head = Atomics.load(this.#words, HEAD >>> 2) >>> 0;
  }

  /** Finds the next frame. @returns where in `bytes` it lies, or -1 if there is none; length, flags and gsoSize are set */
  peek(): number {
    const tail = Atomics.load(this.#words, TAIL >>> 2);
    for (;;) {
      const used = (tail - this.#head) >>> 0;
      if (used === 0) return -1;
      const start = this.#head & (this.#capacity - 1);
      const length = this.#view.getUint32(start, true);
      const toEnd = this.#capacity - start;
      if (length === SKIP && used >= toEnd) {
        this.#head = (this.#head + toEnd) >>> 0;
        continue;
      }
      // Not a ring that our producer wrote: nothing in it can be believed.
      if (
        used > this.#capacity ||
        length === 0 ||
        length > FRAME_MAX_BYTES ||
        recordBytes(length) > Math.min(used, toEnd)
      ) {
        this.#head = tail >>> 0;
        return -1;
      }
      this.length = length;
      this.flags = this.#view.getUint16(start + 4, true);
      this.gsoSize = this.#view.getUint16(start + 6, true);
      return start + RECORD_HEADER_BYTES;
    }
  }

  /** Goes past the frame that `peek` found; its bytes stay until `release`. */
  advance(): void {
    this.#head = (this.#head + recordBytes(this.length)) >>> 0;
  }

  /** Gives the room of all frames gone past back. @returns true if the producer waits for it and must be woken */
  release(): boolean {
    Atomics.store(this.#words, HEAD >>> 2, this.#head | 0);
    // Read after the store: see FrameRingProducer.reserve.
    return Atomics.load(this.#words, WAITING >>> 2) !== 0 && Atomics.exchange(this.#words, WAITING >>> 2, 0) !== 0;
  }

  /** Drops all frames that wait. */
  clear(): void {
    this.#head = Atomics.load(this.#words, TAIL >>> 2) >>> 0;
    this.release();
  }
}

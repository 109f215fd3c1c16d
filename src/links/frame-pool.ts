// Frames whose buffers are used again, kept by exact length: traffic has few distinct lengths, and so a steady flow
// allocates neither buffers nor views. Knows nothing of what the bytes mean.

import type { Frame } from "./frame.ts";

/** A frame from a {@link FramePool}, with room for what a queue notes about it. */
export class PooledFrame implements Frame {
  readonly bytes: Uint8Array;
  flags = 0;
  gsoSize = 0;
  /** When it leaves its queue, µs. */
  dueUs = 0;
  /** Its place among frames that are due at the same time. */
  order = 0;
  /** Packets that had passed its queue when it was held back, and how many must have passed for it to go. */
  heldAt = 0;
  releaseAt = 0;
  /** True while it lies in its pool; guards against being given back twice. */
  pooled = false;

  constructor(length: number) {
    this.bytes = new Uint8Array(length);
  }
}

/** A bounded free list of frames. */
export class FramePool {
  readonly #free = new Map<number, PooledFrame[]>();
  readonly #limitBytes: number;
  #freeBytes = 0;

  /**
   * @param limitBytes - at most this many bytes lie unused; what is given back beyond it is left to the garbage
   * collector
   */
  constructor(limitBytes: number) {
    this.#limitBytes = limitBytes;
  }

  /** Bytes that lie unused. */
  get freeBytes(): number {
    return this.#freeBytes;
  }

  /**
   * A frame of `length` bytes with flags and gsoSize 0; its bytes hold whatever they held before.
   * @param length - bytes
   */
  take(length: number): PooledFrame {
    const frame = this.#free.get(length)?.pop();
    if (frame !== undefined) {
      this.#freeBytes -= length;
      frame.flags = 0;
      frame.gsoSize = 0;
      frame.pooled = false;
      return frame;
    }
    // A full pool without this length holds the lengths of a flow that has ended: start afresh.
    if (this.#freeBytes > this.#limitBytes / 2) this.#clear();
    return new PooledFrame(length);
  }

  /** A copy of `frame` that shares nothing with it. */
  copy(frame: Frame): PooledFrame {
    const copy = this.take(frame.bytes.length);
    copy.bytes.set(frame.bytes);
    copy.flags = frame.flags;
    copy.gsoSize = frame.gsoSize;
    return copy;
  }

  /** Gives a frame back; its bytes must not be used any more. A second time is ignored. */
  give(frame: PooledFrame): void {
    const length = frame.bytes.length;
    if (frame.pooled || this.#freeBytes + length > this.#limitBytes) return;
    frame.pooled = true;
    this.#freeBytes += length;
    const list = this.#free.get(length);
    if (list === undefined) this.#free.set(length, [frame]);
    else list.push(frame);
  }

  #clear(): void {
    this.#free.clear();
    this.#freeBytes = 0;
  }
}

// Frames whose buffers are used again, kept by exact length: traffic has few distinct lengths, and so a steady flow
// allocates neither buffers nor views. Knows nothing of what the bytes mean.

import type { Frame } from "./frame.ts";
import type { FrameArena } from "./frame-arena.ts";

/** Up to so many bytes a loop is faster than a call into the engine. */
const LOOP_BYTES = 96;

/** A frame from a {@link FramePool}, with room for what a queue notes about it. */
export class PooledFrame implements Frame {
  readonly bytes: Uint8Array;
  /** The buffer around `bytes`, if they lie in an arena, and where. */
  readonly home: Uint8Array | null;
  readonly at: number;
  flags = 0;
  gsoSize = 0;
  /** As in struct virtio_net_hdr, while `gsoSize` or FRAME_CSUM_PARTIAL say so. */
  gsoType = 0;
  headerBytes = 0;
  csumStart = 0;
  csumOffset = 0;
  /** When it leaves its queue, µs. */
  dueUs = 0;
  /** Its place among frames that are due at the same time. */
  order = 0;
  /** Packets that had passed its queue when it was held back, and how many must have passed for it to go. */
  heldAt = 0;
  releaseAt = 0;
  /** True once it was given back; guards against a second time. */
  pooled = false;

  /** @param home - the buffer to lie in at offset `at`; null = one of its own */
  constructor(length: number, home: Uint8Array | null, at: number) {
    this.bytes = home === null ? new Uint8Array(length) : new Uint8Array(home.buffer, home.byteOffset + at, length);
    this.home = home;
    this.at = at;
  }
}

/** A bounded free list of frames. */
export class FramePool {
  readonly #free = new Map<number, PooledFrame[]>();
  readonly #limitBytes: number;
  readonly #arena: FrameArena | null;
  #freeBytes = 0;

  /**
   * @param limitBytes - at most this many bytes lie unused; what is given back beyond it is left to the garbage
   * collector
   * @param arena - where frames lie, as long as it has room; without one each has a buffer of its own
   */
  constructor(limitBytes: number, arena: FrameArena | null = null) {
    this.#limitBytes = limitBytes;
    this.#arena = arena;
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
      frame.gsoType = 0;
      frame.pooled = false;
      return frame;
    }
    // A full pool without this length holds the lengths of a flow that has ended: start afresh.
    if (this.#freeBytes > this.#limitBytes / 2) this.#clear();
    const at = this.#arena?.take(length) ?? -1;
    return at < 0 ? new PooledFrame(length, null, 0) : new PooledFrame(length, this.#arena!.bytes, at);
  }

  /** A copy of `frame` that shares nothing with it. */
  copy(frame: Frame): PooledFrame {
    const copy = this.take(frame.bytes.length);
    copy.bytes.set(frame.bytes);
    copy.flags = frame.flags;
    copy.gsoSize = frame.gsoSize;
    if (frame instanceof PooledFrame) {
      copy.gsoType = frame.gsoType;
      copy.headerBytes = frame.headerBytes;
      copy.csumStart = frame.csumStart;
      copy.csumOffset = frame.csumOffset;
    }
    return copy;
  }

  /** Gives a frame of this pool back; its bytes must not be used any more. A second time is ignored. */
  give(frame: PooledFrame): void {
    if (frame.pooled) return;
    frame.pooled = true;
    const length = frame.bytes.length;
    if (this.#freeBytes + length > this.#limitBytes) {
      this.#release(frame);
      return;
    }
    this.#freeBytes += length;
    const list = this.#free.get(length);
    if (list === undefined) this.#free.set(length, [frame]);
    else list.push(frame);
  }

  #clear(): void {
    for (const frames of this.#free.values()) for (const frame of frames) this.#release(frame);
    this.#free.clear();
    this.#freeBytes = 0;
  }

  #release(frame: PooledFrame): void {
    if (frame.home !== null) this.#arena!.give(frame.at, frame.bytes.length);
  }
}

/** Copies `count` bytes from one frame to another; without a view, and so without garbage, if both lie in one arena. */
export function copyFrameBytes(target: Frame, to: number, source: Frame, from: number, count: number): void {
  const { bytes } = target;
  if (count <= LOOP_BYTES) for (let i = 0; i < count; i++) bytes[to + i] = source.bytes[from + i]!;
  else if (
    source instanceof PooledFrame &&
    target instanceof PooledFrame &&
    source.home !== null &&
    source.home === target.home
  )
    source.home.copyWithin(target.at + to, source.at + from, source.at + from + count);
  else bytes.set(source.bytes.subarray(from, from + count), to);
}

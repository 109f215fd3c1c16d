// Room for frames inside one big buffer, so that bytes move between it and them without a view: a copy within a buffer is the one bulk
// copy that allocates nothing. Slots are taken and given back by size class; knows nothing of what lies in them.

/** Slots of up to this many bytes come in multiples of GRANULE_BYTES, larger ones in powers of two. */
const FINE_BYTES = 2048;
const GRANULE_BYTES = 64;
const FINE_CLASSES = FINE_BYTES / GRANULE_BYTES;
/** Up to FINE_BYTES << 6 = 128 KiB: longer than any frame. */
const COARSE_CLASSES = 6;
/**
 * Frames start so far behind a multiple of eight, where the kernel's receive ring has them as well (packet_mmap's alignment, less an
 * Ethernet header): bytes in shared memory are copied word by word only if both ends lie alike.
 */
export const FRAME_OFFSET = 4;

/** Bytes of a buffer for frames. */
export class FrameArena {
  /** The whole buffer. */
  readonly bytes: Uint8Array;
  readonly #free: number[][] = Array.from({ length: FINE_CLASSES + COARSE_CLASSES + 1 }, () => []);
  readonly #end: number;
  #next: number;

  /**
   * @param bytes - a view of the whole buffer
   * @param from - offset of the arena, a multiple of 64
   * @param length - bytes of the arena
   */
  constructor(bytes: Uint8Array, from: number, length: number) {
    this.bytes = bytes;
    this.#next = from;
    this.#end = from + length;
  }

  /** @returns the offset of `length` bytes (0..128 KiB less 4), or -1 if there is no room for so many */
  take(length: number): number {
    const sizeClass = classOf(length);
    const at = this.#free[sizeClass]?.pop();
    if (at !== undefined) return at;
    const size = sizeOf(sizeClass);
    if (sizeClass > FINE_CLASSES + COARSE_CLASSES || this.#next + size > this.#end) return -1;
    this.#next += size;
    return this.#next - size + FRAME_OFFSET;
  }

  /** Gives back what `take(length)` gave. */
  give(at: number, length: number): void {
    this.#free[classOf(length)]!.push(at);
  }
}

function classOf(length: number): number {
  const bytes = length + FRAME_OFFSET;
  if (bytes <= FINE_BYTES) return Math.ceil(bytes / GRANULE_BYTES);
  return FINE_CLASSES + 32 - Math.clz32((bytes - 1) >>> 11);
}

function sizeOf(sizeClass: number): number {
  return sizeClass <= FINE_CLASSES ? sizeClass * GRANULE_BYTES : FINE_BYTES << (sizeClass - FINE_CLASSES);
}

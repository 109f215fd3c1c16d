// A cable in memory between two stacks of one process: the embedded default, no privileges needed. A full direction holds the
// sender back, nothing is lost; frames sent while nobody is plugged in at the other end are (and counted as link errors).
import { invalidType, outOfRange } from "../errors.ts";
import { FrameRingConsumer, FrameRingProducer, frameRingBytes } from "./frame-ring.ts";
import type { MemoryLink } from "./link.ts";
import { LEAST_MTU, MOST_MTU } from "./mtu-range.ts";

const DEFAULT_MTU = 1500;
/** Bytes of frames under way in one direction. */
const RING_CAPACITY = 2 * 1024 * 1024;

// The cable: one word per end that says whether a stack is plugged in, then the ring of each direction.
const PLUGGED = 0;
const PLUG_BYTES = 64;
const RINGS = 128;
const RING_STRIDE = (frameRingBytes(RING_CAPACITY) + 63) & -64;

/**
 * Makes a cable in memory.
 * @param options.mtu - longest IP packet, 68..65535 bytes. Default 1500. TCP super-segments cross whole whatever it is
 * @returns its two ends, for the `link` of one interface each; the stacks may live in different threads of the process
 * @throws TypeError (`ERR_INVALID_ARG_TYPE`), RangeError (`ERR_OUT_OF_RANGE`)
 */
export function memoryLinkPair(options: { mtu?: number | undefined } = {}): [MemoryLink, MemoryLink] {
  if (typeof options !== "object" || options === null) throw invalidType("options", "an object", options);
  const { mtu = DEFAULT_MTU } = options;
  if (typeof mtu !== "number") throw invalidType("mtu", `${LEAST_MTU}..${MOST_MTU}`, mtu);
  if (!Number.isInteger(mtu) || mtu < LEAST_MTU || mtu > MOST_MTU)
    throw outOfRange("mtu", `${LEAST_MTU}..${MOST_MTU}`, mtu);
  const cable = new SharedArrayBuffer(RINGS + 2 * RING_STRIDE);
  return [
    { kind: "memory", cable, end: 0, mtu },
    { kind: "memory", cable, end: 1, mtu },
  ];
}

/** One end of a cable in use. */
export class CableEnd {
  readonly producer: FrameRingProducer;
  readonly consumer: FrameRingConsumer;
  readonly #plugs: Int32Array;
  readonly #own: number;
  readonly #other: number;

  /** @throws Error with code `EBUSY` if a stack is plugged in already */
  constructor(link: MemoryLink) {
    this.#plugs = plugs(link);
    this.#own = plugIndex(link.end);
    this.#other = plugIndex(link.end === 0 ? 1 : 0);
    if (Atomics.compareExchange(this.#plugs, this.#own, 0, 1) !== 0) {
      throw Object.assign(new Error("another stack is plugged into this end of the memory link"), { code: "EBUSY" });
    }
    this.producer = new FrameRingProducer(link.cable, RINGS + link.end * RING_STRIDE, RING_CAPACITY);
    this.consumer = new FrameRingConsumer(link.cable, RINGS + (1 - link.end) * RING_STRIDE, RING_CAPACITY);
    // What a stack that was here before did not read is not for us.
    this.consumer.clear();
  }

  /** Whether a stack is plugged in at the other end. */
  get hasPeer(): boolean {
    return Atomics.load(this.#plugs, this.#other) !== 0;
  }

  /** Unplugs; what the peer sends from now on is lost. */
  unplug(): void {
    Atomics.store(this.#plugs, this.#own, 0);
  }
}

/** Unplugs an end whose stack died without doing so. */
export function unplugCable(link: MemoryLink): void {
  Atomics.store(plugs(link), plugIndex(link.end), 0);
}

function plugs(link: MemoryLink): Int32Array {
  return new Int32Array(link.cable, 0, RINGS >>> 2);
}

function plugIndex(end: 0 | 1): number {
  return (PLUGGED + end * PLUG_BYTES) >>> 2;
}

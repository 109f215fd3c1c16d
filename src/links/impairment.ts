// One direction of an emulated link: loss, bursts of loss, duplication, a rate limit with a drop-tail queue,
// corruption, delay, jitter and reordering, decided packet by packet from a seed. Read RFC 4737 (what reordering is)
// and the options' documentation first. Pure: frames and nowUs in, frames and deadlines out; it knows no link, clock,
// timer or thread.
//
//                                        +--- held (reorder, no delay) ---+
//  push -> split -> loss -> duplicate -> rate + queue -> corrupt -+--- regular (delay, jitter) ----+-> pop
//                                        +--- early (reorder, with delay) +

import { FRAME_CSUM_PARTIAL, FRAME_CSUM_VALID } from "../../assembly/layout.ts";
import { completeChecksum } from "./checksum.ts";
import { markCongestion } from "./ecn-mark.ts";
import { Fifo } from "./fifo.ts";
import type { Frame } from "./frame.ts";
import type { FrameArena } from "./frame-arena.ts";
import { FramePool, PooledFrame } from "./frame-pool.ts";
import { type Impairments, type ResolvedImpairments, validateImpairment } from "./impairment-options.ts";
import { ETHERNET_HEADER_BYTES } from "./ip-frame.ts";
import { Random } from "./random.ts";
import { type SplitOutcome, splitSuperSegment } from "./segmentation.ts";

export { parseEmulation } from "./emulation-text.ts";
export { type BurstLoss, type Impairments, validateImpairment } from "./impairment-options.ts";

/** A packet held back for reordering is passed by 1 to this many later ones. */
const HOLD_PACKETS = 5;
/** ... but is delivered after this time at the latest, so that the last packet of a flow is not held for good. */
const HOLD_US = 1000;
/** What may be inside at once, bookkeeping included: a delay line without rate limit is bounded as well. */
const MAX_INSIDE_BYTES = 256 * 1024 * 1024;
const BOOKKEEPING_BYTES = 256;
const POOL_BYTES = 16 * 1024 * 1024;
/** Sizes are whole bytes, so that half a byte of slack hides the rounding of times and nothing else. */
const ROUNDING_BYTES = 0.5;
/** Each cause draws from a stream of its own: switching one on does not change the dice of another. */
const STREAMS = 8;

/**
 * What happened so far, in wire-size packets:
 * `received + duplicated = forwarded + lost + burstLost + queueDropped + queuedPackets` at any time.
 */
export interface ImpairmentCounters {
  /** Packets pushed, after splitting. */
  received: number;
  /** Packets handed out by `pop`. */
  forwarded: number;
  /** Lost by `loss`. */
  lost: number;
  /** Lost by `burstLoss`. */
  burstLost: number;
  /** Copies made. */
  duplicated: number;
  /** Packets that changed places with at least one other. */
  reordered: number;
  /** Packets with a flipped bit. */
  corrupted: number;
  /** Packets marked "congestion experienced" by `ecnBytes`. */
  ecnMarked: number;
  /** Did not fit into the queue, or, without a rate limit, into the 256 MiB that may be under way. */
  queueDropped: number;
  /** Super-segments that could not be split (neither TCP nor UDP, a tunnel's, or malformed) and went on as one packet. */
  unsplittable: number;
}

/** One direction of an emulated link. */
export class Impairment {
  /** Live counters; read only. */
  readonly counters: Readonly<ImpairmentCounters>;
  readonly #counters: ImpairmentCounters;
  readonly #options: ResolvedImpairments;
  readonly #pool: FramePool;
  readonly #dice: Readonly<Record<"loss" | "burst" | "duplicate" | "reorder" | "corrupt" | "jitter", Random>>;
  readonly #allocate = (length: number): Frame => this.#pool.take(length);
  readonly #admitSegment = (segment: Frame): void => this.#admit(segment);

  // Three queues, each in the order of its packets' dueUs; the next packet to go is the earliest of the three heads.
  readonly #regular = new Fifo<PooledFrame>();
  readonly #early = new Fifo<PooledFrame>();
  readonly #held = new Fifo<PooledFrame>();
  #queuedBytes = 0;
  #lastOrder = 0;

  #nowUs = 0;
  #inBurst = false;
  /** The frame in `push`, which is the caller's: segments made of it are ours. */
  #borrowed: Frame | null = null;
  // The link has been sending without a pause since #busySinceUs, #busyBytes until its queue is empty. Kept as a sum of
  // integers: adding up the time of each packet would add up rounding errors.
  #busySinceUs = 0;
  #busyBytes = 0;
  /** When the last regular packet is due. */
  #lastDueUs = 0;
  /** Regular packets scheduled while others were held back. */
  #passed = 0;

  /**
   * @param options - what to do to packets; all off by default
   * @param stream - integer, 0..2^28: which of the seed's independent streams to use; give the two directions of a link
   * different ones, or both will lose the same packets
   * @param arena - where frames lie, see {@link FramePool}
   * @throws TypeError (`ERR_INVALID_ARG_VALUE`), RangeError (`ERR_OUT_OF_RANGE`): see {@link validateImpairment}
   */
  constructor(options: Impairments = {}, stream = 0, arena: FrameArena | null = null) {
    this.#pool = new FramePool(POOL_BYTES, arena);
    this.#options = validateImpairment(options);
    const dice = (cause: number) => new Random(this.#options.seed, stream * STREAMS + cause);
    this.#dice = {
      loss: dice(0),
      burst: dice(1),
      duplicate: dice(2),
      reorder: dice(3),
      corrupt: dice(4),
      jitter: dice(5),
    };
    this.#counters = {
      received: 0,
      forwarded: 0,
      lost: 0,
      burstLost: 0,
      duplicated: 0,
      reordered: 0,
      corrupted: 0,
      ecnMarked: 0,
      queueDropped: 0,
      unsplittable: 0,
    };
    this.counters = this.#counters;
  }

  /** Packets inside: queued, under way or held back. */
  get queuedPackets(): number {
    return this.#regular.size + this.#early.size + this.#held.size;
  }

  /** Bytes of the packets inside. */
  get queuedBytes(): number {
    return this.#queuedBytes;
  }

  /**
   * Sends a frame into the link.
   * @param frame - copied: its bytes may be changed as soon as this returns; a super-segment is split first
   * @param nowUs - µs on any clock that does not run backwards; an earlier time than before counts as the same time
   */
  push(frame: Frame, nowUs: number): void {
    this.#borrowed = frame;
    this.#split(frame, nowUs);
    this.#borrowed = null;
  }

  /** A frame of `length` bytes to be filled in and given to {@link Impairment.pushOwn}. */
  take(length: number): PooledFrame {
    return this.#pool.take(length);
  }

  /**
   * As `push`, without a copy.
   * @param frame - from {@link Impairment.take}; it is not the caller's any more
   */
  pushOwn(frame: PooledFrame, nowUs: number): void {
    if (this.#split(frame, nowUs) === "split") this.#pool.give(frame);
  }

  #split(frame: Frame, nowUs: number): SplitOutcome {
    if (nowUs > this.#nowUs) this.#nowUs = nowUs;
    const outcome = splitSuperSegment(frame, this.#admitSegment, this.#allocate);
    if (outcome === "unsplittable") this.#counters.unsplittable++;
    return outcome;
  }

  /**
   * When `pop` has something to give next.
   * @returns µs (with a fraction) on the clock of `push`, possibly in the past; Infinity when nothing is inside
   */
  nextDeadlineUs(): number {
    const regular = this.#regular.peek()?.dueUs ?? Number.POSITIVE_INFINITY;
    const early = this.#early.peek()?.dueUs ?? Number.POSITIVE_INFINITY;
    const held = this.#held.peek()?.dueUs ?? Number.POSITIVE_INFINITY;
    return Math.min(regular, early, held);
  }

  /**
   * Takes the next packet that has arrived at the far end, in order of arrival.
   * @param nowUs - µs on the clock of `push`
   * @returns the packet, which is the caller's until it gives it to {@link Impairment.recycle} (or forgets it), or null
   * when nothing is due
   */
  pop(nowUs: number): Frame | null {
    this.#expireHeld(nowUs);
    const regular = this.#regular.peek();
    const early = this.#early.peek();
    const earlyFirst = early !== undefined && (regular === undefined || precedes(early, regular));
    const queue = earlyFirst ? this.#early : this.#regular;
    const first = queue.peek();
    if (first === undefined || first.dueUs > nowUs) return null;
    queue.shift();
    this.#queuedBytes -= first.bytes.length;
    this.#counters.forwarded++;
    return first;
  }

  /**
   * Gives a popped frame's buffer back for later packets; without it the garbage collector gets it.
   * @param frame - from this object's `pop`; its bytes must not be used any more. Other frames are ignored
   */
  recycle(frame: Frame): void {
    if (frame instanceof PooledFrame) this.#pool.give(frame);
  }

  /** One wire-size packet enters: `segment` is the borrowed frame itself, or lies in a buffer of ours. */
  #admit(segment: Frame): void {
    this.#counters.received++;
    if (this.#isLost()) {
      if (segment !== this.#borrowed) this.recycle(segment);
      return;
    }
    const own = segment === this.#borrowed ? this.#pool.copy(segment) : (segment as PooledFrame);
    const twin = chance(this.#dice.duplicate, this.#options.duplicate) ? this.#pool.copy(own) : null;
    this.#enqueue(own);
    if (twin !== null) {
      this.#counters.duplicated++;
      this.#enqueue(twin);
    }
  }

  #isLost(): boolean {
    const { start, length } = this.#options.burstLoss;
    if (!this.#inBurst) this.#inBurst = chance(this.#dice.burst, start);
    if (this.#inBurst) {
      this.#inBurst = !chance(this.#dice.burst, 1 / length);
      this.#counters.burstLost++;
      return true;
    }
    if (!chance(this.#dice.loss, this.#options.loss)) return false;
    this.#counters.lost++;
    return true;
  }

  #enqueue(frame: PooledFrame): void {
    const inside = this.#queuedBytes + this.queuedPackets * BOOKKEEPING_BYTES;
    const departureUs = inside + frame.bytes.length > MAX_INSIDE_BYTES ? -1 : this.#departure(frame.bytes.length);
    if (departureUs < 0) {
      this.#counters.queueDropped++;
      this.#pool.give(frame);
      return;
    }
    if (this.#waitingBytes - frame.bytes.length >= this.#options.ecnBytes && markCongestion(frame.bytes))
      this.#counters.ecnMarked++;
    if (chance(this.#dice.corrupt, this.#options.corrupt)) this.#corrupt(frame);
    this.#queuedBytes += frame.bytes.length;
    frame.order = this.#lastOrder++;
    if (!chance(this.#dice.reorder, this.#options.reorder)) this.#scheduleRegular(frame, departureUs);
    else if (this.#options.delayMs > 0) this.#scheduleEarly(frame, departureUs);
    else this.#hold(frame, departureUs);
  }

  /** Bytes that wait for the rate limit, the packet being sent included; 0 without one. */
  get #waitingBytes(): number {
    if (this.#options.rateBps === Number.POSITIVE_INFINITY) return 0;
    return this.#busyBytes - ((this.#nowUs - this.#busySinceUs) * this.#options.rateBps) / 8e6;
  }

  /** When the last bit of a packet leaves the rate limit's queue, or -1 if the packet does not fit in. */
  #departure(length: number): number {
    const { rateBps, queueBytes } = this.#options;
    if (rateBps === Number.POSITIVE_INFINITY) return this.#nowUs;
    const usPerByte = 8e6 / rateBps;
    const waiting = this.#busyBytes - (this.#nowUs - this.#busySinceUs) / usPerByte;
    if (waiting <= ROUNDING_BYTES) {
      this.#busySinceUs = Math.max(this.#nowUs, this.#busySinceUs + this.#busyBytes * usPerByte);
      this.#busyBytes = 0;
    } else if (waiting + length > queueBytes + ROUNDING_BYTES) {
      return -1;
    }
    this.#busyBytes += length;
    return this.#busySinceUs + this.#busyBytes * usPerByte;
  }

  #corrupt(frame: PooledFrame): void {
    const bits = (frame.bytes.length - ETHERNET_HEADER_BYTES) * 8;
    if (bits <= 0) return;
    if ((frame.flags & FRAME_CSUM_PARTIAL) !== 0) completeChecksum(frame.bytes);
    frame.flags &= ~(FRAME_CSUM_PARTIAL | FRAME_CSUM_VALID);
    const bit = this.#dice.corrupt.below(bits);
    const at = ETHERNET_HEADER_BYTES + (bit >>> 3);
    frame.bytes[at] = frame.bytes[at]! ^ (1 << (bit & 7));
    this.#counters.corrupted++;
  }

  #scheduleRegular(frame: PooledFrame, departureUs: number): void {
    const { delayMs, jitterMs } = this.#options;
    const jitter = jitterMs === 0 ? 0 : (this.#dice.jitter.next() * 2 - 1) * jitterMs;
    const dueUs = departureUs + Math.max(0, delayMs + jitter) * 1000;
    // A packet never overtakes the one before: delivery times only grow.
    this.#lastDueUs = Math.max(dueUs, this.#lastDueUs);
    frame.dueUs = this.#lastDueUs;
    this.#regular.push(frame);
    if (this.#held.size > 0) this.#releaseHeld();
  }

  #scheduleEarly(frame: PooledFrame, departureUs: number): void {
    if (this.#lastDueUs > departureUs) this.#counters.reordered++;
    frame.dueUs = departureUs;
    this.#early.push(frame);
  }

  /** Holds a packet back. Held packets keep their order among themselves: none goes before the first. */
  #hold(frame: PooledFrame, departureUs: number): void {
    frame.heldAt = this.#passed;
    frame.releaseAt = this.#passed + 1 + this.#dice.reorder.below(HOLD_PACKETS);
    // Jitter may have put its forerunners later than its own departure; it must not overtake those.
    frame.dueUs = Math.max(departureUs, this.#lastDueUs) + HOLD_US;
    this.#held.push(frame);
  }

  /** After a regular packet was scheduled: the held ones that enough packets have passed by then go right behind it. */
  #releaseHeld(): void {
    this.#expireHeld(this.#lastDueUs);
    this.#passed++;
    for (;;) {
      const first = this.#held.peek();
      if (first === undefined || first.releaseAt > this.#passed) return;
      this.#held.shift();
      this.#counters.reordered++;
      first.dueUs = this.#lastDueUs;
      this.#regular.push(first);
    }
  }

  /** Those whose time is up at `timeUs` leave then, however many packets have passed. */
  #expireHeld(timeUs: number): void {
    for (;;) {
      const first = this.#held.peek();
      if (first === undefined || first.dueUs > timeUs) return;
      this.#held.shift();
      if (this.#passed > first.heldAt) this.#counters.reordered++;
      this.#early.push(first);
    }
  }
}

/** True with the given probability; no die is thrown for 0, so that an impairment that is off costs nothing. */
function chance(dice: Random, probability: number): boolean {
  return probability > 0 && dice.next() < probability;
}

/** Whether `a` is delivered before `b`: by time, then in the order in which they came. */
function precedes(a: PooledFrame, b: PooledFrame): boolean {
  return a.dueUs < b.dueUs || (a.dueUs === b.dueUs && a.order < b.order);
}

// Packet links of shards (native/fanout.cc): the kernel gives a frame to one socket, but ARP concerns everybody, and of a fragment nobody
// can tell whom. The first shard gets these and passes a copy to each of the others, which find them here behind their own frames. So it
// does with its claim of the address: the others go by it.
import {
  INTERFACE_CLAIM,
  RX_DESCRIPTOR_BYTES,
  RX_DESCRIPTOR_CAPACITY,
  RX_FRAME_LENGTH,
  RX_FRAME_PTR,
} from "../../assembly/layout.ts";
import { copyBytes } from "../../src/copy-bytes.ts";
import type { Bell } from "../../src/doorbell.ts";
import { FrameRingConsumer, FrameRingProducer } from "../../src/links/frame-ring.ts";
import { bellOf } from "../../src/local-bells.ts";
import { COMMON_CLAIM, RELAY_BYTES } from "../../src/shards/relay.ts";
import { countLinkDrops } from "../link-counter.ts";
import type { Port, PortPlace, PortShard } from "../port.ts";
import { describeCopy } from "../rx-descriptor.ts";
import { OuterPort } from "./outer-port.ts";

const ETHER_TYPE = 12;
const FRAGMENT_OFFSET = 20;
/** Bytes of copies described at once: a frame fits. */
const REGION_BYTES = 128 * 1024;

type Other = { ring: FrameRingProducer; bell: Bell };

/** The packet port of the first shard. */
export class FirstShardPort extends OuterPort {
  readonly #place: PortPlace;
  readonly #others: readonly Other[];
  readonly #common: Int32Array;

  constructor(inner: Port, place: PortPlace, { relays, common }: PortShard) {
    super(inner);
    this.#place = place;
    this.#others = relays.map(({ ring, memory }) => ({
      ring: new FrameRingProducer(ring, 0, RELAY_BYTES),
      bell: bellOf(memory),
    }));
    this.#common = common;
  }

  override receive(nowUs: number): number {
    this.#tellClaim();
    const count = this.inner.receive(nowUs);
    const { u8, u32 } = this.#place.views;
    let passed = 0;
    for (let index = 0; index < count; index++) {
      const descriptor = this.#place.rxDescriptors + index * RX_DESCRIPTOR_BYTES;
      const ptr = u32[(descriptor + RX_FRAME_PTR) >>> 2]!;
      if (concernsAll(u8, ptr)) {
        this.#pass(ptr, u32[(descriptor + RX_FRAME_LENGTH) >>> 2]!);
        passed++;
      }
    }
    if (passed > 0) {
      for (const { ring, bell } of this.#others) {
        ring.publish();
        bell.ring();
      }
    }
    return count;
  }

  override beforeSleep(): void {
    this.#tellClaim();
    this.inner.beforeSleep();
  }

  get #ownClaim(): number {
    return this.#place.views.i32[(this.#place.interfaceRecord + INTERFACE_CLAIM) >>> 2]!;
  }

  #tellClaim(): void {
    const own = this.#ownClaim;
    if (own === this.#common[COMMON_CLAIM]) return;
    Atomics.store(this.#common, COMMON_CLAIM, own);
    for (const { bell } of this.#others) bell.ring();
  }

  /** What a shard that lags has no room for is lost, as on a link; fragments leave half of the room to ARP. */
  #pass(ptr: number, length: number): void {
    const { u8 } = this.#place.views;
    const spare = isArp(u8, ptr) ? 0 : RELAY_BYTES / 2;
    for (const { ring } of this.#others) {
      const at = ring.reserve(length, spare);
      if (at < 0) {
        countLinkDrops(this.#place.views, this.#place.interfaceRecord, 1);
        continue;
      }
      copyBytes(ring.bytes, at, u8, ptr, length);
      ring.commit(length, 0, 0);
    }
  }
}

/** ARP, and fragments of IPv4 packets. Frames shorter than the header of their type are the core's to count: what lies behind them does no harm. */
function concernsAll(u8: Uint8Array, ptr: number): boolean {
  if (isArp(u8, ptr)) return true;
  return (
    u8[ptr + ETHER_TYPE] === 0x08 &&
    u8[ptr + ETHER_TYPE + 1] === 0x00 &&
    ((u8[ptr + FRAGMENT_OFFSET]! & 0x3f) | u8[ptr + FRAGMENT_OFFSET + 1]!) !== 0
  );
}

function isArp(u8: Uint8Array, ptr: number): boolean {
  return u8[ptr + ETHER_TYPE] === 0x08 && u8[ptr + ETHER_TYPE + 1] === 0x06;
}

/** The packet port of a shard that is not the first. */
export class FurtherShardPort extends OuterPort {
  readonly #place: PortPlace;
  readonly #shard: PortShard;
  readonly #ring: FrameRingConsumer;
  readonly #region: number;

  /** @throws Error with code ENOMEM */
  constructor(inner: Port, place: PortPlace, shard: PortShard) {
    super(inner);
    this.#place = place;
    this.#shard = shard;
    this.#ring = new FrameRingConsumer(shard.relays[0]!.ring, 0, RELAY_BYTES);
    this.#region = place.allocate(REGION_BYTES);
  }

  override receive(nowUs: number): number {
    let count = this.inner.receive(nowUs);
    this.#followClaim();
    const ring = this.#ring;
    let at = ring.peek();
    if (at < 0) return count;
    let used = 0;
    for (; at >= 0 && count < RX_DESCRIPTOR_CAPACITY && used + ring.length <= REGION_BYTES; at = ring.peek()) {
      copyBytes(this.#place.views.u8, this.#region + used, ring.bytes, at, ring.length);
      describeCopy(this.#place, count++, this.#region + used, ring, nowUs);
      used = (used + ring.length + 63) & -64;
      ring.advance();
    }
    ring.release();
    return count;
  }

  override nextDeadlineUs(nowUs: number): number {
    return this.#ring.peek() >= 0 ? nowUs : this.inner.nextDeadlineUs(nowUs);
  }

  /** Compared with what the core has: a link that came back makes it ask anew. */
  #followClaim(): void {
    const claim = Atomics.load(this.#shard.common, COMMON_CLAIM);
    const { views, interfaceRecord } = this.#place;
    if (claim !== views.i32[(interfaceRecord + INTERFACE_CLAIM) >>> 2]) this.#shard.onClaim(claim);
  }
}

// A network interface of the host through the addon (AF_PACKET). Frames are read where the kernel wrote them and sent from where the
// core has them; what the kernel does not take stays in the TX ring.
import { INTERFACE_LINK_NEWS, RX_DESCRIPTOR_CAPACITY } from "../../assembly/layout.ts";
import type { PacketLink } from "../../src/links/link.ts";
import {
  type FanoutOptions,
  type LinkStatus as KernelLink,
  loadAddon,
  type PacketSocket,
  type PacketSocketOptions,
} from "../../src/native.ts";
import { COMMON_GROUP } from "../../src/shards/relay.ts";
import type { LinkStatus, Port, PortPlace, PortShard } from "../port.ts";

/**
 * Bytes for received frames; the kernel pins as much, or less when it is short of memory. Slots take any frame. A ring is used in a circle,
 * so all of it passes through the caches: a small one is used as long as it has room, the other has room for hundreds of flows.
 */
const FIRST_RING_BYTES = 4 * 1024 * 1024;
const SECOND_RING_BYTES = 72 * 1024 * 1024;
/** Shards share this, but each has room for two large windows. */
const RING_BYTES = 64 * 1024 * 1024;
const SHARD_RING_BYTES = 16 * 1024 * 1024;
/**
 * The same where frames of the MTU are all that is to be expected: slots of their size, few enough to stay in a processor's cache, and
 * behind them room for longer frames, which come all the same when a peer sends super-segments.
 */
const SMALL_RING_BYTES = 4 * 1024 * 1024;
const OVERFLOW_BYTES = 1024 * 1024;
/** Of a slot: the kernel's headers, Ethernet with a tag. */
const SLOT_OVERHEAD_BYTES = 128 + 18;
/** With larger frames small slots gain nothing. */
const SMALL_SLOT_MAX_BYTES = 16_384;
/** RFC 791's total length. */
const MAX_PACKET_BYTES = 65535;

/**
 * Frames sent in one turn, before we look at what came in. 16 super-segments are some 700 wire segments and so 350 ACKs from a peer
 * that acknowledges every second one, each in a receive slot of its own: 256 at once overran the slots.
 */
const TRANSMIT_FRAMES = 16;

/** µs between two looks at the link while nothing wakes us: a loop that never sleeps is not woken. */
const LINK_LOOK_US = 10_000;

const EPERM_CURE =
  ". Packet links need CAP_NET_RAW. Cure: run as root, or give it to node: sudo setcap cap_net_raw+ep $(command -v node)";

/** The port of a packet link. */
export class PacketPort implements Port {
  readonly link: LinkStatus;
  readonly checksumOffload = true;
  /** For the waiter. */
  readonly socket: PacketSocket;
  readonly #place: PortPlace;
  readonly #news: number;
  #lookUs = 0;

  /** @throws AddonError; Error with code, errno and syscall: EPERM without CAP_NET_RAW, ENODEV, ENOMEM, ... */
  constructor(link: PacketLink, place: PortPlace) {
    const { PacketSocket, interfaceInfo } = loadAddon();
    const info = interfaceInfo(link.interface);
    this.#place = place;
    this.#news = (place.interfaceRecord + INTERFACE_LINK_NEWS) >>> 2;
    const mac = new DataView(place.mac.buffer, place.mac.byteOffset, place.mac.byteLength);
    const options = {
      interface: link.interface,
      ...receiveRegion(place, info?.superFrames === false ? info.mtu : MAX_PACKET_BYTES),
      rxDescriptorsPtr: place.rxDescriptors,
      txRingPtr: place.txRing,
      interfacePtr: place.interfaceRecord,
      macHigh16: mac.getUint16(0),
      macLow32: mac.getUint32(2),
      ...(place.shard !== undefined && { fanout: fanoutOf(place.shard) }),
    };
    try {
      this.socket = new PacketSocket(place.views.u8, options);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "EPERM") (error as Error).message += EPERM_CURE;
      throw error;
    }
    if (place.shard?.index === 0) place.shard.common[COMMON_GROUP] = this.socket.fanoutGroup;
    this.link = statusOf(this.socket.takeLink()!, place.mtuLimit);
  }

  #hasMore = false;

  get rxSlots(): number {
    return this.socket.slots;
  }

  get blocked(): boolean {
    return this.socket.blocked;
  }

  receive(nowUs: number): number {
    if (this.#place.views.u32[this.#news] !== 0 || nowUs >= this.#lookUs) this.#lookAtLink(nowUs);
    return this.socket.receive(RX_DESCRIPTOR_CAPACITY, nowUs);
  }

  transmit(): number {
    const sent = this.socket.transmit(TRANSMIT_FRAMES);
    this.#hasMore = sent === TRANSMIT_FRAMES;
    return sent;
  }

  nextDeadlineUs(): number {
    return this.#hasMore ? 0 : Number.POSITIVE_INFINITY;
  }

  beforeSleep(): void {}

  peerAttached(): void {}

  close(): void {
    this.socket.close();
  }

  #lookAtLink(nowUs: number): void {
    this.#lookUs = nowUs + LINK_LOOK_US;
    const changed = this.socket.takeLink();
    if (changed !== null) this.#place.onLink(statusOf(changed, this.#place.mtuLimit));
  }
}

/** The first shard makes the group, the others join it: they open their links one after the other. */
function fanoutOf({ count, salt, index, common }: PortShard): FanoutOptions {
  return { count, salt, index, group: common[COMMON_GROUP]! };
}

function statusOf({ up, gone, mtu: linkMtu, gsoMaxBytes }: KernelLink, mtuLimit: number): LinkStatus {
  const mtu = Math.min(linkMtu, mtuLimit);
  const gsoMax = Math.min(gsoMaxBytes, MAX_PACKET_BYTES);
  // What the kernel would split by software gains nothing.
  return { state: gone ? "gone" : up ? "up" : "down", mtu, gsoMax: gsoMax < mtu ? 0 : gsoMax };
}

/** Where frames of packets up to `bytes` are received. */
function receiveRegion(
  place: PortPlace,
  bytes: number,
): Pick<PacketSocketOptions, "ringPtr" | "ringBytes" | "firstRingBytes" | "slotBytes" | "overflowBytes"> {
  const slotBytes = 2 ** Math.ceil(Math.log2(bytes + SLOT_OVERHEAD_BYTES));
  if (slotBytes > SMALL_SLOT_MAX_BYTES) {
    const shards = place.shard?.count ?? 1;
    if (shards === 1) {
      const ringBytes = FIRST_RING_BYTES + SECOND_RING_BYTES;
      return { ringPtr: place.allocate(ringBytes), ringBytes, firstRingBytes: FIRST_RING_BYTES };
    }
    const ringBytes = Math.max(SHARD_RING_BYTES, RING_BYTES / 2 ** Math.ceil(Math.log2(shards)));
    return { ringPtr: place.allocate(ringBytes), ringBytes };
  }
  const ringBytes = SMALL_RING_BYTES + OVERFLOW_BYTES;
  return { ringPtr: place.allocate(ringBytes), ringBytes, slotBytes, overflowBytes: OVERFLOW_BYTES };
}

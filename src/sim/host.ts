// A simulated host: one core, its memory, its one interface, and what the main thread would be. It has no time of its own: the
// simulator says what time it is.
import {
  CONFIG_TRACE_STATES,
  COUNTERS,
  EVENT_ACCEPTED,
  EVENT_ATTACHED,
  EVENT_ERRNO,
  EVENT_FAILED,
  EVENT_HANDLE,
  EVENT_INTERFACE,
  EVENT_KIND,
  EVENT_PING_FAILED,
  EVENT_PING_REPLY,
  EVENT_SOCKET,
  EVENT_STATE,
  EVENT_TIME_US,
  EVENT_TOKEN,
  EVENT_VALUE,
  IF_CSUM_OFFLOAD,
  IF_GRO,
  IF_UP,
  OP_RING,
  RING_HEAD,
  RING_SLOTS,
  RING_TAIL,
  RX_DESCRIPTOR_BYTES,
  RX_DESCRIPTOR_CAPACITY,
  RX_DESCRIPTORS,
  RX_FLAGS,
  RX_FRAME_LENGTH,
  RX_FRAME_PTR,
  RX_GSO_SIZE,
  RX_TIME_US,
  SECRETS_BYTES,
  TRACE_FOR_MAIN,
  TX_CAPACITY,
  TX_DESCRIPTOR_BYTES,
  TX_FLAGS,
  TX_GSO_SIZE,
  TX_HEADER_LENGTH,
  TX_HEADER_PTR,
  TX_PIECE1_LENGTH,
  TX_PIECE1_PTR,
  TX_PIECE2_LENGTH,
  TX_PIECE2_PTR,
  TX_RING_BYTES,
  TX_RINGS,
} from "../../assembly/layout.ts";
import { defaultMac } from "../address.ts";
import { writeConfig } from "../config.ts";
import type { CoreExports } from "../core-exports.ts";
import { EventPump } from "../event-pump.ts";
import { type InterfaceEvent, readInterfaceEvent } from "../interface-event.ts";
import type { Frame } from "../links/frame.ts";
import { Random } from "../links/random.ts";
import type { SharedViews } from "../memory.ts";
import { OpQueue } from "../op-queue.ts";
import type { SocketOption } from "../socket-options.ts";
import { changedWords, resolveSysctl, type Sysctl } from "../sysctl.ts";
import { instantiateCore } from "./core.ts";
import { SimListener, SimSocket } from "./socket.ts";
import type { SimWire } from "./wire.ts";

/** Bytes of a receive slot: a full frame of the largest MTU, or a super-segment. */
const SLOT_BYTES = 131_072;
/** What a link without a ring of its own says that it holds. */
const RX_SLOTS = 65_535;
const INTERFACE = 1;

/** What a simulated host is like. */
export interface SimHostOptions {
  /** u32, host order. */
  address: number;
  /** 1..32. Default 24. */
  prefixLength?: number;
  /** u32, host order. Default 0: none. */
  gateway?: number;
  /** Bytes of IP packet. Default 1500. */
  mtu?: number;
  /** The largest super-segment the link takes, bytes of IP packet; 0 (default) = none. */
  gsoMax?: number;
  /** The link completes checksums. Default: whether `gsoMax` is not 0. */
  checksumOffload?: boolean;
  /** Whether the core merges frames that continue one another. Default true. */
  gro?: boolean;
  /** Frames the link says it can hold for the host, 1..65535; the core promises no more than half of that. Default 65535, as of a memory link. */
  rxSlots?: number;
  /** Settings, Linux's names and units. */
  sysctl?: Partial<Sysctl>;
  /** Bytes of the heap, a power of two. Default 64 MiB. */
  heapBytes?: number;
}

/** The result of a ping. */
export interface SimPing {
  /** `null` while it is under way, `0` after a reply, else an E* code. */
  errno: number | null;
  /** From the request to its reply, µs of virtual time. */
  roundTripUs: number;
}

/** A change of a connection's state, STATE_ codes. */
export interface SimStateChange {
  /** Of the connection. */
  handle: number;
  /** The state before. */
  from: number;
  /** The state now. */
  to: number;
  /** Virtual time, µs. */
  timeUs: number;
}

/** One of the two hosts. */
export class SimHost {
  /** u32, host order. */
  readonly address: number;
  /** `02:77:` and the address. */
  readonly mac: Uint8Array;
  /** The core. */
  readonly exports: CoreExports;
  /** Its memory. */
  readonly views: SharedViews;
  /** The operations that go to it. */
  readonly ops: OpQueue;
  /** State changes since `traceStates()`, as STATE_ codes. */
  readonly states: SimStateChange[] = [];
  /** What the core told of interfaces: INTERFACE_EVENT_ codes, MTU, and our address or a neighbour's. */
  readonly interfaceEvents: InterfaceEvent[] = [];
  /** All sockets that the core may still know. */
  readonly sockets = new Map<number, SimSocket>();
  readonly #events: EventPump;
  readonly #rxSlots: number;
  readonly #rxRegion: number;
  readonly #connecting = new Map<number, SimSocket>();
  readonly #listening = new Map<number, SimListener>();
  readonly #listeners = new Map<number, SimListener>();
  readonly #pings = new Map<number, SimPing>();
  #lastToken = 0;

  /** @param seed - for the core's secrets */
  constructor(module: WebAssembly.Module, options: SimHostOptions, seed: number) {
    const { address, prefixLength = 24, gateway = 0, mtu = 1500, gsoMax = 0, rxSlots = RX_SLOTS } = options;
    const { checksumOffload = gsoMax !== 0, gro = true, heapBytes = 64 * 1024 * 1024 } = options;
    const core = instantiateCore(module, heapBytes);
    this.exports = core.exports;
    this.views = core.views;
    const dice = new Random(seed, address >>> 0);
    const secrets = Uint8Array.from({ length: SECRETS_BYTES }, () => dice.below(256));
    writeConfig(this.views, resolveSysctl(options.sysctl), { heapBytes, secrets });
    check("initialise", this.exports.initialise());
    this.address = address;
    this.mac = defaultMac(address);
    const mac = new DataView(this.mac.buffer);
    const flags = IF_UP | (checksumOffload ? IF_CSUM_OFFLOAD : 0) | (gro ? IF_GRO : 0);
    const high = mac.getUint16(0);
    const low = mac.getUint32(2);
    check("addInterface", this.exports.addInterface(address, prefixLength, high, low, mtu, gsoMax, rxSlots, flags) - 1);
    if (gateway !== 0) check("addRoute", this.exports.addRoute(0, 0, gateway, INTERFACE));
    this.#rxSlots = Math.min(rxSlots, RX_DESCRIPTOR_CAPACITY);
    this.#rxRegion = this.exports.heapAllocate(this.#rxSlots * SLOT_BYTES);
    if (this.#rxRegion === 0) throw new Error("the heap has no room for the receive slots");
    this.ops = new OpQueue(this.views, { ring: () => {} });
    this.#events = new EventPump(this.views, (slot) => this.#onEvent(slot), false);
  }

  /** Heap bytes that belong to the simulated link and not to the stack. */
  get linkHeapBytes(): number {
    return 2 ** Math.ceil(Math.log2(this.#rxSlots * SLOT_BYTES));
  }

  /** Address of the first RX descriptor of the interface. */
  get firstDescriptor(): number {
    return RX_DESCRIPTORS + INTERFACE * RX_DESCRIPTOR_CAPACITY * RX_DESCRIPTOR_BYTES;
  }

  /** Opens a connection. */
  connect(
    address: number,
    port: number,
    options: readonly SocketOption[] = [],
    timeoutMs = 0,
    localPort = 0,
    localAddress = 0,
  ): SimSocket {
    const socket = new SimSocket(this.views, this.ops);
    const token = ++this.#lastToken;
    this.#connecting.set(token, socket);
    this.ops.connect(token, { address, port }, { address: localAddress, port: localPort }, timeoutMs, options);
    return socket;
  }

  /** Listens for connections. */
  listen(port: number, backlog = 128, address = 0, options: readonly SocketOption[] = []): SimListener {
    const listener = new SimListener(this.ops);
    const token = ++this.#lastToken;
    this.#listening.set(token, listener);
    this.ops.listen(token, { address, port }, backlog, options);
    return listener;
  }

  /** Sends an echo request. */
  ping(address: number, bytes = 56): SimPing {
    const ping: SimPing = { errno: null, roundTripUs: 0 };
    const token = ++this.#lastToken;
    this.#pings.set(token, ping);
    this.ops.ping(token, address, 1, token & 0xffff, bytes);
    return ping;
  }

  /** Records state changes in `states` from now on. */
  traceStates(): void {
    this.views.u32[CONFIG_TRACE_STATES >>> 2] = TRACE_FOR_MAIN;
  }

  /** Changes settings while the host runs. @throws as `resolveSysctl` */
  setSysctl(sysctl: Partial<Sysctl>): void {
    for (const [address, value] of changedWords(sysctl)) this.views.u32[address >>> 2] = value;
  }

  /** A counter by its COUNTER_ index. */
  counter(index: number): number {
    return Number(this.views.u64[(COUNTERS >>> 3) + index]!);
  }

  /** What the main thread has asked for, and the timers. */
  beginTurn(nowUs: number): void {
    this.ops.flush();
    this.exports.userCalls(nowUs);
    this.exports.runTimers(nowUs);
  }

  /** Whether the core has not taken all that was asked for. */
  get hasOps(): boolean {
    const { u32 } = this.views;
    return u32[(OP_RING + RING_HEAD) >>> 2] !== u32[(OP_RING + RING_TAIL) >>> 2];
  }

  /** Takes all frames that have arrived. */
  receive(wire: Pick<SimWire, "pop" | "recycle">, nowUs: number): void {
    let count = 0;
    for (let frame = wire.pop(nowUs); frame !== null; frame = wire.pop(nowUs)) {
      this.#describe(count++, frame, nowUs);
      wire.recycle(frame);
      if (count < this.#rxSlots) continue;
      this.exports.receive(INTERFACE, count, nowUs);
      count = 0;
    }
    if (count > 0) this.exports.receive(INTERFACE, count, nowUs);
  }

  /**
   * Frames go out.
   * @param send - gets each frame; it is made anew for each call
   * @param limit - frames the link takes now; the others stay queued
   * @returns how many it took
   */
  transmit(send: (frame: Frame) => void, nowUs: number, limit = Number.POSITIVE_INFINITY): number {
    this.exports.transmit(nowUs);
    const { u32, u16 } = this.views;
    const ring = TX_RINGS + INTERFACE * TX_RING_BYTES;
    const tail = u32[(ring + RING_TAIL) >>> 2]!;
    let head = u32[(ring + RING_HEAD) >>> 2]!;
    let count = 0;
    for (; head !== tail && count < limit; head = (head + 1) >>> 0) {
      const slot = ring + RING_SLOTS + (head & (TX_CAPACITY - 1)) * TX_DESCRIPTOR_BYTES;
      const bytes = this.#gather(slot);
      send({ bytes, flags: u16[(slot + TX_FLAGS) >>> 1]!, gsoSize: u16[(slot + TX_GSO_SIZE) >>> 1]! });
      count++;
    }
    u32[(ring + RING_HEAD) >>> 2] = head;
    this.exports.transmitted(INTERFACE);
    return count;
  }

  /** Tells the sockets what happened. @returns whether anything did */
  deliverEvents(): boolean {
    const any = this.exports.flushEvents() !== 0;
    this.#events.drain();
    return any;
  }

  /** When there is something to do next, µs. */
  nextDeadlineUs(nowUs: number): number {
    return this.exports.nextDeadline(nowUs);
  }

  #describe(index: number, frame: Frame, nowUs: number): void {
    const { u8, u16, u32, f64 } = this.views;
    const at = this.#rxRegion + index * SLOT_BYTES;
    const descriptor = this.firstDescriptor + index * RX_DESCRIPTOR_BYTES;
    u8.set(frame.bytes, at);
    u32[(descriptor + RX_FRAME_PTR) >>> 2] = at;
    u32[(descriptor + RX_FRAME_LENGTH) >>> 2] = frame.bytes.length;
    u16[(descriptor + RX_FLAGS) >>> 1] = frame.flags;
    u16[(descriptor + RX_GSO_SIZE) >>> 1] = frame.gsoSize;
    f64[(descriptor + RX_TIME_US) >>> 3] = nowUs;
  }

  #gather(slot: number): Uint8Array {
    const { u8, u32 } = this.views;
    const word = (field: number) => u32[(slot + field) >>> 2]!;
    const header = word(TX_HEADER_LENGTH);
    const piece1 = word(TX_PIECE1_LENGTH);
    const bytes = new Uint8Array(header + piece1 + word(TX_PIECE2_LENGTH));
    bytes.set(u8.subarray(word(TX_HEADER_PTR), word(TX_HEADER_PTR) + header));
    bytes.set(u8.subarray(word(TX_PIECE1_PTR), word(TX_PIECE1_PTR) + piece1), header);
    bytes.set(u8.subarray(word(TX_PIECE2_PTR), word(TX_PIECE2_PTR) + word(TX_PIECE2_LENGTH)), header + piece1);
    return bytes;
  }

  #onEvent(slot: number): void {
    const { u32, f64 } = this.views;
    const word = (field: number) => u32[(slot + field) >>> 2]!;
    const token = word(EVENT_TOKEN);
    const handle = word(EVENT_HANDLE);
    switch (word(EVENT_KIND)) {
      case EVENT_ATTACHED:
        this.#onAttached(token, handle);
        return;
      case EVENT_FAILED:
        this.#onFailed(token, word(EVENT_ERRNO));
        return;
      case EVENT_ACCEPTED:
        this.#onAccepted(handle, word(EVENT_VALUE));
        return;
      case EVENT_SOCKET: {
        const socket = this.sockets.get(handle);
        socket?.onReady(word(EVENT_VALUE), word(EVENT_ERRNO));
        if (socket?.closed) this.sockets.delete(handle);
        this.#listeners.get(handle)?.fail(word(EVENT_ERRNO));
        return;
      }
      case EVENT_STATE: {
        const value = word(EVENT_VALUE);
        this.states.push({ handle, from: value & 255, to: value >>> 8, timeUs: f64[(slot + EVENT_TIME_US) >>> 3]! });
        return;
      }
      case EVENT_PING_REPLY:
      case EVENT_PING_FAILED:
        this.#onPing(token, word(EVENT_ERRNO), f64[(slot + EVENT_TIME_US) >>> 3]!);
        return;
      case EVENT_INTERFACE:
        this.interfaceEvents.push(readInterfaceEvent(this.views, slot));
        return;
    }
  }

  #onAttached(token: number, handle: number): void {
    const socket = this.#connecting.get(token);
    if (socket !== undefined) {
      this.#connecting.delete(token);
      socket.attach(handle);
      this.sockets.set(handle, socket);
    }
    const listener = this.#listening.get(token);
    if (listener !== undefined) {
      this.#listening.delete(token);
      listener.attach(handle);
      this.#listeners.set(handle, listener);
    }
  }

  #onFailed(token: number, errno: number): void {
    this.#connecting.get(token)?.fail(errno);
    this.#connecting.delete(token);
    const listener = this.#listening.get(token);
    if (listener === undefined) return;
    listener.error = errno;
    listener.closed = true;
    this.#listening.delete(token);
  }

  #onAccepted(handle: number, listenerHandle: number): void {
    const listener = this.#listeners.get(listenerHandle);
    // A listener that was closed meanwhile has reset it: the handle is stale already.
    if (listener === undefined || listener.closed) return;
    const socket = new SimSocket(this.views, this.ops);
    socket.attach(handle);
    socket.connected = true;
    this.sockets.set(handle, socket);
    listener.offer(socket);
  }

  #onPing(token: number, errno: number, roundTripUs: number): void {
    const ping = this.#pings.get(token);
    this.#pings.delete(token);
    if (ping === undefined) return;
    ping.errno = errno;
    ping.roundTripUs = roundTripUs;
  }
}

function check(call: string, result: number): void {
  if (result !== 0) throw new Error(`${call} failed: ${result}`);
}

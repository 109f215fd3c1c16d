// The worker's side of the control plane: brings interfaces up on their ports, answers questions. Runs between turns of the loop.
import {
  CONFIG_TRACE_STATES,
  CONTROL_HANDLED,
  ENOMEM,
  IF_CSUM_OFFLOAD,
  IF_GRO,
  IF_UP,
  INTERFACE_BYTES,
  INTERFACES,
  RX_DESCRIPTOR_BYTES,
  RX_DESCRIPTOR_CAPACITY,
  RX_DESCRIPTORS,
  TRACE_FOR_CAPTURE,
  TX_RING_BYTES,
  TX_RINGS,
  USAGE_HEAP_BYTES,
  USAGE_LINK_BYTES,
  USAGE_RTX_RECORDS,
  USAGE_TCBS,
  USAGE_TCP_ORPHANS,
  USAGE_TCP_TIMERS,
  USAGE_TX_FRAMES,
} from "../assembly/layout.ts";
import type { CoreExports } from "../src/core-exports.ts";
import { netstackError } from "../src/errors.ts";
import { failureOf } from "../src/failure.ts";
import { LEAST_MTU } from "../src/links/mtu-range.ts";
import type { SharedViews } from "../src/memory.ts";
import type { CaptureStatus, InterfaceSetup, StackControl, StackSetup, StartResult, Usage } from "../src/protocol.ts";
import { countLinkErrors } from "./link-counter.ts";
import { type OpenedLinks, openPort } from "./open-port.ts";
import type { LinkStatus, Port, PortPlace } from "./port.ts";
import { TxRing } from "./tx-ring.ts";

type PlaceThread = (interfaces: readonly InterfaceSetup[]) => readonly number[] | undefined;

/** Control of one core. */
export class Control implements StackControl {
  /** Ports by interface; 0 is the loopback, which has none. */
  readonly ports: (Port | undefined)[] = [undefined];
  readonly links: OpenedLinks = { packet: [], capture: [] };
  readonly #views: SharedViews;
  readonly #core: CoreExports;
  readonly #onStarted: () => void;
  readonly #placeThread: PlaceThread;

  /**
   * @param onStarted - the loop can run
   * @param placeThread - gives the thread its processors, if it has any of its own, and tells which
   */
  constructor(
    views: SharedViews,
    core: CoreExports,
    onStarted: () => void,
    placeThread: PlaceThread = () => undefined,
  ) {
    this.#views = views;
    this.#core = core;
    this.#onStarted = onStarted;
    this.#placeThread = placeThread;
  }

  start(setup: StackSetup): StartResult {
    return this.#handled(() => {
      let cpus: readonly number[] | undefined;
      try {
        cpus = this.#placeThread(setup.interfaces);
        check("initialise", this.#core.initialise());
        for (const [at, one] of setup.interfaces.entries()) this.#addInterface(one, at + 1);
        for (const { destination, prefixLength, gateway, interfaceIndex } of setup.routes) {
          check("addRoute", this.#core.addRoute(destination, prefixLength, gateway, interfaceIndex));
        }
      } catch (error) {
        this.close();
        return { ok: false, failure: failureOf(error, "ERR_STACK_START") };
      }
      this.#onStarted();
      const links = this.ports.slice(1).map((port) => {
        const { link, checksumOffload, rxSlots } = port!;
        return { gsoMax: link.gsoMax, checksumOffload, rxSlots };
      });
      return { ok: true, started: { timeOriginMs: performance.timeOrigin, links, cpus } };
    });
  }

  peerAttached(interfaceIndex: number, memory: SharedArrayBuffer): void {
    this.#handled(() => this.ports[interfaceIndex]?.peerAttached(memory));
  }

  usage(): Usage {
    // What main asked for before it asked this is done first.
    this.#core.userCalls(performance.now() * 1000);
    return this.#handled(() => ({
      tcbs: this.#core.usage(USAGE_TCBS),
      orphans: this.#core.usage(USAGE_TCP_ORPHANS),
      retransmissionRecords: this.#core.usage(USAGE_RTX_RECORDS),
      timers: this.#core.usage(USAGE_TCP_TIMERS),
      txFrames: this.#core.usage(USAGE_TX_FRAMES),
      heapBytes: this.#core.usage(USAGE_HEAP_BYTES),
      linkBytes: this.#core.usage(USAGE_LINK_BYTES),
    }));
  }

  captures(): CaptureStatus[] {
    return this.#handled(() => this.links.capture.map((port) => port.status()));
  }

  /** Closes all ports. Frames that their links have not taken are lost, and counted. */
  close(): void {
    for (const [at, port] of this.ports.splice(1).entries()) {
      port?.close();
      countLost(this.#views, at + 1);
    }
  }

  /** After a message has been dealt with, the loop may go on without the event loop. */
  #handled<T>(work: () => T): T {
    try {
      return work();
    } finally {
      Atomics.add(this.#views.i32, CONTROL_HANDLED >>> 2, 1);
    }
  }

  #addInterface(
    { name, link, address, prefixLength, mac, mtu, mtuLimit, gro, shard }: InterfaceSetup,
    index: number,
  ): void {
    const place: PortPlace = {
      views: this.#views,
      rxDescriptors: RX_DESCRIPTORS + index * RX_DESCRIPTOR_CAPACITY * RX_DESCRIPTOR_BYTES,
      txRing: TX_RINGS + index * TX_RING_BYTES,
      interfaceRecord: INTERFACES + index * INTERFACE_BYTES,
      index,
      name,
      address,
      prefixLength,
      mac,
      mtu,
      mtuLimit,
      shard: shard && { ...shard, onClaim: (claim) => this.#claimChanged(index, claim) },
      onLink: (status) => this.#linkChanged(index, status),
      allocate: (bytes) => this.#allocate(bytes),
    };
    const port = openPort(link, place, this.links);
    this.ports[index] = port;
    const words = new DataView(mac.buffer, mac.byteOffset, mac.byteLength);
    const { state, mtu: linkMtu, gsoMax } = port.link;
    const offloads = (port.checksumOffload ? IF_CSUM_OFFLOAD : 0) | (gro ? IF_GRO : 0);
    const flags = (state === "up" ? IF_UP : 0) | offloads;
    const high = words.getUint16(0);
    const low = words.getUint32(2);
    const added = this.#core.addInterface(address, prefixLength, high, low, linkMtu, gsoMax, port.rxSlots, flags);
    check("addInterface", added < 0 ? added : added - index);
    // The packets of a capture tell which states changed.
    if (this.links.capture.length > 0) Atomics.or(this.#views.i32, CONFIG_TRACE_STATES >>> 2, TRACE_FOR_CAPTURE);
  }

  #linkChanged(index: number, { state, mtu, gsoMax }: LinkStatus): void {
    const nowUs = performance.now() * 1000;
    if (state === "gone") {
      this.#core.removeInterface(index, nowUs);
      return;
    }
    // A link with less cannot carry IPv4: it is as good as down (Linux takes its addresses away).
    const isWideEnough = mtu >= LEAST_MTU;
    if (isWideEnough) this.#core.setInterfaceMtu(index, mtu, gsoMax);
    this.#core.setInterfaceUp(index, state === "up" && isWideEnough, nowUs);
  }

  #claimChanged(index: number, claim: number): void {
    check("setInterfaceClaim", this.#core.setInterfaceClaim(index, claim, performance.now() * 1000));
  }

  #allocate(bytes: number): number {
    const ptr = this.#core.heapAllocate(bytes);
    if (ptr === 0)
      throw netstackError(ENOMEM, { syscall: "open" }, `a link needs ${bytes} bytes of the stack's memory`);
    // Signed numbers come out of WASM.
    return ptr >>> 0;
  }
}

/** Empties the TX ring of an interface whose link is closed. */
function countLost(views: SharedViews, index: number): void {
  const ring = new TxRing(views, TX_RINGS + index * TX_RING_BYTES);
  const left = (ring.tail - ring.head) >>> 0;
  ring.head = ring.tail;
  if (left > 0) countLinkErrors(views, INTERFACES + index * INTERFACE_BYTES, left);
}

function check(call: string, result: number): void {
  if (result < 0) throw netstackError(-result, { syscall: call });
  if (result > 0) throw new Error(`${call} gave ${result}`);
}

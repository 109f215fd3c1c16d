// NODE_DEBUG=wasmtcp: what a stack does, a line each on standard error, in the way of Node's own modules (node:util debuglog). All lines come
// from the main thread, which learns everything from the event ring and shared counters, so that none is lost with a worker. Off, it costs
// one comparison an event. Knows no promise of the API's users and changes nothing.
import { debuglog, getSystemErrorName } from "node:util";
import {
  EVENT_ACCEPTED,
  EVENT_ATTACHED,
  EVENT_ERRNO,
  EVENT_HANDLE,
  EVENT_INTERFACE,
  EVENT_KIND,
  EVENT_LOCAL_ADDRESS,
  EVENT_PING_FAILED,
  EVENT_PORTS,
  EVENT_REMOTE_ADDRESS,
  EVENT_SOCKET,
  EVENT_STATE,
  EVENT_VALUE,
  READY_CLOSED,
  READY_CONNECTED,
} from "../assembly/layout.ts";
import { formatIpv4, readAddress } from "./address.ts";
import { formatCpuList } from "./cpu-set.ts";
import { interfaceEventText, stateChangeText } from "./event-text.ts";
import { readInterfaceEvent } from "./interface-event.ts";
import type { Link } from "./links/link.ts";
import type { SharedViews } from "./memory.ts";
import type { InterfaceSetup, RouteSetup, StartedCore } from "./protocol.ts";
import { readStats } from "./stats.ts";

const log = debuglog("wasmtcp");
/** How often counters are looked at, ms. */
const COUNTERS_MS = 1000;
/** Counters of ordinary traffic: all others say that something was refused, lost, sent again or answered. */
const ORDINARY = new Set(
  `arpRequestsIn arpRepliesIn arpRequestsOut arpRepliesOut arpNotForUs frameOtherHost ipInReceives ipOutRequests ipReasmReqds ipReasmOks
  ipFragCreates icmpInEchos icmpInEchoReps icmpOutEchos icmpOutEchoReps tcpInSegs tcpOutSegs tcpActiveOpens tcpPassiveOpens tcpDelayedAcks
  tcpTimeWaits tcpPredicted tcpRcvRingGrown tcpSndRingGrown tcpMtupSuccess tcpDeliveredCe eventsDeferred`.split(/\s+/),
);

let stacks = 0;

/** The lines of one stack. Made only while they are wanted, see {@link openDebugLog}. */
export class DebugLog {
  readonly #name = `stack ${++stacks}`;
  readonly #views: SharedViews;
  readonly #interfaceNames: string[];
  /** By handle: what the lines call a socket. */
  readonly #sockets = new Map<number, string>();
  readonly #timer: NodeJS.Timeout;
  #last: Map<string, number>;

  /** For `openDebugLog`. */
  constructor(views: SharedViews, interfaceNames: string[]) {
    this.#views = views;
    this.#interfaceNames = interfaceNames;
    this.#last = this.#counters();
    this.#timer = setInterval(() => this.#compare(), COUNTERS_MS).unref();
  }

  /** Interfaces and routes are up. */
  started(
    thread: string,
    interfaces: readonly InterfaceSetup[],
    routes: readonly RouteSetup[],
    { links, cpus }: StartedCore,
  ): void {
    for (const [at, { name, link, address, prefixLength, mac, mtu }] of interfaces.entries()) {
      const { gsoMax, checksumOffload, rxSlots } = links[at]!;
      const own = `${formatIpv4(address)}/${prefixLength} ${Buffer.from(mac).toString("hex").replace(/..\B/g, "$&:")}`;
      const takes = `mtu ${mtu} gso ${gsoMax === 0 ? "off" : gsoMax} checksums ${checksumOffload ? "offloaded" : "ours"} rx slots ${rxSlots}`;
      this.#line(`interface ${name}: ${describeLink(link)} ${own} ${takes}`);
    }
    for (const { destination, prefixLength, gateway, interfaceIndex } of routes) {
      const way = gateway === 0 ? "" : ` via ${formatIpv4(gateway)}`;
      this.#line(`route ${formatIpv4(destination)}/${prefixLength}${way} on ${this.#interfaceNames[interfaceIndex]}`);
    }
    this.#line(`started, thread ${thread}${cpus === undefined ? "" : ` on processors ${formatCpuList(cpus)}`}`);
  }

  /** It could not start. */
  failed(error: Error): void {
    this.#line(`not started: ${codeOf(error)}${error.message}`);
    clearInterval(this.#timer);
  }

  /** A call of the API; its result is told when it is there. */
  call(what: string, result: Promise<unknown>): void {
    this.#line(what);
    result.catch((error: Error) => this.#line(`${what}: ${codeOf(error)}${error.message}`));
  }

  /** Something that happened to the stack as a whole. */
  tell(text: string): void {
    this.#line(text);
  }

  /** The last lines: what the counters say, and how it ended. */
  close(text: string): void {
    clearInterval(this.#timer);
    this.#compare();
    this.#line(text);
  }

  /** An event of the core, in a slot of the event ring. */
  event(slot: number): void {
    const { u32 } = this.#views;
    const value = u32[(slot + EVENT_VALUE) >>> 2]!;
    const handle = u32[(slot + EVENT_HANDLE) >>> 2]!;
    const errno = u32[(slot + EVENT_ERRNO) >>> 2]!;
    switch (u32[(slot + EVENT_KIND) >>> 2]) {
      case EVENT_ATTACHED: {
        const isListener = (u32[(slot + EVENT_PORTS) >>> 2]! & 0xffff) === 0;
        const name = isListener ? this.#local(slot) : this.#pair(slot);
        this.#sockets.set(handle, name);
        if (isListener) this.#line(`${name} listens`);
        break;
      }
      case EVENT_ACCEPTED:
        this.#sockets.set(handle, this.#pair(slot));
        this.#line(`${this.#pair(slot)} accepted`);
        break;
      case EVENT_SOCKET:
        if ((value & READY_CONNECTED) !== 0) this.#line(`${this.#sockets.get(handle) ?? `socket ${handle}`} connected`);
        if ((value & READY_CLOSED) === 0) break;
        this.#line(
          `${this.#sockets.get(handle) ?? `socket ${handle}`} closed: ${errno === 0 ? "in order" : nameOf(errno)}`,
        );
        this.#sockets.delete(handle);
        break;
      case EVENT_STATE:
        this.#line(`${this.#pair(slot)} ${stateChangeText(value)}`);
        break;
      case EVENT_PING_FAILED:
        this.#line(`ping ${value & 0xffff} failed: ${nameOf(errno)}`);
        break;
      case EVENT_INTERFACE:
        this.#line(this.#interfaceText(slot));
        break;
    }
  }

  #interfaceText(slot: number): string {
    const event = readInterfaceEvent(this.#views, slot);
    return interfaceEventText(this.#interfaceNames[event.index] ?? `#${event.index}`, event);
  }

  #local(slot: number): string {
    const ports = this.#views.u32[(slot + EVENT_PORTS) >>> 2]!;
    return `${formatIpv4(readAddress(this.#views.u8, slot + EVENT_LOCAL_ADDRESS))}:${ports >>> 16}`;
  }

  #pair(slot: number): string {
    const port = this.#views.u32[(slot + EVENT_PORTS) >>> 2]! & 0xffff;
    return `${this.#local(slot)} ${formatIpv4(readAddress(this.#views.u8, slot + EVENT_REMOTE_ADDRESS))}:${port}`;
  }

  #counters(): Map<string, number> {
    const { counters, interfaces } = readStats(this.#views, this.#interfaceNames);
    const found = new Map(Object.entries(counters).filter(([name]) => !ORDINARY.has(name)));
    for (const { name, rxDropped, linkDrops, linkErrors } of interfaces) {
      for (const [what, count] of Object.entries({ rxDropped, linkDrops, linkErrors }))
        found.set(`${name} ${what}`, count);
    }
    return found;
  }

  #compare(): void {
    const now = this.#counters();
    const changes = [...now].flatMap(([name, count]) => {
      const grown = count - (this.#last.get(name) ?? 0);
      return grown === 0 ? [] : [`${name} +${grown}`];
    });
    this.#last = now;
    if (changes.length > 0) this.#line(`counted: ${changes.join(", ")}`);
  }

  #line(text: string): void {
    log("%s: %s", this.#name, text);
  }
}

/** The log of a new stack, or undefined when NODE_DEBUG does not ask for it: then nothing is formatted or traced. */
export function openDebugLog(views: SharedViews, interfaceNames: string[]): DebugLog | undefined {
  return log.enabled ? new DebugLog(views, interfaceNames) : undefined;
}

/** The tower of a link, from the stack to the wire. */
function describeLink(link: Link): string {
  switch (link.kind) {
    case "packet":
      return `packet ${link.interface}`;
    case "memory":
      return `memory end ${link.end}`;
    case "emulated":
      return `emulated ${describeLink(link.link)}`;
    case "capture":
      return `capture ${link.path} ${describeLink(link.link)}`;
  }
}

function nameOf(errno: number): string {
  return getSystemErrorName(-errno);
}

function codeOf(error: NodeJS.ErrnoException): string {
  return error.code === undefined || error.message.includes(error.code) ? "" : `${error.code} `;
}

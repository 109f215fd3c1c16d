// Who gets which of the core's events: calls wait for theirs by token, sockets by handle. Events of a handle or token that main has
// forgotten are late, not wrong, and are dropped.
import {
  EVENT_ACCEPTED,
  EVENT_ATTACHED,
  EVENT_ERRNO,
  EVENT_FAILED,
  EVENT_HANDLE,
  EVENT_INTERFACE,
  EVENT_KIND,
  EVENT_LOCAL_ADDRESS,
  EVENT_PING_FAILED,
  EVENT_PING_REPLY,
  EVENT_PORTS,
  EVENT_REMOTE_ADDRESS,
  EVENT_SOCKET,
  EVENT_STATE,
  EVENT_TIME_US,
  EVENT_TOKEN,
  EVENT_VALUE,
  EVENT_VALUE2,
} from "../assembly/layout.ts";
import { readAddress } from "./address.ts";
import { type InterfaceEvent, readInterfaceEvent } from "./interface-event.ts";
import type { SharedViews } from "./memory.ts";
import type { Endpoint } from "./op-queue.ts";

/** A socket, as the core sees it. */
export interface HandleSink {
  /** `READY_` bits that became true; `errno` says why it closed, 0 after an orderly end, `interfaceIndex` where. */
  onReady(bits: number, errno: number, interfaceIndex: number): void;
  /** A listener has a new connection. */
  onAccepted?(child: number, local: Endpoint, remote: Endpoint): void;
  /** The stack is gone: reject everything. */
  crash(error: Error): void;
}

/** A call that waits for its answer. */
export interface TokenSink {
  onAttached?(handle: number, local: Endpoint, remote: Endpoint): void;
  /** `interfaceIndex`: of the interface that is to blame for `ENETDOWN` or `ENODEV`. */
  onFailed?(errno: number, interfaceIndex: number): void;
  /** An echo reply: u16 sequence, payload bytes, time to live, round trip. */
  onPingReply?(sequence: number, bytes: number, ttl: number, roundTripUs: number): void;
  /** `from`: who said so (u32), 0 = we ourselves. */
  onPingFailed?(sequence: number, errno: number, from: number): void;
  crash(error: Error): void;
}

/** What a change of state looks like here; codes of layout.ts, times of the core's clock. */
export type StateSink = (from: number, to: number, local: Endpoint, remote: Endpoint, timeUs: number) => void;

/** Delivers the events of one stack. */
export class Dispatcher {
  /** Gets the slot of every event before anybody else, see `DebugLog`. */
  onEvent: ((slot: number) => void) | undefined;
  onState: StateSink | undefined;
  onInterface: ((event: InterfaceEvent) => void) | undefined;
  readonly #views: SharedViews;
  readonly #handles = new Map<number, HandleSink>();
  readonly #tokens = new Map<number, TokenSink>();
  #lastToken = 0;
  #crashed: Error | undefined;

  constructor(views: SharedViews) {
    this.#views = views;
  }

  /** The sockets main has, in the order they came. */
  get sockets(): IterableIterator<HandleSink> {
    return this.#handles.values();
  }

  /** A token for a call, not 0. On a crashed stack the sink is crashed at once. */
  issue(sink: TokenSink): number {
    if (this.#crashed !== undefined) {
      sink.crash(this.#crashed);
      return 0;
    }
    do this.#lastToken = (this.#lastToken + 1) >>> 0;
    while (this.#lastToken === 0 || this.#tokens.has(this.#lastToken));
    this.#tokens.set(this.#lastToken, sink);
    return this.#lastToken;
  }

  forgetToken(token: number): void {
    this.#tokens.delete(token);
  }

  /** Makes `sink` the one that gets the socket's events, instead of any other before. */
  attach(handle: number, sink: HandleSink): void {
    this.#handles.set(handle, sink);
  }

  forgetHandle(handle: number): void {
    this.#handles.delete(handle);
  }

  /** Delivers the event in a slot of the event ring. */
  dispatch(slot: number): void {
    this.onEvent?.(slot);
    const { u32 } = this.#views;
    const value = u32[(slot + EVENT_VALUE) >>> 2]!;
    switch (u32[(slot + EVENT_KIND) >>> 2]) {
      case EVENT_SOCKET:
        this.#handles
          .get(u32[(slot + EVENT_HANDLE) >>> 2]!)
          ?.onReady(value, u32[(slot + EVENT_ERRNO) >>> 2]!, u32[(slot + EVENT_VALUE2) >>> 2]!);
        break;
      case EVENT_ATTACHED:
        this.#attached(slot);
        break;
      case EVENT_FAILED:
        this.#answered(slot)?.onFailed?.(u32[(slot + EVENT_ERRNO) >>> 2]!, value);
        break;
      case EVENT_ACCEPTED: {
        const child = u32[(slot + EVENT_HANDLE) >>> 2]!;
        this.#handles.get(value)?.onAccepted?.(child, this.#local(slot), this.#remote(slot));
        break;
      }
      case EVENT_STATE: {
        const timeUs = this.#views.f64[(slot + EVENT_TIME_US) >>> 3]!;
        this.onState?.(value & 255, (value >>> 8) & 255, this.#local(slot), this.#remote(slot), timeUs);
        break;
      }
      case EVENT_PING_REPLY:
      case EVENT_PING_FAILED:
        this.#ping(slot);
        break;
      case EVENT_INTERFACE:
        this.onInterface?.(readInterfaceEvent(this.#views, slot));
        break;
    }
  }

  /** The stack is gone: everything that waits, and everything that will, gets the error. */
  crash(error: Error): void {
    this.#crashed ??= error;
    const sinks = [...this.#tokens.values(), ...this.#handles.values()];
    this.#tokens.clear();
    this.#handles.clear();
    for (const sink of sinks) sink.crash(error);
  }

  /** Calls that wait for their answer get the error; sockets stay. */
  crashCalls(error: Error): void {
    const sinks = [...this.#tokens.values()];
    this.#tokens.clear();
    for (const sink of sinks) sink.crash(error);
  }

  #attached(slot: number): void {
    const handle = this.#views.u32[(slot + EVENT_HANDLE) >>> 2]!;
    this.#answered(slot)?.onAttached?.(handle, this.#local(slot), this.#remote(slot));
  }

  #answered(slot: number): TokenSink | undefined {
    const token = this.#views.u32[(slot + EVENT_TOKEN) >>> 2]!;
    const sink = this.#tokens.get(token);
    this.#tokens.delete(token);
    return sink;
  }

  #ping(slot: number): void {
    const { u32, f64 } = this.#views;
    const sink = this.#tokens.get(u32[(slot + EVENT_TOKEN) >>> 2]!);
    const sequence = u32[(slot + EVENT_VALUE) >>> 2]! & 0xffff;
    if (u32[(slot + EVENT_KIND) >>> 2] === EVENT_PING_REPLY) {
      const size = u32[(slot + EVENT_VALUE2) >>> 2]!;
      sink?.onPingReply?.(sequence, size >>> 8, size & 255, f64[(slot + EVENT_TIME_US) >>> 3]!);
    } else {
      const from = readAddress(this.#views.u8, slot + EVENT_REMOTE_ADDRESS);
      sink?.onPingFailed?.(sequence, u32[(slot + EVENT_ERRNO) >>> 2]!, from);
    }
  }

  #local(slot: number): Endpoint {
    const ports = this.#views.u32[(slot + EVENT_PORTS) >>> 2]!;
    return { address: readAddress(this.#views.u8, slot + EVENT_LOCAL_ADDRESS), port: ports >>> 16 };
  }

  #remote(slot: number): Endpoint {
    const ports = this.#views.u32[(slot + EVENT_PORTS) >>> 2]!;
    return { address: readAddress(this.#views.u8, slot + EVENT_REMOTE_ADDRESS), port: ports & 0xffff };
  }
}

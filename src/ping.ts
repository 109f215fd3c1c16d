// Echo requests at intervals and what came back, as an async iterable (RFC 792). Each request gets exactly one result: its reply,
// an ICMP error, or a time-out.
import { ETIMEDOUT } from "../assembly/layout.ts";
import { formatIpv4 } from "./address.ts";
import { integer } from "./argument-checks.ts";
import type { TokenSink } from "./dispatcher.ts";
import { AbortError, type NetstackError, netstackError } from "./errors.ts";
import type { SocketContext } from "./tcp-socket.ts";

/** Options of `Stack.ping`. */
export interface PingOptions {
  /** Requests to send, 1..1000000000. Default: until the loop over the replies is left. */
  count?: number | undefined;
  /** ms between requests, 1..3600000. Default 1000. */
  intervalMs?: number | undefined;
  /** Payload bytes of a request, 0..65507. Default 56. */
  size?: number | undefined;
  /** ms to wait for a reply, 1..3600000. Default 1000, or `intervalMs` if that is longer. */
  timeoutMs?: number | undefined;
  /** Ends the ping. */
  signal?: AbortSignal | undefined;
}

/** What became of one echo request. */
export type PingReply =
  | {
      /** A reply came. */
      ok: true;
      /** Number of the request, from 0. */
      sequence: number;
      /** Who answered. */
      address: string;
      /** Payload bytes. */
      bytes: number;
      /** Time to live that was left. */
      ttl: number;
      /** From the request to its reply, µs. */
      roundTripUs: number;
    }
  | {
      /** None came. */
      ok: false;
      /** Number of the request, from 0. */
      sequence: number;
      /** Who said so: a router, or the destination itself; the destination when nobody did. */
      address: string;
      /** `ETIMEDOUT`, `EHOSTUNREACH`, ... */
      error: NetstackError;
    };

const MAX_MS = 3_600_000;
const DEFAULT_BYTES = 56;
const MAX_BYTES = 65_507;

/** `PingOptions`, checked and complete. */
export interface PingRequest {
  address: number;
  id: number;
  count: number;
  intervalMs: number;
  size: number;
  timeoutMs: number;
  signal: AbortSignal | undefined;
}

/** Checks the options of a ping. @throws TypeError, RangeError */
export function resolvePing(id: number, options: PingOptions): Omit<PingRequest, "address"> {
  const { count, intervalMs = 1000, size = DEFAULT_BYTES, signal } = options;
  integer("intervalMs", intervalMs, 1, MAX_MS);
  return {
    id,
    count: count === undefined ? Number.POSITIVE_INFINITY : integer("count", count, 1, 1e9),
    intervalMs,
    size: integer("size", size, 0, MAX_BYTES),
    timeoutMs: integer("timeoutMs", options.timeoutMs ?? Math.max(1000, intervalMs), 1, MAX_MS),
    signal,
  };
}

/** A series of echo requests. */
export class Ping implements TokenSink {
  readonly #context: SocketContext;
  readonly #request: PingRequest;
  readonly #token: number;
  readonly #address: string;
  readonly #results: PingReply[] = [];
  readonly #timeouts = new Map<number, NodeJS.Timeout>();
  readonly #abort = (): void => this.crash(new AbortError(this.#request.signal));
  #interval: NodeJS.Timeout | undefined;
  #sent = 0;
  #error: Error | undefined;
  #wake: (() => void) | undefined;

  constructor(context: SocketContext, request: PingRequest) {
    this.#context = context;
    this.#request = request;
    this.#address = formatIpv4(request.address);
    this.#token = context.dispatcher.issue(this);
    request.signal?.addEventListener("abort", this.#abort, { once: true });
    if (request.signal?.aborted) this.#abort();
  }

  /** The results in the order they become known. Sends while it is iterated. */
  async *results(): AsyncGenerator<PingReply, void, undefined> {
    this.#context.keepAlive.hold();
    try {
      this.#send();
      for (let given = 0; given < this.#request.count; ) {
        while (this.#results.length > 0 && given < this.#request.count) {
          yield this.#results.shift()!;
          given++;
        }
        if (this.#error !== undefined) throw this.#error;
        if (given < this.#request.count) await new Promise<void>((resolve) => (this.#wake = resolve));
      }
    } finally {
      this.#context.keepAlive.release();
      this.#stop();
    }
  }

  onPingReply(sequence: number, bytes: number, ttl: number, roundTripUs: number): void {
    this.#finish({ ok: true, sequence, address: this.#address, bytes, ttl, roundTripUs });
  }

  onPingFailed(sequence: number, errno: number, from: number): void {
    const error = netstackError(errno, { syscall: "ping", address: this.#address });
    this.#finish({ ok: false, sequence, address: from === 0 ? this.#address : formatIpv4(from), error });
  }

  crash(error: Error): void {
    this.#error ??= error;
    this.#stop();
    this.#wake?.();
  }

  #send(): void {
    if (this.#error !== undefined) return;
    const sequence = this.#sent++ & 0xffff;
    const { address, id, size, timeoutMs, count, intervalMs } = this.#request;
    this.#timeouts.set(
      sequence,
      setTimeout(() => this.onPingFailed(sequence, ETIMEDOUT, 0), timeoutMs),
    );
    this.#context.ops.ping(this.#token, address, id, sequence, size);
    if (this.#sent < count) this.#interval = setTimeout(() => this.#send(), intervalMs);
  }

  #finish(result: PingReply): void {
    const timeout = this.#timeouts.get(result.sequence);
    // A second answer, or one that comes after the time-out, is not a result.
    if (timeout === undefined) return;
    clearTimeout(timeout);
    this.#timeouts.delete(result.sequence);
    this.#results.push(result);
    this.#wake?.();
  }

  #stop(): void {
    clearTimeout(this.#interval);
    for (const timeout of this.#timeouts.values()) clearTimeout(timeout);
    this.#timeouts.clear();
    this.#context.dispatcher.forgetToken(this.#token);
    this.#request.signal?.removeEventListener("abort", this.#abort);
  }
}

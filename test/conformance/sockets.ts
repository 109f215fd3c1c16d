// The descriptors of a run: what a script's file descriptor stands for. A socket has options and an address before the stack knows
// of it, and keeps them afterwards.
import {
  SOCKET_OPTION_NOTSENT_LOWAT,
  TCB_CWND,
  TCB_PACKETS_OUT,
  TCB_SND_MSS,
  TCB_SND_NXT,
  TCB_SND_UNA,
  TCB_SND_WND,
} from "../../assembly/layout.ts";
import type { Endpoint } from "../../src/op-queue.ts";
import type { SimListener, SimSocket } from "../../src/sim/socket.ts";
import type { SocketOption } from "../../src/socket-options.ts";
import type { TcpState } from "../../src/states.ts";
import { SO_RCVTIMEO, SO_SNDTIMEO, SOL_SOCKET } from "./option-names.ts";
import type { SendBuffer, SendFacts } from "./send-buffer.ts";

/** One socket of the script. */
export class PortSocket {
  /** AF_INET or AF_INET6. */
  readonly family: number;
  nonblocking: boolean;
  /** Where bind() put it. */
  local: Endpoint = { address: 0, port: 0 };
  remote: Endpoint = { address: 0, port: 0 };
  isBound = false;
  sim: SimSocket | null = null;
  listener: SimListener | null = null;
  /** connect() was called and nobody has been told how it went. */
  isConnecting = false;
  /** Fast Open: it was written to, with no byte perhaps, and the SYN waits no more. */
  isSynSent = false;
  /** shutdown() of either direction. */
  readClosed = false;
  writeClosed = false;
  /** Options that were set, by `level:name`. */
  readonly options = new Map<string, Buffer>();
  /** And those the stack knows, by code: OP_CONNECT and OP_LISTEN carry them. */
  readonly stackOptions = new Map<number, SocketOption>();
  readonly sendBuffer: SendBuffer;
  #errorTaken = false;
  #maxWindow = 0;

  /** @param sendBuffer - as large as tcp_wmem says */
  constructor(family: number, nonblocking: boolean, sendBuffer: SendBuffer) {
    this.family = family;
    this.nonblocking = nonblocking;
    this.sendBuffer = sendBuffer;
  }

  /** What the send buffer's counting needs to know now. @param lowat - tcp_notsent_lowat */
  sendFacts(lowat: number): SendFacts {
    const { sim } = this;
    if (sim === null || !sim.isAttached) {
      return { mss: 536, acked: 0, sent: 0, cwnd: 10, inFlight: 0, maxWindow: 0, notsentLowat: lowat };
    }
    const { written } = sim;
    const acked = written - sim.unacknowledged;
    const inNetwork = (sim.field(TCB_SND_NXT) - sim.field(TCB_SND_UNA)) >>> 0;
    this.#maxWindow = Math.max(this.#maxWindow, sim.field(TCB_SND_WND));
    return {
      mss: sim.field(TCB_SND_MSS) || 536,
      acked,
      // A FIN is not of the stream
      sent: Math.min(written, acked + inNetwork),
      cwnd: sim.field(TCB_CWND),
      inFlight: sim.field(TCB_PACKETS_OUT),
      maxWindow: this.#maxWindow,
      notsentLowat: this.stackOptions.get(SOCKET_OPTION_NOTSENT_LOWAT)?.value || lowat,
    };
  }

  get state(): TcpState {
    if (this.listener !== null && !this.listener.closed) return "LISTEN";
    return this.sim?.state ?? "CLOSED";
  }

  /** Whether the handshake is under way; with Fast Open a connection may be used before it is complete. */
  get isOpening(): boolean {
    const { sim, state } = this;
    // Fast Open: before its data the client may write, and afterwards has to wait; the server need not wait at all
    if (state === "SYN-SENT") return !sim?.connected || sim.written > 0 || this.isSynSent;
    return state === "SYN-RECEIVED" && !sim?.connected;
  }

  /** The pending error, Linux's `sk_err`. */
  get error(): number {
    if (this.#errorTaken || this.sim === null || !this.sim.closed) return 0;
    return this.sim.error;
  }

  /** Reads the pending error and clears it. */
  takeError(): number {
    const { error } = this;
    if (error !== 0) this.#errorTaken = true;
    return error;
  }

  /** What has arrived in all: grows with every byte and with the end. Edge-triggered waiters look for it. */
  get activity(): number {
    const { sim, listener } = this;
    if (listener !== null) return listener.offered;
    if (sim === null) return 0;
    return sim.received + sim.readable + (sim.peerFinished ? 1 : 0);
  }

  /** SO_RCVTIMEO and SO_SNDTIMEO, µs; Infinity = none. */
  get receiveTimeoutUs(): number {
    return this.#timeoutUs(SO_RCVTIMEO);
  }

  get sendTimeoutUs(): number {
    return this.#timeoutUs(SO_SNDTIMEO);
  }

  // struct timeval
  #timeoutUs(name: number): number {
    const value = this.options.get(`${SOL_SOCKET}:${name}`);
    if (value === undefined || value.length < 16) return Number.POSITIVE_INFINITY;
    const us = Number(value.readBigInt64LE(0)) * 1e6 + Number(value.readBigInt64LE(8));
    return us === 0 ? Number.POSITIVE_INFINITY : us;
  }

  /** A connection of its own, or none. */
  become(sim: SimSocket | null): void {
    this.sim = sim;
    this.isConnecting = false;
    this.isSynSent = false;
    this.readClosed = false;
    this.writeClosed = false;
    this.#errorTaken = false;
    this.#maxWindow = 0;
  }

  /** An option as a number, or what it is by default. */
  option(level: number, name: number, otherwise: number): number {
    const value = this.options.get(`${level}:${name}`);
    return value === undefined || value.length < 4 ? otherwise : value.readInt32LE(0);
  }
}

/** Handles and what they stand for. */
export class SocketTable {
  readonly #sockets = new Map<number, PortSocket | null>();

  /** @returns the handle, the least that is free */
  add(socket: PortSocket): number {
    const handle = this.reserve();
    this.#sockets.set(handle, socket);
    return handle;
  }

  /** A handle for something that is no socket. */
  reserve(): number {
    let handle = 0;
    while (this.#sockets.has(handle)) handle++;
    this.#sockets.set(handle, null);
    return handle;
  }

  get(handle: number): PortSocket | undefined {
    return this.#sockets.get(handle) ?? undefined;
  }

  remove(handle: number): void {
    this.#sockets.delete(handle);
  }
}

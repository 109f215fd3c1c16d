// What must hold after every turn of every simulated host, whatever the network does: RFC 9293 3.3.1's order of the sequence
// variables, offsets that only grow, rings that hold what their offsets say. A violation is a bug in the core.
import {
  STATE_ESTABLISHED,
  TCB_CWND,
  TCB_LOST_OUT,
  TCB_PACKETS_OUT,
  TCB_RCV_HEAD,
  TCB_RCV_NXT,
  TCB_RCV_RING_CAPACITY,
  TCB_RCV_TAIL,
  TCB_RETRANS_OUT,
  TCB_SND_HEAD,
  TCB_SND_NXT,
  TCB_SND_RING_CAPACITY,
  TCB_SND_TAIL,
  TCB_SND_UNA,
  TCB_STATE,
  TX_CAPACITY,
  USAGE_TX_FRAMES,
} from "../../assembly/layout.ts";
import type { SimHost } from "./host.ts";
import type { SimSocket } from "./socket.ts";

interface Seen {
  sndUna: number;
  rcvNxt: number;
  sndHead: number;
  rcvTail: number;
}

/** A rule that was broken. */
export class InvariantError extends Error {
  constructor(message: string) {
    super(message);
    this.name = "InvariantError";
  }
}

const before = (a: number, b: number): boolean => ((a - b) | 0) < 0;

/** Watches one host. */
export class Invariants {
  readonly #host: SimHost;
  readonly #name: string;
  readonly #seen = new Map<SimSocket, Seen>();

  constructor(host: SimHost, name: string) {
    this.#host = host;
    this.#name = name;
  }

  /** @throws InvariantError */
  check(): void {
    for (const socket of this.#host.sockets.values()) {
      if (socket.isAttached) this.#checkSocket(socket);
    }
    for (const socket of this.#seen.keys()) if (!socket.isAttached) this.#seen.delete(socket);
    const frames = this.#host.exports.usage(USAGE_TX_FRAMES);
    if (frames > 2 * TX_CAPACITY) this.#fail(`${frames} frames in TX rings`);
  }

  #checkSocket(socket: SimSocket): void {
    const state = this.#host.views.u8[socket.tcb + TCB_STATE]!;
    if (state < STATE_ESTABLISHED) return;
    const now: Seen = {
      sndUna: socket.field(TCB_SND_UNA),
      rcvNxt: socket.field(TCB_RCV_NXT),
      sndHead: socket.field(TCB_SND_HEAD),
      rcvTail: socket.field(TCB_RCV_TAIL),
    };
    if (before(socket.field(TCB_SND_NXT), now.sndUna)) this.#fail("SND.NXT is before SND.UNA");
    const last = this.#seen.get(socket);
    if (last !== undefined) {
      if (before(now.sndUna, last.sndUna)) this.#fail("SND.UNA went back");
      if (before(now.rcvNxt, last.rcvNxt)) this.#fail("RCV.NXT went back");
      if (before(now.sndHead, last.sndHead)) this.#fail("the head of the send ring went back");
      if (before(now.rcvTail, last.rcvTail)) this.#fail("the tail of the receive ring went back");
    }
    this.#seen.set(socket, now);
    this.#checkRings(socket, now);
    if (socket.field(TCB_CWND) === 0) this.#fail("the congestion window is 0");
    const packetsOut = socket.field(TCB_PACKETS_OUT);
    if (socket.field(TCB_LOST_OUT) > packetsOut) this.#fail("more segments lost than out");
    if (socket.field(TCB_RETRANS_OUT) > packetsOut) this.#fail("more segments retransmitted than out");
  }

  #checkRings(socket: SimSocket, now: Seen): void {
    const sendUsed = (socket.field(TCB_SND_TAIL) - now.sndHead) >>> 0;
    const sendRing = socket.field(TCB_SND_RING_CAPACITY);
    if (sendUsed > sendRing) this.#fail(`${sendUsed} bytes in a send ring of ${sendRing}`);
    const receiveUsed = (now.rcvTail - socket.field(TCB_RCV_HEAD)) >>> 0;
    const receiveRing = socket.field(TCB_RCV_RING_CAPACITY);
    if (receiveUsed > receiveRing) this.#fail(`${receiveUsed} bytes in a receive ring of ${receiveRing}`);
  }

  #fail(what: string): never {
    throw new InvariantError(`host ${this.#name}: ${what}`);
  }
}

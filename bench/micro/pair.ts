// Two cores of the production build with one connection between them, in one thread and under a clock of their own: the sequence
// numbers, timestamps and windows of every frame are real. A benchmark times one step of a round; the rest of the round happens
// here, unmeasured, and each round is checked: all bytes arrived and were acknowledged, no frame was dropped, none sent again.
import { fileURLToPath } from "node:url";
import { COUNTER_TCP_RETRANS_SEGS } from "../../assembly/counters.ts";
import { INTERFACE_BYTES, INTERFACE_RX_DROPPED, INTERFACES, TCB_CWND, TCB_SND_MSS } from "../../assembly/layout.ts";
import { loadCore, SimHost, type SimSocket } from "../../src/sim/index.ts";
import { Station } from "./station.ts";

const SENDER = 0x0a000001;
const RECEIVER = 0x0a000002;
const PORT = 7;
const START_US = 1_000_000;
/** One way. */
const DELAY_US = 25;
/** Longer than an ACK is delayed, shorter than a retransmission time-out. */
const PAUSE_US = 50_000;
const MOST_TURNS = 10_000;
/** Receive slots that the links claim: with fewer a sender holds a round back, so that its ACKs find one (tcp/ack-slots.ts). */
const RX_SLOTS = 65_535;
/** A new interface announces its address for so long (RFC 5227 2.3). */
const ANNOUNCING_US = 5_000_000;

export type PairOptions = {
  /** Bytes of IP packet. */
  mtu: number;
  /** Largest super-segment, bytes of IP packet; 0 = none. */
  gsoMax: number;
  /** The links complete checksums and vouch for them. */
  checksumOffload: boolean;
  /** Bytes of the send and the receive ring, a power of two. */
  ringBytes: number;
  /** Bytes of a receive slot. */
  slotBytes: number;
  /** Frames of data in a round. */
  frames: number;
  /** Payload bytes of each of them. */
  payload: number;
};

/** A sender and a receiver, connected, in a state in which one round of `frames` frames can leave at once. */
export class Pair {
  readonly sender: Station;
  readonly receiver: Station;
  readonly frames: number;
  nowUs = START_US;
  readonly #outgoing: SimSocket;
  readonly #incoming: SimSocket;
  readonly #sent: Uint8Array;
  readonly #read: Uint8Array;

  constructor(options: PairOptions) {
    const { ringBytes, slotBytes, frames, payload, ...link } = options;
    const module = loadCore(fileURLToPath(new URL("../../dist/wasmtcp.wasm", import.meta.url)));
    const sysctl = {
      tcp_rmem: [4096, ringBytes, ringBytes],
      tcp_wmem: [4096, 65_536, ringBytes],
      base_reachable_time_ms: 3_600_000, // no ARP between the frames that are counted
    } as const;
    const hosts = [SENDER, RECEIVER].map(
      (address) => new SimHost(module, { ...link, address, rxSlots: RX_SLOTS, sysctl, heapBytes: 256 << 20 }, 1),
    );
    this.sender = new Station(hosts[0]!, slotBytes);
    this.receiver = new Station(hosts[1]!, slotBytes);
    this.frames = frames;
    this.#sent = Uint8Array.from({ length: frames * payload }, (_, i) => Math.imul(i, 2654435761) >>> 13);
    this.#read = new Uint8Array(this.#sent.length);
    for (const endUs = this.nowUs + ANNOUNCING_US; this.nowUs < endUs; this.nowUs += PAUSE_US) this.#turn();
    const listener = this.receiver.host.listen(PORT);
    this.#outgoing = this.sender.host.connect(RECEIVER, PORT);
    for (let turn = 0; listener.pending === 0 && turn < MOST_TURNS; turn++) this.#turn();
    const incoming = listener.accept();
    if (incoming === null) throw new Error("the two cores do not connect");
    this.#incoming = incoming;
    this.#warmUp();
    const mss = this.#outgoing.field(TCB_SND_MSS);
    if (payload % mss !== 0) throw new Error(`${payload} B is no multiple of the segment size, ${mss} B`);
  }

  /** Writes the data of a round and tells the sender. All of the round before must have arrived. */
  queue(): void {
    const written = this.#outgoing.write(this.#sent);
    if (written !== this.#sent.length) throw new Error(`the send ring took ${written} B of ${this.#sent.length}`);
    this.sender.host.beginTurn(this.nowUs);
  }

  /** Sends the data of a round to the receive slots of the other end, but no further. */
  launch(): void {
    this.sender.send(this.nowUs);
    this.#carry(this.sender, this.receiver);
  }

  /** Lets the receiver take the frames of a round two by two, and carries the ACK of each two to the sender's slots. */
  acknowledgeByTwo(): void {
    this.receiver.arrived = 0;
    for (let first = 0; first < this.frames; first += 2) {
      this.receiver.receiveAlike(first, 2, 2, this.nowUs);
      this.receiver.host.exports.transmit(this.nowUs);
    }
    const count = this.receiver.send(this.nowUs);
    if (count !== this.frames / 2) throw new Error(`${count} ACKs for ${this.frames} segments`);
    this.#carry(this.receiver, this.sender);
  }

  /** Ends a round: what is under way arrives, is acknowledged, is read, and is what was written. */
  settle(): void {
    if (this.sender.taken > 0) this.#carry(this.sender, this.receiver);
    this.receiver.receiveAll(this.nowUs);
    for (let turn = 0; this.#outgoing.unacknowledged > 0; turn++) {
      if (turn === MOST_TURNS) throw new Error("the round does not end");
      if (!this.#turn()) this.nowUs += PAUSE_US;
    }
    const outstanding = this.#outgoing.written - this.#incoming.received;
    if (outstanding === 0) return;
    const count = this.#incoming.read(this.#read);
    if (count !== outstanding || Buffer.compare(this.#read, this.#sent) !== 0) {
      throw new Error("what was read is not what was written");
    }
    this.#turn(); // reading may have made a window update due
    for (const { host } of [this.sender, this.receiver]) expectNoLoss(host);
  }

  /** Bytes that the receiver's core has handed on and nobody has read. */
  get readable(): number {
    return this.#incoming.readable;
  }

  /** Bytes that the sender's core has no ACK for. */
  get unacknowledged(): number {
    return this.#outgoing.unacknowledged;
  }

  /** Payload bytes of a round. */
  get roundBytes(): number {
    return this.#sent.length;
  }

  /** Both ends once. @returns whether any frame moved */
  #turn(): boolean {
    this.sender.host.beginTurn(this.nowUs);
    const sent = this.sender.send(this.nowUs);
    this.#carry(this.sender, this.receiver);
    this.receiver.host.beginTurn(this.nowUs);
    this.receiver.receiveAll(this.nowUs);
    const answered = this.receiver.send(this.nowUs);
    this.#carry(this.receiver, this.sender);
    this.sender.receiveAll(this.nowUs);
    this.sender.host.deliverEvents();
    this.receiver.host.deliverEvents();
    return sent + answered > 0;
  }

  #carry(from: Station, to: Station): void {
    this.nowUs += DELAY_US;
    from.carryTo(to, this.nowUs);
  }

  /** Opens the congestion window and lets the rings grow until a whole round can leave at once. */
  #warmUp(): void {
    for (let round = 0; round < MOST_TURNS; round++) {
      let written = 0;
      for (let turn = 0; written < this.#sent.length && turn < MOST_TURNS; turn++) {
        written += this.#outgoing.write(this.#sent, written);
        this.#turn();
      }
      if (written < this.#sent.length) break;
      this.settle();
      const window = this.#outgoing.field(TCB_CWND) * this.#outgoing.field(TCB_SND_MSS);
      if (window < this.#sent.length) continue;
      this.queue();
      const count = this.sender.send(this.nowUs);
      this.settle();
      if (count === this.frames) return;
    }
    throw new Error("a whole round never leaves at once");
  }
}

function expectNoLoss(host: SimHost): void {
  const dropped = host.views.u64[(INTERFACES + INTERFACE_BYTES + INTERFACE_RX_DROPPED) >>> 3]!;
  if (dropped !== 0n) throw new Error(`${dropped} frames were dropped`);
  const again = host.counter(COUNTER_TCP_RETRANS_SEGS);
  if (again !== 0) throw new Error(`${again} segments were sent again`);
}

// One TCP sender in WASM memory, without receiver, frames or links: a test writes bytes, pulls segments, sends ACKs and moves the clock.
// Sequence numbers in what it gives and takes are relative: 0 is the first byte. ISS lies just below 2^32, so that all of them wrap.
import * as counters from "../../assembly/counters.ts";
import {
  COUNTERS,
  TCB_BYTES,
  TCB_CA_STATE,
  TCB_CWND,
  TCB_DELIVERED_CE,
  TCB_LOST_OUT,
  TCB_PACKETS_OUT,
  TCB_RECORDS,
  TCB_RETRANS_OUT,
  TCB_RETRANSMITS,
  TCB_RTO_US,
  TCB_SACKED_OUT,
  TCB_SND_HEAD,
  TCB_SND_MARKS,
  TCB_SND_TAIL,
  TCB_SRTT_US,
  TCB_SSTHRESH,
  TCB_STATE,
} from "../../assembly/layout.ts";
import { writeConfig } from "../../src/config.ts";
import { SharedViews } from "../../src/memory.ts";
import { resolveSysctl, type Sysctl } from "../../src/sysctl.ts";
import { instantiate, type TestInstance } from "./wasm.ts";

export const ISS = 0xfffffc00;
export const FIN = 1;
export const RST = 4;
export const PSH = 8;
export const ACK = 16;
const HEAP_BYTES = 64 << 20;

/** A segment that left; `seq` relative. */
export type Sent = { seq: number; bytes: number; flags: number; gsoSize: number; segments: number; suspect: boolean };

export type SenderOptions = {
  mss?: number;
  window?: number;
  ringBytes?: number;
  gsoMax?: number;
  timestamps?: boolean;
  sack?: boolean;
};

const FIELDS = {
  cwnd: TCB_CWND,
  ssthresh: TCB_SSTHRESH,
  packetsOut: TCB_PACKETS_OUT,
  lostOut: TCB_LOST_OUT,
  retransOut: TCB_RETRANS_OUT,
  sackedOut: TCB_SACKED_OUT,
  rtoUs: TCB_RTO_US,
  srttUs: TCB_SRTT_US,
  deliveredCe: TCB_DELIVERED_CE,
  head: TCB_SND_HEAD,
} as const;

/** An instance whose CONFIG is written and whose TCP is laid out. Reno unless told: its windows are those of the textbook. */
export async function tcpInstance(sysctl: Partial<Sysctl> = {}): Promise<TestInstance> {
  const instance = await instantiate(HEAP_BYTES);
  const views = new SharedViews(instance.memory);
  writeConfig(views, resolveSysctl({ tcp_congestion_control: "reno", ...sysctl }), {
    heapBytes: HEAP_BYTES,
    secrets: new Uint8Array(64).fill(7),
  });
  if (!instance.exports.outputInitialise()) throw new Error("no room for TCP");
  return instance;
}

/** An ESTABLISHED connection that sends. Time starts at one second. */
export class Sender {
  readonly wasm: TestInstance["exports"];
  readonly index: number;
  nowUs = 1_000_000;
  /** The peer's window, as its ACKs say. */
  window: number;
  readonly #view: DataView;
  #tail = 0;

  constructor({ exports, view }: TestInstance, options: SenderOptions = {}) {
    const {
      mss = 1000,
      window = 1_000_000,
      ringBytes = 1 << 20,
      gsoMax = 0,
      timestamps = false,
      sack = false,
    } = options;
    this.wasm = exports;
    this.#view = view;
    this.window = window;
    const bits = (timestamps ? 1 : 0) | (sack ? 2 : 0);
    this.index = exports.outputEstablish(ISS, mss, window, ringBytes, gsoMax, bits, this.nowUs);
  }

  /** A number of the TCB. */
  get(field: keyof typeof FIELDS): number {
    return this.#view.getUint32(this.#tcb + FIELDS[field], true);
  }

  get caState(): number {
    return this.#view.getUint8(this.#tcb + TCB_CA_STATE);
  }

  get retransmits(): number {
    return this.#view.getUint8(this.#tcb + TCB_RETRANSMITS);
  }

  get state(): number {
    return this.#view.getUint8(this.#tcb + TCB_STATE);
  }

  get inFlight(): number {
    return this.wasm.rtxTestInFlight(this.index);
  }

  /** Main writes `bytes` more. */
  write(bytes: number): void {
    this.setTail(this.#tail + bytes);
    this.wasm.outputKick(this.index);
  }

  /** Main writes `bytes` and says something of their end: SEND_MARK_ bits. */
  writeMarked(bytes: number, flags: number): void {
    const at = this.#tcb + TCB_SND_MARKS;
    this.#view.setUint32(at, this.#view.getUint32(at, true) + 1, true);
    this.wasm.outputMark(this.index, flags, this.#tail + bytes);
    this.write(bytes);
  }

  /** What main stores in its own line of the TCB; may be a lie. */
  setTail(offset: number): void {
    this.#tail = offset;
    this.#view.setUint32(this.#tcb + TCB_SND_TAIL, offset, true);
  }

  /** The next segment, or null. */
  next(): Sent | null {
    if (this.wasm.outputNext(this.index, this.nowUs) === 0) return null;
    const at = this.wasm.outputRecord() >>> 0;
    const word = (i: number) => this.#view.getUint32(at + 4 * i, true);
    return {
      seq: (word(0) - ISS - 1) | 0,
      flags: word(2),
      bytes: word(6),
      gsoSize: word(11),
      segments: word(12),
      suspect: word(13) !== 0,
    };
  }

  /** All segments that leave now. */
  pull(): Sent[] {
    const all: Sent[] = [];
    for (let sent = this.next(); sent !== null; sent = this.next()) all.push(sent);
    return all;
  }

  /** Bytes of the segments that leave now, in order. */
  pullSizes(): number[] {
    return this.pull().map((sent) => sent.bytes);
  }

  /** The peer acknowledges everything before `ack` (relative). @returns whether our FIN is acknowledged */
  ack(ack: number, tsEcr = 0): boolean {
    return this.wasm.outputAck(this.index, 0, (ISS + 1 + ack) >>> 0, this.window, tsEcr >>> 0, this.nowUs) !== 0;
  }

  /** As `ack`, with ECE: the network marked congestion (RFC 3168). */
  echo(ack: number): void {
    this.wasm.outputEcho();
    this.ack(ack);
  }

  /** As ack(), with SACK blocks (relative edges), the first of which may be a D-SACK. */
  sack(ack: number, blocks: readonly (readonly [left: number, right: number])[], tsEcr = 0): boolean {
    for (const [left, right] of blocks) this.wasm.outputStageSack((ISS + 1 + left) >>> 0, (ISS + 1 + right) >>> 0);
    return this.ack(ack, tsEcr);
  }

  /** Moves the clock and runs what is due. @returns whether anybody wants to send */
  wait(us: number): boolean {
    this.nowUs += us;
    return this.wasm.outputRunTimers(this.nowUs) !== 0;
  }

  /** The deadline of the tagged timer from now, µs; null = off. */
  get timerIn(): number | null {
    const due = this.wasm.outputTimerUs(this.index);
    return due === 0 ? null : due - this.nowUs;
  }

  /** The retransmission queue from its head on, sequence numbers relative. @throws Error if its links or its count are wrong */
  records(): { seq: number; end: number; flags: number; segments: number }[] {
    const at = this.wasm.outputHog(4 << 20);
    const count = this.wasm.rtxTestDump(this.index, at);
    const word = (i: number, field: number) => this.#view.getUint32(at + 24 * i + 4 * field, true);
    const rows = Array.from({ length: Math.max(count, 0) }, (_, i) => ({
      seq: (word(i, 1) - ISS - 1) | 0,
      end: (word(i, 2) - ISS - 1) | 0,
      flags: word(i, 3),
      segments: word(i, 4),
    }));
    this.wasm.outputUnhog(at);
    if (count < 0) throw new Error("the links of the queue are wrong");
    return rows;
  }

  /** Where the record that holds `seq`, or the first one after it, begins; null = nowhere. */
  find(seq: number): number | null {
    const index = this.wasm.rtxTestFind(this.index, (ISS + 1 + seq) >>> 0);
    if (index < 0) return null;
    const at = this.wasm.outputHog(4 << 20);
    const count = this.wasm.rtxTestDump(this.index, at);
    let begin: number | null = null;
    for (let i = 0; i < count; i++) {
      if (this.#view.getUint32(at + 24 * i, true) === index)
        begin = (this.#view.getUint32(at + 24 * i + 4, true) - ISS - 1) | 0;
    }
    this.wasm.outputUnhog(at);
    return begin;
  }

  /** A counter of the instance, by its name without COUNTER_. */
  counter(name: string): number {
    const place = (counters as Record<string, number>)[`COUNTER_${name}`];
    if (place === undefined) throw new Error(`there is no counter ${name}`);
    return Number(this.#view.getBigUint64(COUNTERS + 8 * place, true));
  }

  get #tcb(): number {
    return TCB_RECORDS + this.index * TCB_BYTES;
  }
}

/** Sets one sysctl of a running instance. `address`: a SYSCTL_ address */
export function setSysctl({ view }: TestInstance, address: number, value: number): void {
  view.setUint32(address, value, true);
}

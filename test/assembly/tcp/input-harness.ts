// One TCP core driven segment by segment: what the tests of arrival, listeners, windows and closing share. Sequence numbers in
// tests are relative to the ISNs (0 = SYN); the peer's ISN lies just below 2^32, so that every test wraps.
import * as assert from "uvu/assert";
import * as L from "../../../assembly/layout.ts";
import { instantiate, type TestInstance } from "../../support/wasm.ts";

export const FIN = 1;
export const SYN = 2;
export const RST = 4;
export const PSH = 8;
export const ACK = 16;
export const URG = 32;
export const ECE = 64;
export const CWR = 128;

export const PEER_ISN = 0xfffffff0;
const PAYLOAD = L.SCRATCH + 65536;
const OUTGOING = L.SCRATCH + 1024;
const OPT_MSS = 1;
const OPT_WSCALE = 2;
const OPT_SACK_PERMITTED = 4;
const OPT_TIMESTAMPS = 8;
const OPT_FASTOPEN = 32;

const SYSCTLS: [number, number][] = [
  [L.SYSCTL_TCP_SYN_RETRIES, 7],
  [L.SYSCTL_TCP_SYNACK_RETRIES, 5],
  [L.SYSCTL_TCP_RETRIES1, 3],
  [L.SYSCTL_TCP_RETRIES2, 15],
  [L.SYSCTL_TCP_FIN_TIMEOUT, 60],
  [L.SYSCTL_TCP_WINDOW_SCALING, 1],
  [L.SYSCTL_TCP_TIMESTAMPS, 1],
  [L.SYSCTL_TCP_SACK, 1],
  [L.SYSCTL_TCP_DSACK, 1],
  [L.SYSCTL_TCP_RMEM_MIN, 4096],
  [L.SYSCTL_TCP_RMEM_DEFAULT, 131072],
  [L.SYSCTL_TCP_RMEM_MAX, 6291456],
  [L.SYSCTL_TCP_WMEM_MIN, 4096],
  [L.SYSCTL_TCP_WMEM_DEFAULT, 16384],
  [L.SYSCTL_TCP_WMEM_MAX, 4194304],
  [L.SYSCTL_TCP_KEEPALIVE_TIME, 7200],
  [L.SYSCTL_TCP_KEEPALIVE_INTVL, 75],
  [L.SYSCTL_TCP_KEEPALIVE_PROBES, 9],
  [L.SYSCTL_TCP_RTO_MIN_US, 200000],
  [L.SYSCTL_TCP_RTO_MAX_MS, 120000],
  [L.SYSCTL_TCP_MIN_SND_MSS, 48],
  [L.SYSCTL_TCP_SLOW_START_AFTER_IDLE, 1],
  [L.SYSCTL_TCP_MODERATE_RCVBUF, 1],
  [L.SYSCTL_SOMAXCONN, 4096],
  [L.SYSCTL_TCP_MAX_SYN_BACKLOG, 4096],
  [L.SYSCTL_TCP_INVALID_RATELIMIT, 500],
  [L.SYSCTL_IP_LOCAL_PORT_RANGE_MIN, 32768],
  [L.SYSCTL_IP_LOCAL_PORT_RANGE_MAX, 60999],
  [L.SYSCTL_TCP_TIME_WAIT_MS, 60000],
  [L.SYSCTL_TCP_INITIAL_CWND, 10],
  [L.SYSCTL_TCP_REORDERING, 3],
  [L.SYSCTL_TCP_DELACK_MIN_US, 40000],
  [L.SYSCTL_TCP_ORPHAN_RETRIES, 8],
  [L.SYSCTL_TCP_MAX_TW_BUCKETS, 65536],
  [L.SYSCTL_TCP_TW_REUSE, 2],
  [L.SYSCTL_TCP_MAX_ORPHANS, 65536],
  [L.SYSCTL_TCP_FASTOPEN, 1],
  [L.SYSCTL_TCP_LIMIT_OUTPUT_BYTES, 4194304],
];

/** A segment from the peer; seq and ack are relative to the ISNs of peer and core. */
export type Arriving = {
  flags: number;
  seq?: number;
  ack?: number;
  wnd?: number;
  data?: Uint8Array | number;
  segments?: number;
  gsoSize?: number;
  mss?: number;
  wscale?: number;
  sackPermitted?: boolean;
  tsVal?: number;
  tsEcr?: number;
  localPort?: number;
  remotePort?: number;
  fromSelf?: boolean;
  isn?: number;
  tos?: number;
  /** Urgent pointer, from `seq` on. */
  up?: number;
  /** Fast Open: a cookie, or empty for a request. */
  fastOpen?: Uint8Array;
};

/** A segment the core built. */
export type Leaving = {
  index: number;
  seq: number;
  ack: number;
  flags: number;
  window: number;
  payloadLength: number;
  options: Uint8Array;
  tos: number;
};

/** A core, and the two ends of one connection in it: index (TCB), iss, irs. */
export class Core {
  now = 1_000_000;
  /** TCB of the connection under test. */
  index = -1;
  /** Our ISN, known once a SYN of ours left. */
  iss = 0;
  localPort = 80;
  remotePort = 5000;
  /** TSval of what the peer sends, undefined = no timestamps. */
  peerTs: number | undefined;
  /** Shift of the windows we advertise. */
  rcvWscale = 0;
  readonly x: TestInstance["exports"];
  readonly view: DataView;
  readonly u8: Uint8Array;

  private constructor(instance: TestInstance) {
    this.x = instance.exports;
    this.view = instance.view;
    this.u8 = instance.u8;
  }

  static async create(sysctls: [number, number][] = []): Promise<Core> {
    const core = new Core(await instantiate());
    core.set(L.CONFIG_HEAP_BYTES, 64 << 20);
    for (let i = 0; i < 64; i++) core.u8[L.CONFIG_SECRETS + i] = (i * 37 + 11) & 0xff;
    for (const [address, value] of [...SYSCTLS, ...sysctls]) core.set(address, value);
    const nic = L.INTERFACES + L.INTERFACE_BYTES;
    core.set(nic + L.INTERFACE_MTU, 1500);
    core.set(nic + L.INTERFACE_RX_SLOTS, 0);
    assert.ok(core.x.inputInitialise());
    return core;
  }

  set(address: number, value: number): void {
    this.view.setUint32(address, value, true);
  }

  tcb(offset: number, index = this.index): number {
    return this.view.getUint32(L.TCB_RECORDS + index * L.TCB_BYTES + offset, true);
  }

  setTcb(offset: number, value: number, index = this.index): void {
    this.view.setUint32(L.TCB_RECORDS + index * L.TCB_BYTES + offset, value, true);
  }

  state(index = this.index): number {
    return this.view.getUint8(L.TCB_RECORDS + index * L.TCB_BYTES + L.TCB_STATE);
  }

  error(index = this.index): number {
    return this.view.getUint16(L.TCB_RECORDS + index * L.TCB_BYTES + L.TCB_ERROR, true);
  }

  counter(counter: number): number {
    return Number(this.view.getBigUint64(L.COUNTERS + 8 * counter, true));
  }

  isFree(index = this.index): boolean {
    return !this.x.isTcbInUse(index);
  }

  /** RCV.NXT relative to the peer's ISN. */
  rcvNxt(): number {
    return (this.tcb(L.TCB_RCV_NXT) - this.tcb(L.TCB_IRS)) >>> 0;
  }

  private place(s: Arriving): void {
    const data = typeof s.data === "number" ? pattern(s.seq ?? 0, s.data) : (s.data ?? new Uint8Array(0));
    this.u8.set(data, PAYLOAD);
    this.x.inputSegment(
      s.localPort ?? this.localPort,
      s.remotePort ?? this.remotePort,
      ((s.isn ?? PEER_ISN) + (s.seq ?? 0)) >>> 0,
      s.ack === undefined ? 0 : (this.iss + s.ack) >>> 0,
      s.flags,
      s.wnd ?? 1000,
      PAYLOAD,
      data.length,
      s.segments ?? 1,
      s.gsoSize ?? 0,
      s.fromSelf ?? false,
    );
    this.x.inputTos(s.tos ?? 0);
    this.x.inputUrgent(s.up ?? 0);
    let present = 0;
    const tsVal = s.tsVal ?? this.peerTs;
    if (s.mss !== undefined) present |= OPT_MSS;
    if (s.wscale !== undefined) present |= OPT_WSCALE;
    if (s.sackPermitted) present |= OPT_SACK_PERMITTED;
    if (tsVal !== undefined && tsVal >= 0) present |= OPT_TIMESTAMPS;
    if (s.fastOpen !== undefined) present |= OPT_FASTOPEN;
    this.u8.set(s.fastOpen ?? new Uint8Array(0), PAYLOAD - 16);
    this.x.inputFastOpen(PAYLOAD - 16, s.fastOpen?.length ?? 0);
    this.x.inputOptions(present, s.mss ?? 0, s.wscale ?? 0, tsVal ?? 0, s.tsEcr ?? 0);
  }

  /** A segment arrives. @returns true if it is to be answered with a RST */
  arrive(s: Arriving): boolean {
    this.place(s);
    return this.x.inputArrive(this.now) === this.x.inputSendRst();
  }

  arriveSlowly(s: Arriving): boolean {
    this.place(s);
    return this.x.inputArriveSlowly(this.now) === this.x.inputSendRst();
  }

  isPredicted(s: Arriving): boolean {
    this.place(s);
    return Boolean(this.x.inputIsPredicted());
  }

  /** The RST for the segment in hand, relative to nothing. */
  reset(): { flags: number; seq: number; ack: number } | undefined {
    const flags: number = this.x.inputReset();
    return flags === 0 ? undefined : { flags, seq: this.x.inputResetSeq() >>> 0, ack: this.x.inputResetAck() >>> 0 };
  }

  /** The next segment the core wants to send, or undefined. */
  pull(): Leaving | undefined {
    const index: number = this.x.inputPull(this.now);
    if (index < 0) return undefined;
    const word = (offset: number): number => this.view.getUint32(OUTGOING + offset, true);
    const flags = word(8);
    if ((flags & SYN) !== 0) this.iss = word(0);
    const options = this.u8.slice(OUTGOING + 56, OUTGOING + 56 + word(20));
    const irs = this.tcb(L.TCB_IRS, index);
    return {
      index,
      seq: (word(0) - this.tcb(L.TCB_ISS, index)) >>> 0,
      ack: (flags & ACK) === 0 ? 0 : (word(4) - irs) >>> 0,
      flags,
      window: word(12),
      payloadLength: word(24),
      options,
      tos: word(96),
    };
  }

  /** All that wants to leave. */
  pullAll(): Leaving[] {
    const all: Leaving[] = [];
    for (let out = this.pull(); out !== undefined; out = this.pull()) all.push(out);
    return all;
  }

  /** The SYN-ACK with a cookie that answers a SYN, or undefined if something else becomes of it. It belongs to no TCB. */
  cookie(s: Partial<Arriving>): (Leaving & { isn: number }) | undefined {
    this.place({ flags: SYN, ...s });
    if (this.x.inputArrive(this.now) !== this.x.inputSendSynAck()) return undefined;
    const word = (offset: number): number => this.view.getUint32(OUTGOING + offset, true);
    this.iss = word(0);
    const options = this.u8.slice(OUTGOING + 56, OUTGOING + 56 + word(20));
    const ack = (word(4) - (s.isn ?? PEER_ISN)) >>> 0;
    return {
      index: -1,
      seq: 0,
      isn: word(0),
      ack,
      flags: word(8),
      window: word(12),
      payloadLength: 0,
      options,
      tos: 0,
    };
  }

  /** Expects exactly one segment, with these fields. */
  expect(want: Partial<Omit<Leaving, "options" | "index">>, why = ""): Leaving {
    const all = this.pullAll();
    assert.is(all.length, 1, `one segment leaves ${why}: ${JSON.stringify(all)}`);
    const out = all[0]!;
    for (const [key, value] of Object.entries(want)) assert.is(out[key as keyof Leaving], value, `${key} ${why}`);
    return out;
  }

  expectNothing(why = ""): void {
    const all = this.pullAll();
    assert.is(all.length, 0, `nothing leaves ${why}: ${JSON.stringify(all)}`);
  }

  /** READY_ bits told since the last call, by TCB. */
  events(): Map<number, number> {
    const told = new Map<number, number>();
    for (let index: number = this.x.inputEvent(); index >= 0; index = this.x.inputEvent()) {
      told.set(index, (told.get(index) ?? 0) | this.x.inputReady());
    }
    return told;
  }

  listen(backlog = 10, port = this.localPort): number {
    const index: number = this.x.inputListen(port, backlog, true, this.now);
    assert.ok(index >= 0);
    return index;
  }

  /** The peer's SYN and our SYN-ACK. */
  synReceived(options: Partial<Arriving> = {}): Leaving {
    this.arrive({ flags: SYN, mss: 1460, wscale: 7, wnd: 65535, ...options });
    const out = this.expect({ flags: SYN | ACK, seq: 0, ack: 1 }, "for SYN");
    this.index = out.index;
    this.rcvWscale = this.view.getUint8(L.TCB_RECORDS + this.index * L.TCB_BYTES + L.TCB_RCV_WSCALE);
    return out;
  }

  /** A connection that the peer opened, accepted by main. Windows of the peer are told unscaled 1000 << 7. */
  established(options: Partial<Arriving> = {}): this {
    const listener = this.listen();
    this.synReceived(options);
    assert.not.ok(this.arrive({ flags: ACK, seq: 1, ack: 1 }));
    assert.is(this.state(), L.STATE_ESTABLISHED);
    this.x.inputAccept(this.index);
    this.x.inputCloseListener(listener, this.now);
    this.events();
    this.expectNothing("after the handshake");
    return this;
  }

  /** Main closed its side, the FIN left and is not acknowledged. */
  finWait1(options: Partial<Arriving> = {}): this {
    this.established(options);
    this.x.inputShutdown(this.index, this.now);
    this.expect({ flags: FIN | ACK, seq: 1 }, "for CLOSE");
    assert.is(this.state(), L.STATE_FIN_WAIT_1);
    return this;
  }

  finWait2(options: Partial<Arriving> = {}): this {
    this.finWait1(options);
    this.arrive({ flags: ACK, seq: 1, ack: 2 });
    assert.is(this.state(), L.STATE_FIN_WAIT_2);
    return this;
  }

  closeWait(options: Partial<Arriving> = {}): this {
    this.established(options);
    this.arrive({ flags: FIN | ACK, seq: 1, ack: 1 });
    this.expect({ flags: ACK, ack: 2 }, "for FIN");
    assert.is(this.state(), L.STATE_CLOSE_WAIT);
    return this;
  }

  closing(options: Partial<Arriving> = {}): this {
    this.finWait1(options);
    this.arrive({ flags: FIN | ACK, seq: 1, ack: 1 });
    this.expect({ flags: ACK, seq: 2, ack: 2 }, "for the crossing FIN");
    assert.is(this.state(), L.STATE_CLOSING);
    return this;
  }

  lastAck(options: Partial<Arriving> = {}): this {
    this.closeWait(options);
    this.x.inputShutdown(this.index, this.now);
    this.expect({ flags: FIN | ACK, seq: 1, ack: 2 }, "for CLOSE");
    assert.is(this.state(), L.STATE_LAST_ACK);
    return this;
  }

  timeWait(options: Partial<Arriving> = {}): this {
    this.finWait2(options);
    this.arrive({ flags: FIN | ACK, seq: 1, ack: 2 });
    this.expect({ flags: ACK, seq: 2, ack: 2 }, "for FIN");
    assert.is(this.state(), L.STATE_TIME_WAIT);
    return this;
  }

  /** Main connects; the SYN left. */
  synSent(timeoutMs = 0): this {
    this.localPort = 40000;
    this.remotePort = 80;
    this.index = this.x.inputConnect(this.localPort, this.remotePort, false, timeoutMs, this.now);
    assert.ok(this.index >= 0);
    const out = this.expect({ flags: SYN, seq: 0 }, "for OPEN");
    assert.is(out.index, this.index);
    this.events();
    return this;
  }

  /** Bytes in order that main has not read, and reads them (or `most` of them). */
  read(most = 0xffffffff): Uint8Array {
    const head = this.tcb(L.TCB_RCV_HEAD);
    const ready = (this.tcb(L.TCB_RCV_TAIL) - head) >>> 0;
    const length = Math.min(ready, most);
    const ring = this.tcb(L.TCB_RCV_RING) & ~255;
    const mask = this.tcb(L.TCB_RCV_RING_CAPACITY) - 1;
    const bytes = new Uint8Array(length);
    for (let i = 0; i < length; i++) bytes[i] = this.u8[ring + ((head + i) & mask)]!;
    this.setTcb(L.TCB_RCV_EPOCH_TAKEN, this.tcb(L.TCB_RCV_EPOCH));
    this.setTcb(L.TCB_RCV_HEAD, (head + length) >>> 0);
    return bytes;
  }

  /** Whether main, by its rule, kicks after what it has read. */
  mustKick(): boolean {
    return ((this.tcb(L.TCB_RCV_HEAD) - this.tcb(L.TCB_RCV_KICK_AT)) | 0) >= 0;
  }

  kick(): void {
    this.x.inputKick(this.index, this.now);
  }
}

/** The SACK blocks among options, left and right edge relative to the peer's ISN. */
export function sackBlocks(options: Uint8Array): [number, number][] {
  const view = new DataView(options.buffer, options.byteOffset, options.byteLength);
  const relative = (at: number): number => (view.getUint32(at) - PEER_ISN) >>> 0;
  for (let at = 0; at < options.length; at += options[at] === 1 ? 1 : options[at + 1]!) {
    if (options[at] !== 5) continue;
    const count = (options[at + 1]! - 2) / 8;
    return Array.from({ length: count }, (_, i) => [relative(at + 2 + 8 * i), relative(at + 6 + 8 * i)]);
  }
  return [];
}

/** Bytes of the peer's stream from a relative sequence number on: each position has its own value. */
export function pattern(seq: number, length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  for (let i = 0; i < length; i++) bytes[i] = ((seq + i) * 131 + ((seq + i) >> 8)) & 0xff;
  return bytes;
}

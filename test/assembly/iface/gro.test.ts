// Frames that continue one another are merged on their way to TCP: what is merged, what ends a run, and that nothing else changes. One
// host gets the frames of a peer that the test plays; a second host without merging gets the same ones.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import {
  COUNTER_IP_IN_ADDR_ERRORS,
  COUNTER_IP_IN_BAD_OPTIONS,
  COUNTER_IP_IN_CSUM_ERRORS,
  COUNTER_IP_IN_HDR_ERRORS,
  COUNTER_IP_IN_MARTIAN,
  COUNTER_IP_IN_RECEIVES,
  COUNTER_TCP_IN_CSUM_ERRORS,
  COUNTER_TCP_IN_DUPLICATE_DATA,
  COUNTER_TCP_IN_OFO_QUEUED,
  COUNTER_TCP_IN_SEGS,
  COUNTER_TCP_RCV_COALESCE,
} from "../../../assembly/counters.ts";
import * as L from "../../../assembly/layout.ts";
import type { Frame } from "../../../src/links/frame.ts";
import { Random } from "../../../src/links/random.ts";
import type { SimSocket } from "../../../src/sim/index.ts";
import { Bench, bytes32, fixIpv4, fixTcp, icmp, ipv4, type SegmentFields, tcp } from "../../support/frames.ts";

const test = suite("iface/gro");
const PORT = 80;
const PEER_ISN = 0xffffff00; // every stream wraps
const MSS = 100;
const BEFORE = 20; // segments before those that a test looks at
const SYN = 2;
const FIN = 1;
const RST = 4;
const PSH = 8;
const ACK = 16;
const URG = 32;
const ECE = 64;
const CWR = 128;

/** Bytes of the peer's stream. */
const stream = (from: number, length: number): number[] =>
  Array.from({ length }, (_, i) => (((from + i) * 31) >>> 3) & 255);

/** A host with one connection, and the peer's end of it. */
class Peer {
  readonly bench: Bench;
  readonly socket: SimSocket;
  #iss = 0;
  tsVal = 1000;

  constructor(gro: boolean, sysctl = {}) {
    this.bench = new Bench({ gro, sysctl });
    this.bench.meetPeer();
    const listener = this.bench.host.listen(PORT);
    this.bench.turn();
    const syn = tcp({
      flags: SYN | ECE | CWR,
      seq: PEER_ISN,
      tcpOptions: [2, 4, 5, 180, 4, 2, 8, 10, ...this.#stamps(0), 1, 3, 3, 7],
    });
    const [synAck] = this.bench.turn([syn]);
    this.#iss = new DataView(synAck!.buffer).getUint32(38);
    this.bench.turn([this.frame(0, 0)]);
    this.socket = listener.accept()!;
    assert.is(this.socket.state, "ESTABLISHED");
    // The first data of a connection is not predicted, and its first ring is small
    this.bench.turn(this.frames(-BEFORE * MSS, BEFORE));
    assert.is(this.read().length, BEFORE * MSS);
  }

  #stamps(tsEcr: number): number[] {
    return [...bytes32(this.tsVal), ...bytes32(tsEcr)];
  }

  /** A segment with `length` bytes of the stream from offset `at` on. */
  frame(at: number, length: number, fields: SegmentFields = {}): Uint8Array {
    return tcp({
      flags: ACK,
      seq: (PEER_ISN + 1 + BEFORE * MSS + at) >>> 0,
      ack: (this.#iss + 1) >>> 0,
      window: 500,
      fragment: 0x4000,
      tcpOptions: [1, 1, 8, 10, ...this.#stamps(0)],
      payload: stream(at, length),
      ...fields,
    });
  }

  /** `count` full segments from offset `at` on. */
  frames(at: number, count: number, fields: SegmentFields = {}): Uint8Array[] {
    return Array.from({ length: count }, (_, i) => this.frame(at + i * MSS, MSS, fields));
  }

  /** Segments that were merged while `frames` came. */
  merged(frames: (Uint8Array | Frame)[]): number {
    return this.bench.counted(() => this.bench.turn(frames))[COUNTER_TCP_RCV_COALESCE] ?? 0;
  }

  /** Reads up to `most` bytes; a read ends at urgent data, so there may be several. */
  read(most = 1 << 20): number[] {
    const into = new Uint8Array(most);
    const all: number[] = [];
    for (let count = -1; count !== 0 && all.length < most; ) {
      count = this.socket.read(into.subarray(0, most - all.length)) ?? 0;
      for (const byte of into.subarray(0, count)) all.push(byte);
    }
    return all;
  }
}

test("segments that continue one another are one run: the stream, the counts and one ACK are those of all [9293 3.10.7.4] [5681 4.2]", () => {
  const peer = new Peer(true);
  let replies: Uint8Array[] = [];
  const counted = peer.bench.counted(() => {
    replies = peer.bench.turn(peer.frames(0, 32));
  });
  assert.is(counted[COUNTER_TCP_RCV_COALESCE], 31);
  assert.is(counted[COUNTER_TCP_IN_SEGS], 32);
  assert.is(peer.socket.field(L.TCB_DATA_SEGS_IN), BEFORE + 32);
  assert.equal(peer.read(), stream(0, 32 * MSS));
  assert.is(replies.length, 1);
  assert.is(new DataView(replies[0]!.buffer).getUint32(42), (PEER_ISN + 1 + (BEFORE + 32) * MSS) >>> 0);
  const { u64 } = peer.bench.host.views;
  const frames = u64[(L.INTERFACES + L.INTERFACE_BYTES + L.INTERFACE_RX_FRAMES) >>> 3]!;
  assert.is(Number(frames), 32 + BEFORE + 3); // ARP, SYN, ACK, the first data
});

test("without it each segment is taken by itself", () => {
  const peer = new Peer(false);
  assert.is(peer.merged(peer.frames(0, 8)), 0);
  assert.equal(peer.read(), stream(0, 8 * MSS));
});

test("what a link vouches for is merged as well, a super-segment of its own making is not", () => {
  const peer = new Peer(true);
  const vouched = peer.frames(0, 4).map((bytes) => ({ bytes, flags: L.FRAME_CSUM_VALID, gsoSize: 0 }));
  assert.is(peer.merged(vouched), 3);
  const supers = peer.frames(4 * MSS, 4).map((bytes) => ({ bytes, flags: L.FRAME_CSUM_VALID, gsoSize: 50 }));
  assert.is(peer.merged(supers), 0);
  assert.equal(peer.read(), stream(0, 8 * MSS));
});

test("PSH and a shorter segment are the last of a run", () => {
  const peer = new Peer(true);
  const frames = [
    ...peer.frames(0, 3),
    peer.frame(300, MSS, { flags: ACK | PSH }), // ends the run of 3
    ...peer.frames(400, 3), // the first is taken by itself
    peer.frame(700, 50), // ends the run of 3
    ...peer.frames(750, 3), // as before
  ];
  assert.is(peer.merged(frames), 3 + 3 + 2);
  assert.equal(peer.read(), stream(0, 1050));
});

const BREAKS: [string, (peer: Peer) => Uint8Array, number?][] = [
  ["a later timestamp", (peer) => peer.frame(200, MSS, { tcpOptions: [1, 1, 8, 10, ...bytes32(1001), ...bytes32(0)] })],
  ["other options", (peer) => peer.frame(200, MSS, { tcpOptions: [8, 10, ...bytes32(1000), ...bytes32(0), 1, 1] })],
  ["another window", (peer) => peer.frame(200, MSS, { window: 501 }), 1], // and so is the next, whose window is news again
  ["CE in place of ECT [3168 6.1.3]", (peer) => peer.frame(200, MSS, { tos: 3 })],
  ["CWR", (peer) => peer.frame(200, MSS, { flags: ACK | CWR })],
  ["ECE", (peer) => peer.frame(200, MSS, { flags: ACK | ECE })],
  ["URG", (peer) => peer.frame(200, MSS, { flags: ACK | URG })],
  ["another TTL", (peer) => peer.frame(200, MSS, { ttl: 63 })],
  ["no DF", (peer) => peer.frame(200, MSS, { fragment: 0 })],
  ["IP options", (peer) => peer.frame(200, MSS, { options: [1, 1, 1, 0] })],
];
for (const [name, make, merged = 2] of BREAKS) {
  test(`${name}: ends the run and is taken by itself`, () => {
    const peer = new Peer(true);
    const odd = make(peer);
    assert.is(peer.merged([...peer.frames(0, 2), odd, ...peer.frames(300, 2)]), merged);
    assert.is(peer.socket.field(L.TCB_BYTES_RECEIVED), (BEFORE + 5) * MSS);
    const urgent = name === "URG"; // whose byte is not read in line
    assert.equal(peer.read(), urgent ? [...stream(0, 200), ...stream(201, 299)] : stream(0, 500));
    assert.is(peer.socket.field(L.TCB_DATA_SEGS_IN), BEFORE + 5);
  });
}

test("a damaged segment within a run is dropped and counted, those behind it wait for it [9293 MUST-3]", () => {
  const peer = new Peer(true);
  const frames = peer.frames(0, 6);
  frames[2]![70]! ^= 1;
  const counted = peer.bench.counted(() => peer.bench.turn(frames));
  assert.is(counted[COUNTER_TCP_IN_CSUM_ERRORS], 1);
  assert.is(counted[COUNTER_TCP_RCV_COALESCE], 1);
  assert.equal(peer.read(), stream(0, 200));
  peer.bench.turn([peer.frame(200, MSS)]);
  assert.equal(peer.read(), stream(200, 400));
});

test("a FIN or a RST behind a run does what it does", () => {
  for (const [flags, state] of [
    [FIN | ACK, "CLOSE-WAIT"],
    [RST | ACK, "CLOSED"],
  ] as const) {
    const peer = new Peer(true);
    assert.is(peer.merged([...peer.frames(0, 3), peer.frame(300, 0, { flags })]), 2);
    assert.is(peer.socket.state, state);
  }
});

test("a CE mark on every segment of a run is echoed [3168 6.1.3]", () => {
  const peer = new Peer(true, { tcp_ecn: 1 });
  peer.bench.turn(peer.frames(0, 2, { tos: 2 }));
  let replies: Uint8Array[] = [];
  const counted = peer.bench.counted(() => {
    replies = peer.bench.turn(peer.frames(200, 4, { tos: 3 }));
  });
  assert.is(counted[COUNTER_TCP_RCV_COALESCE], 3);
  assert.ok(replies.some((frame) => (frame[47]! & ECE) !== 0));
});

test("no run goes beyond the promised window, or the ring", () => {
  const peer = new Peer(true, { tcp_rmem: [4096, 4096, 4096], tcp_moderate_rcvbuf: 0 });
  peer.bench.turn(peer.frames(0, 60)); // 6000 bytes into a window of 4096 at most
  const read = peer.read();
  assert.ok(read.length > 0 && read.length <= 4096);
  assert.equal(read, stream(0, read.length));
});

/** What a peer might send in one turn, some of it wrong; the same for both hosts. */
function someFrames(dice: Random, peer: Peer, at: number): { frames: Uint8Array[]; next: number } {
  const frames: Uint8Array[] = [];
  let next = at;
  const count = 1 + dice.below(24);
  for (let i = 0; i < count; i++) {
    const fields: SegmentFields = { tos: dice.below(12) === 0 ? 3 : 2, id: dice.below(65536) };
    if (dice.below(8) === 0) fields.flags = ACK | PSH;
    if (dice.below(40) === 0) fields.flags = ACK | URG;
    if (dice.below(30) === 0) fields.window = 400 + dice.below(100);
    if (dice.below(30) === 0) fields.ttl = 1 + dice.below(255);
    const length = dice.below(10) === 0 ? 1 + dice.below(MSS) : MSS;
    const from = dice.below(25) === 0 ? Math.max(0, next - dice.below(300)) : next;
    const frame = peer.frame(from, length, fields);
    next = Math.max(next, from + length);
    const fate = dice.below(150);
    if (fate === 0) continue; // lost
    if (fate === 1) frame[60 + dice.below(frame.length - 60)]! ^= 1 + dice.below(255);
    if (fate === 2) frame[14 + dice.below(40)]! ^= 1 + dice.below(255);
    if (fate === 3) fixIpv4(Object.assign(frame, { [14 + 20 + 13]: dice.below(256) & ~(FIN | SYN | RST) }));
    if (fate === 4) fixTcp(Object.assign(frame, { [34 + 12]: dice.below(256) }));
    frames.push(fate === 5 ? Uint8Array.from([...frame, 0, 0, 0]) : frame);
    if (fate === 6) frames.push(frame);
    if (fate === 7) frames.push(ipv4(icmp(8, 0, 1, [i])));
    if (fate === 8 && frames.length > 1) frames.push(...frames.splice(-2, 2).reverse());
  }
  return { frames, next };
}

/** Counters that must agree: what came, and what was wrong with it. */
const COUNTED = [
  COUNTER_IP_IN_RECEIVES,
  COUNTER_IP_IN_HDR_ERRORS,
  COUNTER_IP_IN_CSUM_ERRORS,
  COUNTER_IP_IN_ADDR_ERRORS,
  COUNTER_IP_IN_MARTIAN,
  COUNTER_IP_IN_BAD_OPTIONS,
  COUNTER_TCP_IN_SEGS,
  COUNTER_TCP_IN_CSUM_ERRORS,
  COUNTER_TCP_IN_DUPLICATE_DATA,
  COUNTER_TCP_IN_OFO_QUEUED,
];

/** What must be the same with and without merging. */
function outcome({ socket, bench }: Peer): unknown {
  const counters = COUNTED.map((i) => bench.host.counter(i));
  const record = L.INTERFACES + L.INTERFACE_BYTES;
  const { u64 } = bench.host.views;
  const link = [L.INTERFACE_RX_FRAMES, L.INTERFACE_RX_BYTES, L.INTERFACE_RX_DROPPED].map(
    (at) => u64[(record + at) >>> 3]!,
  );
  const fields = [
    L.TCB_RCV_NXT,
    L.TCB_SND_UNA,
    L.TCB_SND_WND,
    L.TCB_DATA_SEGS_IN,
    L.TCB_SEGS_IN,
    L.TCB_BYTES_RECEIVED,
    L.TCB_URGENT_AT,
    L.TCB_URGENT_STATE,
  ];
  return [socket.state, counters, link, fields.map((at) => socket.field(at))];
}

test("the same frames with and without merging: the same stream and the same state, whatever comes [seeded]", () => {
  let merged = 0;
  for (let seed = 1; seed <= 150; seed++) {
    const dice = new Random(seed);
    const [plain, joined] = [new Peer(false, { tcp_ecn: 1 }), new Peer(true, { tcp_ecn: 1 })];
    let at = 0;
    for (let turn = 0; turn < 20; turn++) {
      plain.tsVal += dice.below(3);
      joined.tsVal = plain.tsVal;
      const { frames, next } = someFrames(dice, plain, at);
      // What was lost or damaged comes again, so that the stream goes on
      const again = dice.below(3) !== 0 ? plain.frames(0, Math.ceil(next / MSS)) : [];
      at = next;
      for (const batch of [frames, again.slice(-64)]) {
        plain.bench.turn(batch);
        merged += joined.merged(batch);
      }
      const most = dice.below(4) === 0 ? dice.below(2000) : 1 << 20;
      const read = plain.read(most);
      assert.equal(joined.read(most), read, `seed ${seed}, turn ${turn}`);
      assert.equal(outcome(joined), outcome(plain), `seed ${seed}, turn ${turn}`);
    }
    for (const peer of [plain, joined]) peer.bench.turn(peer.frames(0, Math.ceil(at / MSS) + 1).slice(-80));
    assert.equal(joined.read(), plain.read(), `seed ${seed}`);
    for (const peer of [plain, joined]) peer.bench.after(1_000_000);
    assert.equal(outcome(joined), outcome(plain), `seed ${seed}`);
  }
  assert.ok(merged > 5000, `only ${merged} segments were merged`);
});

test.run();

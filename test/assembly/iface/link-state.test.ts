// What the core does when the link of an interface goes down, comes back, gets another MTU or disappears: one host, frames in and out.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { COUNTER_ARP_FAILED, COUNTER_FRAME_TX_DROPPED, COUNTER_TCP_TIMEOUTS } from "../../../assembly/counters.ts";
import {
  EINVAL,
  ENETDOWN,
  ENODEV,
  ETIMEDOUT,
  IF_UP,
  INTERFACE_BYTES,
  INTERFACE_CARRIER_CHANGES,
  INTERFACE_EVENT_DOWN,
  INTERFACE_EVENT_GONE,
  INTERFACE_EVENT_MTU,
  INTERFACE_EVENT_NEIGHBOR_FAILED,
  INTERFACE_EVENT_UP,
  INTERFACES,
  TCB_CWND,
  TCB_SND_MSS,
  USAGE_HEAP_BYTES,
  USAGE_NEIGHBORS,
  USAGE_PINGS,
  USAGE_TCBS,
  USAGE_TX_FRAMES,
} from "../../../assembly/layout.ts";
import type { SimHostOptions, SimSocket } from "../../../src/sim/index.ts";
import { arp, Bench, OUR_IP, PEER_IP, PEER_MAC, tcp } from "../../support/frames.ts";

const test = suite("iface/link-state");
const SECOND = 1_000_000;
const RST = 4;
const SYN = 2;

const word = (frame: Uint8Array, at: number) => new DataView(frame.buffer, frame.byteOffset).getUint32(at);
const half = (frame: Uint8Array, at: number) => new DataView(frame.buffer, frame.byteOffset).getUint16(at);
const isTcp = (frame: Uint8Array) => frame[12] === 8 && frame[13] === 0 && frame[23] === 6;
const isArp = (frame: Uint8Array) => frame[12] === 8 && frame[13] === 6;
const isFor = (address: number) => (frame: Uint8Array) => isArp(frame) && word(frame, 38) === address;
const payload = (frame: Uint8Array) => frame.slice(34 + (frame[46]! >>> 4) * 4);
const sizes = (frames: Uint8Array[]) => frames.filter(isTcp).map((frame) => payload(frame).length);

interface Open {
  bench: Bench;
  socket: SimSocket;
  /** Acknowledges `bytes` of ours. */
  ack: (bytes: number, window?: number) => Uint8Array;
  /** Sequence number of our next byte. */
  first: number;
}

/** An established connection over a link of `options`, to a peer with a large window that announced an MSS of 1460. */
function open(options: Partial<SimHostOptions> = {}): Open {
  const bench = new Bench(options);
  bench.meetPeer();
  const socket = bench.host.connect(PEER_IP, 80);
  const [syn] = bench.turn();
  const port = half(syn!, 34);
  const iss = word(syn!, 38);
  const tcpOptions = [2, 4, 5, 180];
  bench.turn([tcp({ srcPort: 80, dstPort: port, seq: 1000, ack: (iss + 1) >>> 0, flags: 0x12, tcpOptions })]);
  assert.ok(socket.connected);
  const first = (iss + 1) >>> 0;
  const ack = (bytes: number, window = 65_535) =>
    tcp({ srcPort: 80, dstPort: port, seq: 1001, ack: (first + bytes) >>> 0, flags: 0x10, window });
  assert.is(socket.write(new Uint8Array(1)), 0); // it asks for a ring
  bench.turn();
  bench.turn([ack(0)]);
  return { bench, socket, ack, first };
}

const link = (bench: Bench, up: boolean) => bench.host.exports.setInterfaceUp(1, up, bench.nowUs);
const codes = (bench: Bench) => bench.host.interfaceEvents.map(({ code }) => code);

/** The peer answers the ARP request, and what waits for it leaves. */
function resolve(bench: Bench): Uint8Array[] {
  return bench.turn([arp(2, PEER_MAC, PEER_IP, OUR_IP)]);
}

test("what waits for a link that goes down is given back and counted, and both changes are told", () => {
  const { bench, socket, ack } = open();
  socket.write(new Uint8Array(5000));
  bench.turn([ack(0)], 0);
  const waiting = bench.host.exports.usage(USAGE_TX_FRAMES);
  assert.ok(waiting > 0);
  const lost = bench.counted(() => link(bench, false))[COUNTER_FRAME_TX_DROPPED];
  assert.is(lost, waiting);
  assert.is(bench.host.exports.usage(USAGE_TX_FRAMES), 0);
  assert.is(bench.host.exports.usage(USAGE_NEIGHBORS), 0);
  assert.equal(bench.turn(), []);
  assert.is(link(bench, false), 0); // no news
  assert.is(link(bench, true), 0);
  bench.turn();
  assert.equal(codes(bench), [INTERFACE_EVENT_DOWN, INTERFACE_EVENT_UP]);
  assert.equal(bench.host.interfaceEvents[0], { index: 1, code: INTERFACE_EVENT_DOWN, mtu: 1500, address: OUR_IP });
  assert.is(bench.host.views.u64[(INTERFACES + INTERFACE_BYTES + INTERFACE_CARRIER_CHANGES) >>> 3], 2n);
});

test("a connection whose link was down for minutes goes on at once when it is back, and announces itself", () => {
  const { bench, socket, ack, first } = open();
  socket.write(new Uint8Array(3000));
  bench.turn();
  link(bench, false);
  for (let second = 0; second < 240; second++) assert.equal(bench.after(SECOND), []);
  assert.is(socket.closed, false);
  assert.ok(bench.host.counter(COUNTER_TCP_TIMEOUTS) > 3);
  link(bench, true);
  const frames = bench.turn();
  assert.is(frames.filter(isFor(OUR_IP)).length, 1);
  assert.is(frames.filter(isFor(PEER_IP)).length, 1);
  const again = resolve(bench).filter(isTcp);
  assert.is(word(again[0]!, 38), first);
  const timeouts = bench.host.counter(COUNTER_TCP_TIMEOUTS);
  for (let acked = payload(again[0]!).length; acked < 3000; acked += 1460) bench.turn([ack(acked)]);
  bench.turn([ack(3000)]);
  assert.is(bench.host.counter(COUNTER_TCP_TIMEOUTS), timeouts);
  socket.write(new Uint8Array(100));
  assert.equal(sizes(bench.turn()), [100]);
});

test("a connection that the link interrupts while it is made is made when the link is back", () => {
  const bench = new Bench();
  bench.meetPeer();
  const socket = bench.host.connect(PEER_IP, 80);
  bench.turn([], 0);
  link(bench, false);
  for (let second = 0; second < 40; second++) assert.equal(bench.after(SECOND), []);
  link(bench, true);
  bench.turn();
  const [syn] = resolve(bench).filter(isTcp);
  assert.is(syn![47]! & SYN, SYN);
  const port = half(syn!, 34);
  bench.turn([tcp({ srcPort: 80, dstPort: port, seq: 1, ack: (word(syn!, 38) + 1) >>> 0, flags: 0x12 })]);
  assert.ok(socket.connected);
});

test("a connection whose link does not come back ends with what happened: ENETDOWN, or ETIMEDOUT of a link that is up", () => {
  for (const [isDown, error] of [
    [true, ENETDOWN],
    [false, ETIMEDOUT],
  ] as const) {
    const { bench, socket } = open({ sysctl: { tcp_retries2: 3, mcast_solicit: 100 } });
    socket.write(new Uint8Array(3000));
    bench.turn();
    if (isDown) link(bench, false);
    for (let second = 0; second < 30; second++) bench.after(SECOND);
    assert.ok(socket.closed);
    assert.is(socket.error, error);
  }
});

test("a connect on a link that is down fails at once, and so does a ping", () => {
  const bench = new Bench();
  link(bench, false);
  const socket = bench.host.connect(PEER_IP, 80);
  const ping = bench.host.ping(PEER_IP);
  bench.turn();
  assert.is(socket.error, ENETDOWN);
  assert.is(ping.errno, ENETDOWN);
});

test("a ping and a connection that wait for an answer to ARP learn that the link went down", () => {
  const bench = new Bench({ sysctl: { tcp_syn_retries: 1 } });
  const socket = bench.host.connect(PEER_IP, 80);
  const ping = bench.host.ping(PEER_IP);
  bench.turn();
  link(bench, false);
  bench.turn();
  assert.is(ping.errno, ENETDOWN);
  assert.is(bench.host.exports.usage(USAGE_PINGS), 0);
  for (let second = 0; second < 20; second++) bench.after(SECOND);
  assert.is(socket.error, ENETDOWN);
  assert.is(bench.host.counter(COUNTER_ARP_FAILED), 0);
});

test("a shut window is probed at once when the link is back", () => {
  const { bench, socket, ack } = open();
  bench.turn([ack(0, 0)]);
  socket.write(new Uint8Array(1000));
  bench.turn();
  link(bench, false);
  for (let second = 0; second < 100; second++) bench.after(SECOND);
  link(bench, true);
  bench.turn();
  const [probe] = resolve(bench).filter(isTcp);
  assert.equal(payload(probe!), new Uint8Array(0));
  assert.equal(sizes(bench.turn([ack(0)])), [1000]);
});

test("a link that was away for an instant, with nothing in flight, makes no connection send anything", () => {
  const { bench, socket } = open();
  link(bench, false);
  link(bench, true);
  assert.equal(bench.turn().filter(isTcp), []);
  assert.equal(resolve(bench).filter(isTcp), []);
  socket.write(new Uint8Array(10));
  bench.turn();
  assert.equal(sizes(resolve(bench)), [10]);
});

test("with arp_probe, connections go on when the address has been asked for [5227 2.1]", () => {
  const { bench, socket } = open();
  bench.host.setSysctl({ arp_probe: 1 });
  socket.write(new Uint8Array(3000));
  bench.turn();
  link(bench, false);
  bench.after(30 * SECOND);
  link(bench, true);
  const frames: Uint8Array[] = [];
  for (let tenth = 0; tenth < 100; tenth++) {
    const left = bench.after(SECOND / 10);
    frames.push(...left);
    if (left.some(isFor(PEER_IP))) frames.push(...resolve(bench));
  }
  const probes = frames.findIndex(isFor(OUR_IP));
  const data = frames.findIndex(isTcp);
  assert.ok(probes >= 0 && data > probes + 2, `${probes} ${data}`);
});

test("with the interface gone its connections and listeners end with ENODEV, and nothing of them is left", () => {
  const { bench, socket } = open();
  const anywhere = bench.host.listen(90);
  const here = bench.host.listen(91, 1, OUR_IP);
  const connecting = bench.host.connect(PEER_IP + 1, 80);
  bench.turn();
  socket.write(new Uint8Array(3000));
  bench.turn([], 0);
  assert.is(bench.host.exports.removeInterface(1, bench.nowUs), 0);
  bench.turn();
  for (const ended of [socket, connecting]) assert.is(ended.error, ENODEV);
  for (const listener of [anywhere, here]) assert.is(listener.error, ENODEV);
  assert.equal(codes(bench), [INTERFACE_EVENT_GONE]);
  const late = bench.host.connect(PEER_IP, 80);
  bench.turn();
  assert.is(late.error, ENODEV);
  bench.turn();
  assert.is(bench.host.exports.usage(USAGE_TCBS), 0);
  assert.is(bench.host.exports.usage(USAGE_TX_FRAMES), 0);
  assert.is(bench.host.exports.usage(USAGE_HEAP_BYTES), bench.host.linkHeapBytes);
  assert.is(link(bench, true), -ENODEV);
  assert.is(bench.host.exports.setInterfaceMtu(1, 1400, 0), -EINVAL);
  assert.is(bench.host.exports.removeInterface(1, bench.nowUs), 0);
});

test("a connection in TIME-WAIT, which ended in order, does not end with an error when the interface goes", () => {
  const { bench, socket, ack } = open();
  socket.closeWrite();
  bench.turn();
  const fin = ack(1);
  const peerFin = tcp({
    srcPort: 80,
    dstPort: half(fin, 36),
    seq: 1001,
    ack: word(fin, 42),
    flags: 0x19,
    payload: [1],
  }); // unread
  bench.turn([fin, peerFin]);
  assert.is(socket.state, "TIME-WAIT");
  bench.host.exports.removeInterface(1, bench.nowUs);
  bench.turn();
  assert.is(socket.error, 0);
});

test("what another interface carries goes on, and takes over what it has a route for", () => {
  const bench = new Bench();
  const second = 0x0a010001;
  assert.is(bench.host.exports.addInterface(second, 16, 0x0277, 5, 1500, 0, 256, IF_UP), 2);
  assert.is(bench.host.exports.addRoute(0x0a000000, 16, 0, 2), 0);
  const anywhere = bench.host.listen(90);
  const there = bench.host.listen(91, 1, second);
  const here = bench.host.listen(92, 1, OUR_IP);
  bench.turn();
  bench.host.exports.removeInterface(1, bench.nowUs);
  bench.turn();
  assert.equal(
    [anywhere, there, here].map(({ error }) => error),
    [0, 0, ENODEV],
  );
  const socket = bench.host.connect(PEER_IP, 80);
  bench.turn();
  assert.is(socket.error, 0);
});

test("a smaller MTU: what is in flight leaves again in segments that fit, and what follows fits", () => {
  const { bench, socket, ack } = open();
  socket.write(new Uint8Array(30_000));
  const before = sizes(bench.turn());
  assert.ok(before.every((bytes) => bytes === 1460) && before.length === 10);
  assert.is(bench.host.exports.setInterfaceMtu(1, 1000, 0), 0);
  const cwnd = socket.field(TCB_CWND);
  const again = bench.turn().filter(isTcp);
  assert.ok(again.length > 0 && again.every((frame) => half(frame, 16) <= 1000));
  let acked = 0;
  let frames = again;
  for (let round = 0; round < 60 && acked < 30_000; round++) {
    for (const frame of frames.filter(isTcp)) assert.ok(half(frame, 16) <= 1000);
    acked = Math.max(
      acked,
      ...frames.filter(isTcp).map((frame) => word(frame, 38) - word(again[0]!, 38) + payload(frame).length),
    );
    frames = bench.turn([ack(acked)]);
    bench.nowUs += 10_000;
  }
  assert.is(acked, 30_000);
  assert.is(socket.field(TCB_SND_MSS), 960);
  assert.ok(socket.field(TCB_CWND) >= cwnd, "it is no congestion");
  assert.equal(codes(bench), [INTERFACE_EVENT_MTU]);
});

test("a larger MTU is used from the next segment on, up to what the peer announced", () => {
  const { bench, socket, ack } = open({ mtu: 1000 });
  socket.write(new Uint8Array(960));
  assert.equal(sizes(bench.turn()), [960]);
  assert.is(bench.host.exports.setInterfaceMtu(1, 9000, 0), 0);
  bench.turn([ack(960)]);
  socket.write(new Uint8Array(2920));
  assert.equal(sizes(bench.turn()), [1460, 1460]);
  const other = bench.host.connect(PEER_IP, 81);
  const [syn] = bench.turn().filter(isTcp);
  assert.is(half(syn!, 56), 8960, "MSS of a new connection");
  assert.is(other.error, 0);
});

test("super-segments follow the MTU, and what is impossible is refused", () => {
  const { bench, socket, ack } = open({ gsoMax: 65_535 });
  const { setInterfaceMtu } = bench.host.exports;
  assert.is(setInterfaceMtu(1, 1000, 65_535), 0);
  socket.write(new Uint8Array(20_000));
  const frames = bench.turnWhole([ack(0)]);
  assert.ok(frames.length > 0 && frames.every(({ gsoSize, bytes }) => gsoSize === 960 || bytes.length <= 1014));
  assert.is(setInterfaceMtu(1, 1000, 0), 0); // only super-segments are no more
  bench.turn([ack(960)]);
  assert.equal(codes(bench), [INTERFACE_EVENT_MTU]);
  for (const [index, mtu, gsoMax] of [
    [0, 1000, 0],
    [2, 1000, 0],
    [1, 67, 0],
    [1, 65_536, 0],
    [1, 1500, 1499],
    [1, 1500, 65_536],
  ] as const)
    assert.is(setInterfaceMtu(index, mtu, gsoMax), -EINVAL);
  assert.is(open().bench.host.exports.setInterfaceMtu(1, 1000, 65_535), -EINVAL, "needs checksum offload");
});

test("a neighbour that had answered and does not any more is told of once, one that never did is not", () => {
  const { bench, socket } = open();
  bench.host.ping(PEER_IP + 5);
  for (let second = 0; second < 10; second++) if (bench.after(SECOND).some(isFor(PEER_IP))) resolve(bench);
  assert.equal(codes(bench), []);
  socket.write(new Uint8Array(1000)); // asks for a ring: the one it had went back while it idled
  bench.turn();
  assert.is(socket.write(new Uint8Array(1000)), 1000);
  for (let second = 0; second < 30; second++) bench.after(SECOND);
  assert.equal(bench.host.interfaceEvents, [
    { index: 1, code: INTERFACE_EVENT_NEIGHBOR_FAILED, mtu: 1500, address: PEER_IP },
  ]);
});

test("a reset that is owed when the link goes down is not waited for", () => {
  const { bench, socket } = open();
  socket.write(new Uint8Array(3000));
  bench.turn([], 0);
  socket.abort();
  link(bench, false);
  assert.equal(
    bench.turn().filter((frame) => isTcp(frame) && (frame[47]! & RST) !== 0),
    [],
  );
  bench.turn();
  assert.is(bench.host.exports.usage(USAGE_TCBS), 0);
});

test.run();

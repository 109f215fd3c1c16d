// Attacks on and through IPv4, ICMP and ARP that no other suite covers by itself: one host, forged frames in.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import * as counters from "../../assembly/counters.ts";
import {
  FRAME_CSUM_VALID,
  TCB_CWND,
  TCB_PMTU,
  TCB_SND_MSS,
  USAGE_HEAP_BYTES,
  USAGE_NEIGHBORS,
  USAGE_PATH_MTUS,
  USAGE_RTX_RECORDS,
  USAGE_TCBS,
} from "../../assembly/layout.ts";
import { splitSuperSegment } from "../../src/links/segmentation.ts";
import type { SimHostOptions, SimSocket } from "../../src/sim/index.ts";
import {
  arp,
  Bench,
  BROADCAST,
  bytes16,
  bytes32,
  fixIpv4,
  icmp,
  ipv4,
  OUR_IP,
  PEER_IP,
  PEER_MAC,
  tcp,
} from "../support/frames.ts";
import { narrowPath } from "../support/narrow-path.ts";
import { A, assertFree, connected, Reader, SECOND, simulate, Writer } from "../support/sim.ts";

const test = suite("attacks/ip");
const ROUTER = 0x0a0000fe;
const ECHO = ipv4(icmp(8, 0, 0x00010002, new Uint8Array(20)));
const word = (frame: Uint8Array, at: number) => new DataView(frame.buffer, frame.byteOffset).getUint32(at);
const packet = (frame: Uint8Array) => frame.slice(14);
const pmtu = (bench: Bench, socket: SimSocket) => bench.host.views.u32[(socket.tcb + TCB_PMTU) >>> 2]!;

function host(options: Partial<SimHostOptions> = {}): Bench {
  const bench = new Bench({ prefixLength: 8, ...options });
  bench.meetPeer();
  return bench;
}

/** A connection with `bytes` in flight, in one frame each. */
function flying(options: Partial<SimHostOptions> = {}, mss: number[] = bytes16(1460)) {
  const bench = host(options);
  const socket = bench.host.connect(PEER_IP, 80);
  const [syn] = bench.turn();
  const ports = { srcPort: 80, dstPort: (syn![34]! << 8) | syn![35]! };
  const iss = word(syn!, 38);
  const tcpOptions = [2, 4, ...mss];
  bench.turn([tcp({ ...ports, seq: 0xfffffff0, ack: (iss + 1) >>> 0, flags: 0x12, tcpOptions })]);
  assert.ok(socket.connected);
  const frames: Uint8Array[] = [];
  while (socket.written === 0) {
    socket.write(new Uint8Array(1));
    frames.push(...bench.turn().filter((frame) => frame.length > 54));
  }
  socket.write(new Uint8Array(4000));
  const ack = tcp({ ...ports, seq: 0xfffffff1, ack: (iss + 2) >>> 0, flags: 0x10 });
  frames.push(...bench.turn([ack]).filter((frame) => frame.length > 54));
  return { bench, socket, iss, frames };
}

/** "Fragmentation needed" about a frame of ours. */
const tooBig = (frame: Uint8Array, mtu: number, change: (quote: Uint8Array) => void = () => {}) => {
  const quote = packet(frame).slice(0, 28);
  change(quote);
  return ipv4(icmp(3, 4, mtu, quote), { src: ROUTER });
};

test("a frame below 14 bytes, cut below its lengths, or with lengths that lie [attack 1] [attack 10]", () => {
  const bench = host();
  for (let length = 0; length < ECHO.length; length++) assert.equal(bench.turn([ECHO.slice(0, length)]), []);
  for (const [at, value] of [
    [14, 0x65],
    [14, 0x40],
    [14, 0x44],
    [14, 0x4f],
    [16, 0xff],
    [17, 19],
  ] as const) {
    const frame = ECHO.slice();
    frame[at] = value;
    assert.equal(bench.turn([fixIpv4(frame)]), []);
  }
  assert.is(bench.turn([ECHO]).length, 1);
});

test("a frame for another host, or for a group, is none of ours [attack 2]", () => {
  const bench = host();
  for (const mac of [
    [2, 0x77, 10, 0, 0, 9],
    [0x33, 0x33, 0, 0, 0, 1],
    [1, 0, 0x5e, 0, 0, 1],
  ]) {
    const frame = ECHO.slice();
    frame.set(mac, 0);
    assert.equal(bench.turn([frame]), []);
  }
  assert.is(bench.host.counter(counters.COUNTER_FRAME_OTHER_HOST), 3);
});

test("ARP with other lengths or cut short [attack 3]", () => {
  const bench = host();
  for (const [at, value] of [
    [15, 6],
    [16, 0x86],
    [18, 5],
    [19, 16],
    [21, 9],
  ] as const) {
    const frame = arp(1, PEER_MAC, PEER_IP, OUR_IP);
    frame[at] = value;
    assert.equal(bench.turn([frame]), []);
  }
  for (let length = 14; length < 42; length++)
    assert.equal(bench.turn([arp(1, PEER_MAC, PEER_IP, OUR_IP).slice(0, length)]), []);
  assert.is(bench.host.counter(counters.COUNTER_ARP_MALFORMED), 5 + 28);
});

test("hosts that do not exist: questions are limited to one a second each, and what waits is bounded [attack 5]", () => {
  const bench = host();
  bench.after(2_500_000);
  const before = bench.host.counter(counters.COUNTER_ARP_REQUESTS_OUT);
  for (let i = 0; i < 1000; i++) bench.host.ping(0x0a090909, 1000);
  for (let i = 0; i < 9; i++) bench.after(100_000);
  assert.is(bench.host.counter(counters.COUNTER_ARP_REQUESTS_OUT) - before, 1);
  assert.ok(bench.host.exports.usage(USAGE_HEAP_BYTES) - bench.host.linkHeapBytes <= 16 * 2048);
  assert.is(bench.host.exports.usage(USAGE_NEIGHBORS), 2);
});

test("sources that nobody has: unspecified, group, broadcast, loopback, our own [attack 13] [attack 14]", () => {
  const bench = host();
  bench.host.listen(80);
  for (const src of [0, 0x00010203, 0xe0000001, 0xffffffff, 0x0affffff, 0x7f000001, OUR_IP]) {
    assert.equal(bench.turn([tcp({ src, dstPort: 80 }), ipv4(icmp(8, 0, 1), { src })]), []);
  }
  assert.equal(bench.turn([tcp({ dst: 0x7f000001 }), ipv4(icmp(8, 0, 1), { dst: 0x7f000001 })]), []);
  assert.equal(bench.turn([tcp({ src: OUR_IP, dst: OUR_IP, srcPort: 80, dstPort: 80 })]), []);
  assert.is(bench.host.counter(counters.COUNTER_IP_IN_MARTIAN), 17);
  assert.is(bench.host.exports.usage(USAGE_TCBS), 1);
});

test("a protocol that nobody speaks: one complaint per destination and second, none about groups, errors or fragments [attack 23]", () => {
  const bench = host();
  const asked = (protocol: number) => ipv4([1, 2, 3, 4], { protocol });
  assert.is(bench.turn([asked(4)]).length, 1);
  for (const protocol of [4, 41, 47, 132, 253, 255]) assert.equal(bench.turn([asked(protocol)]), []);
  const strangers = { protocol: 253, src: 0x0a000033 };
  bench.meetPeer([2, 0x77, 10, 0, 0, 0x33], strangers.src);
  assert.equal(bench.turn([ipv4([1], { ...strangers, dst: 0x0affffff, to: BROADCAST })]), []);
  assert.equal(bench.turn([ipv4(new Uint8Array(8), { ...strangers, fragment: 0x2000 })]), []);
  assert.equal(bench.turn([ipv4(new Uint8Array(8), { ...strangers, fragment: 1 })]).slice(1), []);
});

test("the budget of errors for all together cannot be counted: it varies [attack 29]", () => {
  const counts = new Set<number>();
  for (let seed = 0; seed < 12; seed++) {
    const bench = host({ address: OUR_IP + seed * 256 });
    bench.nowUs += 5 * SECOND;
    const before = bench.host.counter(counters.COUNTER_ICMP_OUT_DEST_UNREACHS);
    for (let i = 0; i < 100; i++)
      bench.turn([
        ipv4([1], { protocol: 253, src: 0x0a050000 + i, dst: OUR_IP + seed * 256, to: [2, 0x77, 10, 0, seed, 1] }),
      ]);
    const sent = bench.host.counter(counters.COUNTER_ICMP_OUT_RATE_LIMITED) + before;
    counts.add(sent);
  }
  assert.ok(counts.size >= 3, [...counts].join());
});

test("a flood of what must be complained about does not keep echo from being answered [attack 29] [792#14]", () => {
  const bench = host();
  for (let i = 0; i < 300; i++) bench.turn([ipv4([1], { protocol: 253, src: 0x0a050000 + i })]);
  assert.ok(bench.host.counter(counters.COUNTER_ICMP_OUT_RATE_LIMITED) > 0);
  for (let i = 0; i < 100; i++) assert.is(bench.turn([ECHO]).filter((frame) => frame[34] === 0).length, 1);
  assert.equal(bench.turn([ipv4(icmp(8, 0, 1), { dst: 0x0affffff, to: BROADCAST })]), []);
});

test("an error with a quote that is cut off, or whose header lies [attack 25]", () => {
  const { bench, socket, frames } = flying();
  const before = pmtu(bench, socket);
  for (let length = 0; length < 28; length++) {
    bench.turn([ipv4(icmp(3, 4, 600, packet(frames[1]!).slice(0, length)), { src: ROUTER })]);
  }
  for (const first of [0x00, 0x40, 0x44, 0x4f, 0x65]) {
    bench.turn([tooBig(frames[1]!, 600, (quote) => quote.fill(first, 0, 1))]);
  }
  assert.is(bench.host.counter(counters.COUNTER_ICMP_IN_MALFORMED), 28 + 5);
  assert.is(pmtu(bench, socket), before);
});

test("fragmentation needed: only for a number in flight, only downwards, never below min_pmtu [attack 26] [5927#1] [1191#6]", () => {
  const { bench, socket, iss, frames } = flying();
  const at = (offset: number) => (quote: Uint8Array) => quote.set(bytes32((iss + offset) >>> 0), 24);
  for (const offset of [-1, 0, 1, 4002, 5000, 0x40000000, 0x80000000]) {
    bench.turn([tooBig(frames[1]!, 600, at(offset))]);
    assert.is(pmtu(bench, socket), 1500, `number ${offset}`);
  }
  for (const mtu of [1500, 1501, 9000, 65535]) bench.turn([tooBig(frames[1]!, mtu, at(2))]);
  assert.is(pmtu(bench, socket), 1500);
  bench.turn([tooBig(frames[1]!, 1200, at(4001))]);
  assert.is(pmtu(bench, socket), 1200);
  bench.turn([tooBig(frames[1]!, 1300, at(2))]);
  assert.is(pmtu(bench, socket), 1200, "never upwards");
  for (const mtu of [551, 68, 67, 1]) {
    bench.turn([tooBig(frames[1]!, mtu, at(2))]);
    assert.is(pmtu(bench, socket), 552);
  }
  assert.is(socket.state, "ESTABLISHED");
});

test("with ip_no_pmtu_disc 2 no such message is believed [attack 26]", () => {
  const { bench, socket, frames } = flying({ sysctl: { ip_no_pmtu_disc: 2 } });
  bench.turn([tooBig(frames[1]!, 600)]);
  assert.is(pmtu(bench, socket), 1500);
  assert.is(bench.host.counter(counters.COUNTER_ICMP_IN_PMTU_IGNORED), 1);
});

test("every hard error leaves an established connection alone; a connect fails with a matching number only [attack 27]", () => {
  const { bench, socket, frames } = flying();
  for (const [type, code] of [
    ...Array.from({ length: 16 }, (_, code) => [3, code] as const),
    [11, 0],
    [11, 1],
    [12, 0],
  ] as const) {
    if (type === 3 && code === 4) continue;
    bench.turn([ipv4(icmp(type, code, 0, packet(frames[1]!).slice(0, 28)), { src: ROUTER })]);
  }
  assert.is(socket.state, "ESTABLISHED");
  assert.is(bench.host.counter(counters.COUNTER_ICMP_IN_NO_MATCH), 0);
});

test("source quench, redirects, address masks, timestamps and the like change nothing and get no answer [attack 28]", () => {
  const { bench, socket, frames } = flying();
  const cwnd = () => bench.host.views.u32[(socket.tcb + TCB_CWND) >>> 2];
  const before = cwnd();
  for (const type of [4, 5, 6, 9, 10, 13, 14, 15, 16, 17, 18, 30, 37, 255]) {
    const messages = [icmp(type, 0, ROUTER, packet(frames[1]!).slice(0, 28)), icmp(type, 1, 1, new Uint8Array(12))];
    assert.equal(bench.turn(messages.map((message) => ipv4(message, { src: ROUTER }))), []);
  }
  assert.is(bench.host.counter(counters.COUNTER_ICMP_IN_IGNORED), 28);
  assert.is(cwnd(), before);
});

test("who claims without being on the path cannot tell whether a connection exists [attack 31]", () => {
  const { bench, frames } = flying();
  const forged = (change: (quote: Uint8Array) => void) => bench.turn([tooBig(frames[1]!, 600, change)]);
  // A connection that exists with a wrong number, one that does not exist: the same silence, the same counter, nothing remembered
  assert.equal(
    forged((quote) => quote.set([1, 2, 3, 4], 24)),
    [],
  );
  assert.equal(
    forged((quote) => quote.set([7, 7], 20)),
    [],
  );
  assert.is(bench.host.counter(counters.COUNTER_ICMP_IN_NO_MATCH), 2);
  assert.is(bench.host.exports.usage(USAGE_PATH_MTUS), 0);
  // And what is remembered of one path shows on no other
  bench.turn([tooBig(frames[1]!, 600)]);
  assert.is(bench.host.exports.usage(USAGE_PATH_MTUS), 1);
  const big = ipv4(icmp(8, 0, 9, new Uint8Array(1400)), { src: 0x0a000044 });
  bench.meetPeer([2, 0x77, 10, 0, 0, 0x44], 0x0a000044);
  const [reply] = bench.turn([big]);
  assert.is(reply!.length, 14 + 1428);
});

test("tiny segment sizes are honoured down to 8 bytes, and cost bounded memory and bounded frames [attack 36]", () => {
  for (const mss of [0, 1, 8, 47, 88]) {
    const sim = simulate({ checkInvariants: true });
    sim.filter = (from, frame) => {
      const bytes = frame.bytes;
      const at = 54;
      if (from === "b" && bytes[47] === 0x12 && bytes[at] === 2) {
        bytes.set(bytes16(mss), at + 2);
        let sum = 0;
        const view = new DataView(bytes.buffer, bytes.byteOffset);
        view.setUint16(50, 0);
        for (let i = 34; i < bytes.length; i += 2) sum += view.getUint16(i);
        sum +=
          view.getUint16(26) + view.getUint16(28) + view.getUint16(30) + view.getUint16(32) + 6 + bytes.length - 34;
        while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
        view.setUint16(50, ~sum & 0xffff);
      }
      return true;
    };
    const { client, server, listener } = connected(sim);
    const sndMss = sim.a.views.u32[(client.tcb + TCB_SND_MSS) >>> 2]!;
    const announced = mss === 0 ? 536 : mss;
    assert.ok(sndMss >= 8 && sndMss <= Math.max(8, announced), `${mss}: ${sndMss}`);
    const writer = new Writer(client, 60_000);
    const reader = new Reader(server);
    server.closeWrite();
    sim.processes.push(
      () => writer.pump(),
      () => reader.pump(),
    );
    let records = 0;
    assert.ok(
      sim.runFor(120 * SECOND, () => {
        records = Math.max(records, sim.a.exports.usage(USAGE_RTX_RECORDS));
        return reader.ended;
      }),
    );
    assert.is(reader.received, 60_000);
    assert.ok(records <= 10_000, `${records} records`);
    listener.close();
    sim.runFor(300 * SECOND);
    assertFree(sim.a);
  }
});

test("a segment size of 65535 is cut to the path's [attack 36]", () => {
  const { bench, socket, frames } = flying({}, [255, 255]);
  assert.is(bench.host.views.u32[(socket.tcb + TCB_SND_MSS) >>> 2], 1460);
  for (const frame of frames) assert.ok(frame.length - 14 <= 1500);
});

test("bad checksums of IPv4, ICMP and TCP are counted where they belong; a verified one is not computed again [attack 45]", () => {
  const bench = host();
  const flip = (frame: Uint8Array, at: number) => {
    const copy = frame.slice();
    copy[at]! ^= 1;
    return copy;
  };
  const segment = tcp({ dstPort: 81 });
  assert.equal(bench.turn([flip(ECHO, 25), flip(ECHO, 36), flip(segment, 51)]), []);
  assert.is(bench.host.counter(counters.COUNTER_IP_IN_CSUM_ERRORS), 1);
  assert.is(bench.host.counter(counters.COUNTER_ICMP_IN_CSUM_ERRORS), 1);
  assert.is(bench.host.counter(counters.COUNTER_TCP_IN_CSUM_ERRORS), 1);
  assert.is(bench.turn([{ bytes: flip(segment, 51), flags: FRAME_CSUM_VALID, gsoSize: 0 }]).length, 1);
});

test("a super-segment that meets somebody who takes none is split into packets that fit, each whole [attack 87]", () => {
  const sim = simulate({ a: { gsoMax: 65535 } });
  const sizes: number[] = [];
  const path = narrowPath(sim, 1500);
  const narrow = sim.filter!;
  sim.filter = (from, frame) => {
    if (from === "a") splitSuperSegment(frame, (segment) => sizes.push(segment.bytes.length - 14));
    return narrow(from, frame);
  };
  const { client, server } = connected(sim);
  const writer = new Writer(client, 500_000);
  const reader = new Reader(server);
  sim.processes.push(
    () => writer.pump(),
    () => reader.pump(),
  );
  assert.ok(sim.runFor(30 * SECOND, () => reader.ended));
  assert.is(path.dropped, 0);
  assert.ok(Math.max(...sizes) <= 1500);
  // To ourselves it stays whole: the loopback takes what fits an IPv4 packet
  const listener = sim.a.listen(90);
  sim.runFor(1);
  const inner = sim.a.connect(A, 90);
  assert.ok(sim.runFor(SECOND, () => listener.pending > 0 && inner.connected));
});

test.run();

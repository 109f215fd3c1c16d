// ICMP both ways: one host, messages in and out.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import * as counters from "../../../assembly/counters.ts";
import {
  ECONNREFUSED,
  EHOSTDOWN,
  EHOSTUNREACH,
  EMSGSIZE,
  ENETUNREACH,
  ENONET,
  ENOPROTOOPT,
  EOPNOTSUPP,
  ETIMEDOUT,
  USAGE_HEAP_BYTES,
  USAGE_PINGS,
} from "../../../assembly/layout.ts";
import { internetChecksum, pseudoHeaderSum } from "../../../src/links/checksum.ts";
import { Bench, bytes16, bytes32, icmp, ipv4, OUR_IP, type PacketFields, PEER_IP, tcp } from "../../support/frames.ts";

const test = suite("icmp");
const ROUTER = 0x0a0000fe;
const OTHER = 253; // a protocol that nobody speaks
const UDP = 17;
const NET = 0;
const HOST = 1;
const PROTOCOL = 2;
const PORT = 3;
const TOO_BIG = 4;

const packet = (frame: Uint8Array) => frame.slice(14);
const word = (frame: Uint8Array, at: number) => new DataView(frame.buffer, frame.byteOffset).getUint32(at);

/** A host that has just sent a SYN, and the SYN. */
function connecting() {
  const bench = new Bench();
  bench.meetPeer();
  const socket = bench.host.connect(PEER_IP, 80);
  const [syn] = bench.turn();
  return { bench, socket, syn: syn! };
}

/** A host with an established connection; `quote` is a segment that it has in flight. */
function established() {
  const { bench, socket, syn } = connecting();
  const port = (syn[34]! << 8) | syn[35]!;
  const seq = word(syn, 38);
  bench.turn([tcp({ srcPort: 80, dstPort: port, seq: 1000, ack: (seq + 1) >>> 0, flags: 0x12 })]);
  socket.write(new Uint8Array(10));
  bench.turn();
  socket.write(new Uint8Array(10));
  const quote = bench.turn().find((frame) => frame.length === 64)!;
  return { bench, socket, quote };
}

test("an echo request is answered with all of its data [1122 3.2.2.6] [792#5]", () => {
  for (const length of [0, 1, 56, 1000, 1472]) {
    const bench = new Bench();
    bench.meetPeer();
    const data = Uint8Array.from({ length }, (_, index) => index * 7);
    const [reply] = bench.turn([ipv4(icmp(8, 0, 0x12345678, data))]);
    assert.is(reply![34], 0);
    assert.is(word(reply!, 38), 0x12345678);
    assert.equal(reply!.slice(42), data);
    assert.is(internetChecksum(reply!, 34), 0);
    assert.is(internetChecksum(reply!, 14, 34), 0);
    assert.equal([...reply!.slice(26, 34)], [...bytes32(OUR_IP), ...bytes32(PEER_IP)]);
    assert.is(bench.host.exports.usage(USAGE_HEAP_BYTES), bench.host.linkHeapBytes);
  }
});

test("icmp_echo_ignore_all keeps quiet", () => {
  const bench = new Bench({ sysctl: { icmp_echo_ignore_all: 1 } });
  bench.meetPeer();
  assert.equal(bench.turn([ipv4(icmp(8, 0, 1))]), []);
});

test("broken messages and those we do not act on are counted [attack 28] [792#12] [792#3]", () => {
  const bench = new Bench();
  bench.meetPeer();
  const wrong = icmp(8, 0, 1);
  wrong[2]! ^= 1;
  const frames = [
    [ipv4([8, 0, 1]), counters.COUNTER_ICMP_IN_MALFORMED],
    [ipv4(wrong), counters.COUNTER_ICMP_IN_CSUM_ERRORS],
    [ipv4(icmp(5, 1, ROUTER, packet(tcp()))), counters.COUNTER_ICMP_IN_IGNORED],
    [ipv4(icmp(4, 0, 0, packet(tcp()))), counters.COUNTER_ICMP_IN_IGNORED],
    [ipv4(icmp(13, 0, 0, new Uint8Array(12))), counters.COUNTER_ICMP_IN_IGNORED],
    [ipv4(icmp(17, 0, 0, new Uint8Array(4))), counters.COUNTER_ICMP_IN_IGNORED],
  ] as const;
  for (const [frame, counter] of frames) {
    const counted = bench.counted(() => assert.equal(bench.turn([frame]), []));
    assert.equal(counted, { [counters.COUNTER_IP_IN_RECEIVES]: 1, [counter]: 1 });
  }
});

test("our request carries id, sequence and data, and its reply ends the wait", () => {
  const bench = new Bench();
  bench.meetPeer();
  const ping = bench.host.ping(PEER_IP, 100);
  const [request] = bench.turn();
  assert.is(request![34], 8);
  assert.is(request!.length, 14 + 20 + 8 + 100);
  assert.is(internetChecksum(request!, 34), 0);
  bench.nowUs += 1234;
  const rest = word(request!, 38);
  bench.turn([ipv4(icmp(0, 0, (rest + 1) >>> 0)), ipv4(icmp(0, 0, rest), { src: ROUTER })]);
  assert.is(ping.errno, null);
  assert.is(bench.host.counter(counters.COUNTER_PING_REPLIES_UNMATCHED), 2);
  bench.turn([ipv4(icmp(0, 0, rest, request!.slice(42)))]);
  assert.is(ping.errno, 0);
  assert.is(ping.roundTripUs, 1234);
  assert.is(bench.host.exports.usage(USAGE_PINGS), 0);
});

test("a request without reply is given up after ten seconds; one too large, at once", () => {
  const bench = new Bench();
  bench.meetPeer();
  const ping = bench.host.ping(PEER_IP);
  const large = bench.host.ping(PEER_IP, 65508);
  const far = bench.host.ping(0xc0000201);
  bench.turn();
  assert.is(large.errno, EMSGSIZE);
  assert.is(far.errno, ENETUNREACH);
  bench.after(9_999_999);
  assert.is(ping.errno, null);
  bench.after(1);
  assert.is(ping.errno, ETIMEDOUT);
  assert.is(bench.host.exports.usage(USAGE_PINGS), 0);
});

test("somebody says that a request cannot be delivered", () => {
  const bench = new Bench();
  bench.meetPeer();
  const ping = bench.host.ping(PEER_IP);
  const [request] = bench.turn();
  bench.turn([ipv4(icmp(3, HOST, 0, packet(request!)), { src: ROUTER })]);
  assert.is(ping.errno, EHOSTUNREACH);
});

test("a protocol that nobody speaks is unreachable, quoted in full up to 576 bytes [1122 3.2.2.1, 1812 4.3.2.3] [attack 23] [792#2] [792#4]", () => {
  for (const length of [0, 8, 28, 524, 525, 1400]) {
    const bench = new Bench();
    bench.meetPeer();
    const asked = ipv4(new Uint8Array(length).fill(7), { protocol: OTHER });
    const [answer] = bench.turn([asked]);
    assert.equal([...answer!.slice(34, 36)], [3, PROTOCOL]);
    assert.equal(answer!.slice(42), packet(asked).slice(0, 548));
    assert.ok(answer!.length <= 14 + 576);
    assert.is(internetChecksum(answer!, 34), 0);
  }
});

/** A UDP datagram in its frame; `checksum` 0 = none. */
function udp(
  data: number[],
  change: { length?: number; checksum?: number } = {},
  fields: PacketFields = {},
): Uint8Array {
  const length = 8 + data.length;
  const header = [...bytes16(5353), ...bytes16(9), ...bytes16(change.length ?? length)];
  const frame = ipv4([...header, 0, 0, ...data], { ...fields, protocol: UDP });
  const sum = internetChecksum(frame, 34, frame.length, pseudoHeaderSum(frame, 14, length)) || 0xffff;
  frame.set(bytes16(change.checksum ?? sum), 40);
  return frame;
}

test("a datagram for a port that nobody listens on is answered with port unreachable, a damaged one is not [792#4] [792#2]", () => {
  for (const asked of [
    udp([1, 2, 3]),
    udp([]),
    udp([1], { checksum: 0 }),
    udp([1, 2, 3, 4], { length: 10, checksum: 0 }),
  ]) {
    const bench = new Bench();
    bench.meetPeer();
    const [answer] = bench.turn([asked]);
    assert.equal([...answer!.slice(34, 36)], [3, PORT]);
    assert.equal(answer!.slice(42), packet(asked));
    assert.is(bench.host.counter(counters.COUNTER_UDP_NO_PORTS), 1);
  }
  const bench = new Bench();
  bench.meetPeer();
  const bad = [
    udp([1], { checksum: 7 }),
    udp([1], { length: 7 }),
    udp([1], { length: 10 }),
    ipv4([1, 2], { protocol: UDP }),
  ];
  assert.equal(bench.turn(bad), []);
  assert.is(bench.host.counter(counters.COUNTER_UDP_IN_ERRORS), bad.length);
  assert.equal(bench.turn([udp([1], {}, { dst: 0x0a0000ff, to: [255, 255, 255, 255, 255, 255] })]), []);
});

test("errors are limited per destination, and all together [attack 29] [attack 23] [792#14]", () => {
  const bench = new Bench({ prefixLength: 8 });
  bench.meetPeer();
  const asked = ipv4([1], { protocol: OTHER });
  assert.is(bench.turn([asked, asked, asked]).length, 1);
  assert.is(bench.after(999_999).length + bench.turn([asked]).length, 0);
  bench.nowUs += 1;
  assert.is(bench.turn([asked]).length, 1);
  bench.nowUs += 10_000_000;
  let sent = 0;
  const before = bench.host.counter(counters.COUNTER_ICMP_OUT_DEST_UNREACHS);
  for (let i = 0; i < 200; i++) bench.turn([ipv4([1], { protocol: OTHER, src: 0x0a050000 + i })]);
  sent = bench.host.counter(counters.COUNTER_ICMP_OUT_DEST_UNREACHS) - before;
  assert.ok(sent >= 10 && sent <= 50, String(sent));
});

test("no error about an error, nor about a broadcast [1122 3.2.2] [792#1] [attack 23]", () => {
  const bench = new Bench();
  bench.meetPeer();
  const broadcast = ipv4([1], { protocol: OTHER, dst: 0x0a0000ff, to: [255, 255, 255, 255, 255, 255] });
  assert.equal(bench.turn([broadcast]), []);
  assert.is(bench.host.counter(counters.COUNTER_ICMP_OUT_DEST_UNREACHS), 0);
});

test("unreachable ends a connect with the code's error, if it quotes the SYN [1122 4.2.3.9, 5927 4.1] [attack 27]", () => {
  for (const [code, errno] of [
    [NET, ENETUNREACH],
    [HOST, EHOSTUNREACH],
    [PROTOCOL, ENOPROTOOPT],
    [PORT, ECONNREFUSED],
    [5, EOPNOTSUPP],
    [6, ENETUNREACH],
    [7, EHOSTDOWN],
    [8, ENONET],
    [9, ENETUNREACH],
    [10, EHOSTUNREACH],
    [13, EHOSTUNREACH],
    [15, EHOSTUNREACH],
  ] as const) {
    const { bench, socket, syn } = connecting();
    const forged = packet(syn);
    forged.set(bytes32((word(syn, 38) + 1) >>> 0), 24);
    const elsewhere = packet(syn);
    elsewhere.set(bytes16(81), 22);
    bench.turn([ipv4(icmp(3, code, 0, forged), { src: ROUTER }), ipv4(icmp(3, code, 0, elsewhere), { src: ROUTER })]);
    assert.not.ok(socket.closed);
    assert.is(bench.host.counter(counters.COUNTER_ICMP_IN_NO_MATCH), 2);
    // Eight bytes of the segment are all that RFC 792 promises
    bench.turn([ipv4(icmp(3, code, 0, packet(syn).slice(0, 28)), { src: ROUTER })]);
    assert.ok(socket.closed);
    assert.is(socket.error, errno);
  }
});

test("time exceeded and fragmentation needed do not end a connect", () => {
  const { bench, socket, syn } = connecting();
  bench.turn([
    ipv4(icmp(11, 0, 0, packet(syn)), { src: ROUTER }),
    ipv4(icmp(3, TOO_BIG, 500, packet(syn)), { src: ROUTER }),
  ]);
  assert.not.ok(socket.closed);
});

test("a quote that is cut off or broken is counted [attack 25]", () => {
  const { bench, socket, syn } = connecting();
  for (let length = 0; length < 28; length++)
    bench.turn([ipv4(icmp(3, PORT, 0, packet(syn).slice(0, length)), { src: ROUTER })]);
  const broken = packet(syn);
  broken[0] = 0x4f;
  bench.turn([ipv4(icmp(3, PORT, 0, broken.slice(0, 40)), { src: ROUTER })]);
  assert.is(bench.host.counter(counters.COUNTER_ICMP_IN_MALFORMED), 29);
  assert.not.ok(socket.closed);
});

test("unreachable does not end an established connection [5927 5.2] [attack 27] [5927#2]", () => {
  const { bench, socket, quote } = established();
  for (const code of [NET, HOST, PROTOCOL, PORT]) bench.turn([ipv4(icmp(3, code, 0, packet(quote)), { src: ROUTER })]);
  assert.is(bench.host.counter(counters.COUNTER_ICMP_IN_NO_MATCH), 0);
  assert.is(socket.state, "ESTABLISHED");
  assert.not.ok(socket.closed);
});

test.run();

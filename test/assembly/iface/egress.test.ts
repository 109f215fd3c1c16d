// TCP segments as they leave: headers, checksums, and what happens when the link does not take them.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import {
  FRAME_CSUM_PARTIAL,
  INTERFACE_BYTES,
  INTERFACE_TX_QUEUE_FULL,
  INTERFACES,
  SOCKET_OPTION_IP_MTU_DISCOVER,
  SOCKET_OPTION_IP_TOS,
  SOCKET_OPTION_IP_TTL,
  TCB_PMTU,
  USAGE_HEAP_BYTES,
  USAGE_TCBS,
  USAGE_TX_FRAMES,
} from "../../../assembly/layout.ts";
import { internetChecksum, pseudoHeaderSum } from "../../../src/links/checksum.ts";
import type { SimHostOptions, SimSocket } from "../../../src/sim/index.ts";
import { Bench, icmp, ipv4, PEER_IP, tcp } from "../../support/frames.ts";

const test = suite("iface/egress");
const MSS_OPTION = [2, 4, 5, 180];
const SCALE_OPTION = [1, 3, 3, 14];

const word = (frame: Uint8Array, at: number) => new DataView(frame.buffer, frame.byteOffset).getUint32(at);
const half = (frame: Uint8Array, at: number) => new DataView(frame.buffer, frame.byteOffset).getUint16(at);
const payload = (frame: Uint8Array) => frame.slice(34 + (frame[46]! >>> 4) * 4);

interface Open {
  bench: Bench;
  socket: SimSocket;
  port: number;
  iss: number;
  /** Acknowledges `bytes` of ours, with a window of `window` << 14. */
  ack: (bytes: number, window?: number) => Uint8Array;
}

/** An established connection to a peer with a huge window. */
function open(options: Partial<SimHostOptions> = {}): Open {
  const bench = new Bench({ sysctl: { tcp_initial_cwnd: 1000, ...options.sysctl }, ...options });
  bench.meetPeer();
  const socket = bench.host.connect(PEER_IP, 80);
  const [syn] = bench.turn();
  const port = half(syn!, 34);
  const iss = word(syn!, 38);
  const tcpOptions = [...MSS_OPTION, ...SCALE_OPTION];
  bench.turn([tcp({ srcPort: 80, dstPort: port, seq: 1000, ack: (iss + 1) >>> 0, flags: 0x12, tcpOptions })]);
  assert.ok(socket.connected);
  socket.write(new Uint8Array(1));
  bench.turn();
  const ack = (bytes: number, window = 1000) =>
    tcp({ srcPort: 80, dstPort: port, seq: 1001, ack: (iss + 1 + bytes) >>> 0, flags: 0x10, window });
  bench.turn([ack(0)]);
  return { bench, socket, port, iss, ack };
}

test("a segment's headers and checksums are right, whatever its length", () => {
  const { bench, socket, port, iss, ack } = open({ sysctl: { ip_default_ttl: 33, tcp_initial_cwnd: 1000 } });
  socket.setNoDelay(true);
  let sent = 0;
  for (const length of [1, 2, 3, 31, 64, 999, 1460]) {
    assert.is(socket.write(Uint8Array.from({ length }, (_, index) => sent + index)), length);
    const [frame, ...rest] = bench.turn([ack(sent)]);
    assert.equal(rest, []);
    assert.equal(
      payload(frame!),
      Uint8Array.from({ length }, (_, index) => sent + index),
    );
    assert.is(internetChecksum(frame!, 14, 34), 0);
    assert.is(internetChecksum(frame!, 34, frame!.length, pseudoHeaderSum(frame!, 14, frame!.length - 34)), 0);
    assert.is(half(frame!, 20), 0x4000); // DF
    assert.is(frame![22], 33);
    assert.is(half(frame!, 34), port);
    assert.is(half(frame!, 36), 80);
    assert.is(word(frame!, 38), (iss + 1 + sent) >>> 0);
    sent += length;
    bench.nowUs += 1000;
  }
});

test("payload that wraps around the end of the ring is summed right, odd pieces included", () => {
  const { bench, socket, ack } = open();
  socket.setNoDelay(true);
  let sent = 0;
  let wrapped = 0;
  for (let round = 0; round < 400; round++) {
    const length = 1001;
    if (socket.write(new Uint8Array(length).fill(round)) < length) wrapped++;
    const frames = bench.turn([ack(sent)]);
    for (const frame of frames) {
      assert.is(internetChecksum(frame, 34, frame.length, pseudoHeaderSum(frame, 14, frame.length - 34)), 0);
      sent += payload(frame).length;
    }
    bench.nowUs += 1000;
  }
  assert.ok(sent > 200_000);
  assert.is(wrapped, 0);
});

test("a link that completes checksums gets the pseudo header's sum", () => {
  const { bench, socket } = open({ checksumOffload: true });
  socket.write(new Uint8Array(100));
  const [frame] = bench.turnWhole();
  assert.is(frame!.flags, FRAME_CSUM_PARTIAL);
  assert.is(
    half(frame!.bytes, 50),
    ~internetChecksum(new Uint8Array(), 0, 0, pseudoHeaderSum(frame!.bytes, 14, frame!.bytes.length - 34)) & 0xffff,
  );
});

test("a link that splits gets super-segments of at most its size", () => {
  const { bench, socket, ack } = open({ gsoMax: 65535 });
  let sent = 0;
  let largest = 0;
  for (let round = 0; round < 50; round++) {
    socket.write(new Uint8Array(100_000));
    for (const frame of bench.turnWhole([ack(sent)])) {
      const bytes = payload(frame.bytes).length;
      assert.ok(frame.bytes.length - 14 <= 65535);
      assert.is(half(frame.bytes, 16), frame.bytes.length - 14);
      assert.is(frame.gsoSize, bytes > 1460 ? 1460 : 0);
      largest = Math.max(largest, bytes);
      sent += bytes;
    }
    bench.nowUs += 100;
  }
  assert.ok(largest > 60_000, `largest ${largest}`);
});

test("what the link does not take stays, in order, and is counted as back-pressure, not as loss [attack 86]", () => {
  const { bench, socket, ack } = open({ mtu: 576 });
  const frames: Uint8Array[] = [];
  let written = 0;
  const write = () => {
    written += socket.write(new Uint8Array(65_536).fill(written));
  };
  // Let the ring grow while the link works
  for (let round = 0; round < 60; round++) {
    write();
    frames.push(...bench.turn([ack(frames.reduce((sum, frame) => sum + payload(frame).length, 0))]));
    bench.nowUs += 100;
  }
  const acked = frames.reduce((sum, frame) => sum + payload(frame).length, 0);
  for (let round = 0; round < 5; round++) {
    write();
    assert.equal(bench.turn(round === 0 ? [ack(acked)] : [], 0), []);
  }
  assert.ok(bench.host.exports.usage(USAGE_TX_FRAMES) > 200, `${bench.host.exports.usage(USAGE_TX_FRAMES)} frames`);
  assert.ok(bench.host.exports.usage(USAGE_TX_FRAMES) < 256);
  const full = bench.host.views.u64[(INTERFACES + INTERFACE_BYTES + INTERFACE_TX_QUEUE_FULL) >>> 3]!;
  assert.ok(full > 0n);
  // ARP still gets through the full ring
  bench.host.ping(0x0a000009);
  bench.turn([], 0);
  let next = acked;
  let others = 0;
  for (let round = 0; round < 50 && bench.host.exports.usage(USAGE_TX_FRAMES) > 0; round++) {
    for (const frame of bench.turn([], 7)) {
      if (frame[12] === 8 && frame[13] === 6) others++;
      else {
        assert.is(word(frame, 38), (word(frames[0]!, 38) + next) >>> 0);
        next += payload(frame).length;
      }
    }
  }
  assert.is(others, 1);
});

test("a segment whose connection is aborted while it waits for the link is harmless", () => {
  const { bench, socket } = open();
  socket.write(new Uint8Array(10_000));
  bench.turn([], 0);
  socket.abort();
  bench.turn([], 0);
  assert.is(bench.host.exports.usage(USAGE_TCBS), 1);
  const frames = bench.turn();
  assert.ok(frames.some((frame) => (frame[47]! & 4) !== 0));
  bench.turn();
  assert.is(bench.host.exports.usage(USAGE_TCBS), 0);
  assert.is(bench.host.exports.usage(USAGE_HEAP_BYTES), bench.host.linkHeapBytes);
});

test("IP_TOS and IP_TTL of the socket are on every packet, the bits of ECN are not the user's [791#9] [791#7]", () => {
  const { bench, socket, ack } = open();
  socket.setOption(SOCKET_OPTION_IP_TOS, 0xbb);
  socket.setOption(SOCKET_OPTION_IP_TTL, 7);
  bench.turn();
  socket.write(new Uint8Array(10));
  const [frame] = bench.turn([ack(0)]);
  assert.is(frame![15], 0xb8);
  assert.is(frame![22], 7);
  assert.is(internetChecksum(frame!, 14, 34), 0);
});

test("IP_MTU_DISCOVER decides about DF and about what is known of the path, from the next packet on", () => {
  const { bench, socket, ack } = open();
  const next = () => {
    socket.write(new Uint8Array(4000));
    const [frame] = bench.turn();
    bench.nowUs += 1000;
    return frame!;
  };
  const frame = next();
  const quote = frame.slice(14, 42);
  const router = 0x0a0000fe;
  bench.turn([ipv4(icmp(3, 4, 1000, quote), { src: router })]);
  assert.is(socket.field(TCB_PMTU), 1000);
  const dont = 0;
  const want = 1;
  const probe = 3;
  for (const [value, df, pmtu] of [
    [dont, 0, 1000],
    [probe, 0x4000, 1500],
    [want, 0x4000, 1000],
  ] as const) {
    socket.setOption(SOCKET_OPTION_IP_MTU_DISCOVER, value);
    bench.turn();
    const left = next();
    assert.is(half(left, 20), df, `IP_PMTUDISC ${value}`);
    assert.is(half(left, 18) !== 0, df === 0, "an identification only without DF");
    assert.is(socket.field(TCB_PMTU), pmtu);
  }
  bench.turn([ack(0)]);
});

test.run();

// TCP Fast Open between two cores (RFC 7413): who sends what in which round trip, and what happens when it goes wrong.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import * as C from "../../assembly/counters.ts";
import {
  CONGESTION_BBR,
  SOCKET_OPTION_CONGESTION,
  SOCKET_OPTION_FASTOPEN,
  SOCKET_OPTION_FASTOPEN_CONNECT,
} from "../../assembly/layout.ts";
import type { SimListener, SimSocket, Simulator } from "../../src/sim/index.ts";
import { socketOption } from "../../src/socket-options.ts";
import { A, assertAllFree, B, Reader, SECOND, simulate, Writer } from "../support/sim.ts";

const test = suite("sim/fast-open");
const DELAY = { delayMs: 10 };
const CLIENT = [socketOption(SOCKET_OPTION_FASTOPEN_CONNECT, 1)];
const SYN = 2;
const ACK = 16;

const server = (limit = 16) => [socketOption(SOCKET_OPTION_FASTOPEN, limit)];
const flagsOf = (bytes: Uint8Array): number => bytes[14 + 20 + 13]!;
const payloadOf = (bytes: Uint8Array): number => bytes.length - 14 - 20 - (bytes[14 + 20 + 12]! >> 4) * 4;

type Lab = {
  sim: Simulator;
  listener: SimListener;
  syns: { from: string; flags: number; bytes: number; atUs: number }[];
};

function lab(sysctl: Partial<Record<"tcp_fastopen", number>> = {}, limit = 16): Lab {
  const syns: Lab["syns"] = [];
  const sim = simulate({
    aToB: DELAY,
    bToA: DELAY,
    b: { sysctl: { tcp_fastopen: 3, ...sysctl } },
    onFrame: (from, { bytes }, atUs) => {
      if (bytes[13] === 0 && (flagsOf(bytes) & SYN) !== 0) {
        syns.push({ from, flags: flagsOf(bytes) & (SYN | ACK), bytes: payloadOf(bytes), atUs });
      }
    },
  });
  const listener = sim.b.listen(80, 16, 0, server(limit));
  sim.runFor(1);
  return { sim, listener, syns };
}

/** Connects, sends a request, waits for an answer of as many bytes, closes. @returns µs to the answer */
function exchange({ sim, listener }: Lab, bytes = 500): number {
  const startUs = sim.nowUs;
  const client = sim.a.connect(B, 80, CLIENT);
  const writer = new Writer(client, bytes);
  const reader = new Reader(client);
  let peer: SimSocket | null = null;
  let back: Reader | null = null;
  let answer: Writer | null = null;
  const step = () => {
    if (client.connected) writer.pump();
    if (peer === null) {
      peer = listener.accept();
      if (peer !== null) {
        back = new Reader(peer);
        answer = new Writer(peer, bytes);
      }
    }
    back?.pump();
    if ((back?.received ?? 0) >= bytes) answer?.pump();
    reader.pump();
  };
  sim.processes.push(step);
  assert.ok(
    sim.runFor(60 * SECOND, () => reader.received === bytes),
    `answer: ${reader.received} of ${bytes}, ${client.state} ${client.error}`,
  );
  const tookUs = sim.nowUs - startUs;
  assert.ok(sim.runFor(60 * SECOND, () => client.closed && peer?.closed === true));
  sim.processes.splice(0);
  return tookUs;
}

test("the first connection asks for a cookie, the second sends its request in the SYN: a round trip less [RFC 7413 3] [7413#1] [7413#4] [7413#6]", () => {
  const it = lab();
  const first = exchange(it);
  assert.equal(
    it.syns.map(({ from, bytes }) => [from, bytes]),
    [
      ["a", 0],
      ["b", 0],
    ],
  );
  it.syns.splice(0);
  const second = exchange(it);
  assert.is(it.syns[0]?.bytes, 500, "data in the SYN");
  assert.ok(first - second > 15_000, `${first} µs, then ${second} µs`);
  assert.ok(second < 25_000, `answered after one round trip: ${second} µs`);
  assert.is(it.sim.b.counter(C.COUNTER_TCP_FASTOPEN_COOKIE_REQD), 1);
  assert.is(it.sim.b.counter(C.COUNTER_TCP_FASTOPEN_PASSIVE), 1);
  assert.is(it.sim.a.counter(C.COUNTER_TCP_FASTOPEN_ACTIVE), 1);
  assert.is(it.sim.a.counter(C.COUNTER_TCP_RETRANS_SEGS), 0);
  it.listener.close();
  assertAllFree(it.sim);
});

test("more than a segment: the rest follows the handshake, every byte once", () => {
  const it = lab();
  exchange(it);
  exchange(it, 100_000);
  it.listener.close();
  assertAllFree(it.sim);
});

test("a server that has forgotten its key takes no data; the client sends it again at once [RFC 7413 4.2.2] [7413#2] [7413#5]", () => {
  const it = lab();
  exchange(it);
  const day = 24 * 3600 * SECOND;
  it.sim.runFor(2 * day + 1);
  const took = exchange(it);
  assert.is(it.sim.b.counter(C.COUNTER_TCP_FASTOPEN_PASSIVE_FAIL), 1);
  assert.is(it.sim.a.counter(C.COUNTER_TCP_FASTOPEN_ACTIVE_FAIL), 1);
  assert.ok(took < 100_000, `no time-out: ${took} µs`);
  exchange(it);
  assert.is(it.sim.b.counter(C.COUNTER_TCP_FASTOPEN_PASSIVE), 1, "the SYN-ACK brought a new cookie");
});

test("a path that eats SYNs with data costs one time-out each, and after the second none is sent for a while [RFC 7413 4.1.3.1] [7413#6] [7413#8]", () => {
  const it = lab();
  exchange(it);
  it.sim.filter = (from, { bytes }) => !(from === "a" && (flagsOf(bytes) & SYN) !== 0 && payloadOf(bytes) > 0);
  for (let i = 0; i < 2; i++) assert.ok(exchange(it) > SECOND * 0.9);
  it.syns.splice(0);
  assert.ok(exchange(it) < SECOND * 0.1, "an ordinary handshake");
  assert.is(it.syns[0]?.bytes, 0);
});

test("a listener without the option, or a server with it off, shakes hands as ever", () => {
  for (const it of [lab({ tcp_fastopen: 1 }), lab({ tcp_fastopen: 3 }, 0)]) {
    for (let i = 0; i < 2; i++) exchange(it);
    assert.ok(it.syns.every(({ bytes }) => bytes === 0));
    it.listener.close();
    assertAllFree(it.sim);
  }
});

test("a connect that waits for data and is closed instead leaves nothing", () => {
  const it = lab();
  exchange(it);
  const client = it.sim.a.connect(B, 80, CLIENT);
  it.sim.runFor(SECOND);
  assert.ok(client.connected);
  client.close();
  it.listener.close();
  assertAllFree(it.sim);
});

test("what was written and closed at once arrives, though nothing was acknowledged yet", () => {
  const it = lab();
  exchange(it);
  const client = it.sim.a.connect(B, 80, CLIENT);
  it.sim.runFor(1);
  const bytes = new Uint8Array(300).fill(7);
  let written = 0;
  it.sim.processes.push(() => {
    if (written < 300 && client.isAttached) {
      written += client.write(bytes.subarray(written));
      if (written === 300) client.close();
    }
  });
  it.sim.runFor(SECOND);
  const peer = it.listener.accept()!;
  const buffer = new Uint8Array(1000);
  assert.is(peer.read(buffer), 300);
  peer.close();
  it.sim.processes.splice(0);
  it.listener.close();
  assertAllFree(it.sim);
});

test("a connection that is used before its handshake is complete may take another congestion control, and what it holds is given back", () => {
  const { sim, listener } = lab({ tcp_fastopen: 0x602 });
  const client = sim.a.connect(B, 80, CLIENT);
  const reader = new Reader(client);
  const request = new Writer(client, 100);
  let ends: (Writer | Reader)[] = [request, reader];
  sim.processes.push(() => {
    const peer = listener.accept();
    if (peer !== null) {
      peer.setOption(SOCKET_OPTION_CONGESTION, CONGESTION_BBR);
      ends = [...ends, new Writer(peer, 200_000), new Reader(peer)];
    }
    if (client.connected) for (const end of ends) end.pump();
  });
  assert.ok(sim.runFor(30 * SECOND, () => reader.ended));
  assert.is(reader.received, 200_000);
  sim.runFor(SECOND);
  sim.processes.splice(0);
  listener.close();
  assertAllFree(sim);
});

test("two SYNs with data that cross: what neither end took leaves again at once [RFC 9293 3.5 figure 7] [RFC 7413 4.2]", () => {
  const host = { sysctl: { tcp_fastopen: 0x607 } };
  const sim = simulate({ a: host, b: host, aToB: DELAY, bToA: DELAY });
  sim.runFor(1);
  const ends = [sim.a.connect(B, 81, CLIENT, 0, 80, A), sim.b.connect(A, 80, CLIENT, 0, 81, B)];
  sim.runFor(1);
  const writers = ends.map((end) => new Writer(end, 300));
  const readers = ends.map((end) => new Reader(end));
  sim.processes.push(() => {
    for (const each of [...writers, ...readers]) each.pump();
  });
  assert.ok(sim.runFor(SECOND / 5, () => readers.every((reader) => reader.ended)));
  assert.equal(
    readers.map((reader) => reader.received),
    [300, 300],
  );
  assert.is(sim.a.counter(C.COUNTER_TCP_TIMEOUTS), 0);
});

test.run();

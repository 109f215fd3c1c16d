// Options of a socket before it exists, while it lives, and what a listener's children have of them.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { COUNTER_OP_OPTION_INVALID } from "../../assembly/counters.ts";
import * as L from "../../assembly/layout.ts";
import { assertAllFree, B, connected, SECOND, simulate } from "../support/sim.ts";

const test = suite("sim/socket-options");

/** The MSS options of the SYN and SYN-ACK seen on the wire. */
function watchMss(sim: ReturnType<typeof simulate>): Map<string, number> {
  const seen = new Map<string, number>();
  sim.filter = (from, frame) => {
    const tcp = 14 + 20;
    const { bytes } = frame;
    if (bytes[12] === 8 && bytes[13] === 0 && (bytes[tcp + 13]! & 2) !== 0) {
      assert.is(bytes[tcp + 20], 2, "the MSS option comes first");
      seen.set(from, (bytes[tcp + 22]! << 8) | bytes[tcp + 23]!);
    }
    return true;
  };
  return seen;
}

test("options staged for a connect hold before its SYN leaves: TCP_MAXSEG is in it", () => {
  const sim = simulate();
  const mss = watchMss(sim);
  sim.b.listen(80);
  const client = sim.a.connect(B, 80, [{ code: L.SOCKET_OPTION_MAXSEG, value: 700 }]);
  assert.ok(sim.runFor(SECOND, () => client.connected));
  assert.equal([...mss.values()], [700, 1460]);
  // Both directions: we announce it, and we send no more although the peer would take it
  assert.is(client.field(L.TCB_SND_MSS), 700 - 12);
  const other = sim.a.connect(B, 80);
  assert.ok(sim.runFor(SECOND, () => other.connected));
  assert.is(other.field(L.TCB_SND_MSS), 1448, "the next connection has none of it");
});

test("a listener's options are its children's, at the time of their SYN", () => {
  const sim = simulate();
  const mss = watchMss(sim);
  const listener = sim.b.listen(80, 16, 0, [
    { code: L.SOCKET_OPTION_MAXSEG, value: 500 },
    { code: L.SOCKET_OPTION_NODELAY, value: 1 },
    { code: L.SOCKET_OPTION_USER_TIMEOUT, value: 7000 },
  ]);
  sim.a.connect(B, 80);
  assert.ok(sim.runFor(SECOND, () => listener.pending === 1));
  const first = listener.accept()!;
  assert.equal([...mss.values()], [1460, 500]);
  assert.is(first.field(L.TCB_SND_MSS), 500 - 12);
  assert.is(first.field(L.TCB_SOCKET_FLAGS), L.SOCKET_FLAG_NODELAY);
  assert.is(first.field(L.TCB_USER_TIMEOUT_MS), 7000);
  listener.setOption(L.SOCKET_OPTION_USER_TIMEOUT, 9000);
  sim.a.connect(B, 80);
  assert.ok(sim.runFor(SECOND, () => listener.pending === 1));
  assert.is(listener.accept()!.field(L.TCB_USER_TIMEOUT_MS), 9000);
  assert.is(first.field(L.TCB_USER_TIMEOUT_MS), 7000, "those that exist keep theirs");
});

test("options of a connect that failed are not the next one's", () => {
  const sim = simulate();
  sim.b.listen(80);
  const lost = sim.a.connect(0xc0000201, 80, [{ code: L.SOCKET_OPTION_MAXSEG, value: 300 }]);
  const client = sim.a.connect(B, 80);
  assert.ok(sim.runFor(SECOND, () => client.connected && lost.closed));
  assert.is(client.field(L.TCB_SND_MSS), 1448);
});

test("an option or a value that does not exist is counted and changes nothing", () => {
  const sim = simulate();
  const { client, listener } = connected(sim);
  const flags = client.field(L.TCB_SOCKET_FLAGS);
  sim.a.ops.setOption(client.handle, { code: 0, value: 1 });
  sim.a.ops.setOption(client.handle, { code: L.SOCKET_OPTION_COUNT, value: 1 });
  sim.a.ops.setOption(client.handle, { code: L.SOCKET_OPTION_IP_MTU_DISCOVER, value: 6 });
  sim.a.ops.setOption(client.handle, { code: L.SOCKET_OPTION_CONGESTION, value: 0xffffffff });
  sim.a.connect(B, 80, [{ code: L.SOCKET_OPTION_COUNT, value: 1 }]).abort();
  sim.runFor(1000);
  assert.is(sim.a.counter(COUNTER_OP_OPTION_INVALID), 5);
  assert.is(client.field(L.TCB_SOCKET_FLAGS), flags);
  assert.throws(() => client.setOption(L.SOCKET_OPTION_COUNT, 1), /SOCKET_OPTION_/);
  assert.throws(
    () => client.setOption(L.SOCKET_OPTION_MAXSEG, 87),
    (error: Error) => error instanceof RangeError,
  );
  listener.close();
});

test("what main sends unchecked is clamped: no value breaks anything", () => {
  const sim = simulate();
  const { client, server, listener } = connected(sim);
  for (let code = 1; code < L.SOCKET_OPTION_COUNT; code++) {
    if (code === L.SOCKET_OPTION_LINGER) continue;
    sim.a.ops.setOption(client.handle, { code, value: 0xffffffff, value2: 0xffffffff });
  }
  sim.runFor(1000);
  assert.is(client.state, "ESTABLISHED");
  assert.is(client.field(L.TCB_SNDBUF), 2 * 212_992, "bounded by wmem_max, doubled");
  assert.is(client.field(L.TCB_RCVBUF), 2 * 212_992);
  client.close();
  server.close();
  listener.close();
  assertAllFree(sim);
});

test("SO_SNDBUF fixes the send ring, and ends its growth", () => {
  for (const [bytes, ring] of [
    [10_000, 16_384],
    [1, 4096],
    [100_000, 131_072],
  ] as const) {
    const sim = simulate();
    sim.b.listen(80);
    const client = sim.a.connect(B, 80, [{ code: L.SOCKET_OPTION_SNDBUF, value: bytes }]);
    const chunk = new Uint8Array(65_536);
    sim.processes.push(() => client.write(chunk));
    sim.runFor(3 * SECOND);
    assert.is(client.field(L.TCB_SND_RING_CAPACITY), ring, `SO_SNDBUF ${bytes}`);
    assert.is(client.field(L.TCB_SNDBUF), Math.max(2 * bytes, 4608));
  }
});

test("TCP_NOTSENT_LOWAT holds writes back while that much is not sent, and lets them go on when half of it is", () => {
  const sim = simulate({ b: { sysctl: { tcp_rmem: [4096, 16_384, 16_384] } } });
  const listener = sim.b.listen(80);
  const client = sim.a.connect(B, 80, [{ code: L.SOCKET_OPTION_NOTSENT_LOWAT, value: 20_000 }]);
  client.limitsUnsent = true;
  const chunk = new Uint8Array(1000);
  const unsent = (): number => client.written - ((client.field(L.TCB_SND_NXT) - client.field(L.TCB_ISS) - 1) >>> 0);
  let most = 0;
  sim.processes.push(() => {
    client.write(chunk);
    if (client.connected) most = Math.max(most, unsent());
  });
  sim.runFor(5 * SECOND);
  assert.is(client.field(L.TCB_SND_WND), 0, "the peer reads nothing");
  assert.ok(most >= 20_000 && most < 21_000, `${most} unsent`);
  const server = listener.accept()!;
  const target = new Uint8Array(8192);
  sim.processes.push(() => server.read(target));
  const before = client.written;
  sim.runFor(5 * SECOND);
  assert.ok(client.written > before + 100_000, `${client.written - before} bytes more`);
  assert.ok(most >= 20_000 && most < 21_000, `${most} unsent`);
});

test("TCP_SYNCNT bounds the SYNs of one connection", () => {
  const sim = simulate();
  let syns = 0;
  sim.a.ping(B);
  sim.runFor(SECOND);
  sim.filter = (_from, { bytes }) => {
    const isIp = bytes[12] === 8 && bytes[13] === 0;
    if (isIp) syns++;
    return !isIp;
  };
  const client = sim.a.connect(B, 80, [{ code: L.SOCKET_OPTION_SYNCNT, value: 2 }]);
  assert.ok(sim.runFor(60 * SECOND, () => client.closed));
  assert.is(client.error, L.ETIMEDOUT);
  assert.is(syns, 3, "the first and two more");
});

test.run();

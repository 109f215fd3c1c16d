// How long a connection lives when nobody answers, as its options say: user timeout, linger, FIN-WAIT-2, a read side that is shut.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import * as L from "../../assembly/layout.ts";
import type { SimSocket, Simulator } from "../../src/sim/index.ts";
import { assertAllFree, assertFree, B, connected, SECOND, simulate } from "../support/sim.ts";

const test = suite("sim/connection-life");
const BYTES = new Uint8Array(1000).fill(7);
const MS = 1000;

/** Whether an Ethernet frame carries a TCP segment with all of these flags. */
const hasFlags = (bytes: Uint8Array, flags: number): boolean =>
  bytes[12] === 8 && bytes[13] === 0 && bytes[23] === 6 && (bytes[47]! & flags) === flags;
const RST = 4;

/** Writes all of it, as soon as there is a ring to write into. */
function send(sim: Simulator, socket: SimSocket, bytes: Uint8Array): void {
  let from = 0;
  assert.ok(
    sim.runFor(SECOND, () => {
      from += socket.write(bytes, from);
      return from === bytes.length;
    }),
    "room to write",
  );
}

test("a user timeout ends retransmission after its time, not after tcp_retries2 [9293 3.8.3 MUST-21]", () => {
  for (const timeoutMs of [700, 3000, 40_000]) {
    const sim = simulate();
    const { client, listener } = connected(sim);
    client.setOption(L.SOCKET_OPTION_USER_TIMEOUT, timeoutMs);
    send(sim, client, BYTES);
    sim.runFor(SECOND);
    sim.filter = (_from, { bytes }) => !hasFlags(bytes, 0);
    send(sim, client, BYTES);
    const startUs = sim.nowUs;
    assert.ok(sim.runFor(3600 * SECOND, () => client.closed));
    assert.is(client.error, L.ETIMEDOUT);
    // From the first retransmission on, as Linux counts
    const tookMs = (sim.nowUs - startUs) / MS;
    assert.ok(tookMs >= timeoutMs && tookMs <= timeoutMs + 1300, `${timeoutMs} ms: took ${tookMs}`);
    listener.close();
  }
});

test("progress starts the user timeout anew", () => {
  const sim = simulate();
  const { client, server } = connected(sim);
  client.setOption(L.SOCKET_OPTION_USER_TIMEOUT, 2000);
  for (let i = 0; i < 5; i++) {
    sim.filter = (_from, { bytes }) => !hasFlags(bytes, 0);
    send(sim, client, BYTES);
    sim.runFor(1000 * MS);
    sim.filter = () => true;
    assert.ok(
      sim.runFor(10 * SECOND, () => client.unacknowledged === 0),
      `round ${i}`,
    );
    server.read(new Uint8Array(4000));
  }
  assert.is(client.error, 0);
});

test("a user timeout bounds the handshake", () => {
  const sim = simulate();
  sim.a.ping(B);
  sim.runFor(SECOND);
  sim.filter = (_from, { bytes }) => !hasFlags(bytes, 0);
  const client = sim.a.connect(B, 80, [{ code: L.SOCKET_OPTION_USER_TIMEOUT, value: 5000 }]);
  const startUs = sim.nowUs;
  assert.ok(sim.runFor(600 * SECOND, () => client.closed));
  assert.is(client.error, L.ETIMEDOUT);
  const tookMs = (sim.nowUs - startUs) / MS;
  assert.ok(tookMs >= 5000 && tookMs < 5010, `${tookMs} ms`);
});

test("a window that stays shut is waited for beyond the user timeout only without one [9293 MUST-37]", () => {
  for (const timeoutMs of [0, 10_000]) {
    const sim = simulate();
    const { client, server } = connected(sim);
    client.setOption(L.SOCKET_OPTION_USER_TIMEOUT, timeoutMs);
    const chunk = new Uint8Array(65_536);
    // Fills the peer's buffer, which nobody reads, and then some
    sim.processes.push(() => client.write(chunk));
    sim.runFor(5 * SECOND);
    sim.processes.splice(0);
    assert.is(client.field(L.TCB_SND_WND), 0);
    const startUs = sim.nowUs;
    const isOver = sim.runFor(600 * SECOND, () => client.closed);
    assert.is(isOver, timeoutMs !== 0);
    if (isOver) {
      assert.is(client.error, L.ETIMEDOUT);
      assert.ok(sim.nowUs - startUs < 12 * SECOND, `${(sim.nowUs - startUs) / MS} ms`);
    }
    client.abort();
    server.abort();
  }
});

test("a user timeout takes the place of the number of keepalive probes", () => {
  const sim = simulate();
  const { client } = connected(sim);
  client.setKeepAlive(true, 10_000, 1000, 100);
  client.setOption(L.SOCKET_OPTION_USER_TIMEOUT, 15_000);
  sim.runFor(MS);
  sim.filter = (_from, { bytes }) => !hasFlags(bytes, 0);
  const startUs = sim.nowUs;
  assert.ok(sim.runFor(600 * SECOND, () => client.closed));
  assert.is(client.error, L.ETIMEDOUT);
  const tookMs = (sim.nowUs - startUs) / MS;
  assert.ok(tookMs > 14_000 && tookMs < 16_100, `${tookMs} ms`);
});

test("a user timeout ends an idle connection when it is over, not a keepalive interval after it", () => {
  for (const [idleMs, timeoutMs, tookMs] of [
    [1500, 3000, 3000],
    [2000, 2000, 3000], // the first probe has its answer to come
    [3000, 1000, 4000],
  ] as const) {
    const sim = simulate();
    const { client } = connected(sim);
    client.setKeepAlive(true, idleMs, 1000, 5);
    client.setOption(L.SOCKET_OPTION_USER_TIMEOUT, timeoutMs);
    sim.runFor(MS);
    sim.filter = (_from, { bytes }) => !hasFlags(bytes, 0);
    const startUs = sim.nowUs;
    assert.ok(sim.runFor(60 * SECOND, () => client.closed));
    assert.is(client.error, L.ETIMEDOUT);
    assert.ok(Math.abs((sim.nowUs - startUs) / MS - tookMs) <= 5, `${(sim.nowUs - startUs) / MS} ms`);
  }
});

test("close with linger 0 resets the connection, though nothing is unread", () => {
  const sim = simulate();
  const { client, server, listener } = connected(sim);
  client.setOption(L.SOCKET_OPTION_LINGER, 1, 0);
  send(sim, client, BYTES);
  let resets = 0;
  sim.filter = (_from, { bytes }) => {
    if (hasFlags(bytes, RST)) resets++;
    return true;
  };
  client.close();
  assert.ok(sim.runFor(SECOND, () => server.closed));
  assert.is(server.error, L.ECONNRESET);
  assert.is(resets, 1);
  listener.close();
  server.close();
  sim.runFor(SECOND);
  assertFree(sim.a); // no TIME-WAIT
});

test("close with a linger time, or with linger off, is orderly", () => {
  for (const [on, seconds] of [
    [1, 5],
    [0, 0],
  ] as const) {
    const sim = simulate();
    const { client, server, listener } = connected(sim);
    client.setOption(L.SOCKET_OPTION_LINGER, on, seconds);
    send(sim, client, BYTES);
    client.close();
    assert.ok(sim.runFor(SECOND, () => server.peerFinished));
    assert.is(server.error, 0);
    server.read(new Uint8Array(2000));
    server.close();
    listener.close();
    assertAllFree(sim);
  }
});

test("TCP_LINGER2 says how long FIN-WAIT-2 lasts without an owner; below 0 it does not", () => {
  for (const [seconds, least, most] of [
    [5, 5, 5.1],
    [-1, 0, 0.1],
    [0, 60, 60.1],
  ] as const) {
    const sim = simulate();
    const { client, server } = connected(sim);
    client.setOption(L.SOCKET_OPTION_LINGER2, seconds);
    sim.a.traceStates();
    client.close();
    assert.ok(sim.runFor(100 * SECOND, () => sim.a.states.some(({ to }) => to === L.STATE_CLOSED)));
    const at = (state: number): number => sim.a.states.find(({ to }) => to === state)!.timeUs;
    const tookS = (at(L.STATE_CLOSED) - at(L.STATE_FIN_WAIT_2)) / SECOND;
    assert.ok(tookS >= least && tookS <= most, `${seconds}: ${tookS} s`);
    server.abort();
  }
});

test("after shutdown of the read side the peer's text is acknowledged, and readable, until our FIN; then it is refused", () => {
  const sim = simulate();
  const { client, server } = connected(sim);
  client.closeRead();
  send(sim, server, BYTES);
  sim.runFor(SECOND);
  assert.is(server.unacknowledged, 0);
  assert.is(client.readable, 1000);
  assert.is(client.read(new Uint8Array(2000)), 1000);
  client.closeWrite();
  sim.runFor(SECOND);
  assert.is(server.peerFinished, true);
  assert.is(server.error, 0);
  send(sim, server, BYTES);
  assert.ok(sim.runFor(SECOND, () => server.closed));
  assert.is(server.error, L.ECONNRESET);
});

test.run();

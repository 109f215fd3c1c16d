// Connections that begin and end, between two cores.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import {
  COUNTER_TCP_ILLEGAL_TRANSITION,
  COUNTER_TCP_IN_NO_SOCKET,
  COUNTER_TCP_OUT_RSTS,
  COUNTER_TCP_STATE,
} from "../../assembly/counters.ts";
import {
  ECONNREFUSED,
  ECONNRESET,
  EHOSTUNREACH,
  ENETUNREACH,
  ETIMEDOUT,
  STATE_CLOSING,
  STATE_SYN_RECEIVED,
} from "../../assembly/layout.ts";
import {
  A,
  assertAllFree,
  assertFree,
  B,
  connected,
  MIB,
  Reader,
  SECOND,
  simulate,
  transfer,
  Writer,
} from "../support/sim.ts";

const test = suite("sim/handshake");
const isArp = (bytes: Uint8Array) => bytes[12] === 8 && bytes[13] === 6;
const text = (bytes: string) => new TextEncoder().encode(bytes);

test("three segments make a connection at both ends [9293 3.5]", () => {
  const sim = simulate();
  const { client, server, listener } = connected(sim);
  assert.is(client.state, "ESTABLISHED");
  sim.runFor(1000);
  assert.is(server.state, "ESTABLISHED");
  client.abort();
  listener.close();
  sim.runFor(SECOND);
  assert.is(server.error, ECONNRESET);
  assert.is(server.read(new Uint8Array(1)), null);
  assertAllFree(sim);
});

test("what one end says the other end hears, and echoes", () => {
  const sim = simulate();
  const { client, server, listener } = connected(sim);
  const buffer = new Uint8Array(16);
  client.write(text("hello"));
  sim.runFor(SECOND, () => {
    client.write(text("hello"), client.written);
    return server.readable === 5;
  });
  assert.is(server.read(buffer), 5);
  server.write(buffer.subarray(0, 5));
  sim.runFor(SECOND, () => {
    server.write(buffer.subarray(0, 5), server.written);
    return client.readable === 5;
  });
  assert.is(client.read(buffer), 5);
  assert.is(new TextDecoder().decode(buffer.subarray(0, 5)), "hello");
  client.close();
  server.close();
  listener.close();
  assertAllFree(sim);
});

test("half-close: one direction ends, the other goes on [9293 3.6 MUST-12]", () => {
  const sim = simulate();
  const { client, server, listener } = connected(sim);
  client.closeWrite();
  sim.runFor(SECOND);
  assert.is(client.state, "FIN-WAIT-2");
  assert.is(server.state, "CLOSE-WAIT");
  assert.is(server.read(new Uint8Array(1)), null);
  const writer = new Writer(server, MIB);
  const reader = new Reader(client);
  sim.processes.push(
    () => writer.pump(),
    () => reader.pump(),
  );
  assert.ok(sim.runFor(60 * SECOND, () => reader.ended && server.closed));
  assert.is(reader.received, MIB);
  listener.close();
  assertAllFree(sim);
});

test("simultaneous close passes through CLOSING at both ends [9293 3.6]", () => {
  const sim = simulate({ aToB: { delayMs: 5 }, bToA: { delayMs: 5 } });
  const { client, server, listener } = connected(sim);
  sim.runFor(SECOND);
  client.closeWrite();
  server.closeWrite();
  sim.runFor(SECOND);
  assert.is(sim.a.counter(COUNTER_TCP_STATE + STATE_CLOSING), 1);
  assert.is(sim.b.counter(COUNTER_TCP_STATE + STATE_CLOSING), 1);
  assert.ok(client.closed && server.closed);
  listener.close();
  assertAllFree(sim);
});

test("simultaneous open makes one connection [9293 3.5 figure 7, MUST-10]", () => {
  const sim = simulate({ aToB: { delayMs: 5 }, bToA: { delayMs: 5 } });
  sim.a.ping(B);
  sim.runFor(SECOND);
  const one = sim.a.connect(B, 2000, [], 0, 1000);
  const other = sim.b.connect(A, 1000, [], 0, 2000);
  assert.ok(sim.runFor(10 * SECOND, () => one.connected && other.connected));
  assert.is(sim.a.counter(COUNTER_TCP_STATE + STATE_SYN_RECEIVED), 1);
  assert.is(sim.b.counter(COUNTER_TCP_STATE + STATE_SYN_RECEIVED), 1);
  assert.is(sim.a.counter(COUNTER_TCP_OUT_RSTS) + sim.b.counter(COUNTER_TCP_OUT_RSTS), 0);
  const writer = new Writer(one, 100_000);
  const reader = new Reader(other);
  sim.processes.push(
    () => writer.pump(),
    () => reader.pump(),
  );
  other.closeWrite();
  assert.ok(sim.runFor(60 * SECOND, () => reader.ended));
  sim.processes.splice(0);
  sim.runFor(SECOND);
  assert.is(one.read(new Uint8Array(1)), null);
  assertAllFree(sim);
});

test("a port where nobody listens refuses at once [9293 3.5.2]", () => {
  const sim = simulate();
  const client = sim.a.connect(B, 81);
  assert.ok(sim.runFor(SECOND, () => client.closed));
  assert.is(client.error, ECONNREFUSED);
  assert.is(sim.b.counter(COUNTER_TCP_OUT_RSTS), 1);
  assert.is(sim.b.counter(COUNTER_TCP_IN_NO_SOCKET), 1);
  assertAllFree(sim);
});

test("a host that does not answer ARP is unreachable after three requests [1122 2.3.2]", () => {
  const sim = simulate();
  const client = sim.a.connect(0x0a000063, 80);
  const startUs = sim.nowUs;
  assert.ok(sim.runFor(60 * SECOND, () => client.closed));
  assert.is(client.error, EHOSTUNREACH);
  assert.is(sim.nowUs - startUs, 3 * SECOND);
  assertAllFree(sim);
});

test("without a route there is no connection, and the error comes at once", () => {
  const sim = simulate();
  const client = sim.a.connect(0xc0000201, 80);
  sim.runFor(1);
  assert.is(client.error, ENETUNREACH);
  assertFree(sim.a);
});

test("a connect that nobody answers ends after exactly its time", () => {
  const sim = simulate();
  sim.a.ping(B);
  sim.runFor(SECOND);
  sim.filter = () => false;
  const client = sim.a.connect(B, 80, [], 2500);
  const startUs = sim.nowUs;
  assert.ok(sim.runFor(60 * SECOND, () => client.closed));
  assert.is(client.error, ETIMEDOUT);
  assert.is(sim.nowUs - startUs, 2_500_000);
  assertAllFree(sim);
});

test("a connect without a time of its own ends after the last SYN retry: over three minutes [9293 3.8.3 MUST-23]", () => {
  const sim = simulate();
  sim.a.ping(B);
  sim.runFor(SECOND);
  sim.filter = (_from, frame) => isArp(frame.bytes);
  const client = sim.a.connect(B, 80);
  const startUs = sim.nowUs;
  assert.ok(sim.runFor(600 * SECOND, () => client.closed));
  assert.is(client.error, ETIMEDOUT);
  const seconds = (sim.nowUs - startUs) / SECOND;
  assert.ok(seconds >= 180 && seconds < 300, `${seconds} s`);
  assertAllFree(sim);
});

test("a megabyte arrives over a clean link, byte by byte", () => {
  const sim = simulate();
  transfer(sim, MIB);
  assert.is(sim.a.counter(COUNTER_TCP_ILLEGAL_TRANSITION) + sim.b.counter(COUNTER_TCP_ILLEGAL_TRANSITION), 0);
});

test("a megabyte each way at the same time", () => {
  transfer(simulate(), MIB, { back: MIB });
});

test("a stack talks to itself, by its own address and by 127.0.0.1 [1122 3.2.1.3 (g)]", () => {
  for (const address of [A, 0x7f000001]) {
    const sim = simulate();
    const listener = sim.a.listen(80);
    sim.runFor(1);
    const client = sim.a.connect(address, 80);
    assert.ok(sim.runFor(SECOND, () => listener.pending > 0));
    const server = listener.accept()!;
    const writer = new Writer(client, MIB);
    const reader = new Reader(server);
    sim.processes.push(
      () => writer.pump(),
      () => reader.pump(),
    );
    server.closeWrite();
    assert.ok(sim.runFor(60 * SECOND, () => reader.ended));
    assert.is(reader.received, MIB);
    assert.is(client.read(new Uint8Array(1)), null);
    sim.processes.splice(0);
    listener.close();
    assertAllFree(sim);
  }
});

test.run();

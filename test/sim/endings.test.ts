// How connections end when one side does not play along: silence, slow readers, listeners that go away, time-outs.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { COUNTER_TCP_KEEPALIVES, COUNTER_TCP_WINDOW_PROBES } from "../../assembly/counters.ts";
import { EADDRINUSE, ECONNREFUSED, ECONNRESET, ETIMEDOUT, TCB_ISS, TCB_SND_WND } from "../../assembly/layout.ts";
import type { SimSocket } from "../../src/sim/index.ts";
import { assertAllFree, B, connected, MIB, Reader, SECOND, simulate, Writer } from "../support/sim.ts";

const test = suite("sim/endings");
const isArp = (bytes: Uint8Array) => bytes[12] === 8 && bytes[13] === 6;

test("sequence numbers that cross 2^32 in mid-transfer are exact", () => {
  const sim = simulate({ aToB: { delayMs: 1, loss: 0.02 }, bToA: { delayMs: 1 } });
  const listener = sim.b.listen(80);
  sim.runFor(1);
  const first = sim.a.connect(B, 80, [], 0, 5000);
  sim.runFor(SECOND);
  // The clock of RFC 6528 moves the ISN of a four-tuple by one every 4 µs: wait until it is just below 2^32
  const wanted = 2 ** 32 - 3 * MIB;
  const wait = ((wanted - first.field(TCB_ISS)) >>> 0) * 4;
  const startUs = sim.nowUs;
  first.abort();
  listener.accept()?.abort();
  sim.runFor(wait - (sim.nowUs - startUs));
  const client = sim.a.connect(B, 80, [], 0, 5000);
  assert.ok(sim.runFor(60 * SECOND, () => listener.pending > 0 && client.connected));
  const iss = client.field(TCB_ISS);
  assert.ok(iss > 2 ** 32 - 4 * MIB && iss < 2 ** 32 - 2 * MIB, `ISS ${iss}`);
  const server = listener.accept()!;
  const writer = new Writer(client, 8 * MIB);
  const reader = new Reader(server);
  sim.processes.push(
    () => writer.pump(),
    () => reader.pump(),
  );
  server.closeWrite();
  assert.ok(sim.runFor(600 * SECOND, () => reader.ended));
  assert.is(reader.received, 8 * MIB);
  assert.is(client.read(new Uint8Array(1)), null);
  listener.close();
  sim.processes.splice(0);
  assertAllFree(sim);
});

test("a reader that stops for a minute loses nothing: the window closes, is probed, and opens again [9293 3.8.6.1] [attack 85]", () => {
  const sim = simulate();
  const { client, server, listener } = connected(sim);
  const writer = new Writer(client, 2 * MIB);
  const reader = new Reader(server);
  sim.processes.push(() => writer.pump());
  sim.runFor(60 * SECOND);
  assert.is(client.field(TCB_SND_WND), 0);
  assert.ok(sim.a.counter(COUNTER_TCP_WINDOW_PROBES) > 2);
  assert.is(client.state, "ESTABLISHED");
  sim.processes.push(() => reader.pump());
  server.closeWrite();
  assert.ok(sim.runFor(60 * SECOND, () => reader.ended));
  assert.is(reader.received, 2 * MIB);
  client.read(new Uint8Array(1));
  sim.processes.splice(0);
  listener.close();
  assertAllFree(sim);
});

test("a window update that is lost is made up for by a probe [attack 84]", () => {
  const sim = simulate();
  const { client, server, listener } = connected(sim);
  const writer = new Writer(client, MIB);
  const reader = new Reader(server);
  sim.processes.push(() => writer.pump());
  sim.runFor(SECOND);
  assert.is(client.field(TCB_SND_WND), 0);
  // Everything the reader says for a while is lost
  sim.filter = (from) => from === "a";
  sim.processes.push(() => reader.pump());
  sim.runFor(SECOND);
  sim.filter = null;
  server.closeWrite();
  assert.ok(sim.runFor(120 * SECOND, () => reader.ended));
  client.read(new Uint8Array(1));
  sim.processes.splice(0);
  listener.close();
  assertAllFree(sim);
});

test("a reader of one byte at a time gets everything and no silly windows [9293 3.8.6.2]", () => {
  const sim = simulate();
  const { client, server, listener } = connected(sim);
  const writer = new Writer(client, 300_000);
  const reader = new Reader(server, 1);
  let steps = 0;
  let small = 0;
  sim.processes.push(
    () => writer.pump(),
    () => reader.pump(),
  );
  sim.filter = (from, frame) => {
    steps++;
    const length = frame.bytes.length - 66;
    if (from === "a" && length > 0 && length < 500) small++;
    return true;
  };
  server.closeWrite();
  assert.ok(sim.runFor(600 * SECOND, () => reader.ended));
  assert.ok(small <= 10, `${small} small segments of ${steps}`);
  client.read(new Uint8Array(1));
  sim.processes.splice(0);
  listener.close();
  assertAllFree(sim);
});

test("data that nobody acknowledges ends in ETIMEDOUT after R2, between 13 and 30 minutes [9293 3.8.3]", () => {
  const sim = simulate();
  const { client, server, listener } = connected(sim);
  client.write(new Uint8Array(1));
  sim.runFor(SECOND);
  sim.filter = (_from, frame) => isArp(frame.bytes);
  client.write(new Uint8Array(10));
  const startUs = sim.nowUs;
  assert.ok(sim.runFor(7200 * SECOND, () => client.closed));
  assert.is(client.error, ETIMEDOUT);
  const minutes = (sim.nowUs - startUs) / (60 * SECOND);
  assert.ok(minutes >= 13 && minutes <= 30, `${minutes} minutes`);
  server.abort();
  listener.close();
  assertAllFree(sim);
});

test("keepalive notices a peer that is gone; a peer that answers keeps the connection [9293 3.8.4]", () => {
  const sim = simulate();
  const { client, server, listener } = connected(sim);
  client.setKeepAlive(true, 10_000, 1000, 3);
  sim.runFor(300 * SECOND);
  assert.is(client.state, "ESTABLISHED");
  assert.ok(sim.a.counter(COUNTER_TCP_KEEPALIVES) >= 25);
  sim.filter = (_from, frame) => isArp(frame.bytes);
  const startUs = sim.nowUs;
  assert.ok(sim.runFor(60 * SECOND, () => client.closed));
  assert.is(client.error, ETIMEDOUT);
  assert.ok(sim.nowUs - startUs <= 14 * SECOND);
  sim.filter = null;
  server.write(new Uint8Array(1));
  sim.runFor(1000);
  server.write(new Uint8Array(1));
  sim.runFor(10 * SECOND);
  assert.is(server.error, ECONNRESET);
  server.read(new Uint8Array(1));
  listener.close();
  assertAllFree(sim);
});

test("a peer that vanishes after our close does not hold the connection for ever [attack 70]", () => {
  for (const closeFirst of ["client", "server"] as const) {
    const sim = simulate();
    const { client, server, listener } = connected(sim);
    const [one, other] = closeFirst === "client" ? [client, server] : [server, client];
    other.close(); // CLOSE-WAIT at one end, FIN-WAIT-2 at the other
    sim.runFor(SECOND);
    sim.filter = () => false;
    one.close();
    listener.close();
    sim.runFor(1800 * SECOND);
    assertAllFree(sim);
  }
});

test("close with unread data resets [9293 3.6.1 SHLD-3]", () => {
  const sim = simulate();
  const { client, server, listener } = connected(sim);
  client.write(new Uint8Array(1));
  sim.runFor(1000);
  client.write(new Uint8Array(100));
  sim.runFor(1000);
  server.close();
  sim.runFor(SECOND);
  assert.is(client.error, ECONNRESET);
  listener.close();
  assertAllFree(sim);
});

test("data for an end that was closed is answered with a reset", () => {
  const sim = simulate();
  const { client, server, listener } = connected(sim);
  client.write(new Uint8Array(1));
  server.close();
  sim.runFor(SECOND);
  assert.is(client.read(new Uint8Array(1)), null);
  client.write(new Uint8Array(100));
  sim.runFor(SECOND);
  assert.is(client.error, ECONNRESET);
  listener.close();
  assertAllFree(sim);
});

test("a listener that closes resets those that nobody accepted, in every state [attack 65]", () => {
  const sim = simulate({ bToA: { delayMs: 5 } });
  const listener = sim.b.listen(80, 100);
  sim.runFor(1);
  const clients: SimSocket[] = [];
  for (let i = 0; i < 20; i++) clients.push(sim.a.connect(B, 80));
  sim.runFor(50_000);
  assert.is(listener.pending, 20);
  for (let i = 0; i < 20; i++) clients.push(sim.a.connect(B, 80));
  sim.runFor(1000); // these are in SYN-RECEIVED
  listener.close();
  sim.runFor(10 * SECOND);
  assert.ok(clients.every((client) => client.closed));
  for (const client of clients)
    assert.ok(client.error === ECONNRESET || client.error === ECONNREFUSED, String(client.error));
  assertAllFree(sim);
});

test("two listeners on one port do not go together", () => {
  const sim = simulate();
  const one = sim.a.listen(80);
  const two = sim.a.listen(80);
  sim.runFor(1);
  assert.is(one.error, 0);
  assert.is(two.error, EADDRINUSE);
  one.close();
  sim.runFor(1);
  assertAllFree(sim);
});

for (const tcp_syncookies of [0, 1, 2]) {
  test(`more connections than the backlog: the others come in when there is room, cookies ${tcp_syncookies}`, () => {
    moreThanTheBacklog(tcp_syncookies);
  });
}

function moreThanTheBacklog(tcp_syncookies: number): void {
  const sim = simulate({ b: { sysctl: { tcp_syncookies } } });
  const listener = sim.b.listen(80, 4);
  sim.runFor(1);
  const clients = Array.from({ length: 12 }, () => sim.a.connect(B, 80));
  const servers: SimSocket[] = [];
  sim.runFor(SECOND);
  assert.ok(listener.pending <= 5, "a backlog of 4 admits 5, as in Linux");
  // Whose ACK brought a cookie in vain believes that he is connected: his data brings it again
  sim.processes.push(() => {
    for (const client of clients) if (client.connected && client.written === 0) client.write(new Uint8Array(1));
  });
  sim.processes.push(() => {
    const server = listener.accept();
    if (server !== null) servers.push(server);
  });
  assert.ok(
    sim.runFor(120 * SECOND, () => servers.length === 12),
    `${servers.length} of 12`,
  );
  assert.ok(clients.every((client) => client.connected));
  for (const socket of [...clients, ...servers]) socket.close();
  listener.close();
  assertAllFree(sim);
}

test("1,000 connections at once: all established before the first byte, echo, and nothing is left", () => {
  const sim = simulate();
  const listener = sim.b.listen(80, 1000);
  sim.runFor(1);
  const clients = Array.from({ length: 1000 }, () => sim.a.connect(B, 80));
  assert.ok(sim.runFor(60 * SECOND, () => listener.pending === 1000 && clients.every((client) => client.connected)));
  const servers = Array.from({ length: 1000 }, () => listener.accept()!);
  const bytes = 4096;
  const ends: { writer: Writer; reader: Reader }[] = [];
  for (const socket of [...clients, ...servers])
    ends.push({ writer: new Writer(socket, bytes), reader: new Reader(socket) });
  sim.processes.push(() => {
    for (const { writer, reader } of ends) {
      writer.pump();
      reader.pump();
    }
  });
  assert.ok(sim.runFor(120 * SECOND, () => ends.every(({ reader }) => reader.ended)));
  assert.ok(ends.every(({ reader }) => reader.received === bytes));
  sim.processes.splice(0);
  listener.close();
  assertAllFree(sim);
});

test.run();

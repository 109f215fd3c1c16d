// Readers that stop and go on: the window closes and must open again by our own doing, not by the peer's probes.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { COUNTER_TCP_WINDOW_PROBES } from "../../assembly/counters.ts";
import { TCB_RCV_RING_CAPACITY } from "../../assembly/layout.ts";
import { assertAllFree, connected, MIB, Reader, SECOND, simulate, Writer } from "../support/sim.ts";

const test = suite("sim/slow-reader");

test("a reader that goes on after a pause opens the window at once, however large its ring has grown [9293 3.8.6.2.2]", () => {
  const sim = simulate();
  const { client, server, listener } = connected(sim);
  const writer = new Writer(client, 48 * MIB);
  const reader = new Reader(server);
  let isReading = true;
  sim.processes.push(
    () => writer.pump(),
    () => isReading && reader.pump(),
  );
  assert.ok(sim.runFor(60 * SECOND, () => reader.received >= 24 * MIB));
  assert.ok(server.field(TCB_RCV_RING_CAPACITY) >= 4 * MIB, "many times what 256 receive slots of one segment hold");
  isReading = false;
  sim.runFor(3 * SECOND);
  assert.ok(server.readable > 3 * MIB);
  const probes = sim.a.counter(COUNTER_TCP_WINDOW_PROBES);
  isReading = true;
  reader.pump();
  const resumedUs = sim.nowUs;
  const before = reader.received;
  assert.ok(sim.runFor(60 * SECOND, () => reader.received > before));
  assert.is(sim.nowUs - resumedUs, 100, "one round trip");
  assert.is(sim.a.counter(COUNTER_TCP_WINDOW_PROBES), probes);
  server.closeWrite();
  assert.ok(sim.runFor(60 * SECOND, () => reader.ended));
  sim.processes.splice(0);
  client.close();
  listener.close();
  server.close();
  assertAllFree(sim);
});

test.run();

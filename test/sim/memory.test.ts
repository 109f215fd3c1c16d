// Whole transfers while memory is short, and readers that stop for a minute: slower, never wrong, and nothing is left.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import {
  COUNTER_TCP_MEMORY_PRESSURES,
  COUNTER_TCP_RCV_RING_REDUCED,
  COUNTER_TCP_RCVQ_DROP,
} from "../../assembly/counters.ts";
import { TCB_TOTAL_RETRANS } from "../../assembly/layout.ts";
import type { SimListener } from "../../src/sim/index.ts";
import { assertAllFree, B, connected, MIB, Reader, SECOND, simulate, Writer } from "../support/sim.ts";

const test = suite("sim/memory");

for (const tcp_moderate_rcvbuf of [0, 1]) {
  test(`attack 85: a reader that stops for a minute loses nothing and goes on at once, autotuning ${tcp_moderate_rcvbuf}`, () => {
    const sim = simulate({ b: { sysctl: { tcp_moderate_rcvbuf } } });
    const { client, server, listener } = connected(sim);
    const writer = new Writer(client, 6 * MIB);
    const reader = new Reader(server);
    let isReading = true;
    sim.processes.push(
      () => writer.pump(),
      () => isReading && reader.pump(),
    );
    assert.ok(sim.runFor(60 * SECOND, () => reader.received >= 2 * MIB));
    isReading = false;
    sim.runFor(60 * SECOND);
    isReading = true;
    reader.pump();
    assert.ok(
      sim.runFor(10 * SECOND, () => reader.received === 6 * MIB),
      "without a stall",
    );
    assert.is(client.field(TCB_TOTAL_RETRANS), 0);
    server.closeWrite();
    assert.ok(sim.runFor(60 * SECOND, () => reader.ended));
    sim.processes.splice(0);
    client.close();
    listener.close();
    server.close();
    assertAllFree(sim);
  });
}

/** Many transfers at once from a to b. @returns what is left to close */
function transfers(sim: ReturnType<typeof simulate>, count: number, bytes: number): () => boolean {
  const listener: SimListener = sim.b.listen(80, 256);
  const clients: Reader[] = [];
  const readers: Reader[] = [];
  for (let i = 0; i < count; i++) {
    const client = sim.a.connect(B, 80);
    const writer = new Writer(client, bytes);
    const back = new Reader(client);
    clients.push(back);
    sim.processes.push(() => {
      if (!client.connected) return;
      writer.pump();
      back.pump();
    });
  }
  sim.processes.push(() => {
    for (let server = listener.accept(); server !== null; server = listener.accept()) {
      const socket = server;
      const reader = new Reader(socket);
      readers.push(reader);
      let isOpen = true;
      sim.processes.push(() => {
        reader.pump();
        if (isOpen && reader.ended) socket.closeWrite();
        isOpen = !reader.ended;
      });
    }
  });
  return () => {
    if (readers.length < count || !readers.every((reader) => reader.ended)) return false;
    if (!clients.every((client) => client.ended)) return false;
    sim.processes.splice(0);
    for (const { socket } of [...clients, ...readers]) socket.close();
    listener.close();
    return true;
  };
}

test("under tcp_mem's high limit every transfer comes to its end, with exact bytes", () => {
  const sim = simulate({ b: { sysctl: { tcp_mem: [4, 8, 16] } } });
  const isDone = transfers(sim, 24, 200_000);
  assert.ok(sim.runFor(600 * SECOND, isDone));
  assert.ok(sim.b.counter(COUNTER_TCP_MEMORY_PRESSURES) > 0);
  assert.ok(sim.b.counter(COUNTER_TCP_RCV_RING_REDUCED) > 0);
  assert.ok(sim.b.counter(COUNTER_TCP_RCVQ_DROP) > 0, "more was promised than there is");
  assertAllFree(sim);
});

test.run();

// Transfers over bad links: every byte arrives, in order, once, and nothing is left over.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { COUNTER_TCP_RETRANS_SEGS } from "../../assembly/counters.ts";
import { assertAllFree, B, MIB, Reader, SECOND, simulate, transfer, Writer } from "../support/sim.ts";

const test = suite("sim/transfer");
const BAD = { delayMs: 2, loss: 0.05, reorder: 0.05, duplicate: 0.02, corrupt: 0.01 };

// WASMTCP_SIM_SEEDS: how many seeds the long run takes (npm run test:sim); WASMTCP_SIM_SEED: only this one, to replay it
const seeds = Number(process.env.WASMTCP_SIM_SEEDS ?? 3);
const only = process.env.WASMTCP_SIM_SEED;

for (const seed of only === undefined ? Array.from({ length: seeds }, (_, index) => index + 1) : [Number(only)]) {
  test(`16 MiB over loss, reordering, duplicates and corruption are exact, seed ${seed}`, () => {
    const sim = simulate({ seed, aToB: BAD, bToA: BAD });
    transfer(sim, 16 * MIB, { limitUs: 3600 * SECOND });
    assert.ok(sim.a.counter(COUNTER_TCP_RETRANS_SEGS) > 0);
  });
}

test("super-segments over a whole wire are exact and need no retransmission", () => {
  const offload = { gsoMax: 65535 };
  const sim = simulate({ a: offload, b: offload, wholeDelayUs: 20 });
  transfer(sim, 16 * MIB);
  assert.is(sim.a.counter(COUNTER_TCP_RETRANS_SEGS), 0);
});

test("super-segments that the link splits and loses parts of are exact [attack 87]", () => {
  const offload = { gsoMax: 65535 };
  transfer(simulate({ a: offload, b: offload, aToB: BAD, bToA: BAD }), 4 * MIB, { limitUs: 3600 * SECOND });
});

test("a slow link with a short queue", () => {
  const slow = { delayMs: 10, rateBps: 10_000_000, queueBytes: 30_000 };
  transfer(simulate({ aToB: slow, bToA: slow }), 4 * MIB);
});

test("a small MTU", () => {
  transfer(simulate({ a: { mtu: 296 }, b: { mtu: 296 } }), MIB);
});

if (seeds > 3) {
  test("more than 2^32 bytes through one connection are exact: every offset and sequence number wraps [attack 77]", () => {
    const offload = { gsoMax: 65535 };
    const sim = simulate({ a: offload, b: offload, wholeDelayUs: 20 });
    transfer(sim, 2 ** 32 + 64 * MIB);
    assert.is(sim.a.counter(COUNTER_TCP_RETRANS_SEGS), 0);
  });

  test("1,000 connections, a megabyte each at the same time, are exact", () => {
    const offload = { gsoMax: 65535, heapBytes: 512 * MIB };
    const sim = simulate({ a: offload, b: offload, wholeDelayUs: 20 });
    const listener = sim.b.listen(80, 1000);
    sim.runFor(1);
    const clients = Array.from({ length: 1000 }, () => sim.a.connect(B, 80));
    assert.ok(sim.runFor(20 * SECOND, () => listener.pending === 1000 && clients.every((client) => client.connected)));
    const ends = clients.flatMap((client) => {
      const server = listener.accept()!;
      server.closeWrite();
      return [
        { pump: new Writer(client, MIB), end: new Reader(client) },
        { pump: null, end: new Reader(server) },
      ];
    });
    sim.processes.push(() => {
      for (const { pump, end } of ends) {
        pump?.pump();
        end.pump();
      }
    });
    assert.ok(sim.runFor(600 * SECOND, () => ends.every(({ end }) => end.ended)));
    assert.ok(ends.every(({ pump, end }) => end.received === (pump === null ? MIB : 0)));
    sim.processes.splice(0);
    listener.close();
    assertAllFree(sim);
  });
}

test.run();

// Transfers over bad links: every byte arrives, in order, once, and nothing is left over.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { COUNTER_TCP_RETRANS_SEGS } from "../../assembly/counters.ts";
import { MIB, SECOND, simulate, transfer } from "../support/sim.ts";

const test = suite("sim/transfer");
const BAD = { delayMs: 2, loss: 0.05, reorder: 0.05, duplicate: 0.02, corrupt: 0.01 };

// WASMTCP_SIM_SEEDS: how many seeds the long run takes (npm run test:sim)
const seeds = Number(process.env.WASMTCP_SIM_SEEDS ?? 3);

for (let seed = 1; seed <= seeds; seed++) {
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

test("super-segments that the link splits and loses parts of are exact", () => {
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

test.run();

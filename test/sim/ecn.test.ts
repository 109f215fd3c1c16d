// ECN end to end over an emulated router queue: marks instead of losses (RFC 3168).
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { COUNTER_IP_IN_CE_PKTS, COUNTER_TCP_DELIVERED_CE, COUNTER_TCP_RETRANS_SEGS } from "../../assembly/counters.ts";
import { connected, MIB, Reader, SECOND, simulate, transfer, Writer } from "../support/sim.ts";

const test = suite("sim/ecn");
const ROUTER = { delayMs: 5, rateBps: 20_000_000, queueBytes: 100_000, ecnBytes: 20_000 };
const BACK = { delayMs: 5 };
const ask = { sysctl: { tcp_ecn: 1 } };

test("a queue that marks keeps a transfer free of losses, one that only drops does not", () => {
  for (const isEcn of [true, false]) {
    const sim = simulate({ a: isEcn ? ask : {}, aToB: ROUTER, bToA: BACK });
    transfer(sim, 4 * MIB);
    const marks = sim.aToB.counters!.ecnMarked;
    assert.is(marks > 0, isEcn);
    assert.is(sim.b.counter(COUNTER_IP_IN_CE_PKTS), marks);
    assert.is(sim.a.counter(COUNTER_TCP_DELIVERED_CE) > 0, isEcn);
    assert.is(sim.a.counter(COUNTER_TCP_RETRANS_SEGS) === 0, isEcn, "retransmissions");
  }
});

test("super-segments carry CWR as well, for their first wire segment [RFC 3168 6.1.2]", () => {
  let cwr = 0;
  const offload = { gsoMax: 65535 };
  const sim = simulate({
    a: { ...ask, ...offload },
    b: offload,
    aToB: ROUTER,
    bToA: BACK,
    onFrame: (from, frame) => {
      if (from === "a" && (frame.bytes[14 + 20 + 13]! & 0x80) !== 0 && (frame.bytes[14 + 20 + 13]! & 2) === 0) cwr++;
    },
  });
  transfer(sim, 4 * MIB);
  assert.ok(cwr > 0, "CWR left");
});

test("a path that eats ECN-setup SYNs is crossed without ECN [RFC 3168 6.1.1.1]", () => {
  const sim = simulate({ a: ask });
  sim.filter = (from, frame) => from === "b" || (frame.bytes[14 + 20 + 13]! & 0xc2) !== 0xc2;
  const { client, server } = connected(sim);
  const writer = new Writer(client, 100_000);
  const reader = new Reader(server);
  sim.processes.push(
    () => writer.pump(),
    () => reader.pump(),
  );
  assert.ok(sim.runFor(20 * SECOND, () => reader.ended));
  assert.is(reader.received, 100_000);
});

test.run();

// What each congestion control makes of 100 Mbit/s at 20 ms with a queue of one bandwidth-delay product, seconds 5 to 60, in wire bytes
// at the bottleneck.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { TCB_RTO_US } from "../../assembly/layout.ts";
import { recordConnection } from "../../src/sim/index.ts";
import { Bottleneck } from "../support/bottleneck.ts";

const test = suite("long/throughput");
const SECONDS = 55;

test("CUBIC uses 95 per cent", () => {
  const flow = new Bottleneck({ congestion: "cubic" });
  flow.run(5);
  const used = flow.utilisation(SECONDS);
  assert.ok(used >= 0.95, `${used}`);
});

test("BBR uses 90 per cent", () => {
  const flow = new Bottleneck({ congestion: "bbr" });
  flow.run(5);
  const used = flow.utilisation(SECONDS);
  assert.ok(used >= 0.9, `${used}`);
});

test("Vegas uses 95 per cent, without a loss after its slow start", () => {
  const flow = new Bottleneck({ congestion: "vegas" });
  flow.run(5);
  const rows = recordConnection(flow.sim, flow.sim.a, flow.client, 100_000);
  const used = flow.utilisation(SECONDS);
  assert.ok(used >= 0.95, `${used}`);
  assert.is(rows.at(-1)!.totalRetrans, rows[0]!.totalRetrans);
});

test("NewReno is within three points of theory: a queue of one BDP hides the halving, all is used", () => {
  const flow = new Bottleneck({ congestion: "reno" });
  flow.run(5);
  const used = flow.utilisation(SECONDS);
  assert.ok(used >= 0.97 && used <= 1.0001, `${used}`);
});

test("NewReno is within three points of theory: a queue of a tenth of a BDP", () => {
  const queue = 0.1;
  // The window swings between half and the whole of (1 + queue) BDP, one segment per round trip: below one BDP that share is unused,
  // and the time above it stretches with the queue
  const full = 1 + queue;
  const below = 1 - full / 2;
  const above = full - 1;
  const sent = below * ((full / 2 + 1) / 2) + above * ((1 + full) / 2);
  const time = below + above * ((1 + full) / 2);
  const theory = sent / time;
  const flow = new Bottleneck({ congestion: "reno", queueBdp: queue, gsoMax: 0 });
  flow.run(5);
  const used = flow.utilisation(SECONDS);
  assert.ok(Math.abs(used - theory) <= 0.03, `${used}, theory ${theory}`);
});

test("BBR uses 85 per cent with one per cent of random loss", () => {
  const flow = new Bottleneck({ congestion: "bbr", loss: 0.01 });
  flow.run(5);
  const used = flow.utilisation(SECONDS);
  assert.ok(used >= 0.85, `${used}`);
});

test("BBR version 1 uses 95 per cent, with one per cent of random loss as well", () => {
  for (const loss of [0, 0.01]) {
    const flow = new Bottleneck({ congestion: "bbr1", loss });
    flow.run(5);
    const used = flow.utilisation(SECONDS);
    assert.ok(used >= 0.95, `${used} at a loss of ${loss}`);
  }
});

for (const congestion of ["reno", "cubic", "vegas", "bbr", "bbr1"] as const) {
  test(`${congestion} does not stall beyond the retransmission time-out with five per cent of random loss`, () => {
    const flow = new Bottleneck({ congestion, loss: 0.05 });
    flow.run(5);
    let received = flow.received;
    let sinceUs = flow.sim.nowUs;
    let allowedUs = 0;
    for (let ms = 0; ms < SECONDS * 1000; ms += 10) {
      flow.sim.runFor(10_000);
      if (flow.received !== received) {
        received = flow.received;
        sinceUs = flow.sim.nowUs;
        allowedUs = 0;
        continue;
      }
      // Each time-out doubles; the sum of those in a row is less than twice the one that runs
      allowedUs = Math.max(allowedUs, 2 * flow.client.field(TCB_RTO_US) + 100_000);
      const silentUs = flow.sim.nowUs - sinceUs;
      assert.ok(silentUs <= allowedUs, `silent for ${silentUs} µs`);
    }
  });
}

test.run();

// BBR version 1 against draft-cardwell-iccrg-bbr-congestion-control-00: its constants, the order and length of its phases, its model of a
// path that is known, and what it does about losses.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { CA_RECOVERY, TCB_CA_STATE, TCB_CWND, TCB_PACKETS_OUT } from "../../../assembly/layout.ts";
import { BBR1_STATES, Bottleneck } from "../../support/bottleneck.ts";
import { tcpInstance } from "../../support/tcp-sender.ts";

const test = suite("tcp/congestion/bbr1");
const { exports: wasm } = await tcpInstance();
const BDP_SEGMENTS = 165; // 100 Mbit/s, 20 ms, frames of 1514 bytes
const PAYLOAD_RATE = (100e6 / 8) * (1448 / 1514);
const CYCLE = [1.25, 0.75, 1, 1, 1, 1, 1, 1];

test("has the draft's gains: 2/ln 2 to fill the pipe, its inverse to drain, a cycle of eight [bbr-00 4.3]", () => {
  const high = 2 / Math.log(2);
  const pacing = (state: string, phase = 0) =>
    wasm.bbr1TestPacingGain(BBR1_STATES.indexOf(state as never), phase) / 256;
  const window = (state: string) => wasm.bbr1TestCwndGain(BBR1_STATES.indexOf(state as never)) / 256;
  assert.ok(Math.abs(pacing("Startup") - high) < 0.004, `${pacing("Startup")}`);
  assert.ok(Math.abs(pacing("Drain") - 1 / high) < 0.004, `${pacing("Drain")}`);
  assert.equal(
    CYCLE.map((_, phase) => pacing("ProbeBW", phase)),
    CYCLE,
  );
  assert.is(pacing("ProbeRTT"), 1);
  assert.equal([window("ProbeBW"), window("ProbeRTT")], [2, 1]);
  assert.ok(window("Startup") >= high && window("Drain") >= high);
});

test("goes through Startup and Drain into ProbeBW, and its cycle in order, a round trip each [bbr-00 4.3.4]", () => {
  const flow = new Bottleneck({ congestion: "bbr1", queueBdp: 4 });
  const states: string[] = [];
  while (flow.bbr1State !== "ProbeBW" && flow.sim.nowUs < 2e6) {
    flow.sim.runFor(1000);
    if (states.at(-1) !== flow.bbr1State) states.push(flow.bbr1State);
  }
  assert.equal(states, ["Startup", "Drain", "ProbeBW"]);
  flow.run(0.5);
  const phases: { index: number; atUs: number }[] = [];
  for (let ms = 0; ms < 1000; ms++) {
    flow.sim.runFor(1000);
    const index = flow.bbr1("cycleIndex");
    if (phases.at(-1)?.index !== index) phases.push({ index, atUs: flow.sim.nowUs });
  }
  assert.ok(phases.length > 17, `${phases.length}`);
  for (let i = 2; i < phases.length; i++) {
    const [before, now] = [phases[i - 1]!, phases[i]!];
    assert.is(now.index, (before.index + 1) % 8);
    const lasted = (now.atUs - before.atUs) / 1000;
    // The phase that drains may end as soon as it has, the one that asks for more waits until that much is in flight
    assert.ok(
      lasted >= (before.index === 1 ? 1 : 19) && lasted <= (before.index === 0 ? 60 : 27),
      `${before.index}: ${lasted} ms`,
    );
  }
});

test("paces at the gain of each phase times bandwidth, less one per cent [bbr-00 4.2.1]", () => {
  const flow = new Bottleneck({ congestion: "bbr1" });
  flow.run(1);
  const seen = new Set<number>();
  for (let ms = 0; ms < 500; ms++) {
    flow.sim.runFor(1000);
    const phase = flow.bbr1("cycleIndex");
    seen.add(phase);
    const rate = flow.bbr1("pacingRate") / flow.bbr1("bw");
    assert.ok(Math.abs(rate - CYCLE[phase]! * 0.99) < 0.001, `${phase}: ${rate}`);
  }
  assert.is(seen.size, 8);
});

test("finds bandwidth and round trip of the path within two per cent, and keeps no more than two BDP [bbr-00 4.1, 4.2.3]", () => {
  const flow = new Bottleneck({ congestion: "bbr1", queueBdp: 4 });
  flow.run(3);
  assert.ok(Math.abs(flow.bbr1("bw") / PAYLOAD_RATE - 1) < 0.02, `${flow.bbr1("bw")}`);
  assert.ok(Math.abs(flow.bbr1("minRttUs") - 20_000) < 400, `${flow.bbr1("minRttUs")}`);
  const window = flow.client.field(TCB_CWND);
  // And a few segments for super-segments and bunched ACKs
  assert.ok(window >= 2 * BDP_SEGMENTS && window < 2.6 * BDP_SEGMENTS, `${window}`);
});

test("forgets a bandwidth after ten rounds [bbr-00 4.1.1.4]", () => {
  const flow = new Bottleneck({ congestion: "bbr1", queueBdp: 4 });
  flow.run(3);
  const before = flow.bbr1("bw");
  let allowance = 0;
  let last = flow.sim.nowUs;
  // Half of the bandwidth is gone
  flow.sim.filter = (from, frame) => {
    if (from === "b") return true;
    allowance = Math.min(60_000, allowance + ((flow.sim.nowUs - last) / 1e6) * (50e6 / 8));
    last = flow.sim.nowUs;
    if (allowance < frame.bytes.length) return false;
    allowance -= frame.bytes.length;
    return true;
  };
  const round = flow.bbr1("rounds");
  while (flow.bbr1("rounds") < round + 8) flow.sim.runFor(1000);
  assert.ok(flow.bbr1("bw") > before * 0.9, `${flow.bbr1("bw")} of ${before} after eight rounds`);
  while (flow.bbr1("rounds") < round + 24) flow.sim.runFor(1000);
  assert.ok(flow.bbr1("bw") < before * 0.7, `${flow.bbr1("bw")} of ${before} after 24 rounds`);
});

test("visits ProbeRTT after ten seconds for 200 ms with four segments, and comes back to its window [bbr-00 4.3.5]", () => {
  const flow = new Bottleneck({ congestion: "bbr1" });
  flow.run(9.5);
  assert.is(flow.bbr1State, "ProbeBW");
  const window = flow.client.field(TCB_CWND);
  while (flow.bbr1State !== "ProbeRTT" && flow.sim.nowUs < 15e6) flow.sim.runFor(1000);
  const beganUs = flow.sim.nowUs;
  assert.ok(beganUs > 10e6 && beganUs < 12e6, `${beganUs}`);
  flow.sim.runFor(100_000);
  assert.is(flow.client.field(TCB_CWND), 4);
  assert.ok(flow.client.field(TCB_PACKETS_OUT) <= 4);
  while (flow.bbr1State === "ProbeRTT") flow.sim.runFor(1000);
  const lasted = (flow.sim.nowUs - beganUs) / 1000;
  assert.ok(lasted > 200 && lasted < 300, `${lasted} ms`);
  assert.ok(flow.client.field(TCB_CWND) > window * 0.9, `${flow.client.field(TCB_CWND)} of ${window}`);
});

test("conserves packets in a recovery's first round only, and has its window back after it [bbr-00 4.2.3.4]", () => {
  const flow = new Bottleneck({ congestion: "bbr1", queueBdp: 4 });
  flow.run(3);
  const window = flow.client.field(TCB_CWND);
  const { views } = flow.sim.a;
  const caState = () => views.u8[flow.client.tcb + TCB_CA_STATE]!;
  let dropped = 0;
  flow.sim.filter = (from) => from === "b" || dropped++ !== 0;
  while (caState() !== CA_RECOVERY && flow.sim.nowUs < 6e6) flow.sim.runFor(100);
  assert.is(caState(), CA_RECOVERY);
  assert.is(flow.bbr1("isConserving"), 1);
  // What leaves is what arrives: the window is what is in flight, not two BDP
  assert.ok(flow.client.field(TCB_CWND) < window * 0.8, `${flow.client.field(TCB_CWND)} of ${window}`);
  const bw = flow.bbr1("bw");
  const round = flow.bbr1("rounds");
  while (caState() === CA_RECOVERY) {
    flow.sim.runFor(100);
    if (flow.bbr1("rounds") > round) assert.is(flow.bbr1("isConserving"), 0);
  }
  flow.sim.runFor(1000);
  assert.ok(flow.client.field(TCB_CWND) > window * 0.9, `${flow.client.field(TCB_CWND)} of ${window}`);
  assert.ok(flow.bbr1("bw") > bw * 0.98, "a loss does not lower the estimate");
});

test("loses nothing of its speed to one per cent of random loss [bbr-00 3]", () => {
  const flow = new Bottleneck({ congestion: "bbr1", loss: 0.01 });
  flow.run(1);
  const used = flow.utilisation(4);
  assert.ok(used > 0.95, `${used}`);
});

test.run();

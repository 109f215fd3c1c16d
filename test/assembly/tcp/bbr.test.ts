// BBR against draft-ietf-ccwg-bbr-06: its constants, the order and length of its phases, and its model of a path that is known.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { TCB_CWND } from "../../../assembly/layout.ts";
import { Random } from "../../../src/links/random.ts";
import { BBR_STATES, Bottleneck } from "../../support/bottleneck.ts";
import { tcpInstance } from "../../support/tcp-sender.ts";

const test = suite("tcp/congestion/bbr");
const { exports: wasm } = await tcpInstance();
const BDP_SEGMENTS = 165; // 100 Mbit/s, 20 ms, frames of 1514 bytes
const PAYLOAD_RATE = (100e6 / 8) * (1448 / 1514);

/** Phases of a flow, with when they began, µs. */
function phases(
  flow: Bottleneck,
  seconds: number,
  stepUs = 1000,
): { state: string; atUs: number; pacingRate: number; bw: number }[] {
  const seen: { state: string; atUs: number; pacingRate: number; bw: number }[] = [];
  const endUs = flow.sim.nowUs + seconds * 1e6;
  while (flow.sim.nowUs < endUs) {
    flow.sim.runFor(stepUs);
    if (seen.at(-1)?.state === flow.bbrState) continue;
    seen.push({ state: flow.bbrState, atUs: flow.sim.nowUs, pacingRate: flow.bbr("pacingRate"), bw: flow.bbr("bw") });
  }
  return seen;
}

test("has the gains of the draft's table [bbr-06 5.6.1]", () => {
  const table: Record<(typeof BBR_STATES)[number], [pacing: number, cwnd: number]> = {
    Startup: [2.77, 2],
    Drain: [0.5, 2],
    DOWN: [0.9, 2],
    CRUISE: [1, 2],
    REFILL: [1, 2],
    UP: [1.25, 2.25],
    ProbeRTT: [1, 0.5],
  };
  for (const [code, state] of BBR_STATES.entries()) {
    assert.equal([wasm.bbrTestPacingGain(code) / 100, wasm.bbrTestCwndGain(code) / 100], table[state], state);
  }
});

test("goes through Startup and Drain, then DOWN, CRUISE, REFILL, UP and again [bbr-06 5.1.1]", () => {
  const flow = new Bottleneck({ congestion: "bbr", queueBdp: 2 });
  const seen = phases(flow, 4.5);
  const order = seen.map(({ state }) => state);
  assert.equal(order.slice(0, 2), ["Startup", "Drain"]);
  const cycle = ["DOWN", "CRUISE", "REFILL", "UP"];
  const first = 2; // CRUISE: the ACK that ends Drain finds the queue of the first DOWN drained as well
  assert.is(order[first], "CRUISE");
  assert.ok(order.length >= first + 9, `${order}`);
  // Every phase follows the one before it; CRUISE is left out only if there was no time for it
  for (let i = first + 1; i < order.length; i++) {
    const step = (cycle.indexOf(order[i]!) - cycle.indexOf(order[i - 1]!) + 4) % 4;
    assert.ok(step === 1 || (order[i - 1] === "DOWN" && order[i] === "REFILL"), `${order}`);
  }
  // 62 or 63 rounds of 20 ms lie between two probes [bbr-06 5.3.3.5]
  const refills = seen.filter(({ state }) => state === "REFILL").map(({ atUs }) => atUs);
  for (let i = 1; i < refills.length; i++) {
    const seconds = (refills[i]! - refills[i - 1]!) / 1e6;
    assert.ok(seconds > 1.2 && seconds < 1.8, `${seconds} s between probes`);
  }
});

test("paces at the gain of each phase times bandwidth, less one per cent [bbr-06 5.6.2]", () => {
  const flow = new Bottleneck({ congestion: "bbr" });
  flow.run(0.5);
  const gains = { DOWN: 0.9, CRUISE: 1, REFILL: 1, UP: 1.25 };
  const checked = new Set<string>();
  for (let ms = 0; ms < 3000; ms++) {
    flow.sim.runFor(1000);
    const gain = gains[flow.bbrState as keyof typeof gains];
    if (gain === undefined) continue;
    checked.add(flow.bbrState);
    const rate = flow.bbr("pacingRate") / flow.bbr("bw");
    assert.ok(Math.abs(rate - gain * 0.99) < 0.001, `${flow.bbrState}: ${rate}`);
  }
  assert.is(checked.size, 4);
});

test("finds bandwidth and round trip of the path within two per cent [bbr-06 A]", () => {
  const flow = new Bottleneck({ congestion: "bbr" });
  flow.run(3);
  assert.ok(Math.abs(flow.bbr("maxBw") / PAYLOAD_RATE - 1) < 0.02, `${flow.bbr("maxBw")}`);
  assert.ok(Math.abs(flow.bbr("minRttUs") - 20_000) < 400, `${flow.bbr("minRttUs")}`);
});

test("doubles its rate each round in Startup [bbr-06 5.3.1]", () => {
  const flow = new Bottleneck({ congestion: "bbr", rateBps: 1e9, rttMs: 50 });
  const atRound: number[] = [];
  while (flow.bbrState === "Startup" && flow.sim.nowUs < 3e6) {
    flow.sim.runFor(1000);
    atRound[flow.bbr("rounds")] = flow.bbr("maxBw");
  }
  for (let round = 3; round < 7; round++) {
    const growth = atRound[round]! / atRound[round - 1]!;
    assert.ok(growth > 1.6 && growth < 3, `round ${round}: ${growth}`);
  }
});

test("visits ProbeRTT after five seconds for 200 ms, with half a BDP in flight [bbr-06 5.3.4]", () => {
  const flow = new Bottleneck({ congestion: "bbr" });
  const seen = phases(flow, 6);
  const entry = seen.findIndex(({ state }) => state === "ProbeRTT");
  assert.ok(entry > 0);
  const lasted = (seen[entry + 1]!.atUs - seen[entry]!.atUs) / 1e6;
  assert.ok(lasted > 0.2 && lasted < 0.28, `${lasted} s`);
  assert.ok(["DOWN", "CRUISE"].includes(seen[entry + 1]!.state), "back to ProbeBW");
  const again = new Bottleneck({ congestion: "bbr" });
  while (again.bbrState !== "ProbeRTT" && again.sim.nowUs < 9e6) again.sim.runFor(1000);
  again.sim.runFor(100_000);
  const window = again.client.field(TCB_CWND);
  assert.ok(Math.abs(window - BDP_SEGMENTS / 2) < 6, `${window}`);
});

test("skips ProbeRTT when the application's pause has drained the path [bbr-06 5.4.1]", () => {
  const flow = new Bottleneck({ congestion: "bbr" });
  flow.run(2);
  flow.isPaused = true;
  flow.run(6);
  flow.isPaused = false;
  const states = phases(flow, 2).map(({ state }) => state);
  assert.not(states.includes("ProbeRTT"), `${states}`);
  assert.ok(flow.utilisation(0.5) > 0.9);
});

test("knows when a fast recovery is over [bbr-06 5.6.4.4]", () => {
  const flow = new Bottleneck({ congestion: "bbr" });
  flow.run(1);
  let dropped = 0;
  flow.sim.filter = (from) => from === "b" || dropped++ !== 0;
  let rounds = 0;
  for (let ms = 0; ms < 500; ms++) {
    flow.sim.runFor(1000);
    rounds += flow.bbr("inRecovery");
  }
  assert.ok(rounds > 10 && rounds < 200, `in recovery for ${rounds} ms`);
  assert.is(flow.bbr("inRecovery"), 0);
});

test("keeps four segments in flight on a path that holds less than one [bbr-06 2.7]", () => {
  const flow = new Bottleneck({ congestion: "bbr", rateBps: 1e6, rttMs: 5, queueBdp: 40, gsoMax: 0 });
  flow.run(3);
  assert.ok(flow.client.field(TCB_CWND) >= 4);
  assert.ok(flow.utilisation(2) > 0.9);
});

test("follows a bandwidth that falls to a tenth, within two probes [bbr-06 A]", () => {
  const flow = new Bottleneck({ congestion: "bbr", queueBdp: 2 });
  flow.run(3);
  let allowance = 0;
  let last = flow.sim.nowUs;
  // Nine tenths of the packets now find the path taken by others
  flow.sim.filter = (from, frame) => {
    if (from === "b") return true;
    allowance = Math.min(60_000, allowance + ((flow.sim.nowUs - last) / 1e6) * (10e6 / 8));
    last = flow.sim.nowUs;
    if (allowance < frame.bytes.length) return false;
    allowance -= frame.bytes.length;
    return true;
  };
  flow.run(8);
  const bw = flow.bbr("bw") * 8;
  assert.ok(bw < 15e6, `${bw} bit/s`);
});

test("keeps the largest values of a window as a search through all of them does", () => {
  const dice = new Random(1);
  for (const length of [1, 10]) {
    const values: number[] = [];
    wasm.maxFilterTestReset();
    for (let time = 0; time < 500; time++) {
      values.push(dice.below(1000));
      const found = wasm.maxFilterTestUpdate(values.at(-1), time, length);
      const window = values.slice(-length - 1);
      // Three pairs of memory do not know every value, but never one that is too old, nor less than the newest
      assert.ok(found >= values.at(-1)! && found <= Math.max(...window), `${found}`);
      if (length === 1) assert.ok(window.includes(found));
    }
  }
  wasm.maxFilterTestReset();
  assert.equal(
    [9, 5, 3, 4].map((value, time) => wasm.maxFilterTestUpdate(value, time, 2)),
    [9, 9, 9, 5],
  );
});

test.run();

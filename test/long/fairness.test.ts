// Two flows of one congestion control through one bottleneck, the second later than the first: they come to share it, and it stays busy.
// Jain's index of two shares x, y is (x + y)^2 / (2 (x^2 + y^2)): 1 = equal, 0.5 = one has all.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { B, connected, Reader, SECOND, simulate, Writer } from "../support/sim.ts";
import { CONGESTION_CONTROLS } from "./matrix-cases.ts";

const RATE_BPS = 50e6;
const RTT_MS = 20;
const BDP_BYTES = (RATE_BPS / 8) * (RTT_MS / 1000);
const ENDLESS = 2 ** 40;

/** Payload bytes of both flows from 20 s to 80 s after the second one began. */
function shares(congestion: string, seed: number): [number, number] {
  const host = { sysctl: { tcp_congestion_control: congestion } as object };
  const path = { delayMs: RTT_MS / 2, jitterMs: 0.5 }; // without any jitter the drops fall on the same flow again and again
  const sim = simulate({
    seed,
    a: host,
    b: host,
    aToB: { ...path, rateBps: RATE_BPS, queueBytes: BDP_BYTES },
    bToA: path,
    checkInvariants: false,
  });
  const first = connected(sim);
  const readers = [new Reader(first.server)];
  const writers = [new Writer(first.client, ENDLESS)];
  sim.processes.push(() => {
    for (const each of [...writers, ...readers]) each.pump();
  });
  sim.runFor(2 * SECOND);
  const second = sim.a.connect(B, 80);
  sim.runFor(SECOND, () => first.listener.pending > 0 && second.connected);
  readers.push(new Reader(first.listener.accept()!));
  writers.push(new Writer(second, ENDLESS));
  sim.runFor(20 * SECOND);
  const before = readers.map((reader) => reader.received);
  sim.runFor(60 * SECOND);
  const [x, y] = readers.map((reader, index) => reader.received - before[index]!);
  return [x!, y!];
}

/** Vegas is known to favour the later flow, which takes the first one's queue for part of the path (Mo et al., 1999). */
const LEAST_JAIN: Record<string, number> = { reno: 0.9, cubic: 0.9, vegas: 0.7, bbr: 0.9, bbr1: 0.9 };

const test = suite("long/fairness");

for (const congestion of CONGESTION_CONTROLS) {
  test(`two flows of ${congestion} share a bottleneck and keep it busy`, () => {
    const indices: number[] = [];
    const loads: number[] = [];
    for (const seed of [1, 2, 3]) {
      const [x, y] = shares(congestion, seed);
      indices.push((x + y) ** 2 / (2 * (x * x + y * y)));
      loads.push(((x + y) * 8) / 60 / RATE_BPS);
    }
    const report = `Jain ${indices.map((index) => index.toFixed(3))}, load ${loads.map((load) => load.toFixed(3))}`;
    console.log(`${congestion}: ${report}`);
    assert.ok(Math.min(...indices) > LEAST_JAIN[congestion]!, report);
    assert.ok(Math.min(...loads) > 0.85, report);
  });
}

test.run();

// A million segments for each congestion control, over links that lose, reorder, duplicate, corrupt and get narrower, from users who
// mark, cork and stall (million-cases.ts): every byte arrives, and the invariants hold after every event. WASMTCP_SIM_SEGMENTS=N for another
// number; WASMTCP_SIM_REPLAY='cc=bbr,seed=17' replays one run.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { COUNTER_TCP_OUT_SEGS } from "../../assembly/counters.ts";
import { Random } from "../../src/links/random.ts";
import type { SimSocket } from "../../src/sim/index.ts";
import { assertAllFree, B, SECOND, simulate } from "../support/sim.ts";
import { CONGESTION_CONTROLS } from "./matrix-cases.ts";
import { MoodyReader, RestlessWriter, randomBeginning, randomHost, randomPath, randomRouter } from "./million-cases.ts";

const SEGMENTS = Number(process.env.WASMTCP_SIM_SEGMENTS ?? 1_000_000);
const LIMIT_US = 7200 * SECOND;

/** One run. @returns segments that both hosts sent */
function run(congestion: string, seed: number): number {
  const dice = new Random(seed, 77);
  const [a, b] = [randomHost(dice, congestion), randomHost(dice, congestion)];
  const sim = simulate({ seed, a, b, aToB: randomPath(dice), bToA: randomPath(dice) });
  randomRouter(sim, dice);
  const begin = randomBeginning(dice);
  const totals = [1 + dice.below(8_000_000), dice.below(2_000_000)];
  const listener = sim.b.listen(80, 16, 0, begin.server);
  sim.runFor(1);
  const client = sim.a.connect(B, 80, begin.client);
  const sizes = [0, 1, 2, 3].map(() => 1 + dice.below(65_536));
  const writers = [new RestlessWriter(dice, client, totals[0]!, sizes[0])];
  const readers: MoodyReader[] = [];
  let server: SimSocket | null = null;
  sim.processes.push(() => {
    if (client.connected) writers[0]!.pump(); // with Fast Open the data is what makes the connection
    if (server === null) {
      server = listener.accept();
      if (server === null) return;
      writers.push(new RestlessWriter(dice, server, totals[1]!, sizes[2]));
      readers.push(new MoodyReader(sim, dice, server, sizes[1]), new MoodyReader(sim, dice, client, sizes[3]));
      if (totals[1] === 0) server.closeWrite();
    }
    writers[1]!.pump();
    for (const reader of readers) reader.pump();
  });
  // A reader that sleeps is woken by the clock alone
  const isDone = (): boolean =>
    readers.length === 2 && readers.every((reader) => reader.ended) && client.closed && server!.closed;
  for (const untilUs = sim.nowUs + LIMIT_US; !isDone() && sim.nowUs < untilUs; ) sim.runFor(0.25 * SECOND, isDone);
  const got = readers.map((reader) => reader.received);
  const peer = server as SimSocket | null;
  const ends = `${client.state} ${client.error} / ${peer?.state} ${peer?.error}`;
  assert.ok(isDone(), `not done: ${got} of ${totals}, ${ends}`);
  assert.equal(got, totals, `${got} of ${totals}, ${ends}`);
  listener.close();
  assertAllFree(sim);
  return sim.a.counter(COUNTER_TCP_OUT_SEGS) + sim.b.counter(COUNTER_TCP_OUT_SEGS);
}

function replayable(congestion: string, seed: number): number {
  try {
    return run(congestion, seed);
  } catch (error) {
    const replay = `WASMTCP_SIM_REPLAY='cc=${congestion},seed=${seed}' npm run test:long -- million`;
    throw new Error(`${(error as Error).message}\n    replay: ${replay}`, { cause: error });
  }
}

const test = suite("long/million");
const replay = /^cc=(\w+),seed=(\d+)$/.exec(process.env.WASMTCP_SIM_REPLAY ?? "");

if (replay) {
  test(`replay of ${replay[0]}`, () => void replayable(replay[1]!, Number(replay[2])));
} else {
  for (const congestion of CONGESTION_CONTROLS) {
    test(`${SEGMENTS} segments with ${congestion} arrive exactly`, () => {
      for (let seed = 1, segments = 0; segments < SEGMENTS; seed++) segments += replayable(congestion, seed);
    });
  }
}

test.run();

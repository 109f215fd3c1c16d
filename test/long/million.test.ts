// A million segments for each congestion control, over links that lose, reorder, duplicate and corrupt, to readers that stall and so
// open and shut their windows: every byte arrives, and the invariants hold after every event. WASMTCP_SIM_SEGMENTS=N for another
// number; WASMTCP_SIM_REPLAY='cc=bbr,seed=17' replays one run.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { COUNTER_TCP_OUT_SEGS } from "../../assembly/counters.ts";
import { Random } from "../../src/links/random.ts";
import type { Simulator } from "../../src/sim/index.ts";
import { assertAllFree, connected, Reader, SECOND, simulate, Writer } from "../support/sim.ts";
import { CONGESTION_CONTROLS } from "./matrix-cases.ts";

const SEGMENTS = Number(process.env.WASMTCP_SIM_SEGMENTS ?? 1_000_000);
const LIMIT_US = 7200 * SECOND;

/** A reader that stops now and then, for up to two virtual seconds. */
class MoodyReader extends Reader {
  readonly #sim: Simulator;
  readonly #dice: Random;
  #asleepUntilUs = 0;

  constructor(sim: Simulator, dice: Random, ...rest: ConstructorParameters<typeof Reader>) {
    super(...rest);
    this.#sim = sim;
    this.#dice = dice;
  }

  override pump(): void {
    if (this.#sim.nowUs < this.#asleepUntilUs) return;
    if (this.#dice.below(4000) === 0) this.#asleepUntilUs = this.#sim.nowUs + this.#dice.below(2 * SECOND);
    else super.pump();
  }
}

function randomPath(dice: Random): { [key: string]: number } {
  const delayMs = [0.05, 1, 5, 20][dice.below(4)]!;
  const isLimited = dice.below(2) === 0;
  return {
    delayMs,
    jitterMs: dice.below(2) === 0 ? 0 : delayMs / 4,
    loss: [0, 0.001, 0.01, 0.05][dice.below(4)]!,
    burstLoss: [0, 0, 0.0005][dice.below(3)]!,
    reorder: [0, 0.01, 0.1][dice.below(3)]!,
    duplicate: [0, 0.01][dice.below(2)]!,
    corrupt: [0, 0.005][dice.below(2)]!,
    ...(isLimited ? { rateBps: [5e6, 50e6][dice.below(2)]!, queueBytes: [20_000, 200_000][dice.below(2)]! } : {}),
  };
}

function randomHost(dice: Random, congestion: string): object {
  const receiveMax = [16_384, 131_072, 6_291_456][dice.below(3)]!;
  return {
    mtu: [576, 1500, 1500, 9000][dice.below(4)]!,
    gsoMax: [0, 65_535][dice.below(2)]!,
    sysctl: {
      tcp_congestion_control: congestion,
      tcp_timestamps: dice.below(4) === 0 ? 0 : 1,
      tcp_sack: dice.below(4) === 0 ? 0 : 1,
      tcp_window_scaling: dice.below(5) === 0 ? 0 : 1,
      tcp_rmem: [4096, Math.min(receiveMax, 131_072), receiveMax],
    },
  };
}

/** One run. @returns segments that both hosts sent */
function run(congestion: string, seed: number): number {
  const dice = new Random(seed, 77);
  const [a, b] = [randomHost(dice, congestion), randomHost(dice, congestion)];
  const sim = simulate({ seed, a, b, aToB: randomPath(dice), bToA: randomPath(dice) });
  const { client, server, listener } = connected(sim);
  const writers = [new Writer(client, 1 + dice.below(8_000_000)), new Writer(server, dice.below(2_000_000))];
  const readers = [
    new MoodyReader(sim, dice, server, 1 + dice.below(65_536)),
    new MoodyReader(sim, dice, client, 1 + dice.below(65_536)),
  ];
  if (writers[1]!.total === 0) server.closeWrite();
  for (const each of [...writers, ...readers]) sim.processes.push(() => each.pump());
  // A reader that sleeps is woken by the clock alone
  const isDone = (): boolean => readers.every((reader) => reader.ended) && client.closed && server.closed;
  for (const untilUs = sim.nowUs + LIMIT_US; !isDone() && sim.nowUs < untilUs; ) sim.runFor(0.25 * SECOND, isDone);
  const got = readers.map((reader) => reader.received);
  assert.ok(isDone(), `not done: ${got} of ${writers.map((w) => w.total)}, ${client.state} / ${server.state}`);
  assert.equal(got, [writers[0]!.total, writers[1]!.total]);
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

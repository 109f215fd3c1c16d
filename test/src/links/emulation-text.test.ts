// The command-line spelling of an emulated link.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { parseEmulation } from "../../../src/links/emulation-text.ts";

const test = suite("links/emulation-text");

test("reads every key", () => {
  const text =
    "loss=1%,delay=10ms,jitter=1ms,rate=100mbit,queue=64k,duplicate=0.1%,reorder=1%,corrupt=0.01%,burst-loss=0.1%,seed=7";
  assert.equal(parseEmulation(text), {
    loss: 0.01,
    delayMs: 10,
    jitterMs: 1,
    rateBps: 100e6,
    queueBytes: 65536,
    duplicate: 0.001,
    reorder: 0.01,
    corrupt: 0.0001,
    burstLoss: 0.001,
    seed: 7,
  });
});

const values: [string, object][] = [
  ["loss=0.5", { loss: 0.5 }],
  ["loss=.5", { loss: 0.5 }],
  ["loss=100%", { loss: 1 }],
  ["delay=500us", { delayMs: 0.5 }],
  ["delay=1.5s", { delayMs: 1500 }],
  ["rate=9600bit", { rateBps: 9600 }],
  ["rate=64kbit", { rateBps: 64_000 }],
  ["rate=2.5gbit", { rateBps: 2.5e9 }],
  ["rate=1Mbit,queue=1500", { rateBps: 1e6, queueBytes: 1500 }],
  ["rate=1mbit,ecn=30000", { rateBps: 1e6, ecnBytes: 30_000 }],
  ["rate=1mbit,queue=2m", { rateBps: 1e6, queueBytes: 2 * 1024 * 1024 }],
  ["rate=1mbit,queue=1g", { rateBps: 1e6, queueBytes: 1024 ** 3 }],
  ["burst-loss=0.1%:12", { burstLoss: { start: 0.001, length: 12 } }],
  ["burst-loss=0.25:1.5", { burstLoss: { start: 0.25, length: 1.5 } }],
  [" loss = 1% , seed = 0 ", { loss: 0.01, seed: 0 }],
];

for (const [text, options] of values) {
  test(`reads \`${text}\``, () => {
    assert.equal(parseEmulation(text), options);
  });
}

const TIME = "a time such as 10ms, 500us or 1s";
const RATE = "bits per second such as 100mbit, 1gbit or 64kbit";
const INVALID = "ERR_INVALID_ARG_VALUE";
const RANGE = "ERR_OUT_OF_RANGE";
const KEYS = "loss, burst-loss, duplicate, reorder, corrupt, delay, jitter, rate, queue, ecn, seed";
const refused: [string, string, string][] = [
  ["", INVALID, "Expected `key=value` such as loss=1%, got ``"],
  ["loss", INVALID, "Expected `key=value` such as loss=1%, got `loss`"],
  ["loss=1%,", INVALID, "Expected `key=value` such as loss=1%, got ``"],
  ["lost=1%", INVALID, `Expected one of ${KEYS}, got \`lost\``],
  ["constructor=1", INVALID, `Expected one of ${KEYS}, got \`constructor\``],
  ["loss=1%,loss=2%", INVALID, "Expected `loss` once, got it twice"],
  ["loss=", INVALID, "Expected `loss` to be a percentage such as 1% or a fraction such as 0.01, got ``"],
  ["loss=-1%", INVALID, "Expected `loss` to be a percentage such as 1% or a fraction such as 0.01, got `-1%`"],
  ["loss=200%", RANGE, "Expected `loss` to be 0%..100% (a fraction: 0..1), got `200%`"],
  ["delay=10", INVALID, `Expected \`delay\` to be ${TIME}, got \`10\``],
  ["delay=1.2.3ms", INVALID, `Expected \`delay\` to be ${TIME}, got \`1.2.3ms\``],
  ["jitter=2min", INVALID, `Expected \`jitter\` to be ${TIME}, got \`2min\``],
  ["delay=2000000s", RANGE, "Expected `delayMs` to be 0..3600000, got `2000000000` (number)"],
  ["rate=100", INVALID, `Expected \`rate\` to be ${RATE}, got \`100\``],
  ["rate=100mbps", INVALID, `Expected \`rate\` to be ${RATE}, got \`100mbps\``],
  ["rate=0bit", RANGE, "Expected `rateBps` to be 1..1000000000000, got `0` (number)"],
  ["ecn=64k", INVALID, "`ecn` has no effect without `rate`: give `rate` as well, or leave it out"],
  ["queue=64k", INVALID, "`queue` has no effect without `rate`: give `rate` as well, or leave it out"],
  ["rate=1mbit,queue=64x", INVALID, "Expected `queue` to be bytes such as 64k, 1m or 150000, got `64x`"],
  ["burst-loss=1%:", INVALID, "Expected `burst-loss` to be a probability and a mean length such as 0.1%:12, got `1%:`"],
  ["burst-loss=1%:0.5", RANGE, "Expected `burstLoss.length` to be 1..1000000, got `0.5` (number)"],
  ["seed=1.5", INVALID, "Expected `seed` to be an integer, got `1.5`"],
  [
    "seed=99999999999999999999",
    RANGE,
    "Expected `seed` to be 0..9007199254740991, got `100000000000000000000` (number)",
  ],
];

for (const [text, code, message] of refused) {
  test(`refuses \`${text}\``, () => {
    try {
      parseEmulation(text);
    } catch (error) {
      assert.is((error as Error).message, message);
      assert.is((error as NodeJS.ErrnoException).code, code);
      return;
    }
    assert.unreachable("nothing was thrown");
  });
}

test.run();

// The seeded generator: repeatable, uniform, and independent between streams.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { Random } from "../../../src/links/random.ts";

const test = suite("links/random");

const take = (random: Random, count: number) => Array.from({ length: count }, () => random.u32());

test("gives the same sequence for the same seed and stream", () => {
  assert.equal(take(new Random(7, 3), 100), take(new Random(7, 3), 100));
});

test("gives these numbers for seed 1 for ever, so that a seed in a bug report stays good", () => {
  assert.equal(take(new Random(1), 4), [2343449942, 2809261028, 1203010921, 2439544784]);
});

test("follows the xoshiro128** recurrence from the spread seed", () => {
  const mask = 0xffffffffn;
  const rotate = (x: bigint, k: bigint) => ((x << k) | (x >> (32n - k))) & mask;
  const mix = (x: bigint) => {
    let word = x & mask;
    word = ((word ^ (word >> 16n)) * 0x85ebca6bn) & mask;
    word = ((word ^ (word >> 13n)) * 0xc2b2ae35n) & mask;
    return word ^ (word >> 16n);
  };
  const golden = 0x9e3779b9n;
  const [seed, stream] = [0x1d_1234_5678n, 9n];
  let spread = mix(seed);
  spread = mix(spread ^ mix((seed >> 32n) + golden));
  spread = mix(spread ^ mix(stream + 2n * golden));
  const state = [1n, 2n, 3n, 4n].map((n) => mix(spread + n * golden)) as [bigint, bigint, bigint, bigint];
  state[3] |= 1n;
  const step = () => {
    const result = (rotate((state[1] * 5n) & mask, 7n) * 9n) & mask;
    const shifted = (state[1] << 9n) & mask;
    state[2] ^= state[0];
    state[3] ^= state[1];
    state[1] ^= state[2];
    state[0] ^= state[3];
    state[2] ^= shifted;
    state[3] = rotate(state[3], 11n);
    return Number(result);
  };
  assert.equal(take(new Random(Number(seed), Number(stream)), 50), Array.from({ length: 50 }, step));
});

test("differs between seeds, also above 2^32, and between streams", () => {
  const first = [0, 1, 2, 2 ** 32, 2 ** 32 + 1, Number.MAX_SAFE_INTEGER].map((seed) =>
    take(new Random(seed), 2).join(),
  );
  const streams = [0, 1, 2, 3, 8].map((stream) => take(new Random(1, stream), 2).join());
  assert.is(new Set(first).size, first.length);
  assert.is(new Set(streams).size, streams.length);
});

test("is uniform in [0, 1): mean, halves and every one of 64 boxes", () => {
  const random = new Random(42);
  const boxes = new Array<number>(64).fill(0);
  let sum = 0;
  for (let i = 0; i < 64_000; i++) {
    const value = random.next();
    assert.ok(value >= 0 && value < 1);
    sum += value;
    boxes[Math.floor(value * 64)]!++;
  }
  assert.ok(Math.abs(sum / 64_000 - 0.5) < 0.005, `mean ${sum / 64_000}`);
  // Chi-squared with 63 degrees of freedom: 99.9 % of fair sequences stay below 103.4.
  const chi = boxes.reduce((total, seen) => total + (seen - 1000) ** 2 / 1000, 0);
  assert.ok(chi < 103.4, `chi-squared ${chi}`);
});

test("below() reaches every value and no other", () => {
  const random = new Random(5);
  const seen = new Set(Array.from({ length: 1000 }, () => random.below(7)));
  assert.equal([...seen].sort(), [0, 1, 2, 3, 4, 5, 6]);
});

test.run();

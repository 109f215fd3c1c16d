// Checks and defaults of the options of an emulated link.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { type Impairments, validateImpairment } from "../../../src/links/impairment-options.ts";

const test = suite("links/impairment-options");

test("fills in a link that does nothing", () => {
  assert.equal(validateImpairment({}), {
    delayMs: 0,
    jitterMs: 0,
    loss: 0,
    burstLoss: { start: 0, length: 8 },
    duplicate: 0,
    reorder: 0,
    corrupt: 0,
    rateBps: Number.POSITIVE_INFINITY,
    queueBytes: 1_514_000,
    ecnBytes: Number.POSITIVE_INFINITY,
    seed: 1,
  });
});

test("keeps what is given, the ends of the ranges included, and takes undefined for left out", () => {
  const given = {
    delayMs: 3_600_000,
    jitterMs: 0.5,
    loss: 1,
    burstLoss: { start: 1, length: 1 },
    duplicate: 0,
    reorder: 0.25,
    corrupt: 1,
    rateBps: 1e12,
    queueBytes: 1,
    ecnBytes: 0,
    seed: Number.MAX_SAFE_INTEGER,
  };
  assert.equal(validateImpairment(given), given);
  assert.equal(validateImpairment({ burstLoss: 0.5, loss: undefined, rateBps: 1 }).burstLoss, {
    start: 0.5,
    length: 8,
  });
});

const refused: [unknown, string, string][] = [
  [{ loss: 2 }, "ERR_OUT_OF_RANGE", "Expected `loss` to be 0..1, got `2` (number)"],
  [{ duplicate: -0.1 }, "ERR_OUT_OF_RANGE", "Expected `duplicate` to be 0..1, got `-0.1` (number)"],
  [{ reorder: Number.NaN }, "ERR_OUT_OF_RANGE", "Expected `reorder` to be 0..1, got `NaN` (number)"],
  [{ corrupt: "1%" }, "ERR_INVALID_ARG_VALUE", "Expected `corrupt` to be 0..1, got `1%` (string)"],
  [{ delayMs: null }, "ERR_INVALID_ARG_VALUE", "Expected `delayMs` to be 0..3600000, got `[object Null]` (object)"],
  [
    { jitterMs: Number.POSITIVE_INFINITY },
    "ERR_OUT_OF_RANGE",
    "Expected `jitterMs` to be 0..3600000, got `Infinity` (number)",
  ],
  [{ rateBps: 0 }, "ERR_OUT_OF_RANGE", "Expected `rateBps` to be 1..1000000000000, got `0` (number)"],
  [
    { rateBps: 1, queueBytes: 1.5 },
    "ERR_OUT_OF_RANGE",
    "Expected `queueBytes` to be an integer in 1..1073741824, got `1.5` (number)",
  ],
  [
    { ecnBytes: 1000 },
    "ERR_INVALID_ARG_VALUE",
    "`ecnBytes` has no effect without `rateBps`: give `rateBps` as well, or leave it out",
  ],
  [
    { queueBytes: 1000 },
    "ERR_INVALID_ARG_VALUE",
    "`queueBytes` has no effect without `rateBps`: give `rateBps` as well, or leave it out",
  ],
  [{ seed: -1 }, "ERR_OUT_OF_RANGE", "Expected `seed` to be 0..9007199254740991, got `-1` (number)"],
  [{ burstLoss: 1.5 }, "ERR_OUT_OF_RANGE", "Expected `burstLoss` to be 0..1, got `1.5` (number)"],
  [
    { burstLoss: { start: 0.1 } },
    "ERR_INVALID_ARG_VALUE",
    "Expected `burstLoss.length` to be 1..1000000, got `undefined` (undefined)",
  ],
  [
    { burstLoss: { start: 0.1, length: 0 } },
    "ERR_OUT_OF_RANGE",
    "Expected `burstLoss.length` to be 1..1000000, got `0` (number)",
  ],
  [
    { burstLoss: true },
    "ERR_INVALID_ARG_VALUE",
    "Expected `burstLoss` to be 0..1 or { start, length }, got `true` (boolean)",
  ],
  [null, "ERR_INVALID_ARG_VALUE", "Expected `impairments` to be an object, got `[object Null]` (object)"],
  [
    { los: 0.1 },
    "ERR_INVALID_ARG_VALUE",
    "Unknown option `los`, expected one of delayMs, jitterMs, loss, burstLoss, duplicate, reorder, corrupt, rateBps, queueBytes, ecnBytes, seed",
  ],
];

refused.forEach(([options, code, message], i) => {
  test(`refuses bad options ${i + 1}: ${message}`, () => {
    try {
      validateImpairment(options as Impairments);
    } catch (error) {
      const { message: got, code: gotCode } = error as NodeJS.ErrnoException;
      assert.is(got, message);
      assert.is(gotCode, code);
      assert.ok(code === "ERR_OUT_OF_RANGE" ? error instanceof RangeError : error instanceof TypeError);
      return;
    }
    assert.unreachable("nothing was thrown");
  });
});

test.run();

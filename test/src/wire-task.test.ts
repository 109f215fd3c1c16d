import { suite } from "uvu";
import * as assert from "uvu/assert";
import { COUNTERS, COUNTERS_BYTES } from "../../assembly/layout.ts";
import { Impairment, type ImpairmentCounters } from "../../src/links/impairment.ts";
import { createWire } from "../../src/wire.ts";
import { readPassageCounters, writePassageCounters } from "../../src/wire-task.ts";
import { rejection } from "../support/stack-pair.ts";

const wireTask = suite("src/wire-task");

/** The counters of an impairment, each with another value. */
function counted(from: number): ImpairmentCounters {
  const names = Object.keys(new Impairment({}).counters);
  return Object.fromEntries(names.map((name, index) => [name, from + index])) as unknown as ImpairmentCounters;
}

const memory = () => new Float64Array((COUNTERS + COUNTERS_BYTES) / 8);

wireTask("gives main each counter of an impaired passage under the name the worker counted it by", () => {
  const f64 = memory();
  writePassageCounters(f64, 0, counted(1));
  writePassageCounters(f64, 1, counted(101));
  assert.equal(readPassageCounters(f64, 0), counted(1));
  assert.equal(readPassageCounters(f64, 1), counted(101));
});

wireTask("gives main 0 for what a plain passage does not count", () => {
  const f64 = memory();
  writePassageCounters(f64, 1, { received: 7, forwarded: 5 });
  const { received, forwarded, ...others } = readPassageCounters(f64, 1);
  assert.equal([received, forwarded], [7, 5]);
  assert.ok(Object.values(others).every((value) => value === 0));
});

wireTask("a wire is refused options that cannot be with an argument's error", async () => {
  for (const [options, code] of [
    [null, "ERR_INVALID_ARG_TYPE"],
    [{}, "ERR_INVALID_ARG_TYPE"],
    [{ interfaces: ["left"] }, "ERR_INVALID_ARG_TYPE"],
    [{ interfaces: ["left", 2] }, "ERR_INVALID_ARG_TYPE"],
    [{ interfaces: ["left", "left"] }, "ERR_INVALID_ARG_VALUE"],
  ] as const) {
    assert.is((await rejection(createWire(options as never))).code, code);
  }
});

wireTask.run();

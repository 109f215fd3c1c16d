import { suite } from "uvu";
import * as assert from "uvu/assert";
import { COUNTERS, COUNTERS_BYTES } from "../../assembly/layout.ts";
import { Impairment, type ImpairmentCounters } from "../../src/links/impairment.ts";
import { readPassageCounters, writePassageCounters } from "../../src/wire-task.ts";

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

wireTask.run();

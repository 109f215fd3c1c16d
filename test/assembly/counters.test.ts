// The table of counters: names and places.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import * as counters from "../../assembly/counters.ts";
import { COUNTERS_BYTES, STATE_COUNT } from "../../assembly/layout.ts";

const test = suite("counters");

test("no two counters share a place, and all lie below COUNTER_COUNT and inside the region", () => {
  const { COUNTER_COUNT, COUNTER_TCP_STATE, ...named } = counters;
  const places: number[] = Object.values(named);
  for (let state = 0; state < STATE_COUNT; state++) places.push(COUNTER_TCP_STATE + state);
  assert.is(new Set(places).size, places.length);
  assert.ok(places.every((place) => place >= 0 && place < COUNTER_COUNT));
  assert.ok(COUNTER_COUNT * 8 <= COUNTERS_BYTES);
});

test.run();

// The set of ranges against a model that marks single bytes, around a base just below 2^32.
import fc from "fast-check";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { HEAP } from "../../../assembly/layout.ts";
import { instantiate } from "../../support/wasm.ts";

const test = suite("storage/interval-set");
const { exports: wasm, u8 } = await instantiate();

const NONE = 0xffffffff;
const SET = HEAP;
const BASE = 0xffffffc0; // 64 below 2^32

const u32 = (value: number) => value >>> 0;
const insert = (start: number, end: number) => u32(wasm.intervalSetInsert(SET, u32(start), u32(end)));
const removeBelow = (base: number) => u32(wasm.intervalSetRemoveBelow(SET, u32(base)));
const coveredFrom = (position: number) => u32(wasm.intervalSetCoveredFrom(SET, u32(position)));
const contains = (start: number, end: number) => wasm.intervalSetContains(SET, u32(start), u32(end)) === 1;
const count = () => u32(wasm.intervalSetCount(SET));
const totalBytes = () => u32(wasm.intervalSetTotalBytes(SET));
const refused = () => u32(wasm.intervalSetRefused(SET));

function init(capacity: number, base = BASE): void {
  const end = SET + u32(wasm.intervalSetBytes(capacity));
  u8.fill(0xd7, SET, end + 64); // the memory may hold anything, and the end is a guard
  wasm.intervalSetInit(SET, base, capacity);
}

/** The ranges, relative to a base. */
function ranges(base = BASE): [number, number][] {
  return Array.from({ length: count() }, (_, i) => [
    u32(wasm.intervalSetStartAt(SET, i) - base),
    u32(wasm.intervalSetEndAt(SET, i) - base),
  ]);
}

test("keeps ranges sorted and apart, across 2^32", () => {
  init(8);
  assert.is(insert(BASE + 100, BASE + 110), 10);
  assert.is(insert(BASE + 10, BASE + 20), 10);
  assert.is(insert(BASE + 60, BASE + 70), 10);
  assert.equal(ranges(), [
    [10, 20],
    [60, 70],
    [100, 110],
  ]);
  assert.is(totalBytes(), 30);
});

test("joins what overlaps or touches, and says how many bytes are new", () => {
  init(8);
  insert(BASE + 10, BASE + 20);
  insert(BASE + 30, BASE + 40);
  assert.is(insert(BASE + 20, BASE + 25), 5, "touches on the left");
  assert.is(insert(BASE + 28, BASE + 30), 2, "touches on the right");
  assert.equal(ranges(), [
    [10, 25],
    [28, 40],
  ]);
  assert.is(insert(BASE + 5, BASE + 50), 18, "swallows both: 45 less 15 and 12");
  assert.equal(ranges(), [[5, 50]]);
  assert.is(insert(BASE + 5, BASE + 50), 0, "nothing new");
  assert.is(insert(BASE + 10, BASE + 11), 0, "inside");
  assert.is(totalBytes(), 45);
});

test("forgets its last range, and moves to where it has more room with all it knows", () => {
  init(3);
  insert(BASE + 10, BASE + 20);
  insert(BASE + 90, BASE + 95);
  insert(BASE + 30, BASE + 40);
  assert.is(u32(wasm.intervalSetDropLast(SET)), u32(BASE + 90));
  assert.is(totalBytes(), 20);
  insert(BASE + 10, BASE + 12);
  const to = SET + 4096;
  u8.fill(0xd7, to, to + 4096);
  wasm.intervalSetMoveTo(SET, to, 9);
  u8.copyWithin(SET, to, to + u32(wasm.intervalSetBytes(9)));
  assert.equal(ranges(), [
    [10, 20],
    [30, 40],
  ]);
  for (let i = 0; i < 7; i++) assert.is(insert(BASE + 100 + 10 * i, BASE + 105 + 10 * i), 5);
  assert.is(insert(BASE + 900, BASE + 901), 0);
  assert.is(count(), 9);
});

test("cuts an insert at the base and ignores what is below it or empty", () => {
  init(8);
  assert.is(insert(BASE - 10, BASE + 5), 5);
  assert.equal(ranges(), [[0, 5]]);
  assert.is(insert(BASE - 10, BASE), 0);
  assert.is(insert(BASE - 10, BASE - 5), 0);
  assert.is(insert(BASE + 50, BASE + 50), 0, "empty");
  assert.is(insert(BASE + 50, BASE + 40), 0, "backwards");
  assert.is(insert(BASE + 5 + 2 ** 31, BASE + 10), 0, "longer than half of the space");
  assert.equal(ranges(), [[0, 5]]);
  assert.is(refused(), 0);
});

test("holds ranges up to 2^31 - 1 above the base [9293 3.4]", () => {
  init(8);
  assert.is(insert(BASE, BASE + 2 ** 31 - 1), 2 ** 31 - 1);
  assert.is(insert(BASE, BASE + 2 ** 31), 0, "reaches as far below the base as above");
  assert.is(totalBytes(), 2 ** 31 - 1);
  assert.is(removeBelow(BASE + 2 ** 31 - 1), 2 ** 31 - 1);
  assert.is(count(), 0);
});

test("refuses one range too many, but still joins", () => {
  init(3);
  for (const start of [10, 30, 50]) insert(BASE + start, BASE + start + 5);
  assert.is(insert(BASE + 70, BASE + 75), 0);
  assert.is(insert(BASE + 20, BASE + 22), 0);
  assert.is(refused(), 2);
  assert.equal(ranges(), [
    [10, 15],
    [30, 35],
    [50, 55],
  ]);
  assert.is(insert(BASE + 15, BASE + 30), 15, "closes a hole");
  assert.is(insert(BASE + 70, BASE + 75), 5, "and there is room again");
  assert.is(refused(), 2);
});

test("drops and cuts what the base passes", () => {
  init(8);
  for (const start of [10, 30, 100]) insert(BASE + start, BASE + start + 10);
  assert.is(removeBelow(BASE + 35), 15);
  assert.equal(ranges(), [
    [35, 40],
    [100, 110],
  ]);
  assert.is(removeBelow(BASE + 40), 5);
  assert.is(removeBelow(BASE + 30), 0, "the base does not move back");
  assert.is(u32(wasm.intervalSetBase(SET)), u32(BASE + 40));
  assert.is(removeBelow(BASE + 1000), 10);
  assert.is(count(), 0);
  assert.is(totalBytes(), 0);
});

test("says how far the data reaches from a position", () => {
  init(8);
  insert(BASE + 10, BASE + 80);
  assert.is(coveredFrom(BASE), BASE);
  assert.is(coveredFrom(BASE + 9), u32(BASE + 9));
  assert.is(coveredFrom(BASE + 10), u32(BASE + 80));
  assert.is(coveredFrom(BASE + 79), u32(BASE + 80));
  assert.is(coveredFrom(BASE + 80), u32(BASE + 80));
  assert.is(coveredFrom(BASE + 81), u32(BASE + 81));
  assert.is(coveredFrom(BASE - 1), u32(BASE - 1), "below the base");
  assert.is(u32(wasm.intervalSetFirstEndingAfter(SET, u32(BASE + 79))), 0);
  assert.is(u32(wasm.intervalSetFirstEndingAfter(SET, u32(BASE + 80))), NONE);
  assert.is(u32(wasm.intervalSetFirstEndingAfter(SET, u32(BASE - 1))), NONE);
});

test("forgets all on clear", () => {
  init(4);
  insert(BASE + 10, BASE + 20);
  wasm.intervalSetClear(SET, 5);
  assert.is(count(), 0);
  assert.is(totalBytes(), 0);
  assert.is(insert(4, 7), 2, "the new base");
});

test("does as the model does for any inserts and moves of the base", () => {
  const SPACE = 200;
  const step = fc.oneof(
    { weight: 5, arbitrary: fc.record({ start: fc.integer({ min: -20, max: SPACE }), length: fc.nat(30) }) },
    { weight: 1, arbitrary: fc.record({ move: fc.integer({ min: -10, max: 40 }) }) },
  );
  fc.assert(
    fc.property(fc.constantFrom(1, 3, 8, 64), fc.array(step, { maxLength: 60, size: "max" }), (capacity, steps) => {
      init(capacity);
      let marked = new Set<number>(); // offsets from BASE
      let base = 0;
      let expected: [number, number][] = [];
      const rangeOf = (byte: number) => expected.find(([start, end]) => start <= byte && byte < end);
      let refusals = 0;
      for (const one of steps) {
        if ("move" in one) {
          const to = base + one.move;
          const kept = new Set([...marked].filter((byte) => byte >= to));
          assert.is(removeBelow(BASE + to), one.move < 0 ? 0 : marked.size - kept.size);
          if (one.move >= 0) {
            base = to;
            marked = kept;
          }
        } else {
          const start = Math.max(one.start, base);
          const end = one.start + one.length;
          const fresh: number[] = [];
          for (let byte = start; byte < end; byte++) if (!marked.has(byte)) fresh.push(byte);
          const joins = marked.has(start - 1) || marked.has(end) || fresh.length < end - start;
          const isRefused = end > start && !joins && count() === capacity;
          if (isRefused) refusals += 1;
          assert.is(insert(BASE + one.start, BASE + end), isRefused ? 0 : fresh.length);
          if (!isRefused && end > start) {
            for (const byte of fresh) marked.add(byte);
          }
        }
        // The model's ranges from its marks
        expected = [];
        for (const byte of [...marked].sort((a, b) => a - b)) {
          const last = expected.at(-1);
          if (last?.[1] === byte) last[1] += 1;
          else expected.push([byte, byte + 1]);
        }
        assert.equal(ranges(), expected);
        assert.is(totalBytes(), marked.size);
        assert.is(refused(), refusals);
        assert.is(u32(wasm.intervalSetBase(SET)), u32(BASE + base));
        for (let byte = base; byte < base + 60; byte++) {
          assert.is(u32(coveredFrom(BASE + byte) - BASE), rangeOf(byte)?.[1] ?? byte);
          const all = [0, 1, 2, 3].every((more) => marked.has(byte + more));
          assert.is(contains(BASE + byte, BASE + byte + 4), all);
        }
      }
      const end = SET + u32(wasm.intervalSetBytes(capacity));
      assert.ok(
        u8.subarray(end, end + 64).every((byte) => byte === 0xd7),
        "stays inside its bytes",
      );
    }),
  );
});

test.run();

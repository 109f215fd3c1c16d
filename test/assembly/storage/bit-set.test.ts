// The bitmap with summaries against a JavaScript Set.
import fc from "fast-check";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { HEAP } from "../../../assembly/layout.ts";
import { instantiate } from "../../support/wasm.ts";

const test = suite("storage/bit-set");
const { exports: wasm, u8 } = await instantiate();

const NONE = 0xffffffff;
const SET = HEAP;

function init(capacity: number): number {
  const bytes: number = wasm.bitSetBytes(capacity) >>> 0;
  u8.fill(0, SET, SET + bytes);
  u8.fill(0x5a, SET + bytes, SET + bytes + 64); // a guard
  wasm.bitSetInit(SET, capacity);
  return bytes;
}

const first = () => wasm.bitSetFirst(SET) >>> 0;

test("is empty at first, for capacities around every change of depth", () => {
  for (const capacity of [1, 63, 64, 65, 4095, 4096, 4097, 262144, 262145]) {
    const bytes = init(capacity);
    assert.is(first(), NONE, `${capacity}`);
    wasm.bitSetAdd(SET, capacity - 1);
    assert.is(first(), capacity - 1, `${capacity}`);
    assert.is(wasm.bitSetHas(SET, capacity), 0, "has() beyond the capacity");
    assert.ok(
      u8.subarray(SET + bytes, SET + bytes + 64).every((byte) => byte === 0x5a),
      "stays inside its bytes",
    );
    wasm.bitSetRemove(SET, capacity - 1);
    assert.is(first(), NONE, `${capacity}`);
  }
});

test("does as a set does: has, add twice, remove twice, lowest member", () => {
  const operations = (capacity: number) =>
    fc.array(fc.tuple(fc.constantFrom("add", "remove"), fc.nat(capacity - 1)), { maxLength: 120, size: "max" });
  const input = fc
    .constantFrom(1, 40, 64, 200, 5000, 300000)
    .chain((capacity) => fc.tuple(fc.constant(capacity), operations(capacity)));
  fc.assert(
    fc.property(input, ([capacity, steps]) => {
      init(capacity);
      const model = new Set<number>();
      for (const [operation, member] of steps) {
        if (operation === "add") {
          wasm.bitSetAdd(SET, member);
          model.add(member);
        } else {
          wasm.bitSetRemove(SET, member);
          model.delete(member);
        }
        assert.is(wasm.bitSetHas(SET, member) === 1, model.has(member));
        assert.is(first(), model.size === 0 ? NONE : Math.min(...model));
      }
    }),
  );
});

test("traps in a debug build on a member beyond the capacity", () => {
  init(100);
  assert.throws(() => wasm.bitSetAdd(SET, 100));
  assert.throws(() => wasm.bitSetRemove(SET, 100));
});

test.run();

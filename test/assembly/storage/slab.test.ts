// The record pool and its handles.
import fc from "fast-check";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { HEAP } from "../../../assembly/layout.ts";
import { instantiate } from "../../support/wasm.ts";

const test = suite("storage/slab");
const { exports: wasm, u8 } = await instantiate();

const NONE = 0xffffffff;
const SLAB = HEAP;
const RECORDS = HEAP + 65536;
const RECORD_BYTES = 24;

function init(capacity: number): void {
  u8.fill(0xaa, SLAB, SLAB + 65536);
  u8.fill(0xaa, RECORDS, RECORDS + (capacity + 1) * RECORD_BYTES);
  wasm.slabInit(SLAB, RECORDS, RECORD_BYTES, capacity);
}

const alloc = () => wasm.slabAlloc(SLAB) >>> 0;
const handleOf = (index: number) => wasm.slabHandleOf(SLAB, index) >>> 0;
const indexOf = (handle: number) => wasm.slabIndexOf(SLAB, handle) >>> 0;

test("hands out every record once, then none", () => {
  init(3);
  assert.equal([alloc(), alloc(), alloc(), alloc(), alloc()], [0, 1, 2, NONE, NONE]);
  assert.is(wasm.slabInUse(SLAB), 3);
  assert.is(wasm.slabCapacity(SLAB), 3);
});

test("hands out the record freed last first", () => {
  init(8);
  for (let i = 0; i < 4; i++) alloc();
  for (const index of [1, 3, 0]) wasm.slabFree(SLAB, index);
  assert.equal([alloc(), alloc(), alloc(), alloc()], [0, 3, 1, 4]);
});

test("zeroes the record that it hands out, and no other", () => {
  init(4);
  alloc();
  const index = alloc();
  const ptr = wasm.slabAddress(SLAB, index);
  assert.is(ptr, RECORDS + RECORD_BYTES);
  assert.ok(u8.subarray(ptr, ptr + RECORD_BYTES).every((byte) => byte === 0));
  u8.fill(0x77, ptr, ptr + RECORD_BYTES);
  wasm.slabFree(SLAB, index);
  assert.ok(
    u8.subarray(ptr, ptr + RECORD_BYTES).every((byte) => byte === 0x77),
    "freeing writes nothing into it",
  );
  assert.is(alloc(), index);
  assert.ok(u8.subarray(ptr, ptr + RECORD_BYTES).every((byte) => byte === 0));
});

test("touches neither records nor its side array above the high-water mark", () => {
  init(1000);
  for (let i = 0; i < 3; i++) alloc();
  wasm.slabFree(SLAB, 2);
  alloc();
  assert.is(wasm.slabHighWater(SLAB), 3);
  const bytes: number = wasm.slabBytes(1000);
  const sideArray = SLAB + bytes - 1000 * 4;
  assert.ok(u8.subarray(sideArray + 3 * 4, SLAB + bytes + 64).every((byte) => byte === 0xaa));
  assert.ok(u8.subarray(RECORDS + 3 * RECORD_BYTES, RECORDS + 1000 * RECORD_BYTES).every((byte) => byte === 0xaa));
});

test("makes a handle of index and generation that dies with the record", () => {
  init(4);
  alloc();
  const index = alloc();
  const handle = handleOf(index);
  assert.is(handle, 1 | (1 << 20), "the first generation is 1");
  assert.is(indexOf(handle), index);
  wasm.slabFree(SLAB, index);
  assert.is(indexOf(handle), NONE, "stale while free");
  assert.is(handleOf(index), 0);
  assert.is(alloc(), index);
  assert.is(indexOf(handle), NONE, "stale when reused");
  assert.is(indexOf(handleOf(index)), index);
});

test("never makes the handle 0, and skips generation 0 when it wraps", () => {
  init(1);
  const seen = new Set<number>();
  for (let i = 0; i < 4095; i++) {
    assert.is(alloc(), 0);
    seen.add(handleOf(0));
    wasm.slabFree(SLAB, 0);
  }
  assert.is(seen.size, 4095, "each generation once");
  assert.not.ok([...seen].some((handle) => handle >>> 20 === 0));
  alloc();
  assert.is(handleOf(0), 1 << 20, "then from 1 again");
});

test("refuses handles that it never made", () => {
  init(4);
  alloc();
  for (const handle of [0, 1, (1 << 20) | 1, 2 << 20, 0xfffff, 0xffffffff, (1 << 20) | 0xffffe]) {
    assert.is(indexOf(handle), NONE, `0x${handle.toString(16)}`);
  }
});

test("traps in a debug build on a double free, and stays whole", () => {
  init(4);
  alloc();
  alloc();
  wasm.slabFree(SLAB, 0);
  for (const index of [0, 2, 3, 4, NONE]) assert.throws(() => wasm.slabFree(SLAB, index), undefined, `${index}`);
  assert.is(wasm.slabInUse(SLAB), 1);
  assert.equal([alloc(), alloc()], [0, 2]);
});

test("does as a model does through any sequence of allocations and frees", () => {
  const step = fc.oneof(fc.constant(undefined), fc.nat(1000));
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 12 }), fc.array(step, { maxLength: 80, size: "max" }), (capacity, steps) => {
      init(capacity);
      const live = new Map<number, number>(); // index -> handle
      const stale: number[] = [];
      for (const which of steps) {
        if (which === undefined || live.size === 0) {
          const index = alloc();
          assert.is(index === NONE, live.size === capacity);
          if (index === NONE) continue;
          assert.not.ok(live.has(index), "no record twice");
          assert.ok(index < capacity);
          live.set(index, handleOf(index));
        } else {
          const [index, handle] = [...live][which % live.size]!;
          assert.is(wasm.slabFree(SLAB, index), 1);
          live.delete(index);
          stale.push(handle);
        }
        assert.is(wasm.slabInUse(SLAB), live.size);
        for (const [index, handle] of live) assert.is(indexOf(handle), index);
        for (const handle of stale) assert.is(indexOf(handle), NONE);
      }
    }),
  );
});

test.run();

// The buddy allocator against a model that knows which smallest blocks are taken.
import fc from "fast-check";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { HEAP } from "../../../assembly/layout.ts";
import { instantiate } from "../../support/wasm.ts";

const test = suite("storage/power-of-two-allocator");
const { exports: wasm, u8 } = await instantiate();

const MIN = 2048;
const REGION = HEAP;
const STATE = HEAP + (32 << 20);

function init(regionBytes: number, minBytes = MIN): void {
  const bytes: number = wasm.powerOfTwoAllocatorBytes(regionBytes, minBytes) >>> 0;
  u8.fill(0, STATE, STATE + bytes);
  u8.fill(0x5a, STATE + bytes, STATE + bytes + 64);
  assert.is(wasm.powerOfTwoAllocatorInit(STATE, REGION, regionBytes, minBytes), 1);
}

const alloc = (bytes: number) => wasm.powerOfTwoAllocatorAlloc(STATE, bytes) >>> 0;
const free = (ptr: number) => wasm.powerOfTwoAllocatorFree(STATE, ptr) === 1;
const blockBytes = (ptr: number) => wasm.powerOfTwoAllocatorBlockBytes(STATE, ptr) >>> 0;
const inUse = () => wasm.powerOfTwoAllocatorBytesInUse(STATE) >>> 0;
const isWhole = (regionBytes: number) =>
  wasm.powerOfTwoAllocatorLargestFree(STATE) >>> 0 === regionBytes &&
  wasm.powerOfTwoAllocatorBytesFree(STATE) >>> 0 === regionBytes;

type Block = { ptr: number; bytes: number };

// The largest aligned blocks in which nothing is taken, in order of address
function freeBlocks(live: Map<number, number>, minBytes: number, ptr: number, bytes: number): Block[] {
  const taken = [...live].some(([start, size]) => start < ptr + bytes && ptr < start + size);
  if (!taken) return [{ ptr, bytes }];
  if (bytes === minBytes) return [];
  const half = bytes / 2;
  return [...freeBlocks(live, minBytes, ptr, half), ...freeBlocks(live, minBytes, ptr + half, half)];
}

// Where a block of the size must come from: the smallest free one that fits, the lowest address first
function expectedPtr(live: Map<number, number>, minBytes: number, regionBytes: number, size: number): number {
  let best: Block | undefined;
  for (const block of freeBlocks(live, minBytes, REGION, regionBytes)) {
    if (block.bytes >= size && (best === undefined || block.bytes < best.bytes)) best = block;
  }
  return best?.ptr ?? 0;
}

test("rounds up to a power of two, at least the smallest block", () => {
  init(1 << 20);
  for (const [bytes, size] of [
    [1, 2048],
    [2048, 2048],
    [2049, 4096],
    [65536, 65536],
    [65537, 131072],
  ] as const) {
    const ptr = alloc(bytes);
    assert.is(blockBytes(ptr), size, `${bytes}`);
    assert.is((ptr - REGION) % size, 0, "aligned to its size");
  }
  assert.is(inUse(), 2048 + 2048 + 4096 + 65536 + 131072);
});

test("gives 0 for nothing, for more than the region, and when it is full", () => {
  init(1 << 16);
  for (const bytes of [0, (1 << 16) + 1, 0x80000001, 0xffffffff]) assert.is(alloc(bytes), 0, `${bytes}`);
  assert.is(alloc(1 << 16), REGION);
  assert.is(alloc(1), 0);
  assert.is(wasm.powerOfTwoAllocatorLargestFree(STATE), 0);
  assert.ok(free(REGION));
  assert.ok(isWhole(1 << 16));
});

test("refuses what is no block in use, and changes nothing", () => {
  init(1 << 16);
  const ptr = alloc(8192);
  const other = alloc(2048);
  const bad = [0, 1, ptr + 1, ptr + 2048, ptr + 4096, REGION - 2048, REGION + (1 << 16), 0xffffffff, other + 2048];
  for (const address of bad) {
    assert.not.ok(free(address), `0x${address.toString(16)}`);
    assert.is(blockBytes(address), 0);
  }
  assert.ok(free(ptr));
  assert.not.ok(free(ptr), "double free");
  assert.is(inUse(), 2048);
  assert.ok(free(other));
  assert.ok(isWhole(1 << 16));
});

test("refuses a region that is no power of two, too small, or beyond the address space", () => {
  const init32 = (ptr: number, bytes: number, min: number) => wasm.powerOfTwoAllocatorInit(STATE, ptr, bytes, min);
  u8.fill(0, STATE, STATE + 4096);
  assert.is(init32(REGION, 3 << 16, MIN), 0);
  assert.is(init32(REGION, 1 << 16, 3000), 0);
  assert.is(init32(REGION, 1 << 16, 8), 0);
  assert.is(init32(REGION, 1024, MIN), 0);
  assert.is(init32(REGION, 0, MIN), 0);
  assert.is(init32(0, 1 << 16, MIN), 0);
  assert.is(init32(0xffff8000, 1 << 16, MIN), 0);
  assert.is(init32(REGION, 0x80000000, 16), 0, "more orders than it has room for");
  assert.ok(
    u8.subarray(STATE, STATE + 4096).every((byte) => byte === 0),
    "nothing written",
  );
});

test("neither reads nor writes the blocks themselves", () => {
  init(1 << 16);
  u8.fill(0x99, REGION, REGION + (1 << 16));
  const blocks = [1, 5000, 9000, 2048].map(alloc);
  for (const ptr of blocks) free(ptr);
  assert.ok(u8.subarray(REGION, REGION + (1 << 16)).every((byte) => byte === 0x99));
});

test("works in a region of one block", () => {
  init(MIN);
  assert.is(alloc(100), REGION);
  assert.is(alloc(1), 0);
  assert.ok(free(REGION));
  assert.ok(isWhole(MIN));
});

test("takes 512 MiB in blocks of 2 KiB apart and together again", () => {
  const regionBytes = 2 ** 29; // the size in use; only the state is touched
  init(regionBytes);
  const ptr = alloc(1);
  assert.is(wasm.powerOfTwoAllocatorLargestFree(STATE) >>> 0, regionBytes / 2);
  const half = alloc(regionBytes / 2);
  assert.is(half, REGION + regionBytes / 2);
  assert.ok(free(ptr));
  assert.ok(free(half));
  assert.ok(isWhole(regionBytes));
});

test("fills a region of 8192 blocks completely, in order of address, and empties it in any order", () => {
  const regionBytes = MIN * 8192;
  init(regionBytes);
  const blocks = Array.from({ length: 8192 }, () => alloc(MIN));
  assert.ok(blocks.every((ptr, i) => ptr === REGION + i * MIN));
  assert.is(alloc(1), 0);
  for (let i = 0; i < 8192; i++) assert.ok(free(blocks[(i * 4099) % 8192]!)); // 4099 is odd: a permutation
  assert.ok(isWhole(regionBytes));
});

test("does as the model does, and all freed it is one block again", () => {
  const step = fc.oneof(
    { weight: 3, arbitrary: fc.record({ bytes: fc.oneof(fc.integer({ min: 1, max: 9000 }), fc.nat(70000)) }) },
    { weight: 2, arbitrary: fc.record({ free: fc.nat(1000) }) },
    { weight: 1, arbitrary: fc.record({ badFree: fc.nat(70000) }) },
  );
  const shape = fc.constantFrom({ regionBytes: 1 << 16, minBytes: MIN }, { regionBytes: 1 << 14, minBytes: 64 });
  fc.assert(
    fc.property(shape, fc.array(step, { maxLength: 60, size: "max" }), ({ regionBytes, minBytes }, steps) => {
      init(regionBytes, minBytes);
      const live = new Map<number, number>();
      for (const one of steps) {
        if ("bytes" in one) {
          let size = minBytes;
          while (size < one.bytes) size *= 2;
          const expected = one.bytes === 0 ? 0 : expectedPtr(live, minBytes, regionBytes, size);
          const ptr = alloc(one.bytes);
          assert.is(ptr, expected);
          if (ptr !== 0) live.set(ptr, size);
        } else if ("free" in one && live.size > 0) {
          const ptr = [...live.keys()][one.free % live.size]!;
          assert.ok(free(ptr));
          live.delete(ptr);
        } else if ("badFree" in one && !live.has(REGION + one.badFree)) {
          assert.not.ok(free(REGION + one.badFree));
        }
        assert.is(
          inUse(),
          [...live.values()].reduce((sum, bytes) => sum + bytes, 0),
        );
        for (const [ptr, bytes] of live) assert.is(blockBytes(ptr), bytes);
        const largest = Math.max(0, ...freeBlocks(live, minBytes, REGION, regionBytes).map((block) => block.bytes));
        assert.is(wasm.powerOfTwoAllocatorLargestFree(STATE) >>> 0, largest);
      }
      for (const ptr of live.keys()) assert.ok(free(ptr));
      assert.ok(isWhole(regionBytes));
      const end = STATE + (wasm.powerOfTwoAllocatorBytes(regionBytes, minBytes) >>> 0);
      assert.ok(
        u8.subarray(end, end + 64).every((byte) => byte === 0x5a),
        "stays inside its bytes",
      );
    }),
  );
});

test.run();

// The byte ring's arithmetic, at positions on both sides of 2^32.
import fc from "fast-check";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { HEAP } from "../../../assembly/layout.ts";
import { instantiate } from "../../support/wasm.ts";

const test = suite("storage/byte-ring");
const { exports: wasm, u8 } = await instantiate();

const GUARD = 64;
const RING = HEAP + GUARD;
const RING2 = HEAP + (1 << 20);
const LINEAR = HEAP + (2 << 20);

const anyCapacity = fc.integer({ min: 0, max: 9 }).map((log2) => 2 ** log2);
const anyPosition = fc.oneof(
  fc.integer({ min: 0, max: 2000 }),
  fc.integer({ min: -2000, max: 0 }).map((before) => before >>> 0),
  fc.integer({ min: 0, max: 0xffffffff }),
);

function ring(ptr: number, capacity: number): Uint8Array {
  u8.fill(0xee, ptr - GUARD, ptr + capacity + GUARD);
  return u8.subarray(ptr, ptr + capacity);
}

function assertGuards(ptr: number, capacity: number): void {
  assert.ok(
    u8.subarray(ptr - GUARD, ptr).every((byte) => byte === 0xee),
    "nothing before the ring",
  );
  assert.ok(
    u8.subarray(ptr + capacity, ptr + capacity + GUARD).every((byte) => byte === 0xee),
    "nothing behind it",
  );
}

// A linear buffer of recognisable bytes
function fillLinear(length: number, seed: number): Uint8Array {
  const bytes = u8.subarray(LINEAR, LINEAR + length);
  for (let i = 0; i < length; i++) bytes[i] = (seed + i * 7) & 255;
  return bytes.slice();
}

const pieces = () => [
  [wasm.byteRingPiece1Ptr() >>> 0, wasm.byteRingPiece1Bytes() >>> 0],
  [wasm.byteRingPiece2Ptr() >>> 0, wasm.byteRingPiece2Bytes() >>> 0],
];

test("cuts a range in two where the ring wraps", () => {
  assert.is(wasm.byteRingPieces(RING, 16, 14, 4), 4);
  assert.equal(pieces(), [
    [RING + 14, 2],
    [RING, 2],
  ]);
  assert.is(wasm.byteRingPieces(RING, 16, 0xfffffffe, 2), 2);
  assert.equal(
    pieces(),
    [
      [RING + 14, 2],
      [RING, 0],
    ],
    "2^32 is a multiple of the capacity",
  );
  wasm.byteRingPieces(RING, 16, 5, 0);
  assert.equal(pieces(), [
    [RING + 5, 0],
    [RING, 0],
  ]);
  wasm.byteRingPieces(RING, 16, 3, 16);
  assert.equal(
    pieces(),
    [
      [RING + 3, 13],
      [RING, 3],
    ],
    "a full ring",
  );
});

test("gives pieces that lie in the ring and hold the range, whatever the numbers", () => {
  fc.assert(
    fc.property(anyCapacity, anyPosition, fc.integer({ min: 0, max: 0xffffffff }), (capacity, position, length) => {
      const bytes = wasm.byteRingPieces(RING, capacity, position, length) >>> 0;
      assert.is(bytes, Math.min(length, capacity));
      const addresses = pieces().flatMap(([ptr, size]) => Array.from({ length: size! }, (_, i) => ptr! + i));
      const expected = Array.from({ length: bytes }, (_, i) => RING + ((position + i) % capacity));
      assert.equal(addresses, expected);
    }),
  );
});

test("copies in and out what any range holds, and nothing outside the ring", () => {
  const anyLength = fc.oneof(fc.nat(600), fc.constantFrom(0x80000000, 0xffffffff));
  fc.assert(
    fc.property(anyCapacity, anyPosition, anyLength, fc.nat(255), (capacity, position, length, seed) => {
      const bytes = ring(RING, capacity);
      const source = fillLinear(600, seed);
      const copied = wasm.byteRingCopyIn(RING, capacity, position, LINEAR, length) >>> 0;
      assert.is(copied, Math.min(length, capacity), "cut to the capacity");
      const expected = new Uint8Array(capacity).fill(0xee);
      for (let i = 0; i < copied; i++) expected[(position + i) % capacity] = source[i]!;
      assert.equal(bytes.slice(), expected);
      assertGuards(RING, capacity);

      u8.fill(0, LINEAR, LINEAR + 600);
      assert.is(wasm.byteRingCopyOut(RING, capacity, position, LINEAR, length) >>> 0, copied);
      assert.equal(u8.slice(LINEAR, LINEAR + copied), source.slice(0, copied));
      assert.ok(
        u8.subarray(LINEAR + copied, LINEAR + 600).every((byte) => byte === 0),
        "no byte more than copied",
      );
    }),
  );
});

test("keeps a stream in order while head and tail run through 2^32", () => {
  const step = fc.tuple(fc.constantFrom("write", "read"), fc.nat(40));
  fc.assert(
    fc.property(fc.array(step, { minLength: 20, maxLength: 60, size: "max" }), fc.nat(200), (steps, before) => {
      const capacity = 64;
      ring(RING, capacity);
      let head = -before >>> 0;
      let tail = head;
      const stream: number[] = []; // bytes in the ring
      let next = 0;
      for (const [what, wanted] of steps) {
        if (what === "write") {
          const length = Math.min(wanted, capacity - stream.length);
          const source = fillLinear(length, next);
          assert.is(wasm.byteRingCopyIn(RING, capacity, tail, LINEAR, length), length);
          stream.push(...source);
          next += 13;
          tail = (tail + length) >>> 0;
        } else {
          const length = Math.min(wanted, stream.length);
          assert.is(wasm.byteRingCopyOut(RING, capacity, head, LINEAR, length), length);
          assert.equal([...u8.slice(LINEAR, LINEAR + length)], stream.splice(0, length));
          head = (head + length) >>> 0;
        }
      }
    }),
  );
});

test("moves a range to the same positions of a larger or smaller ring", () => {
  fc.assert(
    fc.property(anyCapacity, anyCapacity, anyPosition, fc.nat(600), (from, to, position, length) => {
      ring(RING, from);
      const target = ring(RING2, to);
      const source = fillLinear(from, 3);
      wasm.byteRingCopyIn(RING, from, position, LINEAR, from);
      const copied = wasm.byteRingCopyAcross(RING, from, RING2, to, position, length);
      assert.is(copied, Math.min(length, from, to));
      const expected = new Uint8Array(to).fill(0xee);
      for (let i = 0; i < copied; i++) expected[(position + i) % to] = source[i]!;
      assert.equal(target.slice(), expected);
      assertGuards(RING2, to);
    }),
  );
});

test.run();

// Reuse of buffers: which are used again, how many are kept, and that nothing is handed out twice.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { FramePool } from "../../../src/links/frame-pool.ts";
import { pattern } from "./build-frame.ts";

const test = suite("links/frame-pool");

test("hands a returned buffer out again for the same length, with its marks cleared", () => {
  const pool = new FramePool(1000);
  const first = pool.copy({ bytes: pattern(100), flags: 3, gsoSize: 50 });
  pool.give(first);
  assert.is(pool.freeBytes, 100);
  const other = pool.take(99);
  const again = pool.take(100);
  assert.is(again, first);
  assert.is.not(other, first);
  assert.is(again.flags, 0);
  assert.is(again.gsoSize, 0);
  assert.is(pool.freeBytes, 0);
});

test("copies bytes and marks, and shares nothing with the original", () => {
  const bytes = pattern(64);
  const copy = new FramePool(1000).copy({ bytes, flags: 2, gsoSize: 7 });
  bytes[0] = 255;
  assert.equal(copy.bytes, pattern(64));
  assert.is(copy.flags, 2);
  assert.is(copy.gsoSize, 7);
});

test("ignores a frame that is given back twice", () => {
  const pool = new FramePool(1000);
  const frame = pool.take(10);
  pool.give(frame);
  pool.give(frame);
  assert.is(pool.freeBytes, 10);
  assert.is.not(pool.take(10), pool.take(10));
});

test("keeps no more bytes than its limit", () => {
  const pool = new FramePool(1000);
  const frames = Array.from({ length: 20 }, () => pool.take(100));
  for (const frame of frames) pool.give(frame);
  assert.is(pool.freeBytes, 1000);
});

test("forgets the lengths of an old flow when it is full of them and others are asked for", () => {
  const pool = new FramePool(1000);
  const old = Array.from({ length: 10 }, () => pool.take(100));
  for (const frame of old) pool.give(frame);
  const fresh = pool.take(60);
  assert.is(pool.freeBytes, 0);
  pool.give(fresh);
  assert.is(pool.take(60), fresh);
});

test.run();

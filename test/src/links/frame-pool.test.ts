// Reuse of buffers: which are used again, how many are kept, and that nothing is handed out twice.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { FrameArena } from "../../../src/links/frame-arena.ts";
import { copyFrameBytes, FramePool } from "../../../src/links/frame-pool.ts";
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

test("frames of an arena lie in its buffer without overlap, and copies between them are right at any offset", () => {
  const buffer = new Uint8Array(1024 * 1024);
  const pool = new FramePool(1e6, new FrameArena(buffer, 4096, 512 * 1024));
  const frames = [1, 60, 61, 1514, 2044, 2045, 65549, 60, 1514].map((length) => pool.take(length));
  for (const [n, { bytes }] of frames.entries()) bytes.fill(n + 1);
  for (const [n, frame] of frames.entries()) {
    assert.is(frame.bytes.buffer, buffer.buffer);
    assert.is(frame.home, buffer);
    assert.is(frame.at & 7, 4, "as in the kernel's ring");
    assert.ok(frame.bytes.every((byte) => byte === n + 1));
  }
  const source = frames[6]!;
  source.bytes.set(pattern(65549));
  for (const count of [50, 96, 97, 1000]) {
    copyFrameBytes(frames[3]!, 500, source, 7777, count);
    assert.equal(frames[3]!.bytes.slice(500, 500 + count), pattern(65549).slice(7777, 7777 + count));
  }
});

test("room in an arena is used again for other lengths of its class, and without room a frame has a buffer of its own", () => {
  const buffer = new Uint8Array(8192);
  const pool = new FramePool(0, new FrameArena(buffer, 0, 4096));
  const first = pool.take(2000);
  const second = pool.take(2001);
  assert.is(pool.take(2000).home, null, "4096 bytes hold two");
  pool.give(first);
  pool.give(first);
  assert.is(pool.take(1999).at, first.at);
  assert.is(pool.take(1998).home, null, "given back once, not twice");
  assert.is.not(second.at, first.at);
});

test("an arena takes no longer frames than it has classes for", () => {
  const arena = new FrameArena(new Uint8Array(1024), 0, 1e9);
  assert.ok(arena.take(128 * 1024 - 4) >= 0);
  assert.is(arena.take(128 * 1024 - 3), -1);
});

test.run();

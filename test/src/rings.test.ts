// The TypeScript ends of the rings of slots, and of the ring of frames.
import fc from "fast-check";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { RING_CORRUPT, RING_HEAD, RING_SLOTS, RING_TAIL } from "../../assembly/layout.ts";
import { FrameRingConsumer, FrameRingProducer, frameRingBytes } from "../../src/links/frame-ring.ts";
import { RingConsumer, RingProducer } from "../../src/rings.ts";

const SLOT_BYTES = 16;
const CAPACITY = 4;
const PTR = 256;

function memory(start = 0): Int32Array {
  const i32 = new Int32Array(new SharedArrayBuffer(4096));
  i32[(PTR + RING_HEAD) >>> 2] = start;
  i32[(PTR + RING_TAIL) >>> 2] = start;
  return i32;
}

function ends(i32: Int32Array): { producer: RingProducer; consumer: RingConsumer } {
  return {
    producer: new RingProducer(i32, PTR, SLOT_BYTES, CAPACITY),
    consumer: new RingConsumer(i32, PTR, SLOT_BYTES, CAPACITY),
  };
}

const rings = suite("src/rings");

rings("hands slots over in order, also where the index wraps at 2^32", () => {
  const i32 = memory(-2);
  const { producer, consumer } = ends(i32);
  for (let value = 0; value < 20; value++) {
    const slot = producer.reserve();
    i32[slot >>> 2] = value;
    producer.publish();
    assert.is(i32[consumer.peek() >>> 2], value);
    consumer.release();
  }
  assert.is(consumer.peek(), -1);
});

rings("is full at its capacity and empty again after as many releases", () => {
  const { producer, consumer } = ends(memory());
  for (let i = 0; i < CAPACITY; i++) {
    assert.is(producer.reserve(), PTR + RING_SLOTS + i * SLOT_BYTES);
    producer.publish();
  }
  assert.is(producer.reserve(), -1);
  for (let i = 0; i < CAPACITY; i++) {
    assert.is.not(consumer.peek(), -1);
    consumer.release();
  }
  assert.is(consumer.peek(), -1);
});

rings("gives nothing away that was reserved and not published", () => {
  const { producer, consumer } = ends(memory());
  producer.reserve();
  assert.is(consumer.peek(), -1);
});

rings("does not believe an index of the other side that cannot be, and counts it", () => {
  const i32 = memory();
  const { producer, consumer } = ends(i32);
  i32[(PTR + RING_HEAD) >>> 2] = 1;
  assert.is(producer.reserve(), -1);
  i32[(PTR + RING_TAIL) >>> 2] = CAPACITY + 1;
  assert.is(consumer.peek(), -1);
  assert.is(i32[(PTR + RING_CORRUPT) >>> 2], 2);
});

rings.run();

const FRAME_CAPACITY = 262_144;
const frames = suite("src/links/frame-ring");

function frameEnds(): { producer: FrameRingProducer; consumer: FrameRingConsumer; buffer: SharedArrayBuffer } {
  const buffer = new SharedArrayBuffer(64 + frameRingBytes(FRAME_CAPACITY));
  return {
    producer: new FrameRingProducer(buffer, 64, FRAME_CAPACITY),
    consumer: new FrameRingConsumer(buffer, 64, FRAME_CAPACITY),
    buffer,
  };
}

function push(producer: FrameRingProducer, length: number, fill: number): boolean {
  const at = producer.reserve(length);
  if (at < 0) return false;
  producer.bytes.fill(fill, at, at + length);
  producer.commit(length, fill & 3, length & 0xffff);
  producer.publish();
  return true;
}

frames("carries frames of any length whole and in order", () => {
  const length = fc.oneof(fc.integer({ min: 1, max: 100 }), fc.integer({ min: 1, max: 65549 }));
  fc.assert(
    fc.property(fc.array(fc.tuple(length, fc.boolean()), { maxLength: 60 }), (steps) => {
      const { producer, consumer } = frameEnds();
      const inside: [number, number][] = [];
      for (const [index, [bytes, alsoRead]] of steps.entries()) {
        if (push(producer, bytes, index & 255)) inside.push([bytes, index & 255]);
        if (!alsoRead || inside.length === 0) continue;
        const [wanted, fill] = inside.shift()!;
        const at = consumer.peek();
        assert.is(consumer.length, wanted);
        assert.is(consumer.flags, fill & 3);
        assert.is(consumer.gsoSize, wanted & 0xffff);
        assert.ok(consumer.bytes.subarray(at, at + wanted).every((byte) => byte === fill));
        consumer.advance();
        consumer.release();
      }
    }),
    { numRuns: 50 },
  );
});

frames("says when the producer waits for room, once", () => {
  const { producer, consumer } = frameEnds();
  while (push(producer, 65549, 1));
  consumer.peek();
  consumer.advance();
  assert.ok(consumer.release());
  consumer.peek();
  consumer.advance();
  assert.not.ok(consumer.release());
  assert.ok(push(producer, 65549, 1));
});

frames("drops what cannot be a frame of its producer", () => {
  const { producer, consumer, buffer } = frameEnds();
  push(producer, 100, 1);
  new DataView(buffer).setUint32(64 + 192, 0x7fffffff, true);
  assert.is(consumer.peek(), -1);
  assert.is(consumer.peek(), -1);
});

frames("forgets the frames of an earlier user", () => {
  const { producer, consumer } = frameEnds();
  push(producer, 100, 1);
  consumer.clear();
  assert.is(consumer.peek(), -1);
  push(producer, 50, 2);
  consumer.peek();
  assert.is(consumer.length, 50);
});

frames.run();

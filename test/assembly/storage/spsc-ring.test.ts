// The core's end of the single-producer single-consumer ring: alone, against a lying other side, and in two threads.
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { Worker } from "node:worker_threads";
import fc from "fast-check";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { HEAP, RING_CORRUPT, RING_HEAD, RING_SLOTS, RING_TAIL } from "../../../assembly/layout.ts";
import { instantiate } from "../../support/wasm.ts";

const test = suite("storage/spsc-ring");
const { exports: wasm, memory, u8, view } = await instantiate();

const RING = HEAP;
const SLOT = 16;

// An empty ring whose indices start `before` short of 2^32
function init(capacity: number, before = 0): void {
  u8.fill(0x5a, RING, RING + RING_SLOTS + SLOT * capacity + 64);
  wasm.spscRingInit(RING);
  view.setUint32(RING + RING_HEAD, -before >>> 0, true);
  view.setUint32(RING + RING_TAIL, -before >>> 0, true);
}

const reserve = (capacity: number, ahead = 0) => wasm.spscRingReserve(RING, SLOT, capacity, ahead) >>> 0;
const peek = (capacity: number, ahead = 0) => wasm.spscRingPeek(RING, SLOT, capacity, ahead) >>> 0;
const corrupt = () => wasm.spscRingCorrupt(RING) >>> 0;

test("is empty at first: nothing to peek, every slot free", () => {
  init(4);
  assert.is(peek(4), 0);
  assert.is(wasm.spscRingUsed(RING, 4), 0);
  assert.is(wasm.spscRingFree(RING, 4), 4);
  assert.is(reserve(4), RING + RING_SLOTS);
  assert.is(corrupt(), 0);
});

test("hands over slot by slot, in order, through the end of the ring and 2^32", () => {
  init(4, 6);
  for (let i = 0; i < 20; i++) {
    const slot = reserve(4);
    assert.is((slot - RING - RING_SLOTS) / SLOT, (i + 2) % 4, "(2^32 - 6) % 4 = 2");
    view.setUint32(slot, i, true);
    assert.is(peek(4), 0, "not before it is published");
    wasm.spscRingPublish(RING, 1);
    assert.is(peek(4), slot);
    assert.is(view.getUint32(peek(4), true), i);
    wasm.spscRingRelease(RING, 1);
  }
  assert.is(view.getUint32(RING + RING_TAIL, true), 14);
  assert.is(view.getUint32(RING + RING_HEAD, true), 14);
});

test("is full after as many slots as it has, until one is released", () => {
  init(4, 2);
  for (let i = 0; i < 4; i++) {
    assert.not.equal(reserve(4), 0);
    wasm.spscRingPublish(RING, 1);
  }
  assert.is(reserve(4), 0);
  assert.is(wasm.spscRingFree(RING, 4), 0);
  assert.is(wasm.spscRingUsed(RING, 4), 4);
  wasm.spscRingRelease(RING, 1);
  assert.is(wasm.spscRingFree(RING, 4), 1);
  assert.is.not(reserve(4), 0);
});

test("reserves many and publishes once; reads many and releases once", () => {
  init(8, 3);
  for (let i = 0; i < 8; i++) view.setUint32(reserve(8, i), 100 + i, true);
  assert.is(reserve(8, 8), 0, "one beyond");
  assert.is(reserve(8, 0xffffffff), 0);
  wasm.spscRingPublish(RING, 5);
  assert.equal(
    [0, 1, 2, 3, 4].map((i) => view.getUint32(peek(8, i), true)),
    [100, 101, 102, 103, 104],
  );
  assert.is(peek(8, 5), 0, "filled, not published");
  wasm.spscRingRelease(RING, 5);
  assert.is(wasm.spscRingFree(RING, 8), 8);
});

test("forgets reserved slots that are not published (abort)", () => {
  init(4);
  const slot = reserve(4);
  view.setUint32(slot, 0xdead, true);
  assert.is(peek(4), 0);
  assert.is(reserve(4), slot, "the same slot again");
  assert.is(wasm.spscRingUsed(RING, 4), 0);
});

test("treats a ring whose producer lies as empty, and counts it", () => {
  for (const tail of [5, 0x80000000, 0xffffffff]) {
    init(4);
    view.setUint32(RING + RING_TAIL, tail, true);
    assert.is(peek(4), 0);
    assert.is(wasm.spscRingUsed(RING, 4), 0);
    assert.is(corrupt(), 2, "counted each time");
    assert.is(view.getUint32(RING + RING_CORRUPT, true), 2);
  }
});

test("gives a producer no slot while its consumer lies, and counts it", () => {
  for (const head of [1, 0x80000000, 0xfffffffb]) {
    init(4);
    view.setUint32(RING + RING_HEAD, head, true);
    assert.is(reserve(4), 0);
    assert.is(wasm.spscRingFree(RING, 4), 0);
    assert.is(corrupt(), 2);
  }
  init(4);
  view.setUint32(RING + RING_HEAD, 0xfffffffc, true); // 4 in use: full, and possible
  assert.is(reserve(4), 0);
  assert.is(corrupt(), 0);
});

test("stays within the ring and in order, whatever both sides do", () => {
  const step = fc.oneof(
    fc.record({ produce: fc.nat(9), abort: fc.boolean() }),
    fc.record({ consume: fc.nat(9) }),
    fc.record({ lie: fc.integer({ min: 0, max: 0xffffffff }), about: fc.constantFrom(RING_HEAD, RING_TAIL) }),
  );
  fc.assert(
    fc.property(
      fc.constantFrom(1, 2, 8),
      fc.nat(30),
      fc.array(step, { maxLength: 40, size: "max" }),
      (capacity, before, steps) => {
        init(capacity, before);
        const queue: number[] = [];
        let next = 1;
        let lies = 0;
        for (const one of steps) {
          if ("produce" in one) {
            let filled = 0;
            for (; filled < one.produce; filled++) {
              const slot = reserve(capacity, filled);
              assert.is(slot === 0, queue.length + filled >= capacity);
              if (slot === 0) break;
              view.setUint32(slot, next + filled, true);
            }
            if (one.abort) continue;
            wasm.spscRingPublish(RING, filled);
            for (let i = 0; i < filled; i++) queue.push(next++);
          } else if ("consume" in one) {
            let read = 0;
            for (; read < one.consume; read++) {
              const slot = peek(capacity, read);
              assert.is(slot === 0, read >= queue.length);
              if (slot === 0) break;
              assert.is(view.getUint32(slot, true), queue[read]);
            }
            wasm.spscRingRelease(RING, read);
            queue.splice(0, read);
          } else {
            const truth = view.getUint32(RING + one.about, true);
            view.setUint32(RING + one.about, one.lie, true);
            const used = (view.getUint32(RING + RING_TAIL, true) - view.getUint32(RING + RING_HEAD, true)) >>> 0;
            const slots = [peek(capacity), reserve(capacity)].filter((ptr) => ptr !== 0);
            for (const ptr of slots) {
              assert.ok(ptr >= RING + RING_SLOTS && ptr + SLOT <= RING + RING_SLOTS + capacity * SLOT);
            }
            if (used > capacity) {
              lies += 2;
              assert.is(slots.length, 0);
            }
            view.setUint32(RING + one.about, truth, true);
          }
          assert.is(corrupt(), lies);
          assert.is(wasm.spscRingUsed(RING, capacity), queue.length);
          assert.is(wasm.spscRingFree(RING, capacity), capacity - queue.length);
        }
        const end = RING + RING_SLOTS + SLOT * capacity;
        assert.ok(
          u8.subarray(end, end + 64).every((byte) => byte === 0x5a),
          "nothing behind the ring",
        );
      },
    ),
  );
});

// Both ends as threads of their own: plain JavaScript, so that a worker needs no loader. Every slot carries its number and
// three words made from it; the consumer says what it saw first that was wrong. A peer that stops does not hang the other
const END_OF_A_RING = `
  const { parentPort, workerData } = require("node:worker_threads");
  const { wasm, memory, ring, slotBytes, capacity, count, role, batch } = workerData;
  const core = new WebAssembly.Instance(new WebAssembly.Module(wasm), { env: { memory } }).exports;
  const words = new Uint32Array(memory.buffer);
  const nap = new Int32Array(new SharedArrayBuffer(4));
  const giveUp = Date.now() + 60000;
  let done = 0;
  let wrong = null;
  while (done < count && wrong === null && Date.now() < giveUp) {
    let n = 0;
    for (; n < batch && done + n < count; n++) {
      const ptr = role === "producer" ? core.spscRingReserve(ring, slotBytes, capacity, n) : core.spscRingPeek(ring, slotBytes, capacity, n);
      if (ptr === 0) break;
      const at = (ptr >>> 0) >>> 2;
      const item = done + n;
      const expected = [item, Math.imul(item, 2654435761) >>> 0, ~item >>> 0, item ^ 0x5bd1e995];
      for (let i = 0; i < 4; i++) {
        if (role === "producer") words[at + i] = expected[i];
        else if (words[at + i] !== expected[i] >>> 0) wrong ??= "item " + item + " word " + i + " is " + words[at + i];
      }
    }
    if (n === 0) Atomics.wait(nap, 0, 0, 0.05);
    else if (role === "producer") core.spscRingPublish(ring, n);
    else core.spscRingRelease(ring, n);
    done += n;
  }
  parentPort.postMessage({ done, wrong });
`;

type Outcome = { done: number; wrong: string | null };

function runEnd(role: string, capacity: number, count: number, batch: number): Promise<Outcome> {
  const wasmPath = fileURLToPath(new URL("../../../build/testing.wasm", import.meta.url));
  const workerData = {
    wasm: readFileSync(wasmPath),
    memory,
    ring: RING,
    slotBytes: SLOT,
    capacity,
    count,
    role,
    batch,
  };
  return new Promise((resolve, reject) => {
    const worker = new Worker(END_OF_A_RING, { eval: true, workerData, execArgv: [] });
    worker.once("message", resolve);
    worker.once("error", reject);
  });
}

for (const [capacity, batchIn, batchOut] of [
  [64, 1, 1],
  [8, 5, 3],
  [1, 1, 1],
] as const) {
  const count = capacity === 1 ? 300 : 30000;
  test(`carries ${count} slots between two threads, ${capacity} in the ring, batches of ${batchIn} and ${batchOut}`, async () => {
    init(capacity, 1000); // wraps 2^32 on the way, when the count allows
    const outcomes = await Promise.all([
      runEnd("producer", capacity, count, batchIn),
      runEnd("consumer", capacity, count, batchOut),
    ]);
    assert.equal(outcomes, [
      { done: count, wrong: null },
      { done: count, wrong: null },
    ]);
    assert.is(corrupt(), 0);
    assert.is(wasm.spscRingUsed(RING, capacity), 0);
  });
}

test.run();

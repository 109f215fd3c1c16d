// A connection that idles holds no rings, whatever it held before, and goes on as if nothing had been.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { TCB_RCV_RING_CAPACITY, TCB_SND_RING_CAPACITY, USAGE_HEAP_BYTES } from "../../assembly/layout.ts";
import type { SimHost } from "../../src/sim/host.ts";
import type { Simulator } from "../../src/sim/simulator.ts";
import type { SimSocket } from "../../src/sim/socket.ts";
import { connected, simulate } from "../support/sim.ts";

const test = suite("sim/idle-rings");
const SECOND = 1_000_000;

const heapOf = (host: SimHost): number => host.exports.usage(USAGE_HEAP_BYTES) - host.linkHeapBytes;

/** Sends so many bytes, which the other end reads. */
function transfer(sim: Simulator, from: SimSocket, to: SimSocket, length: number): void {
  const bytes = Uint8Array.from({ length }, (_, index) => (index * 7) & 255);
  const back: number[] = [];
  const buffer = new Uint8Array(65_536);
  let written = 0;
  const done = sim.runFor(60 * SECOND, () => {
    if (written < length) written += from.write(bytes, written);
    const count = to.read(buffer);
    if (count !== null) back.push(...buffer.subarray(0, count));
    return back.length === length;
  });
  assert.ok(done, `${back.length} of ${length} bytes`);
  assert.equal(Uint8Array.from(back), bytes);
}

test("both rings go back after a second without data, and come again", () => {
  const sim = simulate();
  const { client, server } = connected(sim);
  for (const length of [1, 500, 5000, 300_000, 1]) {
    transfer(sim, client, server, length);
    transfer(sim, server, client, length);
    assert.ok(heapOf(sim.a) > 0);
    sim.runFor(3 * SECOND);
    assert.is(heapOf(sim.a), 0, `after ${length} bytes`);
    assert.is(heapOf(sim.b), 0, `after ${length} bytes`);
    assert.is(client.field(TCB_SND_RING_CAPACITY), 0);
    assert.is(client.field(TCB_RCV_RING_CAPACITY), 0);
  }
});

test("bytes that nobody has read keep their ring, and only that", () => {
  const sim = simulate();
  const { client, server } = connected(sim);
  let written = 0;
  sim.runFor(10 * SECOND, () => {
    if (written === 0) written = client.write(Uint8Array.of(1, 2, 3));
    return false;
  });
  assert.is(heapOf(sim.a), 0);
  assert.is(heapOf(sim.b), 1024, "what arrives first has a small ring");
  const target = new Uint8Array(10);
  assert.is(server.read(target), 3);
  assert.equal([...target.subarray(0, 3)], [1, 2, 3]);
  sim.runFor(3 * SECOND);
  assert.is(heapOf(sim.b), 0);
});

test("a small ring becomes the promised one at once when more arrives, read or not", () => {
  const sim = simulate();
  const { client, server } = connected(sim);
  transfer(sim, client, server, 100);
  const bytes = Uint8Array.from({ length: 20_000 }, (_, index) => index & 255);
  let written = 0;
  assert.ok(
    sim.runFor(10 * SECOND, () => {
      if (written < 10) written += client.write(bytes.subarray(0, 10), written);
      else if (written < bytes.length) written += client.write(bytes, written);
      return server.readable === bytes.length;
    }),
  );
  const target = new Uint8Array(bytes.length);
  assert.is(server.read(target), bytes.length);
  assert.equal(target, bytes);
  assert.is(client.field(TCB_SND_RING_CAPACITY) > 0, true);
});

test("writes at any distance from the last one arrive, also while the ring goes back", () => {
  const sim = simulate();
  const { client, server } = connected(sim);
  for (let gapUs = SECOND - 2000; gapUs < SECOND + 2000; gapUs += 37) {
    transfer(sim, client, server, 3);
    sim.runFor(gapUs);
  }
  sim.runFor(3 * SECOND);
  assert.is(heapOf(sim.a), 0);
});

test.run();

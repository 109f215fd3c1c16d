// The rate limit of the emulated link and its queue: rate, drops at the tail, what is bounded without one.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { Impairment } from "../../../src/links/impairment.ts";
import { type Arrival, assertConserved, assertInOrder, drain, numbered, PACKETS, run } from "./run-impairment.ts";

const test = suite("links/impairment-rate");

test("sends at the rate, measured over a saturated second", () => {
  const bytes = 1514;
  const { arrivals, counters } = run({ rateBps: 100e6, queueBytes: 10 * bytes }, PACKETS, 10, bytes);
  const [first, last] = [arrivals[0]!, arrivals.at(-1)!];
  const rate = ((arrivals.length - 1) * bytes * 8e6) / (last.atUs - first.atUs);
  assert.ok(Math.abs(rate - 100e6) < 1, `${rate} bit/s`);
  assert.is(first.atUs, (bytes * 8e6) / 100e6);
  assert.is(counters.queueDropped, PACKETS - arrivals.length);
  assertInOrder(arrivals);
});

test("keeps its rate on a clock of µs since 1970, where a double has an eighth of a µs left", () => {
  const link = new Impairment({ rateBps: 10e9, queueBytes: 1e9 });
  const startUs = 1_700_000_000_000_000;
  for (let i = 0; i < 10_000; i++) link.push(numbered(i, 1000), startUs);
  const arrivals: Arrival[] = [];
  drain(link, arrivals);
  assert.is(arrivals.at(-1)!.atUs - startUs, 8000);
});

test("drops at the tail when the queue is full, exactly at the byte", () => {
  const link = new Impairment({ rateBps: 8e6, queueBytes: 1000 }); // a byte takes 1 us
  for (let i = 0; i < 12; i++) link.push(numbered(i, 100), 0);
  assert.is(link.queuedPackets, 10);
  assert.is(link.counters.queueDropped, 2);
  link.push(numbered(12, 100), 99);
  assert.is(link.counters.queueDropped, 3, "the first has one byte to go");
  link.push(numbered(13, 100), 100);
  assert.is(link.counters.queueDropped, 3);
  const arrivals: Arrival[] = [];
  drain(link, arrivals);
  assert.equal(
    arrivals,
    [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 13].map((number, i) => ({ number, atUs: (i + 1) * 100 })),
  );
  assertConserved(link);
});

test("does not drop because of rounding when each packet comes as another leaves a full queue", () => {
  const link = new Impairment({ rateBps: 7e6, queueBytes: 1000 });
  for (let i = 0; i < 10; i++) link.push(numbered(i, 100), 1e12 + 0.1);
  for (let i = 10; i < 5000; i++) {
    const atUs = link.nextDeadlineUs();
    link.recycle(link.pop(atUs)!);
    link.push(numbered(i, 100), atUs);
  }
  assert.is(link.counters.queueDropped, 0);
});

test("does not send a packet sooner because it came a moment before the link was idle", () => {
  const link = new Impairment({ rateBps: 8e6 });
  link.push(numbered(0, 100), 0);
  link.push(numbered(1, 100), 99.75);
  assert.ok(link.pop(100));
  assert.is(link.nextDeadlineUs(), 200);
});

test("takes a frame longer than the queue when it finds the link idle", () => {
  const link = new Impairment({ rateBps: 8e6, queueBytes: 50 });
  link.push(numbered(0, 100), 0);
  link.push(numbered(1, 100), 50);
  link.push(numbered(2, 100), 100);
  const arrivals: Arrival[] = [];
  drain(link, arrivals);
  assert.equal(arrivals, [
    { number: 0, atUs: 100 },
    { number: 2, atUs: 200 },
  ]);
});

test("has a queue of 1,000 full frames unless told", () => {
  const link = new Impairment({ rateBps: 1e6 });
  for (let i = 0; i < 1100; i++) link.push(numbered(i, 1514), 0);
  assert.is(link.queuedPackets, 1000);
});

test("bounds what is under way without a rate limit", () => {
  const link = new Impairment({ delayMs: 1000 });
  const frame = numbered(0, 65549);
  for (let i = 0; i < 4200; i++) link.push(frame, 0);
  assert.ok(link.queuedBytes <= 256 * 1024 * 1024 && link.queuedBytes > 254 * 1024 * 1024, `${link.queuedBytes}`);
  assert.is(link.counters.queueDropped, 4200 - link.queuedPackets);
  assertConserved(link);
});

test("adds delay behind the queue of the rate limit", () => {
  const link = new Impairment({ rateBps: 8e6, delayMs: 5 });
  link.push(numbered(0, 100), 0);
  link.push(numbered(1, 100), 0);
  const arrivals: Arrival[] = [];
  drain(link, arrivals);
  assert.equal(
    arrivals.map(({ atUs }) => atUs),
    [5100, 5200],
  );
});

test.run();

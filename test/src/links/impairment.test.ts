// The emulated link, one impairment at a time: statistics, order and bytes.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { FRAME_CSUM_PARTIAL, FRAME_CSUM_VALID } from "../../../assembly/layout.ts";
import { Impairment } from "../../../src/links/impairment.ts";
import { oracleChecksum, pattern, tcpFrame } from "./build-frame.ts";
import {
  type Arrival,
  assertConserved,
  assertInOrder,
  assertShare,
  drain,
  numbered,
  numberOf,
  PACKETS,
  run,
} from "./run-impairment.ts";

const test = suite("links/impairment");

test("passes everything at once, in order and unchanged when nothing is asked for", () => {
  const link = new Impairment();
  assert.is(link.nextDeadlineUs(), Number.POSITIVE_INFINITY);
  assert.is(link.pop(1e9), null);
  const frame = { bytes: pattern(90), flags: FRAME_CSUM_PARTIAL | FRAME_CSUM_VALID, gsoSize: 0 };
  link.push(frame, 5);
  link.push(numbered(2), 5);
  frame.bytes.fill(0);
  assert.is(link.nextDeadlineUs(), 5);
  assert.is(link.queuedBytes, 150);
  assert.is(link.pop(4.9), null);
  const { bytes, flags, gsoSize } = link.pop(5)!;
  assert.equal(bytes, pattern(90), "the bytes were copied on push");
  assert.is(flags, FRAME_CSUM_PARTIAL | FRAME_CSUM_VALID);
  assert.is(gsoSize, 0);
  assert.is(numberOf(link.pop(5)!), 2);
  assert.is(link.pop(5), null);
  assert.is(link.queuedBytes, 0);
  assertConserved(link);
});

test("delays every packet by exactly the delay", () => {
  const { arrivals } = run({ delayMs: 2.5 }, 1000, 10);
  assert.equal(
    arrivals,
    Array.from({ length: 1000 }, (_, i) => ({ number: i, atUs: i * 10 + 2500 })),
  );
});

test("loses each packet on its own with the probability asked for", () => {
  const { link, arrivals, counters } = run({ loss: 0.01 });
  assertShare(counters.lost, PACKETS, 0.01);
  assert.is(arrivals.length, PACKETS - counters.lost);
  // Independent losses: after a lost packet the next is lost as often as any other.
  const arrived = new Set(arrivals.map(({ number }) => number));
  let pairs = 0;
  for (let i = 0; i + 1 < PACKETS; i++) if (!arrived.has(i) && !arrived.has(i + 1)) pairs++;
  assertShare(pairs, PACKETS, 0.0001);
  assertConserved(link);
});

test("loses all with loss 1 and none with loss 0", () => {
  assert.is(run({ loss: 1 }, 1000).arrivals.length, 0);
  assert.is(run({ loss: 0, burstLoss: 0 }, 1000).arrivals.length, 1000);
});

test("loses in bursts: as many starts, as long a mean and as large a share as documented", () => {
  const [start, length] = [0.05, 10];
  const { link, arrivals, counters } = run({ burstLoss: { start, length } });
  const gaps: number[] = [];
  arrivals.forEach(({ number }, i) => {
    const before = i === 0 ? -1 : arrivals[i - 1]!.number;
    if (number > before + 1) gaps.push(number - before - 1);
  });
  assert.is(counters.lost, 0);
  const share = (start * length) / (1 - start + start * length);
  // Losses hang together: packets n and n + 1 with this correlation, which makes the count vary more.
  const correlation = (1 - 1 / length) * (1 - start);
  const variance = (share * (1 - share) * (1 + correlation)) / (1 - correlation) / PACKETS;
  assert.ok(Math.abs(counters.burstLost / PACKETS - share) < 5 * Math.sqrt(variance), `${counters.burstLost}`);
  assertShare(gaps.length, arrivals.length, start);
  // A gap is one burst, or several when the next starts right behind.
  const mean = gaps.reduce((sum, gap) => sum + gap, 0) / gaps.length;
  const expected = length / (1 - start);
  assert.ok(Math.abs(mean - expected) < (5 * expected) / Math.sqrt(gaps.length), `mean gap ${mean}, not ${expected}`);
  assertConserved(link);
});

test("takes a number for the start of bursts of 8", () => {
  const { counters } = run({ burstLoss: 0.002 });
  const same = run({ burstLoss: { start: 0.002, length: 8 } });
  assert.equal(counters, same.counters);
});

test("duplicates with the probability asked for, the copy right behind", () => {
  const { link, arrivals, counters } = run({ duplicate: 0.05, delayMs: 1 });
  assertShare(counters.duplicated, PACKETS, 0.05);
  assert.is(arrivals.length, PACKETS + counters.duplicated);
  const copies = arrivals.filter(({ number }, i) => i > 0 && arrivals[i - 1]!.number === number);
  assert.is(copies.length, counters.duplicated);
  assertInOrder(arrivals);
  assertConserved(link);
});

test("gives the duplicate bytes of its own", () => {
  const link = new Impairment({ duplicate: 1 });
  link.push(numbered(9), 0);
  const first = link.pop(0)!;
  first.bytes.fill(0xee);
  link.recycle(first);
  assert.equal(link.pop(0)!.bytes, numbered(9).bytes);
  assert.is(link.pop(0), null);
});

test("spreads jitter uniformly around the delay when packets are far apart", () => {
  const { arrivals } = run({ delayMs: 5, jitterMs: 2 }, PACKETS, 5000);
  const delays = arrivals.map(({ number, atUs }) => atUs - number * 5000);
  const mean = delays.reduce((sum, delay) => sum + delay, 0) / PACKETS;
  assert.ok(delays.every((delay) => delay >= 3000 && delay <= 7000));
  // Uniform over 4000 us: standard deviation 4000 / sqrt(12).
  assert.ok(Math.abs(mean - 5000) < (5 * 4000) / Math.sqrt(12 * PACKETS), `mean ${mean}`);
  for (let quarter = 0; quarter < 4; quarter++) {
    const low = 3000 + quarter * 1000;
    assertShare(delays.filter((delay) => delay >= low && delay < low + 1000).length, PACKETS, 0.25);
  }
});

test("never reorders because of jitter, and delivers at growing times", () => {
  const { arrivals, counters } = run({ delayMs: 5, jitterMs: 5, rateBps: 1e9 });
  assert.is(arrivals.length, PACKETS);
  assertInOrder(arrivals);
  for (let i = 1; i < PACKETS; i++) assert.ok(arrivals[i]!.atUs >= arrivals[i - 1]!.atUs);
  assert.is(counters.reordered, 0);
});

test("cuts jitter off at zero delay", () => {
  const { arrivals } = run({ jitterMs: 1 }, 2000, 5000);
  const early = arrivals.filter(({ number, atUs }) => atUs === number * 5000).length;
  assertShare(early, 2000, 0.5);
  assert.ok(arrivals.every(({ number, atUs }) => atUs <= number * 5000 + 1000));
});

test("sends reordered packets ahead of those under way", () => {
  const { link, arrivals, counters } = run({ delayMs: 1, reorder: 0.02 });
  assertShare(counters.reordered, PACKETS, 0.02);
  const ahead = arrivals.filter(({ number, atUs }) => atUs === number * 10);
  const regular = arrivals.filter(({ number, atUs }) => atUs === number * 10 + 1000);
  assert.is(ahead.length + regular.length, PACKETS);
  assert.ok(ahead.length - counters.reordered <= 3, "only one that finds nothing under way overtakes nothing");
  assertInOrder(ahead);
  assertInOrder(regular);
  assertConserved(link);
});

test("counts no reordering when there is nothing to overtake", () => {
  const { arrivals, counters } = run({ delayMs: 1, reorder: 0.5 }, 1000, 5000);
  assert.ok(arrivals.some(({ number, atUs }) => atUs === number * 5000));
  assert.is(counters.reordered, 0);
});

test("delivers packets that are due at the same time in the order in which they came", () => {
  const link = new Impairment({ delayMs: 1, reorder: 0.5 });
  for (let i = 0; i < 200; i++) link.push(numbered(i), i * 1000);
  const arrivals: Arrival[] = [];
  drain(link, arrivals);
  const ties = arrivals.filter(({ atUs }, i) => i > 0 && atUs === arrivals[i - 1]!.atUs);
  assert.ok(ties.length > 20);
  assertInOrder(arrivals);
});

/** For every packet, how many later ones arrived before it. */
function passedBy(arrivals: Arrival[]): number[] {
  return arrivals.map(({ number }, i) => {
    let passed = 0;
    for (let j = Math.max(0, i - 40); j < i; j++) if (arrivals[j]!.number > number) passed++;
    return passed;
  });
}

test("without delay holds a reordered packet behind 1 to 5 later ones", () => {
  const { link, arrivals, counters } = run({ reorder: 0.02 });
  assertShare(counters.reordered, PACKETS, 0.02);
  const passed = passedBy(arrivals).filter((count) => count > 0);
  assert.is(passed.length, counters.reordered);
  assert.equal([...new Set(passed)].sort(), [1, 2, 3, 4, 5]);
  for (let depth = 1; depth <= 5; depth++) {
    const share = passed.filter((count) => count === depth).length / passed.length;
    assert.ok(share > 0.1 && share < 0.3, `${depth} packets passed in ${share} of the cases`);
  }
  assert.ok(arrivals.every(({ number, atUs }) => atUs - number * 10 <= 1000));
  assertConserved(link);
});

test("without delay holds the last packet of a flow for 1 ms at most and never for good", () => {
  const link = new Impairment({ reorder: 1 });
  link.push(numbered(1), 100);
  link.push(numbered(2), 300);
  assert.is(link.nextDeadlineUs(), 1100);
  assert.is(link.pop(1099), null);
  assert.is(numberOf(link.pop(1100)!), 1);
  assert.is(link.nextDeadlineUs(), 1300);
  assert.is(numberOf(link.pop(5000)!), 2);
  assert.is(link.counters.reordered, 0, "nothing overtook them");
});

test("without delay a slow link does not hold a packet past its 1 ms for the next to pass", () => {
  const link = new Impairment({ reorder: 0.5, rateBps: 400e3 }); // 60 bytes take 1.2 ms
  for (let i = 0; i < 100; i++) link.push(numbered(i), 0);
  const arrivals: Arrival[] = [];
  drain(link, arrivals);
  const late = arrivals.map(({ number, atUs }) => Math.round(atUs - (number + 1) * 1200));
  assert.equal([...new Set(late)].sort(), [0, 1000]);
  assertInOrder(arrivals);
  assert.is(link.counters.reordered, 0);
});

test("with jitter and no delay a held packet still falls back and never jumps ahead", () => {
  const { arrivals, link } = run({ reorder: 0.02, jitterMs: 3 });
  const inFront = new Set<number>();
  let highest = -1;
  for (const { number } of arrivals) {
    if (number > highest) {
      for (let skipped = highest + 1; skipped < number; skipped++) inFront.add(skipped);
      highest = number;
    }
  }
  assertShare(inFront.size, PACKETS, 0.02);
  assert.is(link.counters.reordered, inFront.size);
});

const hamming = (a: Uint8Array, b: Uint8Array) => a.map((byte, i) => byte ^ b[i]!).reduce((sum, x) => sum + bits(x), 0);
const bits = (byte: number) => byte.toString(2).replaceAll("0", "").length;

test("corrupts with the probability asked for: one bit, anywhere behind the Ethernet header", () => {
  const link = new Impairment({ corrupt: 0.02 });
  const frame = { bytes: pattern(64), flags: FRAME_CSUM_VALID, gsoSize: 0 };
  const hit = new Set<number>();
  for (let i = 0; i < PACKETS; i++) {
    link.push(frame, i);
    const got = link.pop(i)!;
    const corrupted = link.counters.corrupted;
    if (got.flags === 0) {
      assert.is(hamming(got.bytes, frame.bytes), 1);
      hit.add(got.bytes.findIndex((byte, at) => byte !== frame.bytes[at]));
    } else {
      assert.is(Buffer.compare(got.bytes, frame.bytes), 0);
    }
    assert.ok(corrupted <= i + 1);
    link.recycle(got);
  }
  assertShare(link.counters.corrupted, PACKETS, 0.02);
  assert.equal(
    [...hit].sort((a, b) => a - b),
    Array.from({ length: 50 }, (_, i) => i + 14),
  );
});

test("completes a partial checksum before it flips a bit, so that the receiver can notice", () => {
  const fields = { seq: 1, id: 1, flags: 0x10, payload: pattern(100) };
  const whole = tcpFrame(fields);
  const link = new Impairment({ corrupt: 1 });
  for (let i = 0; i < 200; i++) {
    link.push(
      { bytes: tcpFrame(fields, { partial: true }), flags: FRAME_CSUM_PARTIAL | FRAME_CSUM_VALID, gsoSize: 0 },
      i,
    );
    const got = link.pop(i)!;
    assert.is(hamming(got.bytes, whole), 1);
    assert.is(got.flags, 0);
  }
});

test("leaves a frame alone that has nothing behind its Ethernet header", () => {
  const link = new Impairment({ corrupt: 1 });
  link.push({ bytes: pattern(14), flags: FRAME_CSUM_VALID, gsoSize: 0 }, 0);
  assert.equal(link.pop(0)!.bytes, pattern(14));
  assert.is(link.counters.corrupted, 0);
});

test("splits super-segments and treats each wire packet on its own", () => {
  const link = new Impairment({ loss: 0.1, rateBps: 1e9, queueBytes: 1e9 });
  const payload = pattern(14_600);
  const bytes = tcpFrame({ seq: 1000, id: 5, flags: 0x18, payload }, { partial: true });
  for (let i = 0; i < 500; i++) link.push({ bytes, flags: FRAME_CSUM_PARTIAL, gsoSize: 1460 }, 0);
  assert.is(link.counters.received, 5000);
  assertShare(link.counters.lost, 5000, 0.1);
  const offsets = new Set<number>();
  for (let atUs = link.nextDeadlineUs(); atUs < Number.POSITIVE_INFINITY; atUs = link.nextDeadlineUs()) {
    const got = link.pop(atUs)!;
    assert.is(got.bytes.length, 1514);
    assert.is(got.flags, 0);
    assert.is(got.gsoSize, 0);
    assert.is(oracleChecksum(got.bytes.slice(14, 34)), 0, "the header checksum is right");
    offsets.add(new DataView(got.bytes.buffer).getUint32(38) - 1000);
    link.recycle(got);
  }
  assert.equal(
    [...offsets].sort((a, b) => a - b),
    Array.from({ length: 10 }, (_, i) => i * 1460),
  );
  assertConserved(link);
});

test("counts a super-segment that it cannot split and passes it on as one packet", () => {
  const link = new Impairment();
  link.push({ bytes: pattern(3000), flags: FRAME_CSUM_PARTIAL, gsoSize: 1000 }, 0);
  assert.equal(link.pop(0)!.bytes, pattern(3000));
  assert.is(link.counters.unsplittable, 1);
  assert.is(link.counters.received, 1);
});

test("uses popped buffers again once they are given back", () => {
  const link = new Impairment();
  link.push(numbered(1), 0);
  const first = link.pop(0)!;
  link.recycle(first);
  link.push(numbered(2), 1);
  const second = link.pop(1)!;
  assert.is(second, first);
  link.push(numbered(3), 2);
  assert.is.not(link.pop(2), second, "one that was not given back stays the caller's");
  assert.is(numberOf(second), 2);
});

test("refuses bad options", () => {
  assert.throws(() => new Impairment({ loss: 2 }), /Expected `loss` to be 0\.\.1, got `2` \(number\)/);
});

test.run();

// The emulated link with everything at once: same seed, same trace; independent dice; conservation for any options and clock.
import * as fc from "fast-check";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { Impairment, type Impairments } from "../../../src/links/impairment.ts";
import { pattern } from "./build-frame.ts";
import { type Arrival, assertConserved, drain, numbered, run } from "./run-impairment.ts";

const test = suite("links/impairment-traces");

const everything: Impairments = {
  delayMs: 1,
  jitterMs: 0.5,
  loss: 0.02,
  burstLoss: 0.001,
  duplicate: 0.02,
  reorder: 0.05,
  corrupt: 0.02,
  rateBps: 50e6,
  queueBytes: 20_000,
  seed: 7,
};

test("gives the same trace for the same seed, and another for another seed or stream", () => {
  const trace = (options: Impairments, stream = 0) => {
    const link = new Impairment(options, stream);
    const lines: string[] = [];
    for (let i = 0; i < 2000; i++) {
      link.push(numbered(i, 60 + (i % 100)), i * 12);
      for (let got = link.pop(i * 12); got !== null; got = link.pop(i * 12)) {
        lines.push(`${i} ${got.bytes.length} ${Buffer.from(got.bytes).toString("hex")}`);
        link.recycle(got);
      }
    }
    return lines.join("\n");
  };
  assert.is(trace(everything), trace(everything));
  assert.is.not(trace(everything), trace({ ...everything, seed: 8 }));
  assert.is.not(trace(everything), trace(everything, 1));
});

test("throws the dice of one impairment apart from those of the others", () => {
  const survivors = (options: Impairments) => new Set(run(options, 5000).arrivals.map(({ number }) => number));
  const alone = survivors({ loss: 0.05 });
  const among = survivors({ loss: 0.05, duplicate: 0.3, jitterMs: 1, delayMs: 3, corrupt: 0, reorder: 0.1 });
  assert.equal(among, alone);
});

const anything = fc.record({
  delayMs: fc.constantFrom(0, 0, 0.3, 5),
  jitterMs: fc.constantFrom(0, 0.2, 4),
  loss: fc.constantFrom(0, 0.1, 1),
  burstLoss: fc.constantFrom(0, 0.05),
  duplicate: fc.constantFrom(0, 0.3, 1),
  reorder: fc.constantFrom(0, 0.3, 0.9, 1),
  corrupt: fc.constantFrom(0, 0.5),
  rateBps: fc.constantFrom(1e6, 20e6, 1e9),
  queueBytes: fc.constantFrom(100, 3000, 1e6),
  seed: fc.nat(),
});

test("conserves packets and bytes, delivers at growing times and empties, whatever is combined", () => {
  const steps = fc.array(fc.tuple(fc.nat(2000), fc.integer({ min: 14, max: 300 }), fc.boolean()), { maxLength: 150 });
  fc.assert(
    fc.property(anything, steps, (options, packets) => {
      const link = new Impairment(options);
      let nowUs = 0;
      let lastUs = 0;
      let out = 0;
      const popAll = (untilUs: number) => {
        for (let atUs = link.nextDeadlineUs(); atUs <= untilUs && atUs < Number.POSITIVE_INFINITY; ) {
          assert.ok(atUs >= lastUs, "deadlines grow");
          lastUs = atUs;
          const frame = link.pop(atUs);
          assert.ok(frame);
          out++;
          link.recycle(frame);
          assert.is(link.pop(atUs - 0.5), null);
          atUs = link.nextDeadlineUs();
        }
      };
      for (const [waitUs, length, drains] of packets) {
        nowUs += waitUs;
        if (drains) popAll(nowUs);
        link.push({ bytes: pattern(length), flags: 0, gsoSize: 0 }, nowUs);
        assertConserved(link);
      }
      popAll(Number.POSITIVE_INFINITY);
      assertConserved(link);
      assert.is(link.queuedPackets, 0);
      assert.is(link.queuedBytes, 0);
      assert.is(link.counters.forwarded, out);
    }),
  );
});

test("keeps its promises when the clock stands still or runs backwards", () => {
  const link = new Impairment({ delayMs: 1 });
  link.push(numbered(0), 1000);
  link.push(numbered(1), 500);
  link.push(numbered(2), Number.NaN);
  const arrivals: Arrival[] = [];
  drain(link, arrivals);
  assert.equal(arrivals, [
    { number: 0, atUs: 2000 },
    { number: 1, atUs: 2000 },
    { number: 2, atUs: 2000 },
  ]);
});

test.run();

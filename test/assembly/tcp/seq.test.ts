import fc from "fast-check";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { instantiate } from "../../support/wasm.ts";

const test = suite("tcp/seq");
const { exports: x } = await instantiate();

const word = fc.integer({ min: 0, max: 0xffffffff });
// Distances that sequence numbers in use can have: below 2^31 either way (RFC 9293 3.4)
const distance = fc.integer({ min: 1, max: 0x7fffffff });

test("orders two numbers by their distance, across 2^32 [RFC 9293 3.4]", () => {
  fc.assert(
    fc.property(word, distance, (a, d) => {
      const b = (a + d) >>> 0;
      assert.ok(x.seqLt(a, b) && x.seqLte(a, b) && !x.seqGt(a, b) && !x.seqGte(a, b));
      assert.ok(x.seqGt(b, a) && x.seqGte(b, a) && !x.seqLt(b, a) && !x.seqLte(b, a));
      assert.is(x.seqMax(a, b) >>> 0, b);
      assert.is(x.seqMin(a, b) >>> 0, a);
      assert.is(x.seqMax(b, a) >>> 0, b);
      assert.is(x.seqMin(b, a) >>> 0, a);
    }),
  );
});

test("is reflexive where it must be and strict where it must be", () => {
  fc.assert(
    fc.property(word, (a) => {
      assert.ok(x.seqLte(a, a) && x.seqGte(a, a) && !x.seqLt(a, a) && !x.seqGt(a, a));
    }),
  );
});

test("holds exactly the numbers from first to first + size - 1 in a window", () => {
  fc.assert(
    fc.property(
      word,
      fc.integer({ min: 0, max: 0x40000000 }),
      fc.integer({ min: -5, max: 5 }),
      (first, size, around) => {
        const inside = (offset: number): boolean => Boolean(x.seqInWindow((first + offset) >>> 0, first, size));
        assert.is(inside(around), around >= 0 && around < size);
        assert.is(inside(size + around), around < 0 && size + around >= 0);
      },
    ),
  );
});

test.run();

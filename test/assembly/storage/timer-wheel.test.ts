// The timer wheel against a sorted model: what fires, when, and in which order.
import fc from "fast-check";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { HEAP } from "../../../assembly/layout.ts";
import { instantiate } from "../../support/wasm.ts";

const test = suite("storage/timer-wheel");
const { exports: wasm, u8 } = await instantiate();

const NONE = 0xffffffff;
const NEVER = 2n ** 64n - 1n;
const WHEEL = HEAP;
const HOUR = 3_600_000_000n; // µs

function init(capacity: number): void {
  const end = WHEEL + wasm.timerWheelBytes(capacity);
  u8.fill(0, WHEEL, end);
  u8.fill(0x5a, end, end + 64);
  wasm.timerWheelInit(WHEEL, capacity);
}

const set = (id: number, deadlineUs: bigint) => wasm.timerWheelSet(WHEEL, id, deadlineUs);
const cancel = (id: number) => wasm.timerWheelCancel(WHEEL, id) === 1;
const isArmed = (id: number) => wasm.timerWheelIsArmed(WHEEL, id) === 1;
const deadlineOf = (id: number) => BigInt.asUintN(64, wasm.timerWheelDeadlineOf(WHEEL, id));
const next = () => BigInt.asUintN(64, wasm.timerWheelNext(WHEEL));
const pop = (nowUs: bigint) => wasm.timerWheelPop(WHEEL, nowUs) >>> 0;
const armed = () => wasm.timerWheelArmed(WHEEL) >>> 0;

function popAll(nowUs: bigint): number[] {
  const ids: number[] = [];
  for (let id = pop(nowUs); id !== NONE; id = pop(nowUs)) ids.push(id);
  return ids;
}

test("has nothing at first", () => {
  init(4);
  assert.is(next(), NEVER);
  assert.is(pop(0n), NONE);
  assert.is(pop(NEVER), NONE);
  assert.is(armed(), 0);
  assert.not.ok(isArmed(0));
  assert.is(deadlineOf(0), NEVER);
  assert.not.ok(cancel(0));
});

test("fires at the deadline, not a microsecond before", () => {
  init(4);
  for (const deadline of [0n, 1n, 63n, 64n, 4095n, 4096n, 200_000n, HOUR, 2n ** 40n, 2n ** 63n, NEVER - 1n]) {
    set(2, deadline);
    assert.is(next(), deadline);
    assert.is(deadlineOf(2), deadline);
    if (deadline > 0n) assert.is(pop(deadline - 1n), NONE, `${deadline}`);
    assert.ok(isArmed(2));
    assert.is(pop(deadline), 2, `${deadline}`);
    assert.not.ok(isArmed(2));
    assert.is(next(), NEVER);
  }
});

test("moves a timer that is set again, to earlier and to later", () => {
  init(4);
  set(0, 1000n);
  set(1, 5000n);
  assert.is(next(), 1000n);
  set(0, 9000n);
  assert.is(next(), 5000n);
  set(0, 10n);
  assert.is(next(), 10n);
  assert.is(armed(), 2);
  assert.equal(popAll(10_000n), [0, 1]);
  assert.is(armed(), 0);
});

test("knows the next deadline after the first timer is cancelled", () => {
  init(8);
  // All in one slot of the wheel when it is coarse: the order must come from the deadlines themselves
  const deadlines = [5n * HOUR + 7n, 5n * HOUR + 3n, 5n * HOUR + 3n, 5n * HOUR + 900_000n, 5n * HOUR];
  deadlines.forEach((deadline, id) => {
    set(id, deadline);
  });
  assert.is(next(), 5n * HOUR);
  assert.ok(cancel(4));
  assert.not.ok(cancel(4));
  assert.is(next(), 5n * HOUR + 3n);
  assert.ok(cancel(1));
  assert.is(next(), 5n * HOUR + 3n);
  assert.equal(popAll(6n * HOUR), [2, 0, 3]);
});

test("takes a deadline before those it has sorted already", () => {
  init(8);
  set(0, 2n * HOUR);
  assert.is(next(), 2n * HOUR); // its cursor is two hours ahead now
  set(1, 40_000n);
  set(2, 2n * HOUR - 1n);
  set(3, 2n * HOUR + 1n);
  set(4, 20n);
  assert.is(next(), 20n);
  assert.is(pop(19n), NONE);
  assert.equal(popAll(3n * HOUR), [4, 1, 2, 0, 3]);
});

test("fires timers of one deadline in the order of set()", () => {
  init(100);
  const order = Array.from({ length: 100 }, (_, i) => (i * 37) % 100);
  for (const id of order) set(id, 70_000n);
  set(order[5]!, 70_000n); // set again: last now
  assert.equal(popAll(70_000n), [...order.slice(0, 5), ...order.slice(6), order[5]]);
});

test("takes a jump of the clock by days and fires all in order", () => {
  init(64);
  const deadlines = Array.from({ length: 64 }, (_, i) => 17n ** BigInt(i % 11) * BigInt(i + 1));
  deadlines.forEach((deadline, id) => {
    set(id, deadline);
  });
  const sorted = deadlines.map((_, id) => id).sort((a, b) => Number(deadlines[a]! - deadlines[b]!) || a - b);
  assert.equal(popAll(2n ** 50n), sorted);
});

test("lets a timer be set again while the due ones are popped", () => {
  init(4);
  set(0, 100n);
  set(1, 100n);
  assert.is(pop(100n), 0);
  set(0, 100n); // due at once, after 1
  assert.is(pop(100n), 1);
  assert.is(pop(100n), 0);
  set(0, 50n); // the past
  assert.is(next(), 50n);
  assert.is(pop(100n), 0);
  assert.is(pop(100n), NONE);
});

test("takes the deadline never as a cancel", () => {
  init(4);
  set(1, 5n);
  set(1, NEVER);
  assert.not.ok(isArmed(1));
  assert.is(next(), NEVER);
  assert.is(pop(NEVER), NONE);
});

test("touches no entry but those that were set", () => {
  init(1000);
  const bytes: number = wasm.timerWheelBytes(1000);
  const before = u8.slice(WHEEL, WHEEL + bytes);
  set(3, 1_000_000n);
  next();
  cancel(3);
  const changed = u8.slice(WHEEL, WHEEL + bytes).map((byte, i) => (byte === before[i] ? 0 : 1));
  const [entries, ids] = [bytes - 1000 * 28, bytes - 1000 * 4];
  const outside = changed.findIndex((flag, i) => flag === 1 && i >= entries + 4 * 24 && i < ids);
  assert.is(outside, -1);
  assert.is(changed.subarray(ids + 4).indexOf(1), -1, "one place of the heap was used");
  assert.is(changed.subarray(entries, entries + 3 * 24).indexOf(1), -1);
});

test("traps in a debug build on an id beyond the capacity", () => {
  init(4);
  assert.throws(() => set(4, 5n));
  assert.throws(() => cancel(4));
  assert.not.ok(isArmed(4));
});

// Distances of every magnitude, and many equal ones
const anyDistance = fc.oneof(
  fc.bigInt({ min: 0n, max: 5n }),
  fc.bigInt({ min: 0n, max: 5000n }),
  fc.bigInt({ min: 0n, max: 2n ** 20n }),
  fc.bigInt({ min: 0n, max: 2n ** 40n }),
  fc.integer({ min: 0, max: 39 }).map((bit) => 2n ** BigInt(bit)),
);

test("does as the sorted model does for any sets, cancels and times", () => {
  const CAPACITY = 24;
  const id = fc.nat(CAPACITY - 1);
  const step = fc.oneof(
    { weight: 6, arbitrary: fc.record({ set: id, distance: anyDistance, inThePast: fc.boolean() }) },
    { weight: 2, arbitrary: fc.record({ cancel: id }) },
    { weight: 1, arbitrary: fc.record({ advance: anyDistance }) },
    { weight: 2, arbitrary: fc.constant({ stepToNext: true }) },
    { weight: 1, arbitrary: fc.constant({ popOne: true }) },
  );
  const start = fc.oneof(fc.bigInt({ min: 0n, max: 2n ** 20n }), fc.bigInt({ min: 0n, max: 2n ** 50n }));
  fc.assert(
    fc.property(start, fc.array(step, { maxLength: 150, size: "max" }), fc.boolean(), (startUs, steps, asksOften) => {
      init(CAPACITY);
      const model = new Map<number, bigint>(); // in the order of set()
      let now = startUs;
      const earliest = () => {
        let best: [number, bigint] | undefined;
        for (const entry of model) if (best === undefined || entry[1] < best[1]) best = entry;
        return best;
      };
      const popBoth = () => {
        const due = earliest();
        const expected = due !== undefined && due[1] <= now ? due[0] : NONE;
        assert.is(pop(now), expected);
        model.delete(expected);
        return expected;
      };
      for (const one of steps) {
        if ("set" in one) {
          const past = now > one.distance ? now - one.distance : 0n;
          const deadline = one.inThePast && one.distance < 5000n ? past : now + one.distance;
          set(one.set, deadline);
          model.delete(one.set);
          model.set(one.set, deadline);
        } else if ("cancel" in one) {
          assert.is(cancel(one.cancel), model.delete(one.cancel));
        } else if ("popOne" in one) {
          popBoth();
        } else {
          if ("advance" in one) now += one.advance;
          else if (model.size > 0 && earliest()![1] > now) now = earliest()![1];
          while (popBoth() !== NONE);
        }
        assert.is(armed(), model.size);
        if (asksOften) assert.is(next(), earliest()?.[1] ?? NEVER);
        for (let i = 0; i < CAPACITY; i++) {
          assert.is(isArmed(i), model.has(i));
          assert.is(deadlineOf(i), model.get(i) ?? NEVER);
        }
      }
      now = 2n ** 60n;
      while (popBoth() !== NONE);
      assert.is(model.size, 0);
      const end = WHEEL + wasm.timerWheelBytes(CAPACITY);
      assert.ok(
        u8.subarray(end, end + 64).every((byte) => byte === 0x5a),
        "stays inside its bytes",
      );
    }),
    { numRuns: 200 },
  );
});

test("sorts any number of timers before its cursor, and cancels any of them", () => {
  const deadlines = fc.array(fc.nat(400), { minLength: 1, maxLength: 200, size: "max" });
  fc.assert(
    fc.property(deadlines, fc.array(fc.nat(199), { maxLength: 150, size: "max" }), (values, cancelled) => {
      init(256);
      set(255, HOUR);
      next(); // the cursor is an hour ahead: all that follow are sorted at once
      const model = new Map<number, number>();
      values.forEach((value, id) => {
        set(id, BigInt(value));
        model.set(id, value);
      });
      for (const id of cancelled) {
        assert.is(cancel(id), model.delete(id));
        assert.is(next(), model.size === 0 ? HOUR : BigInt(Math.min(...model.values())));
      }
      assert.equal(
        popAll(400n),
        [...model.keys()].sort((a, b) => model.get(a)! - model.get(b)! || a - b),
      );
      assert.is(next(), HOUR);
    }),
  );
});

test("runs thousands of timers that re-arm themselves, in exact order", () => {
  const ids = 3000;
  init(ids);
  let seed = 12345;
  const random = (limit: number) => {
    seed = (Math.imul(seed, 1103515245) + 12345) >>> 0;
    return (seed >>> 8) % limit;
  };
  for (let id = 0; id < ids; id++) set(id, BigInt(random(300_000)));
  let now = 0n;
  for (let fired = 0; fired < 20000; fired++) {
    const deadline = next();
    assert.ok(deadline >= now, "time runs forward");
    now = deadline;
    const id = pop(now);
    assert.is.not(id, NONE);
    set(id, now + BigInt(200_000 + random(50_000)));
    const other = random(ids); // an ACK: somebody's timer moves before it fires
    set(other, now + BigInt(random(250_000)));
  }
  assert.is(armed(), ids);
  const rest = Array.from({ length: ids }, (_, id) => deadlineOf(id)).sort((a, b) => Number(a - b));
  for (const deadline of rest) {
    assert.is(next(), deadline);
    assert.is.not(pop(deadline), NONE);
  }
  assert.is(armed(), 0);
});

test.run();

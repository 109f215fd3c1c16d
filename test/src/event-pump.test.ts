// Main's side of the event ring against a core that publishes and rings at the worst moments.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import {
  EVENT_BELL,
  EVENT_BELL_WAITING,
  EVENT_BYTES,
  EVENT_CAPACITY,
  EVENT_KIND,
  EVENT_RING,
} from "../../assembly/layout.ts";
import { EventPump } from "../../src/event-pump.ts";
import { createMemory } from "../../src/memory.ts";
import { RingProducer } from "../../src/rings.ts";

const pump = suite("src/event-pump");

/** A core that does what the end of Loop.turn does, in steps. */
function core(views = createMemory()) {
  const { i32 } = views;
  const ring = new RingProducer(i32, EVENT_RING, EVENT_BYTES, EVENT_CAPACITY);
  return {
    views,
    publish(kind: number): void {
      i32[(ring.reserve() + EVENT_KIND) >>> 2] = kind;
      ring.publish();
    },
    addToBell: (): void => void Atomics.add(i32, EVENT_BELL >>> 2, 1),
    wake(): void {
      if (Atomics.exchange(i32, EVENT_BELL_WAITING >>> 2, 0) !== 0) Atomics.notify(i32, EVENT_BELL >>> 2);
    },
  };
}

/** Turns of the event loop, until `isDone` or too many. */
async function turnsUntil(isDone: () => boolean): Promise<void> {
  for (let turns = 0; turns < 1000 && !isDone(); turns++) await new Promise(setImmediate);
}

pump("is woken by what comes after a ring whose second half fell between its look and its wait", async () => {
  const { views, publish, addToBell, wake } = core();
  const kinds: number[] = [];
  const one = new EventPump(
    views,
    (slot) => {
      if (kinds.push(views.i32[(slot + EVENT_KIND) >>> 2]!) === 1) wake();
    },
    true,
  );
  publish(1);
  addToBell();
  one.start();
  for (const kind of [2, 3]) {
    publish(kind);
    addToBell();
    wake();
    await turnsUntil(() => kinds.length === kind);
  }
  one.stop();
  assert.equal(kinds, [1, 2, 3]);
});

pump("takes what is published and rung for while it goes to sleep", async () => {
  const { views, publish, addToBell, wake } = core();
  const kinds: number[] = [];
  const one = new EventPump(views, (slot) => kinds.push(views.i32[(slot + EVENT_KIND) >>> 2]!), true);
  const { waitAsync } = Atomics;
  // The ring falls between the pump's wait and its word that it waits.
  Atomics.waitAsync = ((...args: Parameters<typeof waitAsync>) => {
    Atomics.waitAsync = waitAsync;
    const wait = waitAsync(...args);
    publish(1);
    addToBell();
    wake();
    return wait;
  }) as typeof waitAsync;
  try {
    one.start();
  } finally {
    Atomics.waitAsync = waitAsync;
  }
  await turnsUntil(() => kinds.length === 1);
  one.stop();
  assert.equal(kinds, [1]);
});

for (const isDelivering of [false, true]) {
  const when = isDelivering ? "while it delivers" : "while it waits";
  pump(`leaves no wait behind when it stops ${when}: that would hold the memory for good`, () => {
    const { views, publish } = core();
    const one = new EventPump(views, () => one.stop(), true);
    if (isDelivering) publish(1);
    one.start();
    if (!isDelivering) one.stop();
    assert.is(Atomics.notify(views.i32, EVENT_BELL >>> 2), 0);
  });
}

pump.run();

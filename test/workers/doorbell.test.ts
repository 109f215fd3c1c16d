// Ringing and sleeping, between two threads and alone: no wake-up is lost and none is made in vain.
import { once } from "node:events";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import {
  DOORBELL_PENDING,
  DOORBELL_SLEEPING,
  EVENT_BELL,
  EVENT_BELL_WAITING,
  OP_RING,
  RING_TAIL,
  SLEEP_AWAKE,
  SLEEP_FUTEX,
  SLEEP_POLL,
  STOP,
  TABLES,
  WAKE_FD,
} from "../../assembly/layout.ts";
import { Doorbell } from "../../src/doorbell.ts";
import { futexSleeper } from "../../workers/sleep.ts";
import { tsWorker } from "../native/support/ts-worker.ts";

const doorbell = suite("workers/doorbell");

function fresh(): { i32: Int32Array<SharedArrayBuffer>; bell: Doorbell; woken: number[] } {
  const i32 = new Int32Array(new SharedArrayBuffer(TABLES));
  const woken: number[] = [];
  return { i32, bell: new Doorbell(i32, (fd) => woken.push(fd)), woken };
}

doorbell("only notes the ring while the core is awake", () => {
  const { i32, bell, woken } = fresh();
  bell.ring();
  assert.is(i32[DOORBELL_PENDING >>> 2], 1);
  assert.equal(woken, []);
});

doorbell("writes the eventfd of a core that sleeps in poll, once for any number of rings", () => {
  const { i32, bell, woken } = fresh();
  i32[WAKE_FD >>> 2] = 17;
  i32[DOORBELL_SLEEPING >>> 2] = SLEEP_POLL;
  for (let i = 0; i < 3; i++) bell.ring();
  assert.equal(woken, [17]);
});

doorbell("does not sleep on a bell that was rung before, and is awake afterwards", () => {
  const { i32, bell } = fresh();
  const { sleep } = futexSleeper(i32, Number.POSITIVE_INFINITY);
  bell.ring();
  sleep(Number.POSITIVE_INFINITY);
  assert.is(i32[DOORBELL_SLEEPING >>> 2], SLEEP_AWAKE);
  i32[DOORBELL_SLEEPING >>> 2] = SLEEP_FUTEX;
  bell.ring();
  assert.is(i32[DOORBELL_SLEEPING >>> 2], SLEEP_AWAKE);
});

doorbell("wakes a core that found the work before it was rung for, and is about to sleep on an empty queue", () => {
  const { i32, bell } = fresh();
  const load = Atomics.load;
  // The whole turn of the core falls between two steps of the ringer's.
  Atomics.load = ((array: Int32Array, index: number) => {
    Atomics.load = load;
    Atomics.store(i32, DOORBELL_PENDING >>> 2, 0);
    Atomics.store(i32, DOORBELL_SLEEPING >>> 2, SLEEP_FUTEX);
    return load(array, index);
  }) as typeof load;
  try {
    bell.ring();
  } finally {
    Atomics.load = load;
  }
  assert.is(Atomics.load(i32, DOORBELL_SLEEPING >>> 2), SLEEP_AWAKE); // so nobody else will wake it
  assert.is(Atomics.wait(i32, DOORBELL_PENDING >>> 2, 0, 0), "not-equal");
});

doorbell("loses no wake-up in either direction over thousands of hand-overs without a time-out", async () => {
  const { i32, bell } = fresh();
  const worker = tsWorker("../../workers/programs/answer.ts", i32.buffer);
  const HANDOVERS = 3000;
  // Nothing else keeps this process alive: a pending waitAsync does not.
  const awake = setInterval(() => {}, 1000);
  for (let sent = 1; sent <= HANDOVERS; sent++) {
    const sequence = Atomics.load(i32, EVENT_BELL >>> 2);
    Atomics.store(i32, EVENT_BELL_WAITING >>> 2, 1);
    Atomics.store(i32, (OP_RING + RING_TAIL) >>> 2, sent);
    bell.ring();
    // Now and then the worker gets time to fall asleep, or to be just about to.
    for (let spin = (sent * 7919) % 4000; spin > 0; spin--);
    // Woken by the answer before this one, which may see that we wait for the next: then we wait on.
    for (let wait = Atomics.waitAsync(i32, EVENT_BELL >>> 2, sequence); wait.async; ) {
      await wait.value;
      wait = Atomics.waitAsync(i32, EVENT_BELL >>> 2, sequence);
    }
  }
  assert.is(Atomics.load(i32, EVENT_BELL >>> 2), HANDOVERS);
  Atomics.store(i32, STOP >>> 2, 1);
  bell.ring();
  await once(worker, "exit");
  clearInterval(awake);
});

doorbell.run();

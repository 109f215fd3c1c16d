// The waker without the addon: deadlines, the doorbell in each order of ringing and waiting, and what is left when it is closed. The one with
// it: what is left when it cannot be opened (test/native/loop-watcher.test.ts has the rest).
import { setTimeout as sleep } from "node:timers/promises";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { DOORBELL_PENDING, DOORBELL_SLEEPING, SLEEP_FUTEX, TABLES, WAKE_FD } from "../../assembly/layout.ts";
import { Doorbell } from "../../src/doorbell.ts";
import type { PacketPort } from "../../workers/ports/packet-port.ts";
import { AtomicsWaker, LoopWaker } from "../../workers/wakers.ts";
import { descriptors } from "../support/descriptors.ts";

const wakers = suite("workers/wakers");

function fresh(): {
  i32: Int32Array<SharedArrayBuffer>;
  bell: Doorbell;
  waker: AtomicsWaker;
  woken: () => Promise<void>;
} {
  const i32 = new Int32Array(new SharedArrayBuffer(TABLES));
  let resolve = (): void => {};
  let count = 0;
  const waker = new AtomicsWaker(i32, () => {
    count++;
    resolve();
  });
  waker.ref();
  const woken = (): Promise<void> =>
    new Promise((done) => {
      resolve = done;
      if (count > 0) done();
    });
  const noFd = (): void => assert.unreachable("it does not sleep in poll");
  return { i32, bell: new Doorbell(i32, noFd), waker, woken };
}

/** What the driver does before it goes back to the event loop. */
function fallAsleep(i32: Int32Array, waker: AtomicsWaker, timeoutUs = Number.POSITIVE_INFINITY): void {
  Atomics.store(i32, DOORBELL_SLEEPING >>> 2, SLEEP_FUTEX);
  waker.arm(timeoutUs);
}

wakers("wakes at a deadline, of milliseconds and of microseconds", async () => {
  for (const timeoutUs of [20_000, 2500, 300, 0]) {
    const { i32, waker, woken } = fresh();
    fallAsleep(i32, waker, timeoutUs);
    await woken();
    waker.close();
  }
});

wakers("wakes when it is rung", async () => {
  const { i32, bell, waker, woken } = fresh();
  fallAsleep(i32, waker);
  bell.ring();
  await woken();
  waker.close();
});

wakers("wakes when it was rung after the driver looked and before it waited", async () => {
  const { i32, bell, waker, woken } = fresh();
  Atomics.store(i32, DOORBELL_SLEEPING >>> 2, SLEEP_FUTEX);
  bell.ring();
  waker.arm(Number.POSITIVE_INFINITY);
  await woken();
  waker.close();
});

wakers("wakes again and again, though it goes on waiting from one arming to the next", async () => {
  const i32 = new Int32Array(new SharedArrayBuffer(TABLES));
  const bell = new Doorbell(i32, () => {});
  let wakes = 0;
  const waker = new AtomicsWaker(i32, () => {
    wakes++;
    Atomics.store(i32, DOORBELL_PENDING >>> 2, 0);
    fallAsleep(i32, waker);
  });
  fallAsleep(i32, waker);
  fallAsleep(i32, waker);
  for (let round = 1; round <= 20; round++) {
    bell.ring();
    for (let tries = 0; tries < 1000 && wakes < round; tries++) await sleep(1);
    assert.is(wakes, round);
  }
  waker.close();
});

wakers("keeps an earlier timer, and wakes for a later deadline all the same", async () => {
  const i32 = new Int32Array(new SharedArrayBuffer(TABLES));
  let wakes = 0;
  const waker = new AtomicsWaker(i32, () => wakes++);
  waker.arm(5000);
  waker.arm(10_000);
  while (wakes < 1) await sleep(1);
  waker.arm(5000);
  while (wakes < 2) await sleep(1);
  waker.close();
});

wakers("does not call after it was closed", async () => {
  const i32 = new Int32Array(new SharedArrayBuffer(TABLES));
  const bell = new Doorbell(i32, () => {});
  const waker = new AtomicsWaker(i32, () => assert.unreachable("it is closed"));
  fallAsleep(i32, waker, 2000);
  waker.close();
  bell.ring();
  await sleep(10);
});

wakers("leaves no descriptor open when the addon does not take a socket", async () => {
  const i32 = new Int32Array(new SharedArrayBuffer(TABLES));
  const before = descriptors();
  const noSocket = { socket: {} } as PacketPort;
  assert.throws(() => new LoopWaker(i32, [noSocket], () => assert.unreachable("it was not opened")));
  assert.is(i32[WAKE_FD >>> 2], -1);
  for (let tries = 0; tries < 1000 && descriptors() > before; tries++) await sleep(1);
  assert.is(descriptors(), before);
});

wakers.run();

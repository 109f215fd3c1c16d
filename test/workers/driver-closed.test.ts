// The driver of a stack on the caller's thread that is closed in the middle of its own turn.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { DOORBELL_SLEEPING, SLEEP_AWAKE, SLEEP_FUTEX, TABLES } from "../../assembly/layout.ts";
import { Driver, type Waker } from "../../workers/driver.ts";

const test = suite("workers/driver-closed");

function driverOf(deliver: (driver: Driver) => void): { driver: Driver; calls: string[]; i32: Int32Array } {
  const calls: string[] = [];
  const i32 = new Int32Array(new SharedArrayBuffer(TABLES));
  const waker: Waker = {
    kind: SLEEP_FUTEX,
    arm: (timeoutUs) => void calls.push(`arm ${timeoutUs}`),
    ref: () => {},
    unref: () => {},
    close: () => void calls.push("close"),
  };
  const loop = {
    turn: () => void calls.push("turn"),
    nextDeadlineUs: () => 5000,
    beforeSleep: () => void calls.push("before sleep"),
    finish: () => {
      calls.push("finish");
      return Number.POSITIVE_INFINITY;
    },
  } as unknown as ConstructorParameters<typeof Driver>[0]["loop"];
  const driver: Driver = new Driver({
    loop,
    i32,
    clock: () => 1000,
    openWaker: () => waker,
    deliver: () => deliver(driver),
    onCrash: (error) => assert.unreachable(error.message),
  });
  return { driver, calls, i32 };
}

test("a turn ends with the waker armed for the next deadline", async () => {
  const { driver, calls, i32 } = driverOf(() => {});
  driver.ring();
  await Promise.resolve();
  assert.equal(calls, ["turn", "before sleep", "arm 4000"]);
  assert.is(i32[DOORBELL_SLEEPING >>> 2], SLEEP_FUTEX);
});

test("a stack closed by a listener in the middle of a turn is touched no more", async () => {
  const { driver, calls, i32 } = driverOf((it) => void it.stop());
  driver.ring();
  await Promise.resolve();
  assert.equal(calls, ["turn", "finish", "close"]);
  assert.is(i32[DOORBELL_SLEEPING >>> 2], SLEEP_AWAKE);
  driver.ring();
  await Promise.resolve();
  assert.is(calls.length, 3);
});

test.run();

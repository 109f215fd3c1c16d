// The driver over a loop and a waker of the test: when turns come, that the event loop gets its own, and how it ends.
import { setImmediate as eventLoop } from "node:timers/promises";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { DOORBELL_PENDING, DOORBELL_SLEEPING, SLEEP_AWAKE, SLEEP_FUTEX, TABLES } from "../../assembly/layout.ts";
import { Driver } from "../../workers/driver.ts";

type Script = {
  calls: string[];
  i32: Int32Array<SharedArrayBuffer>;
  nowUs: number;
  deadlineUs: number;
  /** What `finish` and each `lastTurn` say, then Infinity. */
  lastUs: number[];
  /** Called in each turn. */
  onTurn: () => void;
  deliver: () => void;
  wake: () => void;
  crash: Error | undefined;
  driver: Driver;
};

function script(change: Partial<Script> = {}): Script {
  const i32 = new Int32Array(new SharedArrayBuffer(TABLES));
  const s = {
    calls: [],
    i32,
    nowUs: 1000,
    deadlineUs: Number.POSITIVE_INFINITY,
    lastUs: [],
    onTurn: () => {},
    deliver: () => {},
    ...change,
  } as unknown as Script;
  s.driver = new Driver({
    loop: {
      turn: () => {
        s.calls.push("turn");
        s.onTurn();
        return 0;
      },
      nextDeadlineUs: () => s.deadlineUs,
      beforeSleep: () => void s.calls.push("beforeSleep"),
      finish: () => {
        s.calls.push("finish");
        return s.lastUs.shift() ?? Number.POSITIVE_INFINITY;
      },
      lastTurn: () => {
        s.calls.push("lastTurn");
        s.onTurn();
        return s.lastUs.shift() ?? Number.POSITIVE_INFINITY;
      },
    },
    i32,
    clock: () => s.nowUs,
    openWaker: (onWake) => {
      s.wake = onWake;
      return {
        kind: SLEEP_FUTEX,
        arm: (timeoutUs) => void s.calls.push(`arm ${timeoutUs}`),
        ref: () => void s.calls.push("ref"),
        unref: () => void s.calls.push("unref"),
        close: () => void s.calls.push("close"),
      };
    },
    deliver: () => {
      s.calls.push("deliver");
      s.deliver();
    },
    onCrash: (error) => {
      s.crash = error;
    },
  });
  return s;
}

function turns(s: Script): number {
  return s.calls.filter((call) => call === "turn").length;
}

const driver = suite("workers/driver");

driver("takes one turn for all that one tick asked for, and none while that code runs", async () => {
  const s = script();
  for (let i = 0; i < 5; i++) s.driver.ring();
  assert.equal(s.calls, []);
  await Promise.resolve();
  assert.equal(s.calls, ["turn", "deliver", "beforeSleep", "arm Infinity"]);
});

driver("arms the waker with the time to the next deadline", async () => {
  const s = script({ deadlineUs: 1700 });
  s.driver.ring();
  await Promise.resolve();
  assert.is(s.calls.at(-1), "arm 700");
  assert.is(s.i32[DOORBELL_SLEEPING >>> 2], SLEEP_FUTEX);
});

driver("takes turns while a deadline is due, and gives the event loop its own in between", async () => {
  const s = script({ deadlineUs: 1000 });
  s.driver.ring();
  await eventLoop();
  const inARow = turns(s);
  assert.ok(inARow >= 1 && inARow < 100, `${inARow} turns before the event loop's`);
  await eventLoop();
  await eventLoop();
  assert.ok(turns(s) > inARow);
  s.deadlineUs = Number.POSITIVE_INFINITY;
  await eventLoop();
  await eventLoop();
  const enough = turns(s);
  await eventLoop();
  assert.is(turns(s), enough);
});

driver("lets the event loop go on under a caller who asks for more in every turn", async () => {
  const s = script();
  s.deliver = () => s.driver.ring();
  s.driver.ring();
  for (let i = 0; i < 5; i++) await eventLoop();
  const before = turns(s);
  await eventLoop();
  assert.ok(turns(s) > before && turns(s) < 1000);
  s.deliver = () => {};
});

driver("takes another turn when somebody rang during one [the doorbell's protocol]", async () => {
  const s = script();
  s.onTurn = () => {
    s.i32[DOORBELL_PENDING >>> 2] = turns(s) === 1 ? 1 : 0;
  };
  s.driver.ring();
  await eventLoop();
  assert.is(turns(s), 2);
  assert.is(s.i32[DOORBELL_PENDING >>> 2], 0);
});

driver("takes a turn at once when the event loop wakes it", () => {
  const s = script();
  s.wake();
  assert.is(turns(s), 1);
});

driver("tells of a trap once and does nothing after it", async () => {
  const trap = new WebAssembly.RuntimeError("unreachable");
  const s = script({
    onTurn: () => {
      throw trap;
    },
  });
  s.driver.ring();
  await Promise.resolve();
  assert.is(s.crash, trap);
  assert.equal(s.calls, ["turn", "close"]);
  s.driver.ring();
  s.wake();
  s.driver.ref();
  s.driver.stop();
  await eventLoop();
  assert.equal(s.calls, ["turn", "close"]);
  assert.is(s.i32[DOORBELL_SLEEPING >>> 2], SLEEP_AWAKE);
});

driver("finishes when it is stopped, and a turn that was asked for does not come any more", async () => {
  const s = script();
  s.driver.ring();
  s.driver.stop();
  s.driver.stop();
  await eventLoop();
  assert.equal(s.calls, ["finish", "close"]);
});

driver("goes on after it was stopped until the loop says that the links hold nothing back", async () => {
  const s = script({ lastUs: [700, 300], deadlineUs: 1 });
  const stopped = s.driver.stop();
  assert.equal(s.calls, ["finish", "beforeSleep", "arm 700"]);
  s.wake();
  assert.equal(s.calls.slice(3), ["lastTurn", "deliver", "beforeSleep", "arm 300"]);
  s.driver.stop();
  s.driver.ring();
  await stopped;
  assert.equal(s.calls.slice(7), ["lastTurn", "deliver", "close"]);
  s.wake();
  assert.is(s.calls.at(-1), "close");
});

driver("says goodbye and is over at once when it is halted, whatever the links hold", async () => {
  const s = script({ lastUs: [700] });
  s.driver.halt();
  await s.driver.stop();
  assert.equal(s.calls, ["finish", "beforeSleep", "arm 700", "close"]);
});

driver("is over when the core traps in its last turns", async () => {
  const trap = new WebAssembly.RuntimeError("unreachable");
  const s = script({ lastUs: [700] });
  const stopped = s.driver.stop();
  s.onTurn = () => {
    throw trap;
  };
  s.wake();
  await stopped;
  assert.is(s.crash, trap);
  assert.is(s.calls.at(-1), "close");
});

driver("passes ref and unref on while it lives", () => {
  const s = script();
  s.driver.ref();
  s.driver.unref();
  s.driver.stop();
  s.driver.ref();
  assert.equal(s.calls, ["ref", "unref", "finish", "close"]);
});

driver.run();

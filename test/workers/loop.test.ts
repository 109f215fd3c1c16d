// The loop over a core, a port and a clock of the test: what it calls in which order, when it sleeps and for how long.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import {
  CONTROL_HANDLED,
  CONTROL_REQUESTS,
  DOORBELL_PENDING,
  EVENT_BELL,
  EVENT_BELL_WAITING,
  RX_DESCRIPTOR_CAPACITY,
  STOP,
  TABLES,
} from "../../assembly/layout.ts";
import { Loop, type LoopParts, type Rest } from "../../workers/loop.ts";
import type { Port } from "../../workers/port.ts";

const i32 = new Int32Array(new SharedArrayBuffer(TABLES));

type Script = {
  calls: string[];
  nowUs: number;
  deadlineUs: number;
  portDeadlineUs: number;
  /** The link takes no more. */
  isBlocked: boolean;
  received: number[];
  transmitted: number[];
  events: number[];
  /** What sleep does; by default it stops the loop. */
  onSleep: (timeoutUs: number) => void;
};

function stop(): void {
  i32[STOP >>> 2] = 1;
}

function script(change: Partial<Script> = {}): Script {
  i32.fill(0);
  return {
    calls: [],
    nowUs: 1000,
    deadlineUs: Number.POSITIVE_INFINITY,
    portDeadlineUs: Number.POSITIVE_INFINITY,
    isBlocked: false,
    received: [],
    transmitted: [],
    events: [],
    onSleep: stop,
    ...change,
  };
}

/** Notes a call and gives its result. */
function note(s: Script, call: string, result = 0): number {
  s.calls.push(call);
  return result;
}

function portOf(s: Script): Port {
  return {
    link: { state: "up", mtu: 1500, gsoMax: 0 },
    checksumOffload: false,
    rxSlots: 1,
    get blocked() {
      return s.isBlocked;
    },
    receive: () => note(s, "port.receive", s.received.shift()),
    transmit: () => note(s, "port.transmit", s.transmitted.shift()),
    nextDeadlineUs: () => s.portDeadlineUs,
    beforeSleep: () => void note(s, "port.beforeSleep"),
    peerAttached: () => {},
    close: () => {},
  };
}

function loopOf(s: Script, change: Partial<LoopParts & Rest> = {}): Pick<Loop, "turn"> & { run(): string } {
  const core = {
    userCalls: () => note(s, "userCalls"),
    receive: (index: number, count: number) => void note(s, `receive ${index} ${count}`),
    runTimers: () => void note(s, "runTimers"),
    transmit: () => note(s, "transmit"),
    transmitted: (index: number) => void note(s, `transmitted ${index}`),
    flushEvents: () => note(s, "flushEvents", s.events.shift()),
    nextDeadline: () => s.deadlineUs,
    shutdown: () => void note(s, "shutdown"),
  };
  const sleep = (timeoutUs: number): void => {
    s.calls.push(`sleep ${timeoutUs}`);
    s.onSleep(timeoutUs);
  };
  const instance = new Loop({ core, i32, ports: [undefined, portOf(s)], clock: () => s.nowUs, ...change });
  return {
    turn: (nowUs) => instance.turn(nowUs),
    run: () => instance.run({ sleep, spinUs: 0, ...change }),
  };
}

function sleeps(s: Script): string[] {
  return s.calls.filter((call) => call.startsWith("sleep"));
}

const loop = suite("workers/loop");

loop("takes a turn in the order ops, frames in, timers, frames out, events", () => {
  const s = script({ received: [3], transmitted: [2] });
  loopOf(s).turn(s.nowUs);
  assert.equal(s.calls, [
    "userCalls",
    "port.receive",
    "receive 1 3",
    "runTimers",
    "transmit",
    "port.transmit",
    "transmitted 1",
    "flushEvents",
  ]);
});

loop("runs no timer while what it waits for may lie in the next batch, but not for ever", () => {
  const full = RX_DESCRIPTOR_CAPACITY;
  const s = script({ received: [full, full, 1, ...Array.from({ length: 40 }, () => full)] });
  const instance = loopOf(s);
  const timers = (): number => s.calls.filter((call) => call === "runTimers").length;
  instance.turn(s.nowUs);
  instance.turn(s.nowUs);
  assert.is(timers(), 0);
  instance.turn(s.nowUs);
  assert.is(timers(), 1);
  for (let turn = 0; turn < 40; turn++) instance.turn(s.nowUs);
  assert.ok(timers() >= 4 && timers() <= 8, `${timers()}`);
});

loop("calls the core about frames only when there were any", () => {
  const s = script();
  assert.is(loopOf(s).turn(s.nowUs), 0);
  assert.not.ok(s.calls.some((call) => call.startsWith("receive ") || call.startsWith("transmitted")));
});

loop("sleeps until the earliest deadline of core and ports", () => {
  const s = script({ deadlineUs: 1500, portDeadlineUs: 1300 });
  s.onSleep = () => {
    s.portDeadlineUs = Number.POSITIVE_INFINITY;
    stop();
  };
  assert.is(loopOf(s).run(), "stop");
  assert.equal(sleeps(s), ["sleep 300"]);
});

loop("goes on at the end until the links hold nothing back, for a second at most", () => {
  const s = script();
  stop();
  s.portDeadlineUs = 21_000;
  s.onSleep = (timeoutUs) => {
    s.nowUs += timeoutUs;
    s.portDeadlineUs = s.nowUs === 21_000 ? 2_000_000 : 0;
  };
  assert.is(loopOf(s).run(), "stop");
  assert.equal(sleeps(s), ["sleep 20000"]);
  assert.ok(s.calls.lastIndexOf("port.transmit") > s.calls.indexOf("sleep 20000"));
});

loop("goes on at the end for a second at most, though a link always has a frame that is due", () => {
  const s = script({ portDeadlineUs: 0 });
  stop();
  const clock = (): number => (s.nowUs += 1000);
  assert.is(loopOf(s, { clock }).run(), "stop");
  assert.equal(sleeps(s), []);
  assert.ok(s.nowUs >= 1_000_000 && s.nowUs < 1_100_000, `${s.nowUs}`);
});

loop("waits at the end for a link that takes no more, and sends what is left when it does", () => {
  const s = script({ isBlocked: true });
  stop();
  s.onSleep = () => {
    s.nowUs += 500;
    s.isBlocked = false;
    s.transmitted = [2];
  };
  assert.is(loopOf(s).run(), "stop");
  assert.equal(sleeps(s), ["sleep 1000000"]);
  assert.equal(
    s.calls.slice(s.calls.indexOf("sleep 1000000")).filter((call) => /transmit/.test(call)),
    ["transmit", "port.transmit", "transmitted 1"],
  );
});

loop("waits at the end for a link that never takes more for a second at most", () => {
  const s = script({ isBlocked: true });
  stop();
  s.onSleep = (timeoutUs) => {
    s.nowUs += Math.min(timeoutUs, 300_000);
  };
  assert.is(loopOf(s).run(), "stop");
  assert.equal(sleeps(s), ["sleep 1000000", "sleep 700000", "sleep 400000", "sleep 100000"]);
});

loop("sleeps without a deadline when nobody has one, after what is buffered was written out", () => {
  const s = script();
  loopOf(s).run();
  const at = s.calls.indexOf("sleep Infinity");
  assert.is(s.calls[at - 1], "port.beforeSleep");
});

loop("does not sleep while work is left", () => {
  const s = script({ deadlineUs: 1000 });
  let turns = 0;
  const clock = (): number => {
    if (++turns > 9) s.deadlineUs = 2000;
    return s.nowUs;
  };
  loopOf(s, { clock }).run();
  assert.is(sleeps(s).length, 1);
  assert.ok(s.calls.filter((call) => call === "userCalls").length >= 3);
});

loop("takes the doorbell down before it looks for work, so that a later ring keeps it awake", () => {
  const s = script();
  i32[DOORBELL_PENDING >>> 2] = 1;
  const pending: number[] = [];
  const port = portOf(s);
  port.receive = () => {
    pending.push(i32[DOORBELL_PENDING >>> 2]!);
    i32[DOORBELL_PENDING >>> 2] = 1; // somebody rings during the turn
    return 0;
  };
  const sleep = (): void => {
    pending.push(i32[DOORBELL_PENDING >>> 2]!);
    stop();
  };
  loopOf(s, { ports: [undefined, port], sleep }).run();
  assert.equal(pending.slice(0, 2), [0, 1]);
});

loop("looks on for a while before it sleeps, if it is told to", () => {
  const s = script();
  const clock = (): number => (s.nowUs += 10);
  loopOf(s, { clock, spinUs: 200 }).run();
  assert.ok(s.calls.filter((call) => call === "userCalls").length >= 5);
  assert.is(sleeps(s).length, 1);
});

loop("rings main after publishing events, and only wakes it if it waits", () => {
  const s = script({ events: [1, 1, 0] });
  const instance = loopOf(s);
  i32[EVENT_BELL_WAITING >>> 2] = 1;
  instance.turn(s.nowUs);
  assert.is(i32[EVENT_BELL >>> 2], 1);
  assert.is(i32[EVENT_BELL_WAITING >>> 2], 0);
  instance.turn(s.nowUs);
  assert.is(i32[EVENT_BELL >>> 2], 2);
  instance.turn(s.nowUs);
  assert.is(i32[EVENT_BELL >>> 2], 2);
});

loop("returns to the event loop for a control message that was not handled", () => {
  const s = script();
  const instance = loopOf(s);
  i32[CONTROL_REQUESTS >>> 2] = 5;
  i32[CONTROL_HANDLED >>> 2] = 4;
  assert.is(instance.run(), "control");
  assert.equal(sleeps(s), []);
  i32[CONTROL_HANDLED >>> 2] = 5;
  assert.is(instance.run(), "stop");
});

loop("takes turns after it was stopped as long as something leaves, before and after the core shuts down", () => {
  const s = script({ transmitted: [4, 1] });
  stop();
  assert.is(loopOf(s).run(), "stop");
  const steps = s.calls.filter((call) => call === "transmit" || call === "shutdown");
  assert.equal(steps, ["transmit", "transmit", "transmit", "shutdown", "transmit"]);
  assert.equal(sleeps(s), []);
});

loop("passes a trap of the core on", () => {
  const s = script();
  const instance = loopOf(s);
  const trap = new WebAssembly.RuntimeError("unreachable");
  s.received = [1];
  (s as { calls: { push: unknown } }).calls.push = () => {
    throw trap;
  };
  assert.throws(
    () => instance.run(),
    (error: unknown) => error === trap,
  );
});

loop.run();

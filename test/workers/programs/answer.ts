// A worker that answers each piece of work with an event, and sleeps without a time-out in between.
import { workerData } from "node:worker_threads";
import { OP_RING, RING_TAIL } from "../../../assembly/layout.ts";
import { Loop } from "../../../workers/loop.ts";
import { futexSleeper } from "../../../workers/sleep.ts";

const i32 = new Int32Array(workerData as SharedArrayBuffer);
const WORK = (OP_RING + RING_TAIL) >>> 2;
let seen = 0;
let fresh = 0;

const core = {
  userCalls: () => {
    fresh = Atomics.load(i32, WORK) - seen;
    seen += fresh;
    return fresh;
  },
  receive: () => {},
  runTimers: () => {},
  transmit: () => 0,
  transmitted: () => {},
  flushEvents: () => (fresh > 0 ? 1 : 0),
  nextDeadline: () => Number.POSITIVE_INFINITY,
  shutdown: () => {},
};
const { sleep } = futexSleeper(i32, Number.POSITIVE_INFINITY);
new Loop({ core, i32, ports: [undefined], clock: () => performance.now() * 1000 }).run({ sleep, spinUs: 0 });

// The worker of a stack, as piscina runs it: one task that lasts as long as the stack. Wiring only.
import type { MessagePort } from "node:worker_threads";
import { expose } from "comlink";
import { STOP } from "../assembly/layout.ts";
import { endpointOf } from "../src/comlink-endpoint.ts";
import type { CoreExports } from "../src/core-exports.ts";
import type { Affinity } from "../src/cpu-set.ts";
import { SharedViews } from "../src/memory.ts";
import type { WorkerTask } from "../src/protocol.ts";
import { Control } from "./control.ts";
import { Loop } from "./loop.ts";
import { placeThread } from "./placement.ts";
import { futexSleeper, pollSleeper } from "./sleep.ts";

/** How often a stack that is not up looks whether it is to end, ms. */
const STOP_POLL_MS = 5;

/** Runs a stack until main stops it. Throws (a WASM trap, for example) when it cannot go on. */
export default async function runStack({ port, memory, module, spinUs, affinity }: WorkerTask): Promise<void> {
  const views = new SharedViews(memory);
  const instance = new WebAssembly.Instance(module, { env: { memory } });
  const core = instance.exports as unknown as CoreExports;
  const control = await startedControl(port, views, core, affinity);
  if (control === null) {
    port.close();
    return;
  }
  // The answer to `start` leaves before the loop keeps the thread to itself.
  await eventLoopTurn();
  const { packet } = control.links;
  const sleeper = packet.length === 0 ? futexSleeper(views.i32) : pollSleeper(views.i32, packet);
  const { ports } = control;
  const clock = (): number => performance.now() * 1000;
  const loop = new Loop({ core, i32: views.i32, ports, clock });
  try {
    while (loop.run({ sleep: sleeper.sleep, spinUs }) === "control") {
      // The event loop delivers the message; the network goes on meanwhile.
      while (loop.isControlWaiting) {
        await eventLoopTurn();
        loop.turn(clock());
      }
    }
  } finally {
    control.close();
    sleeper.close();
    port.close();
  }
}

/** The control once the stack is up, or null if main gave up on it: then it could not start. */
function startedControl(
  port: MessagePort,
  views: SharedViews,
  core: CoreExports,
  affinity: Affinity,
): Promise<Control | null> {
  return new Promise((resolve) => {
    const onStarted = (): void => settle(control);
    // The thread ends with its stack, and what libuv's pool has was started by main, which read the core's file with it.
    const control = new Control(views, core, onStarted, (interfaces) => placeThread(affinity, interfaces));
    // Until there is a loop nobody sees the stop flag.
    const watch = setInterval(() => {
      if (Atomics.load(views.i32, STOP >>> 2) !== 0) settle(null);
    }, STOP_POLL_MS);
    const settle = (result: Control | null): void => {
      clearInterval(watch);
      resolve(result);
    };
    expose(control, endpointOf(port));
  });
}

function eventLoopTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

// The worker of a stack, as piscina runs it: one task that lasts as long as the stack. Wiring only.
import { expose } from "comlink";
import { endpointOf } from "../src/comlink-endpoint.ts";
import type { CoreExports } from "../src/core-exports.ts";
import { SharedViews } from "../src/memory.ts";
import type { WorkerTask } from "../src/protocol.ts";
import { Control } from "./control.ts";
import { Loop } from "./loop.ts";
import { futexSleeper, pollSleeper } from "./sleep.ts";

/** Runs a stack until main stops it. Throws (a WASM trap, for example) when it cannot go on. */
export default async function runStack({ port, memory, module, spinUs }: WorkerTask): Promise<void> {
  const views = new SharedViews(memory);
  const instance = new WebAssembly.Instance(module, { env: { memory } });
  const core = instance.exports as unknown as CoreExports;
  const control = await new Promise<Control>((resolve) => {
    const waiting = new Control(views, core, () => resolve(waiting));
    expose(waiting, endpointOf(port));
  });
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

function eventLoopTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

// A worker that sleeps on a wake fd three times and reports how each sleep ended.
import { parentPort, workerData } from "node:worker_threads";
import { loadAddon } from "../../../src/native.ts";

const waiter = new (loadAddon().Waiter)(workerData.fd);
for (let i = 0; i < 3; i++) {
  parentPort?.postMessage("asleep");
  let ready = 0;
  while (ready === 0) ready = waiter.wait(-1);
  parentPort?.postMessage(ready);
}

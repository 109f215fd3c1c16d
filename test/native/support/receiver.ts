// A worker that receives on wtn1 for ever, in place, into the memory it is given; "ready" once it does.
import { parentPort, workerData } from "node:worker_threads";
import { loadAddon } from "../../../src/native.ts";

const { PacketSocket, Waiter } = loadAddon();
const u8 = new Uint8Array((workerData.memory as WebAssembly.Memory).buffer);
const socket = new PacketSocket(u8, workerData.options);
const waiter = new Waiter(workerData.fd);
waiter.add(socket);
parentPort?.postMessage({ ready: true, inPlace: socket.inPlace });
let sum = 0;
for (;;) {
  waiter.wait(-1);
  while (socket.receive(64) > 0) sum += u8[workerData.options.ringPtr + 100]!;
  if (sum < 0) break; // never: keeps the reads
}

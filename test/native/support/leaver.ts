// A process that leaves with exit code 7 while a socket is open here and a worker sleeps on another.
import { loadAddon } from "../../../src/native.ts";
import { End } from "./end.ts";
import { tsWorker } from "./ts-worker.ts";

const fd = loadAddon().createWakeFd();
new End({ interface: "wtn0", mac: 0x0a });
const memory = new WebAssembly.Memory({ initial: 128, maximum: 128, shared: true });
const options = {
  interface: "wtn1",
  ringPtr: 4 << 20,
  ringBytes: 2 << 20,
  rxDescriptorsPtr: 0x10000,
  txRingPtr: 0x20000,
  interfacePtr: 0x40000,
  macHigh16: 0x0277,
  macLow32: 0x0b,
};
const worker = tsWorker("receiver.ts", { memory, fd, options });
worker.on("message", () => process.exit(7));

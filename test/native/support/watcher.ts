// A worker whose event loop watches a socket and a wake fd of its own, as a stack on the thread of a worker does; it never closes them.
import { parentPort } from "node:worker_threads";
import { loadAddon } from "../../../src/native.ts";
import { End } from "./end.ts";

const { LoopWatcher, createWakeFd } = loadAddon();
const end = new End({ interface: "wtn1", mac: 0x0b });
const watcher = new LoopWatcher(createWakeFd(), () => {
  end.receive();
  watcher.arm(1000);
});
watcher.add(end.socket);
watcher.ref();
watcher.arm(1000);
parentPort!.postMessage("ready");

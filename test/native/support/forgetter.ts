// Opens sockets and forgets them: their descriptors must be closed by garbage collection.
import { readdirSync } from "node:fs";
import { setImmediate } from "node:timers/promises";
import { End } from "./end.ts";

const collect = (globalThis as { gc?: () => void }).gc!;
const descriptors = () => readdirSync("/proc/self/fd").length;

const before = descriptors();
const open = () => {
  for (let i = 0; i < 10; i++) new End({ interface: "wtn0", mac: 0x0a, ringBytes: 1 << 20 });
};
open();
const most = descriptors();
for (let i = 0; i < 20 && descriptors() > before + 2; i++) {
  collect();
  await setImmediate();
}
console.log(`descriptors: ${before} before, ${most} open, ${descriptors()} after`);
process.exit(most >= before + 10 && descriptors() <= before + 2 ? 0 : 1);

// Opens sockets and forgets them: their descriptors must be closed by garbage collection.
import { readdirSync } from "node:fs";
import { setImmediate } from "node:timers/promises";
import { End } from "./end.ts";

const collect = (globalThis as { gc?: () => void }).gc!;
const descriptors = () => readdirSync("/proc/self/fd").length;

const before = descriptors();
// Held until they are counted, so that no collection comes before
let ends = Array.from({ length: 10 }, () => new End({ interface: "wtn0", mac: 0x0a, ringBytes: 1 << 20 }));
const most = descriptors();
const opened = ends.length;
ends = [];
for (let i = 0; i < 20 && descriptors() > before + 2; i++) {
  collect();
  await setImmediate();
}
console.log(`descriptors: ${before} before, ${most} open, ${descriptors()} after`);
process.exit(most >= before + opened - 1 && descriptors() <= before + 2 ? 0 : 1);

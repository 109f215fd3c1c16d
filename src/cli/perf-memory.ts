// What a process holds, for `wasmtcp perf idle`: the resident part of the stack's memory, the JavaScript heap, and everything.
import { readFileSync } from "node:fs";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

/** Bytes: `wasm` resident in the stack's memory, `heap` of JavaScript in use, `rss` of the whole process. */
export type Memory = { wasm: number; heap: number; rss: number };

const KIB = 1024;
/** Address space of the stack's memory. */
const MEMORY_BYTES = 1 << 30;

/** Measures after a garbage collection. */
export function memory(): Memory {
  setFlagsFromString("--expose-gc");
  (runInNewContext("gc") as () => void)();
  const { heapUsed, rss } = process.memoryUsage();
  return { wasm: residentInLargeMappings(), heap: heapUsed, rss };
}

/** The difference for each of `n`. */
export function each(before: Memory, after: Memory, n: number): Memory {
  const share = (key: keyof Memory): number => Math.round((after[key] - before[key]) / n);
  return { wasm: share("wasm"), heap: share("heap"), rss: share("rss") };
}

/** Resident bytes of the stack's memory: of neighbouring writable mappings (a packet ring lies inside it) that together are as large as it. */
function residentInLargeMappings(): number {
  let total = 0;
  let run = { end: 0, bytes: 0, resident: 0 };
  const close = (): void => {
    if (run.bytes >= MEMORY_BYTES) total += run.resident;
  };
  for (const line of readFileSync("/proc/self/smaps", "utf8").split("\n")) {
    const range = /^([0-9a-f]+)-([0-9a-f]+) (\S{4}) /.exec(line);
    if (range !== null) {
      const [start, end] = [Number.parseInt(range[1]!, 16), Number.parseInt(range[2]!, 16)];
      const bytes = range[3]!.startsWith("rw") ? end - start : 0;
      if (start === run.end && bytes > 0 && run.bytes > 0) run = { ...run, end, bytes: run.bytes + bytes };
      else {
        close();
        run = { end, bytes, resident: 0 };
      }
    } else if (line.startsWith("Rss:")) {
      run.resident += Number(line.split(/\s+/)[1]) * KIB;
    }
  }
  close();
  return total;
}

// Measures operations that loop inside WASM and prints them: a table, or JSON with --json.
import { cpus } from "node:os";
import { measure } from "mitata";

export type Result = {
  name: string;
  /** Median and best of all samples, ns per operation. */
  nsMedian: number;
  nsBest: number;
  /** Bytes that one operation works on, if it makes sense to ask. */
  bytes: number | undefined;
  /** At the median, bytes per ns. */
  gigabytesPerSecond: number | undefined;
};

export type Operation = {
  name: string;
  /** Called before each `run`, outside the time that counts: makes what `run` uses up. */
  prepare?: () => void;
  /** Runs the operation `iterations` times in one call, so that the cost of the call disappears. */
  run: (iterations: number) => unknown;
  iterations: number;
  bytes?: number;
};

/** A sample below this is spoilt by the clock, which takes some 100 ns to read, or did not run at all. */
const SHORTEST_SAMPLE_NS = 5_000;

async function measureOperation({ name, prepare, run, iterations, bytes }: Operation): Promise<Result> {
  // Operations bring their own loop, so a sample is always one call: mitata's batching of short calls is switched off.
  const options = { min_cpu_time: 150e6, batch_threshold: -1 };
  // mitata makes a parameter anew for each sample, and does not count the time of that
  const prepared = function* () {
    yield { 0: prepare, bench: (_: unknown) => run(iterations) } as unknown as () => unknown;
  };
  const stats = await (prepare === undefined ? measure(() => run(iterations), options) : measure(prepared, options));
  const nsMedian = stats.p50 / iterations;
  if (!(stats.min >= SHORTEST_SAMPLE_NS)) {
    throw new Error(`${name}: a sample took ${stats.min} ns, too short to be believed; raise its iterations`);
  }
  const gigabytesPerSecond = bytes === undefined ? undefined : bytes / nsMedian;
  return { name, nsMedian, nsBest: stats.min / iterations, bytes, gigabytesPerSecond };
}

/** Measures the operations one after the other and prints the results to standard output. */
export async function report(benchmark: string, operations: Operation[]): Promise<void> {
  const results: Result[] = [];
  for (const operation of operations) results.push(await measureOperation(operation));
  if (process.argv.includes("--json")) {
    const environment = { node: process.version, cpu: cpus()[0]?.model ?? "unknown", cpus: cpus().length };
    process.stdout.write(`${JSON.stringify({ benchmark, environment, results }, null, 2)}\n`);
    return;
  }
  const width = Math.max(...results.map(({ name }) => name.length));
  for (const { name, nsMedian, nsBest, gigabytesPerSecond } of results) {
    const rate = gigabytesPerSecond === undefined ? "" : `${gigabytesPerSecond.toFixed(1).padStart(8)} GB/s`;
    const times = `${nsMedian.toFixed(2).padStart(10)} ns  best ${nsBest.toFixed(2).padStart(10)} ns`;
    process.stdout.write(`${name.padEnd(width)}${times}${rate}\n`);
  }
}

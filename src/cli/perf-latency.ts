// `wasmtcp perf echo` and `perf ping`: one byte there and back.

import {
  connectSoon,
  finish,
  listen,
  losses,
  type PerfRun,
  type PerfTarget,
  processorSeconds,
  round,
} from "./perf-report.ts";
import { CommandError } from "./session.ts";

const ECHO_BYTES = 4096;
/** As many round trips for each one that counts go before, so that code is compiled and caches are warm. */
const WARM_UP = 0.1;

/** Sends back what comes on one connection. */
export async function echo({ stack, signal }: PerfRun, port: number): Promise<object> {
  const listener = await listen(stack, port);
  const connection = await listener.accept({ signal });
  listener.close();
  const busyBefore = processorSeconds();
  const buffer = new Uint8Array(ECHO_BYTES);
  let n = 0;
  let bytes = 0;
  for (let count = await connection.read(buffer); count !== null; count = await connection.read(buffer)) {
    bytes += await connection.write(buffer.subarray(0, count));
    n++;
  }
  await connection.close();
  return { n, bytes, cpu: processorSeconds() - busyBefore, ...losses(stack) };
}

/** `n` round trips of one byte, and their percentiles in microseconds. */
export async function ping(run: PerfRun, target: PerfTarget, n: number): Promise<object> {
  const connection = await connectSoon(run, target);
  const byte = new Uint8Array(1);
  const answer = new Uint8Array(64);
  const turn = async (): Promise<number> => {
    const started = performance.now();
    await connection.write(byte);
    if ((await connection.read(answer)) === null) throw new CommandError("the echo ended the connection");
    return (performance.now() - started) * 1000;
  };
  for (let warm = Math.floor(n * WARM_UP); warm > 0; warm--) await turn();
  const times = new Float64Array(n);
  const busyBefore = processorSeconds();
  const started = performance.now();
  for (let index = 0; index < n; index++) times[index] = await turn();
  const spent = performance.now() - started;
  const cpu = processorSeconds() - busyBefore;
  await finish(connection);
  times.sort();
  const percentile = (share: number): number => round(times[Math.min(n - 1, Math.floor(n * share))] ?? 0, 2);
  const spread = { p50: percentile(0.5), p90: percentile(0.9), p99: percentile(0.99), p999: percentile(0.999) };
  return { n, ...spread, max: percentile(1), rps: Math.round((n * 1000) / spent), cpu, ...losses(run.stack) };
}

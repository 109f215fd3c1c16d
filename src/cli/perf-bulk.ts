// `wasmtcp perf sink` and `perf source`: bytes from a buffer of one process into a buffer of another, over one connection or many.
import type { Connection } from "../index.ts";
import {
  connectSoon,
  finish,
  listen,
  losses,
  type PerfRun,
  type PerfTarget,
  processorSeconds,
  throughput,
} from "./perf-report.ts";

const READ_BYTES = 1 << 20;
/** Many flows read into smaller buffers, so that all of them together stay near this. */
const ALL_READ_BYTES = 64 << 20;
const LEAST_READ_BYTES = 16 << 10;

/** Reads `flows` connections to their ends. The time runs from the first byte to the last. */
export async function sink({ stack, signal }: PerfRun, port: number, flows: number): Promise<object> {
  const listener = await listen(stack, port);
  const readBytes = Math.min(READ_BYTES, Math.max(LEAST_READ_BYTES, Math.floor(ALL_READ_BYTES / flows)));
  let bytes = 0;
  let first = 0;
  let last = 0;
  let busyBefore = 0;
  const drain = async (connection: Connection): Promise<void> => {
    const buffer = new Uint8Array(readBytes);
    for (let count = await connection.read(buffer); count !== null; count = await connection.read(buffer)) {
      if (bytes === 0) {
        first = performance.now();
        busyBefore = processorSeconds();
      }
      bytes += count;
    }
    last = performance.now();
    await connection.close();
  };
  const drained: Promise<void>[] = [];
  while (drained.length < flows) drained.push(drain(await listener.accept({ signal })));
  listener.close();
  await Promise.all(drained);
  const cpu = bytes === 0 ? 0 : processorSeconds() - busyBefore;
  return { ...throughput(bytes, last - first), cpu, flows, ...losses(stack) };
}

/** What to send, and for how long. */
export type SourceJob = { ms: number; chunkBytes: number; flows: number };

/** Writes to `flows` connections at once. The time ends when the last write is in its ring; all is acknowledged before the line is printed. */
export async function source(run: PerfRun, target: PerfTarget, { ms, chunkBytes, flows }: SourceJob): Promise<object> {
  const chunk = new Uint8Array(chunkBytes);
  const connections = await Promise.all(Array.from({ length: flows }, async () => await connectSoon(run, target)));
  let bytes = 0;
  const busyBefore = processorSeconds();
  const started = performance.now();
  const fill = async (connection: Connection): Promise<void> => {
    while (performance.now() < started + ms) {
      const count = await connection.write(chunk);
      bytes += count; // in a statement of its own: other flows add to it while this one waits
    }
  };
  await Promise.all(connections.map(fill));
  const spent = performance.now() - started;
  await Promise.all(connections.map(finish));
  return { ...throughput(bytes, spent), cpu: processorSeconds() - busyBefore, flows, ...losses(run.stack) };
}

// `wasmtcp perf accept` and `perf conn`: how many connections a second are made, accepted and reset.
import {
  connectSoon,
  frequency,
  listen,
  losses,
  type PerfRun,
  type PerfTarget,
  processorSeconds,
} from "./perf-report.ts";

const BACKLOG = 4096;

/** Accepts and resets for `ms` after the first connection. */
export async function accept({ stack, signal }: PerfRun, port: number, ms: number): Promise<object> {
  const listener = await listen(stack, port, BACKLOG);
  (await listener.accept({ signal })).abort();
  const started = performance.now();
  const busyBefore = processorSeconds();
  let n = 1;
  let now = started;
  const over = setTimeout(() => void listener.close(), ms);
  const interrupt = (): void => void listener.close();
  signal.addEventListener("abort", interrupt, { once: true });
  try {
    for await (const connection of listener) {
      connection.abort();
      n++;
      now = performance.now();
      if (now - started >= ms) break;
    }
  } finally {
    clearTimeout(over);
    signal.removeEventListener("abort", interrupt);
    listener.close();
  }
  signal.throwIfAborted();
  const spent = Math.max(ms, now - started);
  return { ...frequency(n, spent), cpu: processorSeconds() - busyBefore, ...losses(stack) };
}

/** Connects and resets, `concurrency` attempts at a time, for `ms`. Attempts that fail count in `errs`. */
export async function conn(run: PerfRun, target: PerfTarget, ms: number, concurrency: number): Promise<object> {
  (await connectSoon(run, target)).abort();
  let n = 1;
  let errs = 0;
  const busyBefore = processorSeconds();
  const started = performance.now();
  const end = started + ms;
  const over = new AbortController();
  const signal = AbortSignal.any([run.signal, over.signal]);
  const timer = setTimeout(() => over.abort(), ms);
  const one = async (): Promise<void> => {
    while (performance.now() < end && !signal.aborted) {
      try {
        (await run.stack.connect({ hostname: target.host, port: target.port })).abort();
        n++;
      } catch (error) {
        if (run.signal.aborted) throw error;
        errs++;
      }
    }
  };
  const all = Promise.all(Array.from({ length: concurrency }, one));
  const stopped = new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
  await Promise.race([all, stopped]); // an attempt that nobody answers does not hold the measurement up
  all.catch(() => {}); // closing the stack ends what is still under way
  clearTimeout(timer);
  run.signal.throwIfAborted();
  const spent = performance.now() - started;
  const cpu = processorSeconds() - busyBefore;
  return { ...frequency(n, spent), errs, cpu, ...losses(run.stack) };
}

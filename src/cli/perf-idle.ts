// `wasmtcp perf idle-listen` and `perf idle`: connections that are held and do nothing, what each costs, and that each still works at the end.
// The steps are exported for test/long/idle-connections.test.ts, which looks at the stacks between them.
import type { Connection } from "../index.ts";
import { each, memory } from "./perf-memory.ts";
import { connectSoon, finish, listen, losses, type PerfRun, type PerfTarget, round } from "./perf-report.ts";

/** A port has about 28,000 ephemeral ports to be reached from; so many of them are used. */
const CONNECTIONS_PER_PORT = 25_000;
const AT_A_TIME = 64;
const BACKLOG = 4096;

/** Accepts `n` connections, echoes what comes on each and prints when all have ended. */
export async function idleListen(run: PerfRun, port: number, n: number): Promise<object> {
  const before = memory();
  const held = await acceptAll(run, port, n);
  const costs = each(before, memory(), n);
  process.stderr.write(`wasmtcp: holding ${n} connections\n`);
  await answerAll(held);
  return { n, ...costs, ...losses(run.stack) };
}

/** Makes `n` connections, then echoes one byte on each; the other end is `idleListen`. */
export async function idle(run: PerfRun, target: PerfTarget, n: number): Promise<object> {
  const before = memory();
  const started = performance.now();
  const held = await connectAll(run, target, n);
  const secs = round((performance.now() - started) / 1000, 3);
  const costs = each(before, memory(), n);
  const echoed = await echoAll(held);
  await finishAll(held);
  return { open: held.length, echoed, secs, ...costs, ...losses(run.stack) };
}

/** Accepts `n` connections, on as many ports from `port` on as they need. */
export async function acceptAll({ stack, signal }: PerfRun, port: number, n: number): Promise<Connection[]> {
  const held: Connection[] = [];
  const ports = Math.ceil(n / CONNECTIONS_PER_PORT);
  await Promise.all(
    Array.from({ length: ports }, async (_, index) => {
      const listener = await listen(stack, port + index, BACKLOG);
      for (let left = Math.min(CONNECTIONS_PER_PORT, n - index * CONNECTIONS_PER_PORT); left > 0; left--) {
        held.push(await listener.accept({ signal }));
      }
      listener.close();
    }),
  );
  return held;
}

/** Makes `n` connections to an end that does `acceptAll`. */
export async function connectAll(run: PerfRun, { host, port }: PerfTarget, n: number): Promise<Connection[]> {
  const held: Connection[] = [];
  const indexes = Array.from({ length: n }, (_, index) => index);
  await inParallel(indexes, AT_A_TIME, async (index) => {
    held.push(await connectSoon(run, { host, port: port + Math.floor(index / CONNECTIONS_PER_PORT) }));
  });
  return held;
}

/** Echoes what comes on each, until the other end has finished all. */
export async function answerAll(held: Connection[]): Promise<void> {
  await inParallel(held, held.length, async (connection) => {
    const buffer = new Uint8Array(1);
    while ((await connection.read(buffer)) !== null) await connection.write(buffer);
    await connection.close();
  });
}

/** Sends a byte on each and waits until it comes back. @returns how many did */
export async function echoAll(held: Connection[]): Promise<number> {
  let echoed = 0;
  const indexes = held.map((_, index) => index);
  await inParallel(indexes, AT_A_TIME, async (index) => {
    const connection = held[index]!;
    await connection.write(Uint8Array.of(index & 255));
    const answer = new Uint8Array(1);
    if ((await connection.read(answer)) === 1 && answer[0] === (index & 255)) echoed++;
  });
  return echoed;
}

/** Ends each in order. */
export function finishAll(held: Connection[]): Promise<void> {
  return inParallel(held, AT_A_TIME, finish);
}

/** Calls `body` for each, `most` at a time. */
async function inParallel<T>(all: readonly T[], most: number, body: (one: T) => Promise<void>): Promise<void> {
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < all.length) await body(all[next++]!);
  };
  await Promise.all(Array.from({ length: Math.min(most, all.length) }, worker));
}

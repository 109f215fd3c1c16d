// `wasmtcp perf idle-listen` and `perf idle`: connections that are held and do nothing, what each costs, and that each still works at the end.
import type { Connection } from "../index.ts";
import { each, memory } from "./perf-memory.ts";
import { connectSoon, finish, listen, losses, type PerfRun, type PerfTarget, round } from "./perf-report.ts";

/** A port has about 28,000 ephemeral ports to be reached from; so many of them are used. */
const CONNECTIONS_PER_PORT = 25_000;
const AT_A_TIME = 64;
const BACKLOG = 4096;
const PROBE = 0x55;

/** Accepts `n` connections, echoes one byte on each and prints when all have ended. */
export async function idleListen({ stack, signal }: PerfRun, port: number, n: number): Promise<object> {
  const before = memory();
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
  const costs = each(before, memory(), n);
  process.stderr.write(`wasmtcp: holding ${n} connections\n`);
  const buffer = new Uint8Array(1);
  await inParallel(held, n, async (connection) => {
    while ((await connection.read(buffer)) !== null) await connection.write(buffer);
    await connection.close();
  });
  return { n, ...costs, ...losses(stack) };
}

/** Makes `n` connections, then echoes one byte on each; the other end is `idleListen`. */
export async function idle(run: PerfRun, target: PerfTarget, n: number): Promise<object> {
  const before = memory();
  const held: Connection[] = [];
  const started = performance.now();
  let next = 0;
  const connect = async (): Promise<void> => {
    while (next < n) {
      const port = target.port + Math.floor(next++ / CONNECTIONS_PER_PORT);
      held.push(await connectSoon(run, { host: target.host, port }));
    }
  };
  await Promise.all(Array.from({ length: Math.min(AT_A_TIME, n) }, connect));
  const secs = round((performance.now() - started) / 1000, 3);
  const costs = each(before, memory(), n);
  let echoed = 0;
  await inParallel(held, AT_A_TIME, async (connection) => {
    await connection.write(Uint8Array.of(PROBE));
    const answer = new Uint8Array(1);
    if ((await connection.read(answer)) === 1 && answer[0] === PROBE) echoed++;
    await finish(connection);
  });
  return { open: held.length, echoed, secs, ...costs, ...losses(run.stack) };
}

/** Calls `body` for each, `most` at a time. */
async function inParallel(all: Connection[], most: number, body: (one: Connection) => Promise<void>): Promise<void> {
  let next = 0;
  const worker = async (): Promise<void> => {
    for (let one = all[next++]; one !== undefined; one = all[next++]) await body(one);
  };
  await Promise.all(Array.from({ length: Math.min(most, all.length) }, worker));
}

// What the measuring commands share: processor time, the stack's own losses, percentiles, and a connection to an end that may not listen yet.
import { setTimeout as sleep } from "node:timers/promises";
import type { Connection, Listener, Stack } from "../index.ts";

/** What a measurement is given. */
export type PerfRun = { stack: Stack; signal: AbortSignal };
/** The other end. */
export type PerfTarget = { host: string; port: number };

/** How often and how long apart a connection is tried while nobody listens. */
const ATTEMPTS = 100;
const RETRY_MS = 20;
const NOT_YET = new Set(["ECONNREFUSED", "EHOSTUNREACH"]);

/** Processor seconds of the process, all threads, user and system. */
export function processorSeconds(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}

/** Segments that the stack sent again, and frames that were lost in front of it. */
export function losses(stack: Stack): { retrans: number; drops: number } {
  const { counters, interfaces } = stack.stats();
  return {
    retrans: counters.tcpRetransSegs ?? 0,
    drops: interfaces.reduce((sum, one) => sum + one.linkDrops + one.linkErrors, 0),
  };
}

/** Bytes and milliseconds as `bytes`, `secs`, `gbps`. */
export function throughput(bytes: number, ms: number): { bytes: number; secs: number; gbps: number } {
  const secs = round(ms / 1000, 6);
  return { bytes, secs, gbps: ms > 0 ? round((bytes * 8) / ms / 1e6, 4) : 0 };
}

/** A number and milliseconds as `n`, `secs`, `rate`. */
export function frequency(n: number, ms: number): { n: number; secs: number; rate: number } {
  return { n, secs: round(ms / 1000, 4), rate: ms > 0 ? round((n * 1000) / ms, 1) : 0 };
}

/** Rounds to so many decimal places. */
export function round(value: number, places: number): number {
  return Number(value.toFixed(places));
}

/** Listens and says so on standard error, for whoever starts the other end. */
export async function listen(stack: Stack, port: number, backlog?: number): Promise<Listener> {
  const listener = await stack.listen({ port, noDelay: true, ...(backlog !== undefined && { backlog }) });
  process.stderr.write(`wasmtcp: listening on port ${port}\n`);
  return listener;
}

/** Connects; while the other end is not there yet it tries again, for two seconds or so. */
export async function connectSoon({ stack, signal }: PerfRun, { host, port }: PerfTarget): Promise<Connection> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await stack.connect({ hostname: host, port, noDelay: true, signal });
    } catch (error) {
      if (attempt === ATTEMPTS || !NOT_YET.has((error as { code?: string }).code ?? "")) throw error;
    }
    await sleep(RETRY_MS, undefined, { signal });
  }
}

/** Ends a connection and waits for the peer's end too: a stack that closes before it would reset the peer, which may not have read its end yet. */
export async function finish(connection: Connection): Promise<void> {
  await connection.closeWrite();
  const rest = new Uint8Array(64);
  while ((await connection.read(rest)) !== null);
  await connection.close();
}

// Two stacks joined by a memory link, for tests of the API with the real core (dist/wasmtcp.wasm), in workers or, with
// WASMTCP_THREAD=caller in the environment, on the thread of the tests.

import { setTimeout as sleep } from "node:timers/promises";
import * as assert from "uvu/assert";
import type { Connection } from "../../src/connection.ts";
import { createStack } from "../../src/create-stack.ts";
import { emulatedLink } from "../../src/links/emulated.ts";
import type { Impairments } from "../../src/links/impairment-options.ts";
import type { Link } from "../../src/links/link.ts";
import { memoryLinkPair } from "../../src/links/memory-link.ts";
import type { StackOptions } from "../../src/options.ts";
import type { Stack } from "../../src/stack-api.ts";
import type { Sysctl } from "../../src/sysctl.ts";

export const CLIENT = "10.1.0.1";
export const SERVER = "10.1.0.2";

/** Where the stacks of the tests run. */
export const THREAD = process.env.WASMTCP_THREAD === "caller" ? "caller" : "worker";

/** `createStack` in that place, unless the options say where. */
export function startStack(options: StackOptions): Promise<Stack> {
  return createStack({ thread: THREAD, ...options });
}

export type StackPair = AsyncDisposable & { client: Stack; server: Stack };

/** Starts both; `impairments` apply each way. */
export async function stackPair(
  options: { impairments?: Impairments; sysctl?: Partial<Sysctl>; mtu?: number } = {},
): Promise<StackPair> {
  const { impairments, sysctl = {}, mtu } = options;
  const [left, right] = memoryLinkPair({ mtu });
  const wrap = (link: Link, seed: number): Link =>
    impairments === undefined ? link : emulatedLink(link, { ...impairments, seed });
  const [client, server] = await Promise.all([
    startStack({ interfaces: [{ link: wrap(left, 1), address: `${CLIENT}/24` }], sysctl }),
    startStack({ interfaces: [{ link: wrap(right, 2), address: `${SERVER}/24` }], sysctl }),
  ]);
  return {
    client,
    server,
    async [Symbol.asyncDispose]() {
      await Promise.all([client.close({ lingerMs: 0 }), server.close({ lingerMs: 0 })]);
    },
  };
}

/** A connection of a pair, from both ends. */
export async function connected(
  { client, server }: StackPair,
  port = 7,
): Promise<{ ours: Connection; theirs: Connection }> {
  await using listener = await server.listen({ port });
  const [ours, theirs] = await Promise.all([client.connect({ hostname: SERVER, port }), listener.accept()]);
  return { ours, theirs };
}

/** Reads exactly `length` bytes. */
export async function readExactly(connection: Connection, length: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(length);
  let filled = 0;
  while (filled < length) {
    const count = await connection.read(bytes.subarray(filled));
    if (count === null) throw new Error(`the peer ended after ${filled} of ${length} bytes`);
    filled += count;
  }
  return bytes;
}

/** Sends everything back until the peer ends, then ends too. */
export async function echo(connection: Connection): Promise<void> {
  const buffer = new Uint8Array(65536);
  for (let count = await connection.read(buffer); count !== null; count = await connection.read(buffer)) {
    await connection.write(buffer.subarray(0, count));
  }
  await connection.close();
}

/** The error a promise is rejected with. */
export async function rejection(
  promise: Promise<unknown>,
): Promise<NodeJS.ErrnoException & { address?: string; port?: number }> {
  try {
    await promise;
  } catch (error) {
    return error as Error;
  }
  throw new Error("the promise was not rejected");
}

/** Fails unless the last TCB is gone within a second: what main gives back arrives at the core a moment later. */
export async function assertNoTcbs(stack: Stack): Promise<void> {
  let { tcbs } = await stack.usage();
  for (let tries = 0; tries < 100 && tcbs > 0; tries++) {
    await sleep(10);
    ({ tcbs } = await stack.usage());
  }
  assert.is(tcbs, 0);
}

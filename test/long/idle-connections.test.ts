// Ten thousand connections (WASMTCP_IDLE_CONNECTIONS: any number) held for real between two stacks: each established, idle without rings, then a byte echoed on each.
import { setTimeout as sleep } from "node:timers/promises";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import type { Connection } from "../../src/connection.ts";
import type { Listener } from "../../src/listener.ts";
import { SERVER, stackPair } from "../support/stack-pair.ts";

const COUNT = Number(process.env.WASMTCP_IDLE_CONNECTIONS ?? 10_000);
/** One port takes as many connections from one address as there are ephemeral ports. */
const PER_PORT = 25_000;
const IN_FLIGHT = 64;

const idle = suite("long/idle-connections");

/** Calls `one` for 0..COUNT-1, so many at a time. */
async function inTurn(one: (index: number) => Promise<void>): Promise<void> {
  let next = 0;
  const run = async (): Promise<void> => {
    while (next < COUNT) await one(next++);
  };
  await Promise.all(Array.from({ length: IN_FLIGHT }, run));
}

async function acceptAll(listener: Listener, accepted: Connection[]): Promise<void> {
  for await (const connection of listener) accepted.push(connection);
}

idle(`${COUNT} connections are held, cost no heap while they idle, and echo a byte each`, async () => {
  await using pair = await stackPair();
  const before = [await pair.client.usage(), await pair.server.usage()];
  const ports = Array.from({ length: Math.ceil(COUNT / PER_PORT) }, (_, index) => 7000 + index);
  const listeners = await Promise.all(ports.map((port) => pair.server.listen({ port, backlog: 4096 })));
  const accepted: Connection[] = [];
  const accepting = listeners.map((listener) => acceptAll(listener, accepted));
  const connections: Connection[] = [];
  await inTurn(async (index) => {
    connections.push(await pair.client.connect({ hostname: SERVER, port: ports[index % ports.length]! }));
  });
  while (accepted.length < COUNT) await sleep(1);
  assert.is((await pair.client.usage()).tcbs, COUNT);
  assert.is((await pair.server.usage()).heapBytes, before[1]!.heapBytes);

  const served = accepted.map(async (connection) => {
    const byte = new Uint8Array(1);
    assert.is(await connection.read(byte), 1);
    await connection.write(byte);
  });
  await inTurn(async (index) => {
    const connection = connections[index]!;
    const back = new Uint8Array(1);
    await connection.write(Uint8Array.of(index & 255));
    assert.is(await connection.read(back), 1);
    assert.is(back[0], index & 255);
  });
  await Promise.all(served);
  for (const [side, stack] of [pair.client, pair.server].entries()) {
    const heapOf = async (): Promise<number> => (await stack.usage()).heapBytes;
    for (let tries = 0; tries < 300 && (await heapOf()) !== before[side]!.heapBytes; tries++) await sleep(20);
    assert.is(await heapOf(), before[side]!.heapBytes, "their rings went back");
    assert.is(stack.stats().counters.tcpRetransSegs, 0);
  }
  for (const listener of listeners) await listener.close();
  await Promise.all(accepting);
});

idle.run();

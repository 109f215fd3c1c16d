// Ten thousand connections (WASMTCP_IDLE_CONNECTIONS: any number) held for real between two stacks, by the steps of `wasmtcp perf idle`: each
// established, idle without rings, then a byte echoed on each.
import { setTimeout as sleep } from "node:timers/promises";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { acceptAll, answerAll, connectAll, echoAll, finishAll } from "../../src/cli/perf-idle.ts";
import { SERVER, stackPair } from "../support/stack-pair.ts";

const COUNT = Number(process.env.WASMTCP_IDLE_CONNECTIONS ?? 10_000);
const PORT = 7000;

const idle = suite("long/idle-connections");

idle(`${COUNT} connections are held, cost no heap while they idle, and echo a byte each`, async () => {
  await using pair = await stackPair();
  const { signal } = new AbortController();
  const before = [await pair.client.usage(), await pair.server.usage()];
  const [connections, accepted] = await Promise.all([
    connectAll({ stack: pair.client, signal }, { host: SERVER, port: PORT }, COUNT),
    acceptAll({ stack: pair.server, signal }, PORT, COUNT),
  ]);
  assert.is((await pair.client.usage()).tcbs, COUNT);
  assert.is((await pair.server.usage()).heapBytes, before[1]!.heapBytes);

  const answering = answerAll(accepted);
  answering.catch(() => {}); // looked at below; if something fails before, it ends with the stacks
  assert.is(await echoAll(connections), COUNT);
  for (const [side, stack] of [pair.client, pair.server].entries()) {
    const heapOf = async (): Promise<number> => (await stack.usage()).heapBytes;
    for (let tries = 0; tries < 300 && (await heapOf()) !== before[side]!.heapBytes; tries++) await sleep(20);
    assert.is(await heapOf(), before[side]!.heapBytes, "their rings went back");
    assert.is(stack.stats().counters.tcpRetransSegs, 0);
  }
  await finishAll(connections);
  await answering;
});

idle.run();

// Stacks on the caller's thread (`thread: 'caller'`): what is different from a worker, and beside one.
import { setTimeout as sleep } from "node:timers/promises";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { createStack } from "../../src/create-stack.ts";
import { memoryLinkPair } from "../../src/links/memory-link.ts";
import type { StackOptions } from "../../src/options.ts";
import { internalsOf } from "../../src/stack.ts";
import { CLIENT, connected, echo, readExactly, SERVER, type StackPair } from "../support/stack-pair.ts";

type Thread = StackOptions["thread"];

async function pairOf(clientThread: Thread, serverThread: Thread): Promise<StackPair> {
  const [left, right] = memoryLinkPair();
  const [client, server] = await Promise.all([
    createStack({ thread: clientThread, interfaces: [{ link: left, address: `${CLIENT}/24` }] }),
    createStack({ thread: serverThread, interfaces: [{ link: right, address: `${SERVER}/24` }] }),
  ]);
  return {
    client,
    server,
    async [Symbol.asyncDispose]() {
      await Promise.all([client.close({ lingerMs: 0 }), server.close({ lingerMs: 0 })]);
    },
  };
}

const caller = suite("src/caller");

const mixtures: [Thread, Thread][] = [
  ["caller", "caller"],
  ["caller", "worker"],
  ["worker", "caller"],
];
for (const [client, server] of mixtures) {
  caller(`a ${client} and a ${server} echo bytes over a memory link, large and small`, async () => {
    await using pair = await pairOf(client, server);
    const { ours, theirs } = await connected(pair);
    const served = echo(theirs);
    const bytes = Uint8Array.from({ length: 3_000_000 }, (_, i) => (i * 7) >> 3);
    const [, answer] = await Promise.all([ours.write(bytes), readExactly(ours, bytes.length)]);
    assert.ok(Buffer.from(answer.buffer).equals(bytes));
    for (let i = 0; i < 200; i++) {
      await ours.write(Uint8Array.of(i));
      assert.is((await readExactly(ours, 1))[0], i);
    }
    await ours.close();
    await served;
  });
}

caller("has no thread of its own", async () => {
  await using pair = await pairOf("caller", "worker");
  assert.is(internalsOf(pair.client).host.thread, undefined);
  assert.ok(internalsOf(pair.server).host.thread);
});

caller("lets timers and other callbacks run under a caller who does nothing but write and read", async () => {
  await using pair = await pairOf("caller", "caller");
  const { ours, theirs } = await connected(pair);
  let over = false;
  const timer = sleep(20).then(() => {
    over = true;
  });
  const chunk = new Uint8Array(65536);
  const writing = (async () => {
    while (!over) await ours.write(chunk);
    await ours.closeWrite();
  })();
  const buffer = new Uint8Array(65536);
  let total = 0;
  for (let count = await theirs.read(buffer); count !== null; count = await theirs.read(buffer)) total += count;
  await Promise.all([writing, timer]);
  assert.ok(total > 0);
});

caller("sends what one tick wrote in as few segments as if it were one write", async () => {
  await using pair = await pairOf("caller", "caller");
  const { ours, theirs } = await connected(pair);
  await ours.setOptions({ noDelay: true });
  const before = ours.info().segsOut;
  await Promise.all(Array.from({ length: 10 }, (_, i) => ours.write(new Uint8Array(100).fill(i))));
  assert.is((await readExactly(theirs, 1000)).at(-1), 9);
  assert.ok(ours.info().segsOut - before <= 2, `${ours.info().segsOut - before} segments`);
});

caller.run();

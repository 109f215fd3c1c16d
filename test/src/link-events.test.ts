// What a stack tells of its interfaces, over a cable in memory: its link is up while somebody is plugged in at the other end.
import { once } from "node:events";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import type { LinkEvent } from "../../src/interface-news.ts";
import { emulatedLink } from "../../src/links/emulated.ts";
import { memoryLinkPair } from "../../src/links/memory-link.ts";
import { internalsOf } from "../../src/stack.ts";
import type { Stack } from "../../src/stack-api.ts";
import { CLIENT, connected, rejection, SERVER, stackPair, startStack, THREAD } from "../support/stack-pair.ts";

const test = suite("src/link-events");

/** The next event of a link. A stack that nobody waits for does not keep the process alive, so this does. */
const nextLink = (stack: Stack) =>
  new Promise<LinkEvent>((resolve, reject) => {
    const late = setTimeout(() => reject(new Error("no event in 20 s")), 20_000);
    const listener = (event: LinkEvent): void => {
      clearTimeout(late);
      stack.off("link", listener);
      resolve(event);
    };
    stack.on("link", listener);
  });

const stateOf = (stack: Stack) => stack.stats().interfaces[1]!;

test("a link is down until somebody plugs in, up while he is there, and down when he has gone", async () => {
  const [left, right] = memoryLinkPair();
  await using client = await startStack({ interfaces: [{ link: left, address: `${CLIENT}/24`, name: "cable" }] });
  assert.is(stateOf(client).state, "down");
  const error = await rejection(client.connect({ hostname: SERVER, port: 7 }));
  assert.is(error.code, "ENETDOWN");
  assert.is(error.message, `connect ENETDOWN ${SERVER}:7: interface cable is down`);
  for (let round = 1; round <= 2; round++) {
    const up = nextLink(client);
    const server = await startStack({ interfaces: [{ link: right, address: `${SERVER}/24` }] });
    assert.equal(await up, { interface: "cable", state: "up", mtu: 1500 });
    assert.is(stateOf(server).state, "up");
    const { ours } = await connected({ client, server, [Symbol.asyncDispose]: async () => {} });
    ours.abort();
    const down = nextLink(client);
    await server.close();
    assert.equal(await down, { interface: "cable", state: "down", mtu: 1500 });
    assert.is(stateOf(client).state, "down");
    assert.is(stateOf(client).carrierChanges, 2 * round);
  }
});

test("what was sent before the other end left still arrives", async () => {
  await using pair = await stackPair();
  const { ours } = await connected(pair);
  const down = nextLink(pair.client);
  await pair.server.close({ lingerMs: 0 });
  assert.is((await rejection(ours.read(new Uint8Array(10)))).code, "ECONNRESET");
  assert.is((await down).state, "down");
});

if (THREAD === "worker") {
  test("a stack that crashes takes its plug out", async () => {
    for (const isEmulated of [false, true]) {
      const [left, right] = memoryLinkPair();
      const link = isEmulated ? emulatedLink(left, { delayMs: 1 }) : left;
      await using client = await startStack({ interfaces: [{ link, address: `${CLIENT}/24` }] });
      const up = nextLink(client);
      await using server = await startStack({ interfaces: [{ link: right, address: `${SERVER}/24` }] });
      await up;
      const down = nextLink(client);
      const thread = internalsOf(server).host.thread!;
      const exited = once(thread, "exit");
      await thread.terminate();
      await exited;
      assert.is((await down).state, "down");
    }
  });
}

test("connections that wait for a link end with their stack, nothing pending", async () => {
  const pair = await stackPair();
  const { ours } = await connected(pair);
  const down = nextLink(pair.client);
  await pair.server.close({ lingerMs: 0 });
  await down;
  const reading = ours.read(new Uint8Array(10)).catch((error: Error) => error);
  await pair.client.close({ lingerMs: 0 });
  await pair[Symbol.asyncDispose]();
  await reading;
});

test("an event that there is none of is refused, with the names that there are", async () => {
  await using pair = await stackPair();
  assert.throws(() => pair.client.on("links" as "link", () => {}), /`state`, `link`, `mtu`, `neighbor` or `conflict`/);
  assert.throws(() => pair.client.on("link", 5 as never), /`listener` to be a function/);
});

test.run();

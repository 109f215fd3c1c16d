// How connections and stacks end when the peer's stack is gone before this end has closed: what was complete stays complete. RFC 9293
// 3.6 and 3.10.7.4 (RST in CLOSE-WAIT and LAST-ACK).
import { setTimeout as sleep } from "node:timers/promises";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import type { Connection } from "../../src/connection.ts";
import { memoryLinkPair } from "../../src/links/memory-link.ts";
import { internalsOf } from "../../src/stack.ts";
import { CLIENT, connected, rejection, SERVER, type StackPair, stackPair, startStack } from "../support/stack-pair.ts";

const endings = suite("src/endings");
const BYTES = Uint8Array.of(1, 2, 3, 4, 5);

/** Waits until the core has ended the connection, whatever main knows of it. */
async function untilClosed(connection: Connection): Promise<void> {
  for (let tries = 0; tries < 1000 && connection.info().state !== "CLOSED"; tries++) await sleep(5);
  assert.is(connection.info().state, "CLOSED");
}

/** The server's end of a connection: its bytes are read, and the peer has ended. */
async function endedByPeer(pair: StackPair): Promise<Connection> {
  const { ours, theirs } = await connected(pair);
  await theirs.write(BYTES);
  await ours.read(new Uint8Array(64));
  await ours.close();
  assert.is(await theirs.read(new Uint8Array(64)), null);
  return theirs;
}

endings("reads to the end what a peer sent that ended, though its stack is gone", async () => {
  await using pair = await stackPair();
  const { ours, theirs } = await connected(pair);
  await ours.write(BYTES);
  await ours.close();
  await pair.client.close({ lingerMs: 0 });
  assert.is((await rejection(theirs.closed)).code, "ECONNRESET");
  const buffer = new Uint8Array(64);
  assert.is(await theirs.read(buffer), BYTES.length);
  assert.is(await theirs.read(buffer), null);
  assert.is(await theirs.read(buffer), null);
});

endings("closes in order towards a peer that ended, has everything, and whose stack is gone", async () => {
  await using pair = await stackPair();
  const theirs = await endedByPeer(pair);
  // Main learns of the reset only after it has begun to close
  const { pump } = internalsOf(pair.server);
  pump.stop();
  await pair.client.close();
  await untilClosed(theirs);
  const closing = theirs.close();
  pump.start();
  await closing;
  await theirs.closed;
});

endings("tells that the connection was lost if the peer that ended and is gone had not everything", async () => {
  await using pair = await stackPair({ impairments: { delayMs: 20 } });
  const theirs = await endedByPeer(pair);
  const { pump } = internalsOf(pair.server);
  pump.stop();
  const stopped = pair.client.close({ lingerMs: 0 });
  await theirs.write(BYTES);
  const closing = theirs.close();
  await stopped;
  await untilClosed(theirs);
  pump.start();
  assert.is((await rejection(closing)).code, "ECONNRESET");
});

endings("a stack that closes waits for the last FIN of peers that answer ours: no reset [RFC 9293 3.6]", async () => {
  await using pair = await stackPair({ impairments: { delayMs: 10 } });
  const { ours, theirs } = await connected(pair);
  const served = (async () => {
    assert.is(await theirs.read(new Uint8Array(64)), null);
    await theirs.close();
  })();
  await ours.close();
  await pair.client.close();
  await served;
  assert.is(pair.client.stats().counters.tcpOutRsts, 0);
  assert.is(pair.server.stats().counters.tcpEstabResets, 0);
});

endings("what is asked of a core that has been told to stop is answered or refused, not left open", async () => {
  await using pair = await stackPair({ impairments: { delayMs: 5 } });
  const { host } = internalsOf(pair.client);
  const stopped = host.stop();
  const asked = host.call((control) => control.usage());
  // A worker may look at its messages once more before it ends.
  const outcome = await asked.then(
    () => "answered",
    (error: NodeJS.ErrnoException) => error.code,
  );
  assert.ok(["answered", "ERR_STACK_CLOSED"].includes(outcome!), outcome);
  await stopped;
  assert.is((await rejection(host.call((control) => control.usage()))).code, "ERR_STACK_CLOSED");
});

endings("a stack that is plugged in while the one at the other end closes starts all the same", async () => {
  const [left, right] = memoryLinkPair();
  const first = await startStack({ interfaces: [{ link: left, address: `${CLIENT}/24` }] });
  const starting = startStack({ interfaces: [{ link: right, address: `${SERVER}/24` }] });
  await first.close();
  await using second = await starting;
  assert.is((await second.usage()).tcbs, 0);
});

endings.run();

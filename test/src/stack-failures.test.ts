// The API over two stacks: what fails, with which code, and that nothing stays pending. Workers are killed and cores made to trap.
import { randomBytes } from "node:crypto";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { TCB_BYTES, TCB_RCV_RING, TCB_SHARED_BYTES } from "../../assembly/layout.ts";
import type { Connection } from "../../src/connection.ts";
import { NetstackError, StackCrashedError } from "../../src/errors.ts";
import { memoryLinkPair } from "../../src/links/memory-link.ts";
import { internalsOf } from "../../src/stack.ts";
import { TcpSocket } from "../../src/tcp-socket.ts";
import {
  assertNoTcbs,
  CLIENT,
  connected,
  readExactly,
  rejection,
  SERVER,
  type StackPair,
  stackPair,
  startStack,
  THREAD,
} from "../support/stack-pair.ts";

const failures = suite("src/stack-failures");

failures("refuses a connection to a port where nobody listens [9293 3.5.2]", async () => {
  await using pair = await stackPair();
  const error = await rejection(pair.client.connect({ hostname: SERVER, port: 9 }));
  assert.instance(error, NetstackError);
  assert.equal(
    [error.code, error.errno, error.syscall, error.address, error.port],
    ["ECONNREFUSED", -111, "connect", SERVER, 9],
  );
  await assertNoTcbs(pair.client);
});

failures("cannot reach an address that nobody has, or that no route leads to", async () => {
  await using pair = await stackPair({ sysctl: { retrans_time_ms: 20 } });
  assert.is((await rejection(pair.client.connect({ hostname: "10.1.0.77", port: 9 }))).code, "EHOSTUNREACH");
  assert.is((await rejection(pair.client.connect({ hostname: "8.8.8.8", port: 9 }))).code, "ENETUNREACH");
  assert.is((await rejection(pair.client.connect({ hostname: "some.name", port: 9 }))).code, "ENOTFOUND");
});

failures("times out after the time that was asked for, and not before", async () => {
  await using pair = await stackPair({ impairments: { loss: 1 } });
  const started = performance.now();
  const error = await rejection(pair.client.connect({ hostname: SERVER, port: 9, timeoutMs: 150 }));
  assert.is(error.code, "ETIMEDOUT");
  assert.ok(performance.now() - started >= 149);
});

failures("stops connecting at once when the signal says so, before and after the handshake began", async () => {
  await using pair = await stackPair({ impairments: { loss: 1 } });
  const reason = new Error("enough");
  const early = await rejection(pair.client.connect({ hostname: SERVER, port: 9, signal: AbortSignal.abort(reason) }));
  assert.equal([early.name, early.code, early.cause], ["AbortError", "ABORT_ERR", reason]);
  const controller = new AbortController();
  const attempt = rejection(pair.client.connect({ hostname: SERVER, port: 9, signal: controller.signal }));
  await pair.client.usage();
  controller.abort(reason);
  assert.is((await attempt).name, "AbortError");
  await assertNoTcbs(pair.client);
});

failures("refuses a port that is in use, and an address that is not the stack's", async () => {
  await using pair = await stackPair();
  await using listener = await pair.server.listen({ port: 80 });
  assert.is(listener.addr.port, 80);
  const error = await rejection(pair.server.listen({ port: 80 }));
  assert.equal([error.code, error.syscall, error.port], ["EADDRINUSE", "listen", 80]);
  assert.is((await rejection(pair.server.listen({ port: 81, hostname: CLIENT }))).code, "EADDRNOTAVAIL");
  await listener.close();
  await (await pair.server.listen({ port: 80 })).close();
});

failures("ends accept by signal and by close", async () => {
  await using pair = await stackPair();
  const listener = await pair.server.listen({ port: 80 });
  const controller = new AbortController();
  const cancelled = rejection(listener.accept({ signal: controller.signal }));
  for (const wrong of [null, { signal: 1 }]) {
    assert.is((await rejection(listener.accept(wrong as never))).code, "ERR_INVALID_ARG_TYPE");
  }
  const closed = rejection(listener.accept());
  controller.abort();
  assert.is((await cancelled).name, "AbortError");
  await listener.close();
  assert.is((await closed).code, "ERR_SOCKET_CLOSED");
  assert.is((await rejection(listener.accept())).code, "ERR_SOCKET_CLOSED");
});

failures("resets connections that nobody accepted when the listener closes", async () => {
  await using pair = await stackPair();
  const listener = await pair.server.listen({ port: 80 });
  const connection = await pair.client.connect({ hostname: SERVER, port: 80 });
  const lost = rejection(connection.closed);
  await listener.close();
  assert.is((await lost).code, "ECONNRESET");
  await assertNoTcbs(pair.server);
});

failures("delivers what arrived before a reset, then the reset", async () => {
  await using pair = await stackPair();
  const { ours, theirs } = await connected(pair);
  await ours.write(Uint8Array.of(1, 2, 3));
  while ((await theirs.info()).rcvQueuedBytes < 3) await pair.server.usage();
  ours.abort();
  assert.is((await rejection(ours.closed)).code, "ECONNABORTED");
  assert.is((await rejection(theirs.closed)).code, "ECONNRESET");
  assert.equal([...(await readExactly(theirs, 3))], [1, 2, 3]);
  assert.is((await rejection(theirs.read(new Uint8Array(1)))).code, "ECONNRESET");
  assert.is((await rejection(theirs.write(new Uint8Array(1)))).code, "ECONNRESET");
  await assertNoTcbs(pair.server);
});

failures("rejects everything pending with the reason of an abort", async () => {
  await using pair = await stackPair();
  const { ours, theirs } = await connected(pair);
  const reason = new Error("changed my mind");
  const pending = [
    ours.read(new Uint8Array(1)),
    ours.write(new Uint8Array(50_000_000)),
    ours.closeWrite(),
    ours.closed,
    ours.receiveFile("/dev/null"),
  ].map(rejection);
  await pair.client.usage();
  ours.abort(reason);
  for (const error of await Promise.all(pending)) assert.is(error, reason);
  assert.is((await rejection(theirs.closed)).code, "ECONNRESET");
});

failures("closes with a reset when unread bytes are discarded [9293 3.6.1, 1122 4.2.2.13]", async () => {
  await using pair = await stackPair();
  const { ours, theirs } = await connected(pair);
  await ours.write(new Uint8Array(1000));
  while (theirs.info().rcvQueuedBytes === 0) await pair.server.usage();
  await theirs.close();
  assert.is((await rejection(ours.closed)).code, "ECONNRESET");
  assert.is((await rejection(theirs.read(new Uint8Array(1)))).code, "ERR_SOCKET_CLOSED");
});

failures("resets what is not done after the linger time, and rejects what waits", async () => {
  const pair = await stackPair();
  const { ours, theirs } = await connected(pair);
  const listener = await pair.client.listen({ port: 99 });
  const pending = [
    ours.write(new Uint8Array(50_000_000)), // nobody reads it
    listener.accept(),
    pair.client
      .ping(SERVER, { intervalMs: 10_000 })
      [Symbol.asyncIterator]()
      .next()
      .then(() => rejection(Promise.resolve())),
  ].map(rejection);
  await pair.client.close({ lingerMs: 30 });
  for (const error of await Promise.all(pending)) assert.ok(error instanceof Error);
  assert.is((await rejection(theirs.closed)).code, "ECONNRESET");
  for (const call of [
    pair.client.connect({ hostname: SERVER, port: 1 }),
    pair.client.listen({ port: 1 }),
    pair.client.usage(),
  ]) {
    assert.is((await rejection(call)).code, "ERR_STACK_CLOSED");
  }
  await pair.client.close();
  await pair.server.close({ lingerMs: 0 });
});

failures("refuses a second stack at one end of a memory link, and can take a free end again", async () => {
  const [left] = memoryLinkPair();
  const options = { interfaces: [{ link: left, address: `${CLIENT}/24` }] };
  const first = await startStack(options);
  assert.is((await rejection(startStack(options))).code, "EBUSY");
  await first.close();
  await (await startStack(options)).close();
});

failures(
  "fails a connect at once when the stack at the other end is gone, and does not hold up the connections there are",
  async () => {
    await using pair = await stackPair();
    const { ours } = await connected(pair);
    await pair.server.close({ lingerMs: 0 });
    const error = await rejection(pair.client.connect({ hostname: SERVER, port: 1 }));
    assert.is(error.code, "ENETDOWN");
    assert.match(error.message, /interface \S+ is down/);
    ours.abort();
  },
);

/** Everything that can wait for a stack, at work. */
async function busy(
  pair: StackPair,
): Promise<{ pending: Promise<NodeJS.ErrnoException>[]; ours: Connection; theirs: Connection }> {
  const { ours, theirs } = await connected(pair);
  const listener = await pair.client.listen({ port: 99 });
  const quiet = (await connected(pair)).ours;
  const pending = [
    quiet.read(new Uint8Array(1)),
    ours.write(randomBytes(50_000_000)),
    ours.closed,
    ours.receiveFile("/dev/null"),
    listener.accept(),
    pair.client.connect({ hostname: "10.1.0.200", port: 1 }),
    pair.client.ping("10.1.0.200", { timeoutMs: 60_000 })[Symbol.asyncIterator]().next(),
  ].map(rejection);
  await readExactly(theirs, 100_000); // the transfer is under way
  return { pending, ours, theirs };
}

async function assertCrashed(pair: StackPair, pending: Promise<NodeJS.ErrnoException>[], words: RegExp): Promise<void> {
  for (const error of await Promise.all(pending)) {
    assert.instance(error, StackCrashedError);
    assert.is(error.code, "ERR_STACK_CRASHED");
    assert.match(error.message, words);
  }
  for (const call of [
    pair.client.connect({ hostname: SERVER, port: 1 }),
    pair.client.listen({ port: 1 }),
    pair.client.usage(),
    pair.client.ping(SERVER)[Symbol.asyncIterator]().next(),
  ]) {
    assert.is((await rejection(call)).code, "ERR_STACK_CRASHED");
  }
  await pair.client.close();
}

failures("rejects everything when the core traps", async () => {
  await using pair = await stackPair();
  const { pending } = await busy(pair);
  // Bytes that nobody reads: their ring stays where it is, and the core does not touch it meanwhile
  const { ours, theirs } = await connected(pair);
  await theirs.write(new Uint8Array(1000));
  while (ours.info().bytesReceived < 1000) await pair.server.usage();
  // The core's own pointers to receive rings lead out of the memory: the next bytes to arrive are a trap.
  const { views, dispatcher } = internalsOf(pair.client);
  let poisoned = 0;
  for (const socket of dispatcher.sockets) {
    if (!(socket instanceof TcpSocket)) continue;
    const ring = (views.u32[(socket.tcb + TCB_RCV_RING) >>> 2]! & ~255) >>> 0;
    for (let at = socket.tcb + TCB_SHARED_BYTES; ring !== 0 && at < socket.tcb + TCB_BYTES; at += 4) {
      if (views.u32[at >>> 2] !== ring) continue;
      views.u32[at >>> 2] = 0x7f000000;
      poisoned++;
    }
  }
  assert.ok(poisoned > 0);
  await theirs.write(new Uint8Array(1000));
  await assertCrashed(pair, pending, /died: memory access out of bounds/);
});

if (THREAD === "worker") {
  failures("rejects everything when its worker is terminated in mid-transfer", async () => {
    await using pair = await stackPair();
    const { pending } = await busy(pair);
    await internalsOf(pair.client).host.thread!.terminate();
    await assertCrashed(pair, pending, /worker died: .*exited/);
  });

  failures("rejects everything when its worker is terminated while it sleeps", async () => {
    await using pair = await stackPair();
    const { ours } = await connected(pair);
    const pending = [rejection(ours.read(new Uint8Array(1))), rejection(ours.closed)];
    await internalsOf(pair.client).host.thread!.terminate();
    await assertCrashed(pair, pending, /worker died: .*exited/);
  });

  failures("leaves the stack at the other end of the cable alone when it crashes", async () => {
    await using pair = await stackPair();
    await connected(pair);
    await internalsOf(pair.client).host.thread!.terminate();
    assert.is((await rejection(internalsOf(pair.client).host.crashed)).code, "ERR_STACK_CRASHED");
    const [ours, theirs] = await (async () => {
      const listener = await pair.server.listen({ port: 5 });
      return await Promise.all([pair.server.connect({ hostname: "localhost", port: 5 }), listener.accept()]);
    })();
    await ours.write(Uint8Array.of(1));
    assert.is(await theirs.read(new Uint8Array(1)), 1);
  });
}

failures.run();

// The API over two stacks, two workers and a memory link: what works.
import { createHash, randomBytes } from "node:crypto";
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import type { StateEvent } from "../../src/interface-news.ts";
import { captureLink } from "../../src/links/capture.ts";
import { memoryLinkPair } from "../../src/links/memory-link.ts";
import type { PingReply } from "../../src/ping.ts";
import {
  CLIENT,
  connected,
  echo,
  readExactly,
  rejection,
  SERVER,
  stackPair,
  startStack,
} from "../support/stack-pair.ts";

const stack = suite("src/stack");
const folder = mkdtempSync(join(tmpdir(), "wasmtcp-stack-"));
stack.after(() => rmSync(folder, { recursive: true }));

stack("echoes bytes in both directions at once", async () => {
  await using pair = await stackPair();
  const { ours, theirs } = await connected(pair);
  assert.equal(ours.remoteAddr, { transport: "tcp", hostname: SERVER, port: 7 });
  assert.equal(theirs.remoteAddr, ours.localAddr);
  assert.is(ours.localAddr.hostname, CLIENT);
  assert.equal([ours.localAddress, ours.localPort], [theirs.remoteAddress, theirs.remotePort]);
  const served = echo(theirs);
  const bytes = new Uint8Array(randomBytes(3_000_000));
  const [, back] = await Promise.all([ours.write(bytes), readExactly(ours, bytes.length)]);
  assert.ok(Buffer.from(back).equals(bytes));
  await ours.close();
  await served;
  await Promise.all([ours.closed, theirs.closed]);
});

stack("keeps the order of writes and of reads that are not awaited", async () => {
  await using pair = await stackPair();
  const { ours, theirs } = await connected(pair);
  const parts = Array.from({ length: 200 }, (_, index) => new Uint8Array(index * 37).fill(index));
  const reads = parts.map(() => readExactly);
  const writing = Promise.all(parts.map((part) => ours.write(part)));
  for (const [index] of reads.entries()) {
    assert.ok((await readExactly(theirs, parts[index]!.length)).every((byte) => byte === index));
  }
  assert.equal(
    await writing,
    parts.map((part) => part.length),
  );
  const targets = [new Uint8Array(1), new Uint8Array(1), new Uint8Array(1)];
  const reading = Promise.all(targets.map((target) => theirs.read(target)));
  await ours.write(Uint8Array.of(1, 2, 3));
  assert.equal(await reading, [1, 1, 1]);
  assert.equal(
    targets.map((target) => target[0]),
    [1, 2, 3],
  );
});

stack("closes one half while the other goes on", async () => {
  await using pair = await stackPair();
  const { ours, theirs } = await connected(pair);
  await ours.write(Buffer.from("question"));
  await ours.closeWrite();
  assert.is(Buffer.from(await readExactly(theirs, 8)).toString(), "question");
  assert.is(await theirs.read(new Uint8Array(1)), null);
  assert.is(await theirs.read(new Uint8Array(1)), null);
  await theirs.write(Buffer.from("answer"));
  await theirs.close();
  assert.is(Buffer.from(await readExactly(ours, 6)).toString(), "answer");
  assert.is(await ours.read(new Uint8Array(1)), null);
  assert.is((await rejection(ours.write(Uint8Array.of(1)))).code, "EPIPE");
  await ours.close();
  assert.is(ours.info().state, "TIME-WAIT");
});

stack("sends and receives files, whole and in part, with progress", async () => {
  await using pair = await stackPair();
  const source = join(folder, "source.bin");
  const copy = join(folder, "copy.bin");
  const bytes = randomBytes(5_000_001);
  writeFileSync(source, bytes);
  const { ours, theirs } = await connected(pair);
  const progress: number[] = [];
  const receiving = theirs.receiveFile(copy);
  assert.is(await ours.sendFile(source, { onProgress: (done) => progress.push(done) }), bytes.length);
  assert.is(await ours.sendFile(source, { start: 100, end: 150 }), 50);
  await ours.close();
  assert.is(await receiving, bytes.length + 50);
  assert.ok(readFileSync(copy).equals(Buffer.concat([bytes, bytes.subarray(100, 150)])));
  assert.is(progress.at(-1), bytes.length);
  assert.ok(progress.every((done, index) => index === 0 || done > progress[index - 1]!));
  await theirs.close();
});

stack("moves a file exactly over a link that loses, duplicates, reorders and corrupts", async () => {
  const impairments = { loss: 0.01, duplicate: 0.01, reorder: 0.02, corrupt: 0.01, delayMs: 0.2 };
  await using pair = await stackPair({ impairments, sysctl: { tcp_rto_min_us: 20_000 } });
  const source = join(folder, "hard.bin");
  const copy = join(folder, "hard-copy.bin");
  writeFileSync(source, randomBytes(1_000_000));
  const { ours, theirs } = await connected(pair);
  const receiving = theirs.receiveFile(copy);
  await ours.sendFile(source);
  await ours.closeWrite();
  await receiving;
  await Promise.all([ours.close(), theirs.close()]);
  const hash = (path: string): string => createHash("sha256").update(readFileSync(path)).digest("hex");
  assert.is(hash(copy), hash(source));
  assert.ok(ours.info().totalRetrans > 0);
});

stack("cancels a transfer by signal; the connection lives on", async () => {
  await using pair = await stackPair();
  const { ours, theirs } = await connected(pair);
  const controller = new AbortController();
  const receiving = theirs.receiveFile(join(folder, "cancelled.bin"), { signal: controller.signal });
  controller.abort();
  assert.is((await rejection(receiving)).name, "AbortError");
  await ours.write(Uint8Array.of(5));
  assert.equal([...(await readExactly(theirs, 1))], [5]);
  const aborted = rejection(ours.sendFile("/dev/zero", { end: 1e12, signal: AbortSignal.timeout(20) }));
  assert.is((await aborted).name, "AbortError");
  assert.is((await rejection(ours.sendFile(join(folder, "no such file")))).code, "ENOENT");
});

stack("offers byte streams", async () => {
  await using pair = await stackPair();
  const { ours, theirs } = await connected(pair);
  const sent = new Response(randomBytes(300_000)).body!.pipeTo(ours.writable);
  const reader = theirs.readable.getReader({ mode: "byob" });
  let total = 0;
  for (;;) {
    const { value, done } = await reader.read(new Uint8Array(10_000));
    if (done) break;
    total += value.length;
  }
  await sent;
  assert.is(total, 300_000);
  const answer = new Response(ours.readable).text();
  await theirs.writable.getWriter().write(Buffer.from("done"));
  await theirs.writable.close().catch(() => theirs.closeWrite());
  assert.is(await answer, "done");
});

stack("yields connections that waited before the iteration began", async () => {
  await using pair = await stackPair();
  const listener = await pair.server.listen({ port: 80, hostname: SERVER, backlog: 10 });
  assert.equal(listener.addr, { transport: "tcp", hostname: SERVER, port: 80 });
  for (let i = 0; i < 3; i++) await (await pair.client.connect({ hostname: SERVER, port: 80 })).write(Uint8Array.of(i));
  const seen: number[] = [];
  for await (const connection of listener) {
    seen.push((await readExactly(connection, 1))[0]!);
    if (seen.length === 3) break;
  }
  assert.equal(seen, [0, 1, 2]);
  await listener.close();
  for await (const connection of listener) assert.unreachable(String(connection));
});

stack("chooses a port for port 0, and is reachable at localhost", async () => {
  await using pair = await stackPair();
  const listener = await pair.client.listen({ port: 0 });
  assert.ok(listener.addr.port > 0);
  const [ours, theirs] = await Promise.all([
    pair.client.connect({ host: "localhost", port: listener.addr.port, noDelay: true }),
    listener.accept(),
  ]);
  assert.is(theirs.remoteAddr.hostname, "127.0.0.1");
  await ours.write(Uint8Array.of(1));
  assert.is(await theirs.read(new Uint8Array(2)), 1);
});

stack("asks the lookup option for names", async () => {
  const [left] = memoryLinkPair();
  const lookup = async (name: string): Promise<string> => (name === "me" ? CLIENT : "nonsense");
  await using client = await startStack({ interfaces: [{ link: left, address: `${CLIENT}/24` }], lookup });
  await client.listen({ port: 5 });
  await client.connect({ hostname: "me", port: 5 });
  assert.is((await rejection(client.connect({ hostname: "you", port: 5 }))).code, "ERR_INVALID_ARG_VALUE");
});

stack("tells every change of state while somebody listens", async () => {
  await using pair = await stackPair();
  const seen: string[] = [];
  const note = ({ from, to, localAddr, timeMs }: StateEvent): void => {
    assert.is(localAddr.hostname, CLIENT);
    assert.ok(Math.abs(timeMs - Date.now()) < 60_000);
    seen.push(`${from} ${to}`);
  };
  pair.client.on("state", note);
  const { ours, theirs } = await connected(pair);
  await Promise.all([ours.close(), echo(theirs)]);
  await theirs.closed;
  await pair.client.usage(); // everything before it has been delivered
  pair.client.off("state", note);
  assert.equal(seen.slice(0, 4), [
    "CLOSED SYN-SENT",
    "SYN-SENT ESTABLISHED",
    "ESTABLISHED FIN-WAIT-1",
    "FIN-WAIT-1 FIN-WAIT-2",
  ]);
});

stack("pings, and tells of replies that do not come", async () => {
  await using pair = await stackPair({ sysctl: { retrans_time_ms: 20 } });
  const replies: PingReply[] = [];
  for await (const reply of pair.client.ping(SERVER, { count: 3, intervalMs: 1, size: 1000 })) replies.push(reply);
  assert.equal(
    replies.map((reply) => reply.ok && [reply.sequence, reply.bytes, reply.address]),
    [
      [0, 1000, SERVER],
      [1, 1000, SERVER],
      [2, 1000, SERVER],
    ],
  );
  for await (const reply of pair.client.ping("10.1.0.99", { count: 1, timeoutMs: 5000 })) {
    assert.not.ok(reply.ok);
    if (!reply.ok) assert.is(reply.error.code, "EHOSTUNREACH");
  }
});

stack("lists connections and counts", async () => {
  await using pair = await stackPair();
  const { ours } = await connected(pair);
  const [info] = pair.client.connections();
  assert.is(info!.state, "ESTABLISHED");
  assert.equal(info!.remoteAddr, ours.remoteAddr);
  const stats = pair.client.stats();
  assert.is(stats.counters.tcpActiveOpens, 1);
  assert.is(stats.statesEntered.ESTABLISHED, 1);
  assert.is(stats.interfaces[1]!.name, "if1");
  assert.ok(stats.interfaces[1]!.txFrames > 0);
});

stack("captures what passes", async () => {
  const path = join(folder, "frames.pcapng");
  const [left, right] = memoryLinkPair();
  await using client = await startStack({ interfaces: [{ link: captureLink(left, path), address: `${CLIENT}/24` }] });
  await using server = await startStack({ interfaces: [{ link: right, address: `${SERVER}/24` }] });
  const { ours, theirs } = await connected({ client, server, [Symbol.asyncDispose]: async () => {} });
  await Promise.all([ours.write(new Uint8Array(100_000)), readExactly(theirs, 100_000)]);
  const [capture] = await client.captures();
  assert.ok(existsSync(path));
  assert.ok(capture!.frames >= 5);
  assert.ok(capture!.bytes > 100_000 && statSync(path).size >= capture!.bytes);
  assert.is(capture!.error, null);
});

stack("carries super-segments whole and small MTUs in pieces", async () => {
  await using pair = await stackPair({ mtu: 576 });
  const { ours, theirs } = await connected(pair);
  const bytes = new Uint8Array(randomBytes(500_000));
  const [, back] = await Promise.all([ours.write(bytes), readExactly(theirs, bytes.length)]);
  assert.ok(Buffer.from(back).equals(bytes));
  const { sndMss, segsOut } = ours.info();
  assert.ok(sndMss <= 536);
  assert.ok(segsOut >= bytes.length / sndMss);
  assert.ok(pair.client.stats().interfaces[1]!.txFrames < segsOut);
});

stack.run();

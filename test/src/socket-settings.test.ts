// The settings of a socket through the API: what is refused, what the core is told, and what they do between two stacks.
import { setTimeout as sleep } from "node:timers/promises";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import * as layout from "../../assembly/layout.ts";
import { type SocketSettings, settingsOptions } from "../../src/socket-settings.ts";
import { connected, readExactly, rejection, SERVER, stackPair } from "../support/stack-pair.ts";

const test = suite("src/socket-settings");
const text = (words: string): Uint8Array => new TextEncoder().encode(words);

test("each setting becomes its option, with Linux's units", () => {
  const words = (settings: SocketSettings) =>
    settingsOptions(settings).map(({ code, value, value2 }) => [code, value, value2]);
  assert.equal(words({}), []);
  assert.equal(words({ noDelay: true, cork: false }), [
    [layout.SOCKET_OPTION_NODELAY, 1, 0],
    [layout.SOCKET_OPTION_CORK, 0, 0],
  ]);
  assert.equal(words({ linger: 0 }), [[layout.SOCKET_OPTION_LINGER, 1, 0]]);
  assert.equal(words({ linger: null }), [[layout.SOCKET_OPTION_LINGER, 0, 0]]);
  assert.equal(words({ maxPacingRate: 2 ** 33 + 5 }), [[layout.SOCKET_OPTION_MAX_PACING_RATE, 5, 2]]);
  assert.equal(words({ maxPacingRate: Number.POSITIVE_INFINITY }), [
    [layout.SOCKET_OPTION_MAX_PACING_RATE, 0xffffffff, 0xffffffff],
  ]);
  assert.equal(words({ keepAlive: { idleMs: 5000, count: 3 } }), [
    [layout.SOCKET_OPTION_KEEPIDLE, 5000, 0],
    [layout.SOCKET_OPTION_KEEPINTVL, 0, 0],
    [layout.SOCKET_OPTION_KEEPCNT, 3, 0],
    [layout.SOCKET_OPTION_KEEPALIVE, 1, 0],
  ]);
});

test("refuses what no socket can be set to, by name", () => {
  const wrong: [string, SocketSettings, new (...args: never[]) => Error][] = [
    ["noDelay", { noDelay: 1 as never }, TypeError],
    ["userTimeoutMs", { userTimeoutMs: -1 }, RangeError],
    ["maxSegment", { maxSegment: 87 }, RangeError],
    ["maxSegment", { maxSegment: 32_768 }, RangeError],
    ["synRetries", { synRetries: 0 }, RangeError],
    ["linger", { linger: 65_536 }, RangeError],
    ["linger", { linger: "1" as never }, TypeError],
    ["finWait2", { finWait2: 121 }, RangeError],
    ["typeOfService", { typeOfService: 256 }, RangeError],
    ["timeToLive", { timeToLive: 0 }, RangeError],
    ["congestionControl", { congestionControl: "none" as never }, TypeError],
    ["maxPacingRate", { maxPacingRate: 0 }, RangeError],
    ["keepAlive", { keepAlive: 1 as never }, TypeError],
    ["idleMs", { keepAlive: { idleMs: 1 } }, RangeError],
    ["sendBufferSize", { sendBufferSize: 1.5 }, RangeError],
  ];
  for (const [name, settings, kind] of wrong) {
    let error: unknown;
    try {
      settingsOptions(settings);
    } catch (caught) {
      error = caught;
    }
    assert.ok(error instanceof kind, `${name} ${JSON.stringify(settings)}: ${error}`);
    assert.match((error as Error).message, name);
  }
  assert.throws(
    () => settingsOptions(null as never),
    (error: unknown) => error instanceof TypeError,
  );
});

test("settings of connect hold in its handshake, those of listen for each connection", async () => {
  await using pair = await stackPair();
  await using listener = await pair.server.listen({
    port: 7,
    maxSegment: 700,
    congestionControl: "reno",
    noDelay: true,
  });
  const [ours, theirs] = await Promise.all([
    pair.client.connect({ hostname: SERVER, port: 7, maxSegment: 900, userTimeoutMs: 9000 }),
    listener.accept(),
  ]);
  assert.is(ours.info().sndMss, 700 - 12, "the smaller of both");
  assert.is(theirs.info().sndMss, 700 - 12);
  assert.is(ours.info().advMss, 900);
  assert.is(theirs.info().congestionControl, "reno");
  ours.setOptions({ congestionControl: "reno", cork: true, userTimeoutMs: 0 });
  assert.throws(
    () => ours.setOptions({ typeOfService: -1 }),
    (error: unknown) => error instanceof RangeError,
  );
  assert.throws(() => ours.setUserTimeout(Number.NaN));
  await Promise.all([ours.close(), theirs.close()]);
});

test("a cork holds what does not fill a segment", async () => {
  await using pair = await stackPair();
  const { ours, theirs } = await connected(pair);
  await ours.write(text("first"));
  await readExactly(theirs, 5);
  const before = ours.info().dataSegsOut;
  ours.setCork();
  for (let i = 0; i < 50; i++) await ours.write(text("x"));
  ours.setCork(false);
  await readExactly(theirs, 50);
  const segments = ours.info().dataSegsOut - before;
  assert.ok(segments >= 1 && segments <= 10, `${segments} segments for 50 writes`);
});

test("write says that more follows, or that a record ends; refuses what is no boolean", async () => {
  await using pair = await stackPair();
  const { ours, theirs } = await connected(pair);
  await ours.write(text("a"), { more: true });
  await ours.write(text("b"), { endOfRecord: true });
  await ours.write(text("c"));
  assert.equal(await readExactly(theirs, 3), text("abc"));
  assert.ok((await rejection(ours.write(text("d"), { more: 1 as never }))) instanceof TypeError);
  assert.ok((await rejection(ours.write(text("d"), null as never))) instanceof TypeError);
});

test("close with linger 0 resets the connection", async () => {
  await using pair = await stackPair();
  const { ours, theirs } = await connected(pair);
  ours.setLinger(0);
  await ours.write(text("unread"));
  await ours.close();
  assert.is((await rejection(theirs.closed)).code, "ECONNRESET");
});

test("close with a linger time gives up waiting after it, and the stack goes on alone", async () => {
  await using pair = await stackPair();
  await using listener = await pair.server.listen({ port: 7 });
  const [ours, theirs] = await Promise.all([
    pair.client.connect({ hostname: SERVER, port: 7, linger: 1 }),
    listener.accept(),
  ]);
  // The peer reads nothing: its window shuts, so that not all can be acknowledged
  const chunk = new Uint8Array(1 << 20);
  ours.write(chunk).catch(() => {});
  await sleep(100);
  let closed = false;
  const closing = ours.close().then(() => {
    closed = true;
  });
  await sleep(300);
  assert.is(closed || ours.info().state === "CLOSED", false, "still waiting");
  await closing;
  theirs.abort();
});

test("closeRead ends reading here, and the peer may go on", async () => {
  await using pair = await stackPair();
  const { ours, theirs } = await connected(pair);
  const waiting = ours.read(new Uint8Array(10));
  ours.closeRead();
  assert.is(await waiting, null);
  await theirs.write(text("late"));
  for (let i = 0; i < 200 && theirs.info().sndQueuedBytes > 0; i++) await sleep(5);
  assert.is(theirs.info().sndQueuedBytes, 0, "acknowledged all the same");
  await ours.write(text("still"));
  assert.equal(await readExactly(theirs, 5), text("still"));
});

test("urgent bytes: announced, read out of band, and left out of the stream; reading stops at the mark", async () => {
  await using pair = await stackPair();
  const { ours, theirs } = await connected(pair);
  assert.is(theirs.readUrgent(), null);
  const told = theirs.waitUrgent();
  await ours.write(text("before"));
  await ours.sendUrgent(33);
  assert.ok((await told) <= 6);
  for (let i = 0; i < 200 && theirs.info().rcvQueuedBytes < 7; i++) await sleep(5);
  assert.is(theirs.atMark, false);
  assert.equal(await readExactly(theirs, 6), text("before"));
  assert.is(theirs.atMark, true);
  assert.is(theirs.readUrgent(), 33);
  assert.is(theirs.readUrgent(), null);
  await ours.write(text("after"));
  assert.equal(await readExactly(theirs, 5), text("after"));
  assert.is(theirs.atMark, false);
  const never = theirs.waitUrgent();
  const lost = rejection(never);
  theirs.abort();
  assert.is((await lost).code, "ECONNABORTED");
  assert.ok((await rejection(ours.sendUrgent(256))) instanceof RangeError);
});

test("with oobInline the urgent byte stays in the stream", async () => {
  await using pair = await stackPair();
  await using listener = await pair.server.listen({ port: 7, oobInline: true });
  const [ours, theirs] = await Promise.all([pair.client.connect({ hostname: SERVER, port: 7 }), listener.accept()]);
  await ours.sendUrgent(65);
  await ours.write(text("BC"));
  assert.equal(await readExactly(theirs, 3), text("ABC"));
  assert.is(theirs.readUrgent(), null);
});

test.run();

// What an ended connection still tells: its last info(), though its record is another connection's by then, and one and the same error to all
// who ask, made for the first of them.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { TCB_BYTES_ACKED, TCB_RECORDS, TCB_SHARED_BYTES, TCB_STATE } from "../../assembly/layout.ts";
import { LastRecord } from "../../src/last-record.ts";
import { errorOf, LazyError } from "../../src/lazy-error.ts";
import { SharedViews } from "../../src/memory.ts";
import { stateName } from "../../src/states.ts";
import { readTcpInfo } from "../../src/tcp-info.ts";
import { connected, rejection, SERVER, stackPair } from "../support/stack-pair.ts";

const ends = suite("src/connection-ends");
const BYTES = new Uint8Array(1000);
/** More than lie in one block of copies. */
const MANY = 100;

function emptyViews(): SharedViews {
  const pages = Math.ceil((TCB_RECORDS + TCB_SHARED_BYTES) / 65536);
  return new SharedViews(new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true }));
}

ends("a copy of a record says what the record said, field by field", () => {
  const views = emptyViews();
  for (let word = 0; word < TCB_SHARED_BYTES / 4; word++) views.u32[(TCB_RECORDS >>> 2) + word] = word * 0x01010101;
  const before = readTcpInfo(views, TCB_RECORDS);
  const copy = new LastRecord(views, TCB_RECORDS);
  views.u8.fill(0xff, TCB_RECORDS, TCB_RECORDS + TCB_SHARED_BYTES);
  assert.equal(copy.info(), before);
});

ends("copies do not disturb each other", () => {
  const views = emptyViews();
  const copies = Array.from({ length: MANY }, (_, at) => {
    views.u8[TCB_RECORDS + TCB_STATE] = at % 11;
    views.u64[(TCB_RECORDS + TCB_BYTES_ACKED) >>> 3] = BigInt(at);
    return new LastRecord(views, TCB_RECORDS);
  });
  for (const [at, copy] of copies.entries()) {
    const { state, bytesAcked } = copy.info();
    assert.equal([state, bytesAcked], [stateName(at % 11), at]);
  }
});

ends("connections tell what they knew last though others have their records", async () => {
  await using pair = await stackPair();
  const { ours, theirs } = await connected(pair);
  await ours.write(BYTES);
  for (let got = 0; got < BYTES.length; ) got += (await theirs.read(new Uint8Array(1000)))!;
  ours.abort();
  assert.is((await rejection(theirs.closed)).code, "ECONNRESET");
  assert.is(await theirs.read(new Uint8Array(1)).catch(({ code }) => code), "ECONNRESET");
  for (let more = 0; more < 3; more++) {
    const other = await connected(pair, 8);
    other.ours.abort();
    await other.theirs.closed.catch(() => {});
  }
  assert.is(ours.info().bytesSent, BYTES.length);
  assert.is(theirs.info().bytesReceived, BYTES.length);
  assert.is(theirs.info().state, "CLOSED");
});

ends("all that fails by one abort fails with one error, asked for before or after it", async () => {
  await using pair = await stackPair();
  const { ours } = await connected(pair);
  const reading = ours.read(new Uint8Array(1));
  const closed = ours.closed;
  ours.abort();
  const error = await rejection(reading);
  assert.is(error.code, "ECONNABORTED");
  assert.is(error.message, `abort ECONNABORTED ${SERVER}:7: connection aborted`);
  assert.is(await rejection(closed), error);
  assert.is(await rejection(ours.read(new Uint8Array(1))), error);
  assert.is(await rejection(ours.write(BYTES)), error);
});

ends("an abort with a reason gives that reason to all", async () => {
  await using pair = await stackPair();
  const { ours } = await connected(pair);
  const reason = new Error("enough");
  ours.abort(reason);
  assert.is(await rejection(ours.closed), reason);
  assert.is(await rejection(ours.write(BYTES)), reason);
  assert.is(await rejection(ours.read(new Uint8Array(1))), reason);
});

ends("after close() reads and writes are refused by what they are", async () => {
  await using pair = await stackPair();
  const { ours, theirs } = await connected(pair);
  const closing = ours.close();
  const read = await rejection(ours.read(new Uint8Array(1)));
  assert.is(read.code, "ERR_SOCKET_CLOSED");
  assert.is(read.message, "read: the connection is closed");
  assert.is((await rejection(ours.write(BYTES))).code, "EPIPE");
  await theirs.close();
  await closing;
});

ends("a lazy error is made once, for the first who asks", () => {
  let made = 0;
  const lazy = new LazyError(() => new Error(`${++made}`));
  assert.is(made, 0);
  assert.is(errorOf(lazy), errorOf(lazy));
  assert.is(made, 1);
  const plain = new Error("plain");
  assert.is(errorOf(plain), plain);
});

ends.run();

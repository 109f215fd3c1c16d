// sendFile and receiveFile when something goes wrong: the disk, the file, the peer, the caller. What arrived stays as `.part`, what was
// there before stays as it was, and nobody takes a part for the whole. All of it twice: files on a disk go through libuv's pool, files in
// memory do not.
import { randomBytes } from "node:crypto";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statfsSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { RAM_TURN_BYTES } from "../../src/file-job.ts";
import type { Connection } from "../../src/index.ts";
import { connected, readExactly, rejection, type StackPair, stackPair } from "../support/stack-pair.ts";

const MIB = 1024 * 1024;
const TMPFS = 0x01021994;

/** What a test works with. */
interface Ground {
  pair: StackPair;
  /** A connection from both ends. */
  ours: Connection;
  theirs: Connection;
  /** The folder is in memory. */
  isInMemory: boolean;
  /** The path of a name in a folder for tests. */
  at(name: string): string;
  /** Writes a file there. @returns its path */
  put(name: string, bytes: Uint8Array | string): string;
}

const tests: [name: string, body: (ground: Ground) => Promise<void>][] = [];

function transfer(name: string, body: (ground: Ground) => Promise<void>): void {
  tests.push([name, body]);
}

/** Waits until a part has been written so far. */
async function written(pair: StackPair, target: string, bytes: number): Promise<void> {
  while (!existsSync(`${target}.part`) || statSync(`${target}.part`).size < bytes) await pair.server.usage();
}

transfer("a file arrives as it was, in pieces that are told", async ({ ours, theirs, isInMemory, at, put }) => {
  const bytes = randomBytes(9 * MIB + 321);
  const source = put("source.bin", bytes);
  const target = at("copy.bin");
  const [sent, received]: number[][] = [[], []];
  const receiving = theirs.receiveFile(target, { onProgress: (count) => received!.push(count) });
  assert.is(await ours.sendFile(source, { start: 1, onProgress: (count) => sent!.push(count) }), bytes.length - 1);
  const closing = ours.close();
  assert.is(await receiving, bytes.length - 1);
  assert.ok(readFileSync(target).equals(bytes.subarray(1)));
  for (const told of [sent!, received!]) {
    assert.is(told.at(-1), bytes.length - 1, "the last piece is told too");
    assert.ok(told.every((count, i) => count > (told[i - 1] ?? 0)));
    const largest = Math.max(...told.map((count, i) => count - (told[i - 1] ?? 0)));
    if (isInMemory) assert.ok(largest <= RAM_TURN_BYTES, `the event loop stood still for ${largest} bytes`);
  }
  await Promise.all([closing, theirs.close()]);
});

transfer(
  "an abort between two pieces loses no byte and gives none twice: what the part has not is read next",
  async ({ ours, theirs, at }) => {
    const bytes = randomBytes(24 * MIB);
    const target = at("aborted.bin");
    const controller = new AbortController();
    // A turn of the event loop after a piece was told, when the next one is under way.
    const onProgress = (count: number): void => {
      if (count > 5 * MIB) setImmediate(() => controller.abort());
    };
    const receiving = rejection(theirs.receiveFile(target, { signal: controller.signal, onProgress }));
    const writing = ours.write(bytes);
    assert.is((await receiving).name, "AbortError");
    const part = readFileSync(`${target}.part`);
    const rest = await readExactly(theirs, bytes.length - part.length);
    await writing;
    assert.ok(Buffer.concat([part, rest]).equals(bytes));
    await Promise.all([ours.close(), theirs.close()]);
  },
);

transfer(
  "a file takes its name when it is whole, over the one that was there, and keeps its mode",
  async ({ pair, ours, theirs, put }) => {
    const target = put("whole.bin", "old");
    const { mode } = statSync(target);
    const receiving = theirs.receiveFile(target);
    await ours.write(Buffer.from("new bytes"));
    await written(pair, target, 9);
    assert.is(readFileSync(target, "utf8"), "old", "until the end the old file is there");
    const closing = ours.close();
    assert.is(await receiving, 9);
    assert.is(readFileSync(target, "utf8"), "new bytes");
    assert.is(statSync(target).mode, mode);
    assert.not.ok(existsSync(`${target}.part`));
    await Promise.all([closing, theirs.close()]);
  },
);

transfer("a file behind a link is replaced, not the link", async ({ ours, theirs, at, put }) => {
  const real = put("real.bin", "old");
  const link = at("link.bin");
  symlinkSync(real, link);
  const receiving = theirs.receiveFile(link, { flush: false });
  await ours.write(Buffer.from("new"));
  const closing = ours.close();
  await receiving;
  assert.is(readFileSync(real, "utf8"), "new");
  assert.is(readFileSync(link, "utf8"), "new");
  await Promise.all([closing, theirs.close()]);
});

transfer("a reset keeps what arrived before it as .part, and the old file", async ({ pair, ours, theirs, put }) => {
  const target = put("reset.bin", "old");
  const receiving = rejection(theirs.receiveFile(target));
  await ours.write(Buffer.from("half of it"));
  while (ours.info().bytesAcked < 10) await pair.server.usage();
  ours.abort();
  assert.is((await receiving).code, "ECONNRESET");
  assert.is(readFileSync(`${target}.part`, "utf8"), "half of it");
  assert.is(readFileSync(target, "utf8"), "old");
});

transfer("a full disk is told with the path, and the sender by a reset", async ({ ours, theirs }) => {
  const receiving = rejection(theirs.receiveFile("/dev/full"));
  const sending = rejection(ours.sendFile("/dev/zero", { end: 1e12 }));
  const error = await receiving;
  assert.is(error.code, "ENOSPC");
  assert.is(error.path, "/dev/full");
  assert.match(error.message, "/dev/full");
  assert.is(await rejection(theirs.closed), error);
  assert.is((await sending).code, "ECONNRESET");
});

transfer(
  "a file that becomes shorter while it is sent resets the connection, before a FIN that waits",
  async ({ ours, theirs, at, put }) => {
    const source = put("shrinking.bin", Buffer.alloc(64 * MIB, 1));
    const target = at("shrunk.bin");
    const sending = rejection(ours.sendFile(source));
    await readExactly(theirs, MIB);
    truncateSync(source, 48 * MIB);
    const closing = rejection(ours.closeWrite()); // waits for the file
    const receiving = rejection(theirs.receiveFile(target));
    const error = await sending;
    assert.is(error.code, "ERR_FILE_TRUNCATED");
    assert.match(error.message, `${source} was truncated: it ended after ${48 * MIB} of ${64 * MIB} bytes`);
    assert.is(await closing, error);
    assert.is((await receiving).code, "ECONNRESET");
    assert.not.ok(existsSync(target));
    assert.ok(statSync(`${target}.part`).size <= 47 * MIB);
  },
);

transfer("a file that grows while it is sent is sent to its first size", async ({ ours, theirs, at, put }) => {
  const source = put("growing.bin", Buffer.alloc(32 * MIB, 1));
  const sending = ours.sendFile(source);
  await readExactly(theirs, MIB);
  truncateSync(source, 33 * MIB);
  const receiving = theirs.receiveFile(at("grown.bin"));
  assert.is(await sending, 32 * MIB);
  const closing = ours.close();
  assert.is(await receiving, 31 * MIB);
  await Promise.all([closing, theirs.close()]);
});

transfer(
  "a signal in the middle of sending resets the connection; the receiver keeps the part",
  async ({ ours, theirs, at }) => {
    const target = at("stopped.bin");
    const receiving = rejection(theirs.receiveFile(target));
    const controller = new AbortController();
    const onProgress = (): void => controller.abort();
    const sending = ours.sendFile("/dev/zero", { end: 1e12, signal: controller.signal, onProgress });
    assert.is((await rejection(sending)).name, "AbortError");
    assert.is((await receiving).code, "ECONNRESET");
    assert.ok(existsSync(`${target}.part`));
  },
);

transfer(
  "a signal in the middle of receiving keeps the part; the connection lives on",
  async ({ ours, theirs, at }) => {
    const target = at("cancelled.bin");
    const controller = new AbortController();
    const onProgress = (): void => controller.abort();
    const receiving = theirs.receiveFile(target, { signal: controller.signal, onProgress });
    await ours.write(Buffer.from("first"));
    assert.is((await rejection(receiving)).name, "AbortError");
    assert.is(readFileSync(`${target}.part`, "utf8"), "first");
    await ours.write(Uint8Array.of(5));
    assert.equal([...(await readExactly(theirs, 1))], [5]);
  },
);

transfer(
  "an onProgress that throws ends the transfer with its error, as a signal does",
  async ({ ours, theirs, at }) => {
    const target = at("thrown.bin");
    const error = new Error("enough");
    const onProgress = (): void => {
      throw error;
    };
    const receiving = rejection(theirs.receiveFile(target, { onProgress }));
    await ours.write(Buffer.from("first"));
    assert.is(await receiving, error);
    assert.is(readFileSync(`${target}.part`, "utf8"), "first");
    await ours.write(Uint8Array.of(5));
    assert.equal([...(await readExactly(theirs, 1))], [5]);
    assert.is(await rejection(ours.sendFile("/dev/zero", { end: 1e12, onProgress })), error);
    assert.is(await rejection(ours.closed), error);
  },
);

transfer("closeRead() before the peer's end is no end of a file", async ({ pair, ours, theirs, at }) => {
  const target = at("shut.bin");
  const receiving = rejection(theirs.receiveFile(target));
  await ours.write(Buffer.from("half"));
  await written(pair, target, 4);
  theirs.closeRead();
  assert.is((await receiving).code, "ERR_SOCKET_CLOSED");
  assert.is(readFileSync(`${target}.part`, "utf8"), "half");
  assert.not.ok(existsSync(target));
});

transfer("what cannot be a file is refused at once, and the connection lives on", async ({ ours, theirs, at }) => {
  const directory = at("directory");
  mkdirSync(directory);
  for (const failed of [rejection(ours.sendFile(directory)), rejection(theirs.receiveFile(directory))]) {
    const error = await failed;
    assert.is(error.code, "EISDIR");
    assert.is(error.path, directory);
  }
  assert.is((await rejection(theirs.receiveFile(at("none/file")))).code, "ENOENT");
  const wrong: unknown[] = [null, 1, { signal: {} }, { onProgress: 1 }];
  for (const options of wrong) {
    assert.is((await rejection(ours.sendFile("/dev/zero", options as never))).code, "ERR_INVALID_ARG_TYPE");
    assert.is((await rejection(theirs.receiveFile(at("x"), options as never))).code, "ERR_INVALID_ARG_TYPE");
  }
  assert.is((await rejection(theirs.receiveFile(at("x"), { flush: 1 as never }))).code, "ERR_INVALID_ARG_TYPE");
  assert.not.ok(existsSync(at("x.part")));
  await ours.write(Uint8Array.of(5));
  assert.equal([...(await readExactly(theirs, 1))], [5]);
});

transfer(
  "two transfers into one file: the second is refused, and the first is whole",
  async ({ pair, ours, theirs, at }) => {
    const two = await connected(pair, 8);
    const target = at("both.bin");
    const receiving = theirs.receiveFile(target);
    await ours.write(Buffer.from("first"));
    await written(pair, target, 5);
    const error = await rejection(two.theirs.receiveFile(target));
    assert.is(error.code, "EBUSY");
    assert.is(error.path, `${target}.part`);
    const closing = ours.close();
    assert.is(await receiving, 5);
    assert.is(readFileSync(target, "utf8"), "first");
    // And then it may be received again, also after a failure
    const failing = rejection(two.theirs.receiveFile(target, { signal: AbortSignal.timeout(50) }));
    assert.is((await failing).name, "AbortError");
    const again = two.theirs.receiveFile(target);
    await two.ours.write(Buffer.from("second"));
    const closingToo = two.ours.close();
    assert.is(await again, 6);
    assert.is(readFileSync(target, "utf8"), "second");
    await Promise.all([closing, closingToo, theirs.close(), two.theirs.close()]);
  },
);

transfer(
  "a connection that has sent or received a file to its end is given back",
  async ({ pair, ours, theirs, at, put }) => {
    const receiving = theirs.receiveFile(at("given.bin"));
    await ours.sendFile(put("giving.bin", randomBytes(MIB)));
    const closing = ours.close();
    await receiving;
    await Promise.all([closing, theirs.close()]);
    for (const stack of [pair.client, pair.server]) {
      for (let tries = 0; tries < 1000 && stack.connections().length > 0; tries++) await stack.usage();
      assert.equal(stack.connections(), []);
    }
  },
);

transfer("transfers that fail leave no file open", async ({ pair, at }) => {
  const open = (): string[] => readdirSync("/proc/self/fd");
  const before = open().length;
  for (let turn = 0; turn < 20; turn++) {
    const { ours, theirs } = await connected(pair, 100 + turn);
    const receiving = rejection(theirs.receiveFile(at("leak.bin")));
    const sending = rejection(ours.sendFile("/dev/zero", { end: 1e12, onProgress: () => ours.abort() }));
    await Promise.all([receiving, sending]);
  }
  for (let tries = 0; tries < 100 && open().length > before; tries++) await pair.client.usage();
  assert.is(open().length, before);
});

/** All tests on the file system of a folder. */
function runIn(name: string, root: string, isInMemory: boolean): void {
  const all = suite(name);
  const folder = mkdtempSync(join(root, "wasmtcp-file-transfer-"));
  const at = (name: string): string => join(folder, name);
  const put = (name: string, bytes: Uint8Array | string): string => {
    writeFileSync(at(name), bytes);
    return at(name);
  };
  for (const [name, body] of tests) {
    all(name, async () => {
      await using pair = await stackPair();
      await body({ pair, ...(await connected(pair)), isInMemory, at, put });
    });
  }
  all.after(() => rmSync(folder, { recursive: true }));
  all.run();
}

runIn("src/file-transfer", tmpdir(), false);
if (existsSync("/dev/shm") && statfsSync("/dev/shm").type === TMPFS) {
  runIn("src/file-transfer, in memory", "/dev/shm", true);
} else {
  process.stderr.write("SKIPPED: transfers of files in memory need a tmpfs at /dev/shm\n");
}

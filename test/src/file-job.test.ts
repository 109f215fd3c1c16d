// A file job alone: what it does when the file system fails it at the very end.
import { closeSync, mkdtempSync, openSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import type { TransferHost } from "../../src/file-job.ts";
import { FileSender } from "../../src/file-sender.ts";
import type { SocketIo } from "../../src/socket-io.ts";

const test = suite("src/file-job");

test("a transfer that failed ends though its file cannot be closed, and the process goes on", async () => {
  const folder = mkdtempSync(join(tmpdir(), "wasmtcp-"));
  const path = join(folder, "file");
  writeFileSync(path, new Uint8Array(1000));
  const fd = openSync(path, "r");
  const ended = new Promise<void>((resolve) => {
    const views = { u8: new Uint8Array(4096) } as unknown as TransferHost["views"];
    const host: TransferHost = { views, pump: resolve, abort: () => {} };
    const io = { piecePtr: 0, reserveWrite: (most: number) => most, commitWrite: () => {} } as unknown as SocketIo;
    const sender = new FileSender({ fd, path, start: 0, end: 1000, isInMemory: false }, host);
    assert.is(sender.run(io), "busy");
    sender.promise.catch(() => {});
    sender.fail(new Error("the connection is gone"));
    void sender.close();
    closeSync(fd); // the job's own close fails then, as one that reports a late error of the file's server would
  });
  await ended;
  rmSync(folder, { recursive: true });
});

test.run();

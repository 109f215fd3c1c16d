// Takes a file out of the receive ring, to the peer's FIN, without a copy through the heap: the file system writes straight from the
// ring, which stays where it is meanwhile (SocketIo.reserveRead).
import { write as writeFile, writeSync } from "node:fs";
import { closedError } from "./errors.ts";
import { type AccessDone, FileJob, type Progress, type TransferHost } from "./file-job.ts";
import type { JobState } from "./job-state.ts";
import type { PartFile } from "./part-file.ts";
import type { ReceiveJob } from "./receive-side.ts";
import type { SocketIo } from "./socket-io.ts";

/** Takes a file out of the receive ring, to the peer's FIN. */
export class FileReceiver extends FileJob implements ReceiveJob {
  protected override readonly total = undefined;
  readonly #file: PartFile;

  constructor(file: PartFile, host: TransferHost, onProgress?: Progress) {
    super(file, host, onProgress);
    this.#file = file;
  }

  cancel(error: Error): void {
    this.fail(error);
  }

  settle(error: Error | null): void {
    if (error !== null) this.fail(error);
    // Who has looked for bytes and not come to the peer's end was stopped by closeRead().
    else if (this.hasRun) this.fail(closedError("connection", "receiveFile"));
    else this.succeed();
  }

  /** Then what has been told of the transfer is what lies in the part. */
  protected override get endsSoon(): boolean {
    return this.#file.isSeekable;
  }

  protected override release(): void {
    this.#file.release();
  }

  protected override reserve(io: SocketIo, most: number): number {
    return io.reserveRead(most);
  }

  /** Also of a transfer that was stopped meanwhile: what lies in the part is not read again. */
  protected override commit(io: SocketIo, count: number): number {
    io.commitRead(count);
    return count;
  }

  protected override access(fd: number, memory: Uint8Array, ptr: number, count: number, done: AccessDone): void {
    writeFile(fd, memory, ptr, count, this.#file.isSeekable ? this.moved : null, done);
  }

  protected override accessNow(fd: number, memory: Uint8Array, ptr: number, count: number): number {
    return writeSync(fd, memory, ptr, count, this.moved);
  }

  protected override pause(io: SocketIo): JobState {
    return io.atEnd ? this.succeed() : "blocked";
  }
}

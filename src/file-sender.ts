// Puts a file into the send ring without a copy through the heap: the file system reads straight into it. While it does, the ring stays
// where it is (SocketIo.reserveWrite), and the piece before is already on its way.
import { read as readFile, readSync } from "node:fs";
import { NetstackError } from "./errors.ts";
import { type AccessDone, FileJob, type Progress, type TransferHost } from "./file-job.ts";
import type { JobState } from "./job-state.ts";
import type { OpenFile } from "./part-file.ts";
import type { SendJob } from "./send-side.ts";
import type { SocketIo } from "./socket-io.ts";

/** What is sent of an open file. */
export interface SourceFile extends OpenFile {
  /** First byte, and the one behind the last. */
  readonly start: number;
  readonly end: number;
}

/** Puts a file into the send ring. */
export class FileSender extends FileJob implements SendJob {
  // A pipe may give its next byte tomorrow.
  protected override readonly endsSoon = false;
  protected override readonly total: number;
  readonly #path: string;
  readonly #start: number;

  constructor(file: SourceFile, host: TransferHost, onProgress?: Progress) {
    super(file, host, onProgress);
    this.#path = file.path;
    this.#start = file.start;
    this.total = file.end - file.start;
  }

  cancel(error: Error): void {
    if (this.moved > 0) this.breakOff(error);
    else this.fail(error);
  }

  protected override reserve(io: SocketIo, most: number): number {
    const left = this.total - this.moved;
    return left > 0 ? io.reserveWrite(Math.min(left, most)) : 0;
  }

  /** Nothing of a transfer that was stopped meanwhile. */
  protected override commit(io: SocketIo, count: number): number {
    const given = this.settled ? 0 : count;
    io.commitWrite(given);
    return given;
  }

  protected override access(fd: number, memory: Uint8Array, ptr: number, count: number, done: AccessDone): void {
    readFile(fd, memory, ptr, count, this.#start + this.moved, done);
  }

  protected override accessNow(fd: number, memory: Uint8Array, ptr: number, count: number): number {
    return readSync(fd, memory, ptr, count, this.#start + this.moved);
  }

  protected override pause(): JobState {
    return this.moved >= this.total ? this.succeed() : "blocked";
  }

  protected override onNothing(): void {
    const message = `sendFile: ${this.#path} was truncated: it ended after ${this.moved} of ${this.total} bytes`;
    this.breakOff(new NetstackError("ERR_FILE_TRUNCATED", message, { syscall: "read" }));
  }
}

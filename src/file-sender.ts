// Puts a file into the send ring without a copy through the heap: the file system reads straight into it. While it does, the ring stays
// where it is (SocketIo.reserveWrite), and the piece before is already on its way.
import { read as readFile, readSync } from "node:fs";
import { NetstackError } from "./errors.ts";
import { FileJob, PIECE_BYTES, type Progress, RAM_PIECE_BYTES, RAM_TURN_BYTES, type TransferHost } from "./file-job.ts";
import { withPath } from "./part-file.ts";
import type { SendJob } from "./send-side.ts";
import type { SocketIo } from "./socket-io.ts";

/** What is sent of an open file. */
export interface SourceFile {
  fd: number;
  path: string;
  /** First byte, and the one behind the last. */
  start: number;
  end: number;
  isInMemory: boolean;
}

/** Puts a file into the send ring. */
export class FileSender extends FileJob implements SendJob {
  // A pipe may give its next byte tomorrow.
  protected override readonly endsSoon = false;
  readonly #start: number;
  readonly #end: number;
  readonly #isInMemory: boolean;
  readonly #onRead = (error: NodeJS.ErrnoException | null, count: number): void => this.#finishRead(error, count);
  #io: SocketIo | undefined;
  #position: number;
  /** Bytes sent that `onProgress` knows of. */
  #told = 0;

  constructor(file: SourceFile, host: TransferHost, onProgress?: Progress) {
    super(file.fd, file.path, host, onProgress);
    this.#start = file.start;
    this.#position = file.start;
    this.#end = file.end;
    this.#isInMemory = file.isInMemory;
  }

  cancel(error: Error): void {
    if (this.#position > this.#start) this.breakOff(error);
    else this.fail(error);
  }

  run(io: SocketIo): "done" | "full" | "busy" {
    if (this.busy) return "busy";
    if (this.settled) return "done";
    if (this.#position >= this.#end) return this.succeed(this.#position - this.#start);
    this.#io = io;
    return this.#isInMemory ? this.#readNow(io) : this.#read(io);
  }

  #read(io: SocketIo): "full" | "busy" {
    const count = io.reserveWrite(Math.min(this.#end - this.#position, PIECE_BYTES));
    if (count === 0) return "full";
    this.busy = true;
    readFile(this.fd, this.host.views.u8, io.piecePtr, count, this.#position, this.#onRead);
    return "busy";
  }

  /** Reads until there is no room, or for a turn of the event loop. */
  #readNow(io: SocketIo): "full" | "busy" {
    let moved = 0;
    let given = 1;
    let error: NodeJS.ErrnoException | null = null;
    while (given > 0 && moved < RAM_TURN_BYTES && this.#position < this.#end) {
      const room = io.reserveWrite(Math.min(this.#end - this.#position, RAM_TURN_BYTES - moved, RAM_PIECE_BYTES));
      if (room === 0) break;
      given = 0;
      try {
        given = readSync(this.fd, this.host.views.u8, io.piecePtr, room, this.#position);
      } catch (caught) {
        error = caught as NodeJS.ErrnoException;
      }
      io.commitWrite(given);
      this.#position += given;
      moved += given;
    }
    if (moved === 0 && given > 0) return "full";
    this.busy = true;
    setImmediate(() => this.#finishTurn(error, given));
    return "busy";
  }

  #finishRead(error: NodeJS.ErrnoException | null, count: number): void {
    const given = error !== null || this.settled ? 0 : count;
    this.#io!.commitWrite(given);
    this.#position += given;
    this.#finishTurn(error, count);
  }

  /** @param count - of the last access: 0 at the end of the file */
  #finishTurn(error: NodeJS.ErrnoException | null, count: number): void {
    this.accessOver();
    const sent = this.#position - this.#start;
    if (sent > this.#told && !this.settled) {
      this.#told = sent;
      this.onProgress?.(sent, this.#end - this.#start);
    }
    if (error !== null) this.breakOff(withPath(error, this.path));
    else if (count === 0) {
      const message = `sendFile: ${this.path} was truncated: it ended after ${sent} of ${this.#end - this.#start} bytes`;
      this.breakOff(new NetstackError("ERR_FILE_TRUNCATED", message, { syscall: "read" }));
    }
    this.host.pump();
  }
}

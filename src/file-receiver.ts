// Takes a file out of the receive ring, to the peer's FIN, without a copy through the heap: the file system writes straight from the
// ring, which stays where it is meanwhile (SocketIo.reserveRead).
import { write as writeFile, writeSync } from "node:fs";
import { closedError } from "./errors.ts";
import { FileJob, PIECE_BYTES, type Progress, RAM_PIECE_BYTES, RAM_TURN_BYTES, type TransferHost } from "./file-job.ts";
import { type PartFile, withPath } from "./part-file.ts";
import type { ReceiveJob } from "./receive-side.ts";
import type { SocketIo } from "./socket-io.ts";

/** Takes a file out of the receive ring, to the peer's FIN. */
export class FileReceiver extends FileJob implements ReceiveJob {
  readonly #file: PartFile;
  readonly #onWritten = (error: NodeJS.ErrnoException | null, count: number): void => this.#finishWrite(error, count);
  #io: SocketIo | undefined;
  #position = 0;
  /** Of `#position`, what `onProgress` knows. */
  #told = 0;

  constructor(file: PartFile, host: TransferHost, onProgress?: Progress) {
    super(file.fd, file.path, host, onProgress);
    this.#file = file;
  }

  /** Then what has been told of the transfer is what lies in the part. */
  protected override get endsSoon(): boolean {
    return this.#file.isSeekable;
  }

  protected override release(): void {
    this.#file.release();
  }

  cancel(error: Error): void {
    this.fail(error);
  }

  run(io: SocketIo): "done" | "empty" | "busy" {
    if (this.busy) return "busy";
    if (this.settled) return "done";
    this.#io = io;
    return this.#file.isInMemory ? this.#writeNow(io) : this.#write(io);
  }

  settle(error: Error | null): void {
    if (error !== null) this.fail(error);
    // Who has looked for bytes and not come to the peer's end was stopped by closeRead().
    else if (this.#io !== undefined) this.fail(closedError("connection", "receiveFile"));
    else this.succeed(this.#position);
  }

  #write(io: SocketIo): "done" | "empty" | "busy" {
    const count = io.reserveRead(PIECE_BYTES);
    if (count === 0) return this.#pause(io);
    this.busy = true;
    const position = this.#file.isSeekable ? this.#position : null;
    writeFile(this.fd, this.host.views.u8, io.piecePtr, count, position, this.#onWritten);
    return "busy";
  }

  /** Writes until nothing is there, or for a turn of the event loop. */
  #writeNow(io: SocketIo): "done" | "empty" | "busy" {
    let moved = 0;
    let taken = 1;
    let error: NodeJS.ErrnoException | null = null;
    while (taken > 0 && moved < RAM_TURN_BYTES) {
      const count = io.reserveRead(Math.min(RAM_TURN_BYTES - moved, RAM_PIECE_BYTES));
      if (count === 0) break;
      taken = 0;
      try {
        taken = writeSync(this.fd, this.host.views.u8, io.piecePtr, count, this.#position);
      } catch (caught) {
        error = caught as NodeJS.ErrnoException;
      }
      io.commitRead(taken);
      this.#position += taken;
      moved += taken;
    }
    if (moved === 0 && taken > 0) return this.#pause(io);
    this.busy = true;
    setImmediate(() => this.#finishTurn(error));
    return "busy";
  }

  #tell(): void {
    this.#told = this.#position;
    this.onProgress?.(this.#position, undefined);
  }

  #pause(io: SocketIo): "done" | "empty" {
    return io.atEnd ? this.succeed(this.#position) : "empty";
  }

  #finishWrite(error: NodeJS.ErrnoException | null, count: number): void {
    const taken = error === null ? count : 0;
    // Also of a transfer that was stopped meanwhile: what lies in the part is not read again.
    this.#io!.commitRead(taken);
    this.#position += taken;
    this.#finishTurn(error);
  }

  #finishTurn(error: NodeJS.ErrnoException | null): void {
    this.accessOver();
    if (this.#position > this.#told) this.#tell();
    if (error !== null) this.breakOff(withPath(error, this.path));
    this.host.pump();
  }
}

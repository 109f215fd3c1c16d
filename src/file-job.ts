// What sending and receiving a file have in common: pieces of a ring that the file system works on, one access at a time, and how the
// transfer came out. A transfer that breaks off here breaks the connection off, so that the peer does not take a part for the whole.
import { close as closeFile, closeSync } from "node:fs";
import { promisify } from "node:util";
import type { JobState } from "./job-state.ts";
import type { SharedViews } from "./memory.ts";
import { type OpenFile, withPath } from "./part-file.ts";
import type { SocketIo } from "./socket-io.ts";

const closeAsync = promisify(closeFile);

/** Bytes of one access by libuv's pool: large enough to be cheap, small enough for the file and the network to work at the same time. */
const PIECE_BYTES = 512 * 1024;

/** Bytes of one access to a file in memory: what it moves is still in the processor's cache when it is moved on. */
const RAM_PIECE_BYTES = 64 * 1024;

/** Bytes moved to or from a file in memory in one turn of the event loop, which stands still for so long: 0.1 ms, or 0.6 with pages that have never been used. */
export const RAM_TURN_BYTES = 256 * 1024;

/** Called after each piece with the bytes done so far and, if it is known, how many there will be. What it throws ends the transfer. */
export type Progress = (bytes: number, totalBytes: number | undefined) => void;

/** What a transfer needs of its connection. */
export interface TransferHost {
  readonly views: SharedViews;
  /** Lets both sides of the connection go on after an access. */
  readonly pump: () => void;
  /** Resets the connection. */
  abort(error: Error): void;
}

/** How an access by libuv's pool went. */
export type AccessDone = (error: NodeJS.ErrnoException | null, count: number) => void;

/** A file on its way between the file system and a ring. */
export abstract class FileJob {
  /** Resolves with the bytes moved. */
  readonly promise: Promise<number>;
  /** Bytes moved so far. */
  protected moved = 0;
  protected settled = false;
  readonly #file: OpenFile;
  readonly #host: TransferHost;
  readonly #onProgress: Progress | undefined;
  readonly #onAccessed: AccessDone = (error, count) => this.#finishAccess(error, count);
  /** The ring, once it has been looked into. */
  #io: SocketIo | undefined;
  /** Of `moved`, what `onProgress` knows. */
  #told = 0;
  /** The file system works on a piece of the ring, or did in this turn of the event loop. */
  #busy = false;
  #closing = false;
  #onClosed: (() => void) | undefined;
  #resolve!: (bytes: number) => void;
  #reject!: (error: Error) => void;

  constructor(file: OpenFile, host: TransferHost, onProgress: Progress | undefined) {
    this.#file = file;
    this.#host = host;
    this.#onProgress = onProgress;
    this.promise = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
  }

  /** Moves what can be moved now, see `SendJob` and `ReceiveJob`. */
  run(io: SocketIo): JobState {
    if (this.#busy) return "busy";
    if (this.settled) return "done";
    this.#io = io;
    return this.#file.isInMemory ? this.#moveNow(io) : this.#move(io);
  }

  /** The caller says so. */
  abstract cancel(error: Error): void;

  fail(error: Error): void {
    if (this.settled) return;
    this.settled = true;
    this.#reject(error);
  }

  /** Closes the file of a transfer that failed; not before the access under way is over, or another file might get its number and its bytes. */
  async close(): Promise<void> {
    this.#closing = true;
    if (this.#busy) {
      if (!this.endsSoon) return;
      await new Promise<void>((resolve) => {
        this.#onClosed = resolve;
      });
      return;
    }
    await closeAsync(this.#file.fd).catch(() => {}); // why it failed counts more
    this.release();
  }

  /** Whether an access takes no longer than a disk does: then its outcome is waited for, and told, also when the transfer has failed. */
  protected abstract get endsSoon(): boolean;

  /** How many bytes there will be, if that is known. */
  protected abstract get total(): number | undefined;

  /** Finds a piece of the ring of at most `most` bytes. @returns its bytes; 0, and nothing is reserved, when there is none */
  protected abstract reserve(io: SocketIo, most: number): number;

  /** Gives the piece back. @returns how many of the `count` bytes that were moved count */
  protected abstract commit(io: SocketIo, count: number): number;

  /** Moves up to `count` bytes between the file and the memory at `ptr`, by libuv's pool. */
  protected abstract access(fd: number, memory: Uint8Array, ptr: number, count: number, done: AccessDone): void;

  /** The same, at once. @returns bytes moved @throws the file system's error */
  protected abstract accessNow(fd: number, memory: Uint8Array, ptr: number, count: number): number;

  /** There is no piece. */
  protected abstract pause(io: SocketIo): JobState;

  /** An access moved nothing. */
  protected onNothing(): void {}

  /** The file of a transfer that failed is closed. */
  protected release(): void {}

  /** Whether `run` has been called. */
  protected get hasRun(): boolean {
    return this.#io !== undefined;
  }

  /** Fails, and the connection with it: before anything behind this job, which may be the FIN, is sent. */
  protected breakOff(error: Error): void {
    if (this.settled) return;
    this.fail(error);
    this.#host.abort(error);
  }

  protected succeed(): "done" {
    if (!this.settled) {
      this.settled = true;
      this.#resolve(this.moved);
    }
    return "done";
  }

  #move(io: SocketIo): JobState {
    const count = this.reserve(io, PIECE_BYTES);
    if (count === 0) return this.pause(io);
    this.#busy = true;
    this.access(this.#file.fd, this.#host.views.u8, io.piecePtr, count, this.#onAccessed);
    return "busy";
  }

  /** Moves until there is no piece, or for a turn of the event loop. */
  #moveNow(io: SocketIo): JobState {
    let bytes = 0;
    let last = 1;
    let error: NodeJS.ErrnoException | null = null;
    while (last > 0 && bytes < RAM_TURN_BYTES) {
      const count = this.reserve(io, Math.min(RAM_TURN_BYTES - bytes, RAM_PIECE_BYTES));
      if (count === 0) break;
      last = 0;
      try {
        last = this.accessNow(this.#file.fd, this.#host.views.u8, io.piecePtr, count);
      } catch (caught) {
        error = caught as NodeJS.ErrnoException;
      }
      bytes += last;
      this.moved += this.commit(io, last);
    }
    if (bytes === 0 && last > 0) return this.pause(io);
    this.#busy = true;
    setImmediate(() => this.#finishTurn(error, last));
    return "busy";
  }

  #finishAccess(error: NodeJS.ErrnoException | null, count: number): void {
    this.moved += this.commit(this.#io!, error === null ? count : 0);
    this.#finishTurn(error, count);
  }

  /** @param count - bytes of the last access */
  #finishTurn(error: NodeJS.ErrnoException | null, count: number): void {
    this.#accessOver();
    this.#tell();
    if (error !== null) this.breakOff(withPath(error, this.#file.path));
    else if (count === 0) this.onNothing();
    this.#host.pump();
  }

  #accessOver(): void {
    this.#busy = false;
    if (!this.#closing) return;
    try {
      closeSync(this.#file.fd);
    } catch {
      // A late error of a file server: why the transfer failed counts more
    }
    this.release();
    this.#onClosed?.();
  }

  #tell(): void {
    if (this.moved === this.#told || (this.settled && !this.endsSoon)) return;
    this.#told = this.moved;
    try {
      this.#onProgress?.(this.moved, this.total);
    } catch (error) {
      this.cancel(error as Error);
    }
  }
}

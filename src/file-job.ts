// What sending and receiving a file have in common: the open file, the access to it that is under way, and how the transfer came out.
// A transfer that breaks off here breaks the connection off, so that the peer does not take a part for the whole.
import { close as closeFile, closeSync } from "node:fs";
import { promisify } from "node:util";
import type { SharedViews } from "./memory.ts";

const closeAsync = promisify(closeFile);

/** Bytes of one access by libuv's pool: large enough to be cheap, small enough for the file and the network to work at the same time. */
export const PIECE_BYTES = 512 * 1024;

/** Bytes of one access to a file in memory: what it moves is still in the processor's cache when it is moved on. */
export const RAM_PIECE_BYTES = 64 * 1024;

/** Bytes moved to or from a file in memory in one turn of the event loop, which stands still for less than half a millisecond. */
export const RAM_TURN_BYTES = 256 * 1024;

/** Called after each piece with the bytes done so far and, if it is known, how many there will be. */
export type Progress = (bytes: number, totalBytes: number | undefined) => void;

/** What a transfer needs of its connection. */
export interface TransferHost {
  readonly views: SharedViews;
  /** Lets both sides of the connection go on after an access. */
  readonly pump: () => void;
  /** Resets the connection. */
  abort(error: Error): void;
}

/** An open file, one access to it at a time, and how the transfer came out. */
export abstract class FileJob {
  /** Resolves with the bytes moved. */
  readonly promise: Promise<number>;
  protected readonly fd: number;
  protected readonly path: string;
  protected readonly host: TransferHost;
  protected readonly onProgress: Progress | undefined;
  protected settled = false;
  /** The file system works on a piece of the ring. */
  protected busy = false;
  #closing = false;
  #onClosed: (() => void) | undefined;
  #resolve!: (bytes: number) => void;
  #reject!: (error: Error) => void;

  constructor(fd: number, path: string, host: TransferHost, onProgress: Progress | undefined) {
    this.fd = fd;
    this.path = path;
    this.host = host;
    this.onProgress = onProgress;
    this.promise = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
  }

  /** The caller's signal says so. */
  abstract cancel(error: Error): void;

  fail(error: Error): void {
    if (this.settled) return;
    this.settled = true;
    this.#reject(error);
  }

  /** Closes the file of a transfer that failed; not before the access under way is over, or another file might get its number and its bytes. */
  async close(): Promise<void> {
    this.#closing = true;
    if (this.busy) {
      if (!this.endsSoon) return;
      await new Promise<void>((resolve) => {
        this.#onClosed = resolve;
      });
      return;
    }
    await closeAsync(this.fd).catch(() => {}); // why it failed counts more
    this.release();
  }

  /** Whether the access under way takes no longer than a disk does. */
  protected abstract get endsSoon(): boolean;

  /** The file of a transfer that failed is closed. */
  protected release(): void {}

  /** Fails, and the connection with it: before anything behind this job, which may be the FIN, is sent. */
  protected breakOff(error: Error): void {
    if (this.settled) return;
    this.fail(error);
    this.host.abort(error);
  }

  protected succeed(bytes: number): "done" {
    if (!this.settled) {
      this.settled = true;
      this.#resolve(bytes);
    }
    return "done";
  }

  protected accessOver(): void {
    this.busy = false;
    if (!this.#closing) return;
    closeSync(this.fd);
    this.release();
    this.#onClosed?.();
  }
}

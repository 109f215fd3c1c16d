// Files to and from a connection without a copy through the heap: the file system reads straight into the send ring and writes
// straight from the receive ring. While it does, the ring stays where it is (SocketIo.reserve*), and the piece before is already on
// its way.
import { close as closeFile, closeSync, fstat, open, read as readFile, write as writeFile } from "node:fs";
import { promisify } from "node:util";
import { AbortError, NetstackError } from "./errors.ts";
import type { SharedViews } from "./memory.ts";
import type { ReceiveJob } from "./receive-side.ts";
import type { SendJob } from "./send-side.ts";
import type { SocketIo } from "./socket-io.ts";

const openAsync = promisify(open);
const closeAsync = promisify(closeFile);
const fstatAsync = promisify(fstat);

/** Bytes of one access: large enough to be cheap, small enough for the file and the network to work at the same time. */
const PIECE_BYTES = 512 * 1024;

/** Called after each piece with the bytes done so far and, if it is known, how many there will be. */
export type Progress = (bytes: number, totalBytes: number | undefined) => void;

/** Options of `Connection.sendFile`. */
export interface SendFileOptions {
  /** First byte to send. Default 0. */
  start?: number | undefined;
  /** Byte behind the last one to send. Default: the end of the file. */
  end?: number | undefined;
  signal?: AbortSignal | undefined;
  onProgress?: Progress | undefined;
}

/** Options of `Connection.receiveFile`. */
export interface ReceiveFileOptions {
  signal?: AbortSignal | undefined;
  onProgress?: Progress | undefined;
}

/** An open file, one access to it at a time, and how the transfer came out. */
abstract class FileJob {
  /** Resolves with the bytes moved. */
  readonly promise: Promise<number>;
  protected readonly fd: number;
  protected readonly views: SharedViews;
  protected readonly onProgress: Progress | undefined;
  protected settled = false;
  /** The file system works on a piece of the ring. */
  protected busy = false;
  #closing = false;
  #resolve!: (bytes: number) => void;
  #reject!: (error: Error) => void;

  constructor(fd: number, views: SharedViews, onProgress: Progress | undefined) {
    this.fd = fd;
    this.views = views;
    this.onProgress = onProgress;
    this.promise = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
  }

  fail(error: Error): void {
    if (this.settled) return;
    this.settled = true;
    this.#reject(error);
  }

  /** Closes the file; not before the access under way is over, or another file might get its number and its bytes. */
  async close(): Promise<void> {
    this.#closing = true;
    if (!this.busy) await closeAsync(this.fd);
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
    if (this.#closing) closeSync(this.fd);
  }
}

/** Puts a file into the send ring. */
class FileSender extends FileJob implements SendJob {
  readonly #start: number;
  readonly #end: number;
  readonly #pump: () => void;
  readonly #onRead = (error: NodeJS.ErrnoException | null, count: number): void => this.#finishRead(error, count);
  #io: SocketIo | undefined;
  #position: number;

  constructor(fd: number, views: SharedViews, pump: () => void, start: number, end: number, onProgress?: Progress) {
    super(fd, views, onProgress);
    this.#start = start;
    this.#position = start;
    this.#end = end;
    this.#pump = pump;
  }

  run(io: SocketIo): "done" | "full" | "busy" {
    if (this.busy) return "busy";
    if (this.settled) return "done";
    const left = this.#end - this.#position;
    if (left <= 0) return this.succeed(this.#position - this.#start);
    const count = io.reserveWrite(Math.min(left, PIECE_BYTES));
    if (count === 0) return "full";
    this.#io = io;
    this.busy = true;
    readFile(this.fd, this.views.u8, io.piecePtr, count, this.#position, this.#onRead);
    return "busy";
  }

  #finishRead(error: NodeJS.ErrnoException | null, count: number): void {
    this.accessOver();
    const given = error !== null || this.settled ? 0 : count;
    this.#io!.commitWrite(given);
    this.#position += given;
    const sent = this.#position - this.#start;
    if (error !== null) this.fail(error);
    else if (count === 0) {
      const message = `sendFile: the file ended after ${sent} of ${this.#end - this.#start} bytes`;
      this.fail(new NetstackError("ERR_FILE_TRUNCATED", message, { syscall: "read" }));
    } else if (!this.settled) this.onProgress?.(sent, this.#end - this.#start);
    this.#pump();
  }
}

/** Takes a file out of the receive ring, to the peer's FIN. */
class FileReceiver extends FileJob implements ReceiveJob {
  readonly #pump: () => void;
  readonly #onWritten = (error: NodeJS.ErrnoException | null, count: number): void => this.#finishWrite(error, count);
  #io: SocketIo | undefined;
  #position = 0;

  constructor(fd: number, views: SharedViews, pump: () => void, onProgress?: Progress) {
    super(fd, views, onProgress);
    this.#pump = pump;
  }

  run(io: SocketIo): "done" | "empty" | "busy" {
    if (this.busy) return "busy";
    if (this.settled) return "done";
    const count = io.reserveRead(PIECE_BYTES);
    if (count === 0) return io.atEnd ? this.succeed(this.#position) : "empty";
    this.#io = io;
    this.busy = true;
    writeFile(this.fd, this.views.u8, io.piecePtr, count, this.#position, this.#onWritten);
    return "busy";
  }

  settle(error: Error | null): void {
    if (error === null) this.succeed(this.#position);
    else this.fail(error);
  }

  #finishWrite(error: NodeJS.ErrnoException | null, count: number): void {
    this.accessOver();
    const taken = error !== null || this.settled ? 0 : count;
    this.#io!.commitRead(taken);
    this.#position += taken;
    if (error !== null) this.fail(error);
    else if (!this.settled) this.onProgress?.(this.#position, undefined);
    this.#pump();
  }
}

/** What a transfer needs of its connection. */
export interface TransferHost {
  readonly views: SharedViews;
  /** Lets both sides of the connection go on after an access. */
  readonly pump: () => void;
}

/**
 * Sends a file, or a part of it. See `Connection.sendFile`.
 * @param add - hands the job to the connection; throws if it takes none
 */
export async function sendFile(
  path: string,
  options: SendFileOptions,
  host: TransferHost,
  add: (job: SendJob) => void,
): Promise<number> {
  const { start = 0, signal, onProgress } = options;
  if (signal?.aborted) throw new AbortError(signal);
  const fd = await openAsync(path, "r");
  let sender: FileSender;
  try {
    const end = options.end ?? (await fstatAsync(fd)).size;
    sender = new FileSender(fd, host.views, host.pump, start, Math.max(start, end), onProgress);
    add(sender);
  } catch (error) {
    closeSync(fd);
    throw error;
  }
  return await finish(sender, host.pump, signal);
}

/** Receives into a file until the peer's FIN. See `Connection.receiveFile`; parameters as in `sendFile`. */
export async function receiveFile(
  path: string,
  options: ReceiveFileOptions,
  host: TransferHost,
  add: (job: ReceiveJob) => void,
): Promise<number> {
  const { signal, onProgress } = options;
  if (signal?.aborted) throw new AbortError(signal);
  const fd = await openAsync(path, "w");
  const receiver = new FileReceiver(fd, host.views, host.pump, onProgress);
  add(receiver);
  return await finish(receiver, host.pump, signal);
}

/** Waits for the outcome and closes the file; the signal makes it an AbortError at once. */
async function finish(
  job: FileSender | FileReceiver,
  pump: () => void,
  signal: AbortSignal | undefined,
): Promise<number> {
  const abort = (): void => {
    job.fail(new AbortError(signal));
    pump();
  };
  signal?.addEventListener("abort", abort, { once: true });
  // It may have been aborted while the file was being opened.
  if (signal?.aborted) abort();
  try {
    return await job.promise;
  } finally {
    signal?.removeEventListener("abort", abort);
    await job.close();
  }
}

// Files to and from a connection without a copy through the heap: the file system reads straight into the send ring and writes
// straight from the receive ring. While it does, the ring stays where it is (SocketIo.reserve*), and the piece before is already on
// its way. A transfer that breaks off here breaks the connection off, so that the peer does not take a part for the whole.
import { close as closeFile, closeSync, fstat, open, read as readFile, write as writeFile } from "node:fs";
import { promisify } from "node:util";
import { boolean } from "./argument-checks.ts";
import { AbortError, closedError, NetstackError } from "./errors.ts";
import type { SharedViews } from "./memory.ts";
import { openPart, type PartFile, withPath } from "./part-file.ts";
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
  /** Ends the transfer. */
  signal?: AbortSignal | undefined;
  /** Is told of each piece. */
  onProgress?: Progress | undefined;
}

/** Options of `Connection.receiveFile`. */
export interface ReceiveFileOptions {
  /** Wait until the bytes are on the disk before the file gets its name (fsync). Default true. */
  flush?: boolean | undefined;
  /** Ends the transfer. */
  signal?: AbortSignal | undefined;
  /** Is told of each piece. */
  onProgress?: Progress | undefined;
}

/** What a transfer needs of its connection. */
export interface TransferHost {
  readonly views: SharedViews;
  /** Lets both sides of the connection go on after an access. */
  readonly pump: () => void;
  /** Resets the connection. */
  abort(error: Error): void;
}

/** An open file, one access to it at a time, and how the transfer came out. */
abstract class FileJob {
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

/** Puts a file into the send ring. */
class FileSender extends FileJob implements SendJob {
  // A pipe may give its next byte tomorrow.
  protected override readonly endsSoon = false;
  readonly #start: number;
  readonly #end: number;
  readonly #onRead = (error: NodeJS.ErrnoException | null, count: number): void => this.#finishRead(error, count);
  #io: SocketIo | undefined;
  #position: number;

  constructor(fd: number, path: string, host: TransferHost, start: number, end: number, onProgress?: Progress) {
    super(fd, path, host, onProgress);
    this.#start = start;
    this.#position = start;
    this.#end = end;
  }

  cancel(error: Error): void {
    if (this.#position > this.#start) this.breakOff(error);
    else this.fail(error);
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
    readFile(this.fd, this.host.views.u8, io.piecePtr, count, this.#position, this.#onRead);
    return "busy";
  }

  #finishRead(error: NodeJS.ErrnoException | null, count: number): void {
    this.accessOver();
    const given = error !== null || this.settled ? 0 : count;
    this.#io!.commitWrite(given);
    this.#position += given;
    const sent = this.#position - this.#start;
    if (error !== null) this.breakOff(withPath(error, this.path));
    else if (count === 0) {
      const message = `sendFile: ${this.path} was truncated: it ended after ${sent} of ${this.#end - this.#start} bytes`;
      this.breakOff(new NetstackError("ERR_FILE_TRUNCATED", message, { syscall: "read" }));
    } else if (!this.settled) this.onProgress?.(sent, this.#end - this.#start);
    this.host.pump();
  }
}

/** Takes a file out of the receive ring, to the peer's FIN. */
class FileReceiver extends FileJob implements ReceiveJob {
  readonly #file: PartFile;
  readonly #onWritten = (error: NodeJS.ErrnoException | null, count: number): void => this.#finishWrite(error, count);
  #io: SocketIo | undefined;
  #position = 0;

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
    const count = io.reserveRead(PIECE_BYTES);
    if (count === 0) return io.atEnd ? this.succeed(this.#position) : "empty";
    this.busy = true;
    const position = this.#file.isSeekable ? this.#position : null;
    writeFile(this.fd, this.host.views.u8, io.piecePtr, count, position, this.#onWritten);
    return "busy";
  }

  settle(error: Error | null): void {
    if (error !== null) this.fail(error);
    // Who has looked for bytes and not come to the peer's end was stopped by closeRead().
    else if (this.#io !== undefined) this.fail(closedError("connection", "receiveFile"));
    else this.succeed(this.#position);
  }

  #finishWrite(error: NodeJS.ErrnoException | null, count: number): void {
    this.accessOver();
    this.#io!.commitRead(error !== null || this.settled ? 0 : count);
    if (error !== null) this.breakOff(withPath(error, this.path));
    else {
      this.#position += count;
      this.onProgress?.(this.#position, undefined);
    }
    this.host.pump();
  }
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
    const stats = await fstatAsync(fd);
    if (stats.isDirectory()) throw directoryError(path);
    const end = options.end ?? stats.size;
    sender = new FileSender(fd, path, host, start, Math.max(start, end), onProgress);
    add(sender);
  } catch (error) {
    closeSync(fd);
    throw error;
  }
  const bytes = await outcome(sender, host.pump, signal);
  await closeAsync(fd);
  return bytes;
}

/** Receives into a file until the peer's FIN. See `Connection.receiveFile`; parameters as in `sendFile`. */
export async function receiveFile(
  path: string,
  options: ReceiveFileOptions,
  host: TransferHost,
  add: (job: ReceiveJob) => void,
): Promise<number> {
  const { signal, onProgress } = options;
  const flush = boolean("options.flush", options.flush ?? true);
  if (signal?.aborted) throw new AbortError(signal);
  const file = await openPart(path, flush);
  const receiver = new FileReceiver(file, host, onProgress);
  add(receiver);
  const bytes = await outcome(receiver, host.pump, signal);
  try {
    await file.finish();
  } catch (error) {
    host.abort(error as Error);
    throw error;
  }
  return bytes;
}

/** What reading one would be rejected with. */
function directoryError(path: string): NodeJS.ErrnoException {
  const error = new Error("EISDIR: illegal operation on a directory, read") as NodeJS.ErrnoException;
  return withPath(Object.assign(error, { code: "EISDIR", errno: -21, syscall: "read" }), path);
}

/** Waits for the outcome; the signal makes it an AbortError at once. The file of a transfer that fails is closed. */
async function outcome(
  job: FileSender | FileReceiver,
  pump: () => void,
  signal: AbortSignal | undefined,
): Promise<number> {
  const abort = (): void => {
    job.cancel(new AbortError(signal));
    pump();
  };
  signal?.addEventListener("abort", abort, { once: true });
  // It may have been aborted while the file was being opened.
  if (signal?.aborted) abort();
  try {
    return await job.promise;
  } catch (error) {
    await job.close();
    throw error;
  } finally {
    signal?.removeEventListener("abort", abort);
  }
}

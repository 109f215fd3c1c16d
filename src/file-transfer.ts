// Files to and from a connection (Connection.sendFile, receiveFile): opens them, hands the job to the connection, waits for the outcome,
// minds the caller's signal, and closes them.
import { close as closeFile, closeSync, fstat, open } from "node:fs";
import { promisify } from "node:util";
import { boolean, object } from "./argument-checks.ts";
import { checkSignal } from "./call-options.ts";
import { AbortError, invalidType } from "./errors.ts";
import type { Progress, TransferHost } from "./file-job.ts";
import { FileReceiver } from "./file-receiver.ts";
import { FileSender } from "./file-sender.ts";
import { openPart, withPath } from "./part-file.ts";
import { isInMemory } from "./ram-file.ts";
import type { ReceiveJob } from "./receive-side.ts";
import type { SendJob } from "./send-side.ts";

const openAsync = promisify(open);
const closeAsync = promisify(closeFile);
const fstatAsync = promisify(fstat);

export type { Progress } from "./file-job.ts";

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
  const { start = 0 } = options;
  const { signal, onProgress } = checkCommon(options);
  if (signal?.aborted) throw new AbortError(signal);
  const fd = await openAsync(path, "r");
  let sender: FileSender;
  try {
    const stats = await fstatAsync(fd);
    if (stats.isDirectory()) throw directoryError(path);
    const end = Math.max(start, options.end ?? stats.size);
    const isInRam = stats.isFile() && (await isInMemory(fd));
    sender = new FileSender({ fd, path, start, end, isInMemory: isInRam }, host, onProgress);
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
  const { signal, onProgress } = checkCommon(object("options", options));
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

/** Checks what both have. @throws TypeError */
function checkCommon({ signal, onProgress }: SendFileOptions | ReceiveFileOptions): {
  signal: AbortSignal | undefined;
  onProgress: Progress | undefined;
} {
  if (onProgress !== undefined && typeof onProgress !== "function") {
    throw invalidType("onProgress", "a function", onProgress);
  }
  return { signal: checkSignal(signal), onProgress };
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

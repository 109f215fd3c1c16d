// Writes the frames of links to a pcapng file in big pieces, from the thread that moves them. A file that cannot be
// written ends the capture, never the link. Knows no link and no clock: the caller says when each frame passed.

import { closeSync, ftruncateSync, openSync, writeSync } from "node:fs";
import { FRAME_CSUM_PARTIAL } from "../../assembly/layout.ts";
import { rangeError } from "./argument-errors.ts";
import type { Frame } from "./frame.ts";
import {
  type InterfaceDescription,
  interfaceBlock,
  MAX_PACKET_BLOCK_BYTES,
  type PacketBlockOptions,
  sectionHeader,
  writePacketBlock,
} from "./pcapng.ts";

const DEFAULT_BUFFER_BYTES = 1024 * 1024;

/** Options of a {@link CaptureWriter}. */
export interface CaptureWriterOptions {
  /**
   * Called once, when the capture stops because its file cannot be written; the error has the system's `code` and
   * `syscall`.
   */
  onError?: ((error: CaptureError) => void) | undefined;
  /** Bytes collected before they are written, at least `MAX_PACKET_BLOCK_BYTES`. Default 1 MiB. */
  bufferBytes?: number | undefined;
}

/** What a capture has done so far. */
export interface CaptureCounters {
  /** Frames that reached the file or wait in the buffer. */
  frames: number;
  /** Bytes in the file, headers included. */
  bytes: number;
  /** Frames that passed and are not in the file, because writing failed or the capture was closed. */
  lostFrames: number;
}

/** A capture file cannot be opened or written. */
export class CaptureError extends Error {
  /** The system's code, such as `ENOSPC` or `EACCES`. */
  readonly code: string;
  /** The call that failed: `open`, `write` or `close`. */
  readonly syscall: string;
  readonly path: string;

  constructor(action: string, path: string, cause: NodeJS.ErrnoException) {
    super(`Capture file \`${path}\` ${action}: ${cause.message}`, { cause });
    this.name = "CaptureError";
    this.code = cause.code ?? "EIO";
    this.syscall = cause.syscall ?? "write";
    this.path = path;
  }
}

/**
 * A pcapng file under construction. Frames are buffered; call {@link CaptureWriter.flush} when there is nothing else to
 * do (before sleeping), so that a reader sees them soon, and {@link CaptureWriter.close} at the end.
 */
export class CaptureWriter {
  readonly path: string;
  /** Live counters; read only. */
  readonly counters: Readonly<CaptureCounters>;
  readonly #counters: CaptureCounters = { frames: 0, bytes: 0, lostFrames: 0 };
  readonly #onError: ((error: CaptureError) => void) | undefined;
  readonly #buffer: Uint8Array;
  readonly #block: { outbound: boolean; comment: string | undefined; partialChecksum: boolean } = {
    outbound: false,
    comment: undefined,
    partialChecksum: false,
  };
  #fd = -1;
  #used = 0;
  #usedFrames = 0;
  #interfaces = 0;
  #error: CaptureError | null = null;

  /**
   * Creates the file, or empties it if it exists.
   * @param path - a file, FIFO or device
   * @throws {@link CaptureError} if it cannot be opened
   * @throws RangeError with code `ERR_OUT_OF_RANGE` if `bufferBytes` is too small
   */
  constructor(path: string, options: CaptureWriterOptions = {}) {
    const bufferBytes = options.bufferBytes ?? DEFAULT_BUFFER_BYTES;
    if (!(bufferBytes >= MAX_PACKET_BLOCK_BYTES)) {
      throw rangeError(`Expected \`bufferBytes\` to be at least ${MAX_PACKET_BLOCK_BYTES}, got \`${bufferBytes}\``);
    }
    this.path = path;
    this.counters = this.#counters;
    this.#onError = options.onError;
    try {
      this.#fd = openSync(path, "w");
    } catch (error) {
      throw new CaptureError("cannot be opened", path, error as NodeJS.ErrnoException);
    }
    this.#buffer = new Uint8Array(bufferBytes);
    this.#append(sectionHeader());
  }

  /** The error that stopped the capture, or null. */
  get error(): CaptureError | null {
    return this.#error;
  }

  /**
   * Adds an interface; it must precede its first frame.
   * @returns its id, for {@link CaptureWriter.write}
   */
  addInterface(name: string, more?: InterfaceDescription): number {
    this.#append(interfaceBlock(name, more));
    return this.#interfaces++;
  }

  /**
   * Records a frame. Never throws because of the file: after an error frames are only counted as lost.
   * @param interfaceId - from {@link CaptureWriter.addInterface}
   * @param timestampUs - wall clock, µs since 1970
   * @param frame - copied, with a partial checksum completed in the copy; a super-segment is recorded whole
   * @param outbound - true if we sent it
   * @param comment - shown with the frame by Wireshark
   * @throws RangeError with code `ERR_OUT_OF_RANGE` for an interface that was not added
   */
  write(interfaceId: number, timestampUs: number, frame: Frame, outbound: boolean, comment?: string): void {
    if (!(interfaceId < this.#interfaces)) {
      throw rangeError(`Expected \`interfaceId\` to be below ${this.#interfaces}, got \`${interfaceId}\``);
    }
    if (this.#buffer.length - this.#used < MAX_PACKET_BLOCK_BYTES) this.flush();
    if (this.#fd < 0) {
      this.#counters.lostFrames++;
      return;
    }
    const block: PacketBlockOptions = this.#block;
    block.outbound = outbound;
    block.comment = comment;
    block.partialChecksum = (frame.flags & FRAME_CSUM_PARTIAL) !== 0;
    this.#used = writePacketBlock(this.#buffer, this.#used, interfaceId, timestampUs, frame.bytes, block);
    this.#usedFrames++;
    this.#counters.frames++;
  }

  /** Writes what is buffered. An error ends the capture and goes to `onError`; it is not thrown. */
  flush(): void {
    if (this.#fd < 0 || this.#used === 0) return;
    let done = 0;
    try {
      while (done < this.#used) done += writeSync(this.#fd, this.#buffer, done, this.#used - done);
      this.#counters.bytes += done;
      this.#used = 0;
      this.#usedFrames = 0;
    } catch (error) {
      if (done > 0) this.#removePartialBlock();
      this.#fail(new CaptureError("cannot be written, the capture stops", this.path, error as NodeJS.ErrnoException));
    }
  }

  /** Writes what is buffered and closes the file. A second call does nothing. */
  close(): void {
    this.flush();
    if (this.#fd < 0) return;
    const fd = this.#fd;
    this.#fd = -1;
    try {
      closeSync(fd);
    } catch (error) {
      this.#fail(new CaptureError("cannot be closed", this.path, error as NodeJS.ErrnoException));
    }
  }

  #append(block: Uint8Array): void {
    if (this.#buffer.length - this.#used < block.length) this.flush();
    if (this.#fd < 0) return;
    this.#buffer.set(block, this.#used);
    this.#used += block.length;
  }

  /** Cuts the file behind the last whole piece, so that it stays readable; pipes and devices have nothing to cut. */
  #removePartialBlock(): void {
    try {
      ftruncateSync(this.#fd, this.#counters.bytes);
    } catch {
      // The error that brought us here is the one to report.
    }
  }

  #fail(error: CaptureError): void {
    this.#counters.frames -= this.#usedFrames;
    this.#counters.lostFrames += this.#usedFrames;
    this.#used = 0;
    this.#usedFrames = 0;
    this.#error = error;
    const fd = this.#fd;
    this.#fd = -1;
    if (fd >= 0) {
      try {
        closeSync(fd);
      } catch {
        // The file is given up already, and `error` says why.
      }
    }
    this.#onError?.(error);
  }
}

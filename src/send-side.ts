// The sending half of a connection: what is written, in order, as the send ring has room. A job is a buffer, a file, or the end.
// Knows the rings only through SocketIo and nothing of the connection's life but that it fails.

import { EPIPE } from "../assembly/layout.ts";
import { closedError, netstackError } from "./errors.ts";
import type { JobState } from "./job-state.ts";
import { errorOf, type Reason } from "./lazy-error.ts";
import { resolvedWrite } from "./resolved.ts";
import type { SocketIo } from "./socket-io.ts";

/** Something that is being sent. */
export interface SendJob {
  /** Moves what can be moved now. @returns `blocked`: there is no room; `busy`: it calls `SendSide.pump` itself */
  run(io: SocketIo): JobState;
  /** The connection is gone, or closed here. */
  fail(error: Error): void;
}

class BufferJob implements SendJob {
  readonly #bytes: Uint8Array;
  readonly #resolve: (count: number) => void;
  readonly #reject: (error: Error) => void;
  readonly #mark: number;
  #sent: number;

  constructor(
    bytes: Uint8Array,
    mark: number,
    sent: number,
    resolve: (count: number) => void,
    reject: (error: Error) => void,
  ) {
    this.#bytes = bytes;
    this.#mark = mark;
    this.#sent = sent;
    this.#resolve = resolve;
    this.#reject = reject;
  }

  run(io: SocketIo): JobState {
    this.#sent += io.write(this.#bytes, this.#sent, this.#mark);
    if (this.#sent < this.#bytes.length) return "blocked";
    this.#resolve(this.#bytes.length);
    return "done";
  }

  fail(error: Error): void {
    this.#reject(error);
  }
}

class EndJob implements SendJob {
  readonly #end: () => void;
  readonly #resolve: () => void;
  readonly #reject: (error: Error) => void;

  constructor(end: () => void, resolve: () => void, reject: (error: Error) => void) {
    this.#end = end;
    this.#resolve = resolve;
    this.#reject = reject;
  }

  run(): "done" {
    this.#end();
    this.#resolve();
    return "done";
  }

  fail(error: Error): void {
    this.#reject(error);
  }
}

/** Whose sending half it is. */
export interface SendOwner {
  /** Asks the core for the FIN behind the bytes in the ring; called once. */
  shutdownWrite(): void;
}

/** What all share that have nothing to do: a connection that idles holds no array of its own. */
const NO_JOBS: readonly SendJob[] = [];

/** What a connection sends. */
export class SendSide {
  readonly #io: SocketIo;
  readonly #owner: SendOwner;
  #jobs: readonly SendJob[] = NO_JOBS;
  #ended = false;
  #error: Reason | undefined;
  #pumping = false;

  constructor(io: SocketIo, owner: SendOwner) {
    this.#io = io;
    this.#owner = owner;
  }

  /** Whether something has not found room in the send ring yet. */
  get isWaiting(): boolean {
    return this.#jobs.length > 0;
  }

  /** Sends a buffer; resolves with its length when all of it is in the send ring. `mark`: `SEND_MARK_` bits of its end */
  write(bytes: Uint8Array, mark = 0): Promise<number> {
    const error = this.#refusal("write");
    if (error !== undefined) return Promise.reject(error);
    let sent = 0;
    if (this.#jobs.length === 0) {
      sent = this.#io.write(bytes, 0, mark);
      if (sent === bytes.length) return resolvedWrite(sent);
    }
    return new Promise((resolve, reject) => this.#add(new BufferJob(bytes, mark, sent, resolve, reject)));
  }

  /** Sends what a job brings, after all that was written before. @throws the error a write would be rejected with */
  send(job: SendJob): void {
    const error = this.#refusal("sendFile");
    if (error !== undefined) throw error;
    this.#add(job);
  }

  /** FIN after all that was written before; resolves when it has been asked for. */
  end(): Promise<void> {
    if (this.#error !== undefined) return Promise.reject(errorOf(this.#error));
    if (this.#ended) return Promise.resolve();
    this.#ended = true;
    if (this.#jobs.length === 0) {
      this.#owner.shutdownWrite();
      return Promise.resolve();
    }
    return new Promise((resolve, reject) => this.#add(new EndJob(() => this.#owner.shutdownWrite(), resolve, reject)));
  }

  /** Goes on: there is room, or a job is not busy any more. */
  pump(): void {
    if (this.#pumping || this.#error !== undefined) return;
    this.#pumping = true;
    try {
      this.#run();
    } finally {
      this.#pumping = false;
    }
  }

  /** Rejects all that waits and all that will come. */
  fail(error: Reason): void {
    if (this.#error !== undefined) return;
    this.#error = error;
    const jobs = this.#jobs;
    this.#jobs = NO_JOBS;
    for (const job of jobs) job.fail(errorOf(error));
  }

  #add(job: SendJob): void {
    if (this.#jobs.length > 0) {
      (this.#jobs as SendJob[]).push(job);
      return;
    }
    this.#jobs = [job];
    this.pump();
  }

  #run(): void {
    for (let job = this.#jobs[0]; job !== undefined; job = this.#jobs[0]) {
      const state = job.run(this.#io);
      if (state === "busy") return;
      if (state === "done") this.#next();
      else if (this.#io.waitWritable()) return;
    }
  }

  #next(): void {
    if (this.#jobs.length > 1) (this.#jobs as SendJob[]).shift();
    else this.#jobs = NO_JOBS;
  }

  #refusal(syscall: string): Error | undefined {
    if (this.#error !== undefined) return errorOf(this.#error);
    if (!this.#ended) return undefined;
    return netstackError(EPIPE, { syscall }, closedError("connection").message);
  }
}

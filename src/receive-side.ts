// The receiving half of a connection: reads, in order, as bytes arrive. What arrived before the end, or before a reset, is delivered
// first. Knows the rings only through SocketIo.

import type { JobState } from "./job-state.ts";
import { errorOf, type Reason } from "./lazy-error.ts";
import { resolvedRead } from "./resolved.ts";
import type { SocketIo } from "./socket-io.ts";

/** Something that takes what is received. */
export interface ReceiveJob {
  /** Takes what is there. @returns `blocked`: nothing is; `busy`: it calls `ReceiveSide.pump` itself */
  run(io: SocketIo): JobState;
  /** Nothing more will come: an error, or null for the end. */
  settle(error: Error | null): void;
}

class ReadJob implements ReceiveJob {
  readonly #target: Uint8Array;
  readonly #resolve: (count: number | null) => void;
  readonly #reject: (error: Error) => void;

  constructor(target: Uint8Array, resolve: (count: number | null) => void, reject: (error: Error) => void) {
    this.#target = target;
    this.#resolve = resolve;
    this.#reject = reject;
  }

  run(io: SocketIo): JobState {
    const count = io.read(this.#target);
    if (count === 0 && !io.atEnd) return "blocked";
    this.#resolve(count > 0 ? count : null);
    return "done";
  }

  settle(error: Error | null): void {
    if (error === null) this.#resolve(null);
    else this.#reject(error);
  }
}

/** Waits until there is something to read, without reading it. */
class ReadableJob implements ReceiveJob {
  readonly #resolve: () => void;
  readonly #reject: (error: Error) => void;

  constructor(resolve: () => void, reject: (error: Error) => void) {
    this.#resolve = resolve;
    this.#reject = reject;
  }

  run(io: SocketIo): JobState {
    if (io.readable === 0 && !io.atEnd) return "blocked";
    this.#resolve();
    return "done";
  }

  settle(error: Error | null): void {
    if (error === null) this.#resolve();
    else this.#reject(error);
  }
}

/** Whose receiving half it is. */
export interface ReceiveOwner {
  /** A connection that has ended holds nothing to read any more. */
  onDrained(): void;
}

/** What all share that have nothing to do: a connection that idles holds no array of its own. */
const NO_JOBS: readonly ReceiveJob[] = [];

function settled(outcome: Reason | null | undefined): Error | null {
  return outcome ? errorOf(outcome) : null;
}

/** What a connection receives. */
export class ReceiveSide {
  readonly #io: SocketIo;
  readonly #owner: ReceiveOwner;
  #jobs: readonly ReceiveJob[] = NO_JOBS;
  /** How the connection ended: an error, or null for FIN on both sides. Bytes may still wait in the ring. */
  #outcome: Reason | null | undefined;
  /** Reads end when nothing is there. */
  #shut = false;
  /** The ring is not ours any more. */
  #detached = false;
  #pumping = false;

  constructor(io: SocketIo, owner: ReceiveOwner) {
    this.#io = io;
    this.#owner = owner;
  }

  /** Bytes that can be read without waiting. */
  get available(): number {
    return this.#detached ? 0 : this.#io.readable;
  }

  /** Reads into `target`; resolves with the number of bytes, or null at the end. */
  read(target: Uint8Array): Promise<number | null> {
    if (target.length === 0) return resolvedRead(0);
    if (this.#detached) return this.#outcome ? Promise.reject(errorOf(this.#outcome)) : Promise.resolve(null);
    if (this.#jobs.length === 0) {
      const count = this.#io.read(target);
      if (count > 0) {
        if (this.#outcome !== undefined) this.#checkDrained();
        return resolvedRead(count);
      }
    }
    return new Promise((resolve, reject) => this.receive(new ReadJob(target, resolve, reject)));
  }

  /** Resolves when there is something to read, or the end. */
  readable(): Promise<void> {
    return new Promise((resolve, reject) => this.receive(new ReadableJob(resolve, reject)));
  }

  /** Gives what arrives to a job, after all reads before it. */
  receive(job: ReceiveJob): void {
    if (this.#detached) {
      job.settle(settled(this.#outcome));
      return;
    }
    if (this.#jobs.length > 0) {
      (this.#jobs as ReceiveJob[]).push(job);
      return;
    }
    this.#jobs = [job];
    this.pump();
  }

  /** Goes on: something arrived, or a job is not busy any more. */
  pump(): void {
    if (this.#pumping || this.#detached) return;
    this.#pumping = true;
    try {
      this.#run();
    } finally {
      this.#pumping = false;
    }
    if (this.#outcome !== undefined) this.#checkDrained();
  }

  /** Nobody wants to wait for more: reads get what is there, else the end. */
  shut(): void {
    this.#shut = true;
    this.pump();
  }

  /**
   * Nothing more will arrive: because of an error, or (null) because both sides have sent their FIN. Once the peer has ended nothing
   * is missing, whatever happened then (as Linux).
   */
  finish(outcome: Reason | null): void {
    if (this.#outcome !== undefined) return;
    this.#outcome = this.#io.hasEnd ? null : outcome;
    this.pump();
  }

  /** The ring is given up. What waits and what will come gets `outcome`, or what `finish` said. */
  detach(outcome?: Reason): void {
    if (this.#detached) return;
    this.#detached = true;
    this.#outcome = outcome ?? this.#outcome ?? null;
    const jobs = this.#jobs;
    this.#jobs = NO_JOBS;
    for (const job of jobs) job.settle(settled(this.#outcome));
  }

  #run(): void {
    for (let job = this.#jobs[0]; job !== undefined; job = this.#jobs[0]) {
      const state = job.run(this.#io);
      if (state === "busy") return;
      if (state === "done") this.#next();
      else if (this.#outcome !== undefined) this.#next()?.settle(settled(this.#outcome));
      else if (this.#shut) this.#next()?.settle(null);
      else if (this.#io.waitReadable()) return;
    }
  }

  #next(): ReceiveJob | undefined {
    if (this.#jobs.length > 1) return (this.#jobs as ReceiveJob[]).shift();
    const last = this.#jobs[0];
    this.#jobs = NO_JOBS;
    return last;
  }

  #checkDrained(): void {
    if (!this.#detached && this.#jobs.length === 0 && this.#io.readable === 0) this.#owner.onDrained();
  }
}

// Calls that may have to wait: what a call is, and the list of those that wait. Who lets time pass is run.ts.
import type { Reply } from "./frames.ts";

/** A socket call that has begun. */
export interface Call {
  /** Goes on as far as it can. @returns the reply, or null while it must wait */
  attempt(): Reply | null;
  /** The reply when it may not wait, or no longer. */
  giveUp(): Reply;
  /** It may wait. */
  readonly blocks: boolean;
  /** It gives up at this time, µs; Infinity = never. */
  readonly deadlineUs: number;
}

/** A call that needs no time. */
export function immediate(reply: Reply): Call {
  return { attempt: () => reply, giveUp: () => reply, blocks: false, deadlineUs: Number.POSITIVE_INFINITY };
}

interface Waiting {
  readonly call: Call;
  readonly owner: object;
  readonly done: (reply: Reply) => void;
}

/** Calls that wait. */
export class WaitingCalls {
  #waiting: Waiting[] = [];

  /** How many. */
  get size(): number {
    return this.#waiting.length;
  }

  /** When the first of them gives up, µs. */
  get deadlineUs(): number {
    return this.#waiting.reduce((least, { call }) => Math.min(least, call.deadlineUs), Number.POSITIVE_INFINITY);
  }

  /** @param owner - the connection it came from */
  add(call: Call, owner: object, done: (reply: Reply) => void): void {
    this.#waiting.push({ call, owner, done });
  }

  /** Forgets the calls of a connection. */
  drop(owner: object): void {
    this.#waiting = this.#waiting.filter((waiting) => waiting.owner !== owner);
  }

  /** Calls that can go on do so. @returns whether one was completed */
  wake(nowUs: number): boolean {
    const before = this.#waiting;
    this.#waiting = [];
    let any = false;
    for (const waiting of before) {
      const { call } = waiting;
      const reply = call.attempt() ?? (call.deadlineUs <= nowUs ? call.giveUp() : null);
      if (reply === null) {
        this.#waiting.push(waiting);
      } else {
        any = true;
        waiting.done(reply);
      }
    }
    return any;
  }
}

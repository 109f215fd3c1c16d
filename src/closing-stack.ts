// How a stack closes, however many cores it has: asked for as often as anybody likes, done once, in two halves, because no core may end
// before all have wound down.
import { integer } from "./argument-checks.ts";

const DEFAULT_LINGER_MS = 2000;
const MAX_LINGER_MS = 0x7fffffff;

/** A stack that can be closed. */
export abstract class ClosingStack implements AsyncDisposable {
  #closing: Promise<void> | undefined;

  /** Whether `close` has been called. */
  protected get isClosing(): boolean {
    return this.#closing !== undefined;
  }

  /** See `Stack.close`. */
  close(options: { lingerMs?: number | undefined } = {}): Promise<void> {
    try {
      const lingerMs = integer("lingerMs", options.lingerMs ?? DEFAULT_LINGER_MS, 0, MAX_LINGER_MS);
      this.#closing ??= this.#close(lingerMs);
    } catch (error) {
      return Promise.reject(error);
    }
    return this.#closing;
  }

  /** `close()`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** The first half of `close`: all sockets are closed, or reset after `lingerMs`. */
  abstract windDown(lingerMs: number): Promise<void>;

  /** The second half: nothing is left. */
  abstract end(): Promise<void>;

  async #close(lingerMs: number): Promise<void> {
    await this.windDown(lingerMs);
    await this.end();
  }
}

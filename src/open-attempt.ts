// What an active and a passive open have in common while they are under way: one promise that is settled once, the signal that ends
// the wait, the hold on the process. What is asked of the core, and what its answers mean, is the subclass's.
import type { TokenSink } from "./dispatcher.ts";
import { AbortError } from "./errors.ts";
import type { Endpoint } from "./op-queue.ts";
import type { SocketContext } from "./tcp-socket.ts";

/** One call that makes a socket. */
export abstract class OpenAttempt<Socket> implements TokenSink {
  /** Settles when the core has answered, or before if the attempt is cancelled. */
  readonly promise: Promise<Socket>;
  protected readonly context: SocketContext;
  readonly #signal: AbortSignal | undefined;
  readonly #abort = (): void => this.cancel(new AbortError(this.#signal));
  #resolve!: (socket: Socket) => void;
  #reject!: (error: Error) => void;
  #settled = false;

  constructor(context: SocketContext, signal: AbortSignal | undefined) {
    this.context = context;
    this.#signal = signal;
    this.promise = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    context.keepAlive.hold();
  }

  abstract onAttached(handle: number, local: Endpoint): void;

  abstract onFailed(errno: number, interfaceIndex: number): void;

  /** Gives up now. */
  cancel(error: Error): void {
    this.fail(error);
  }

  crash(error: Error): void {
    this.fail(error);
  }

  /** Asks the core, unless the attempt is over already. The last thing a constructor does. */
  protected start(ask: (token: number) => void): void {
    if (this.#signal?.aborted) {
      this.#abort();
      return;
    }
    this.#signal?.addEventListener("abort", this.#abort, { once: true });
    const token = this.context.dispatcher.issue(this);
    if (token !== 0) ask(token);
  }

  /** Whether the promise has its result. */
  protected get settled(): boolean {
    return this.#settled;
  }

  /** It worked. `socket` has its own hold on the process by now. */
  protected succeed(socket: Socket): void {
    this.#resolve(socket);
    this.#settle();
  }

  protected fail(error: Error): void {
    this.#reject(error);
    this.#settle();
  }

  #settle(): void {
    if (this.#settled) return;
    this.#settled = true;
    this.#signal?.removeEventListener("abort", this.#abort);
    this.context.keepAlive.release();
  }
}

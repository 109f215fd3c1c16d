// A passive open under way: from OP_LISTEN to a listener or an error.
import { formatIpv4 } from "./address.ts";
import type { TokenSink } from "./dispatcher.ts";
import { AbortError, netstackError } from "./errors.ts";
import { ListenerSocket } from "./listener.ts";
import type { Endpoint } from "./op-queue.ts";
import type { SocketOption } from "./socket-options.ts";
import type { SocketContext } from "./tcp-socket.ts";

/** What is asked of the core. */
export interface ListenRequest {
  local: Endpoint;
  backlog: number;
  options: readonly SocketOption[];
}

/** One `listen` call. */
export class ListenAttempt implements TokenSink {
  readonly promise: Promise<ListenerSocket>;
  readonly #context: SocketContext;
  readonly #local: Endpoint;
  readonly #signal: AbortSignal | undefined;
  readonly #abort = (): void => this.crash(new AbortError(this.#signal));
  #resolve!: (socket: ListenerSocket) => void;
  #reject!: (error: Error) => void;
  #settled = false;

  constructor(context: SocketContext, request: ListenRequest, signal: AbortSignal | undefined) {
    const { local, backlog, options } = request;
    this.#context = context;
    this.#local = local;
    this.#signal = signal;
    this.promise = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    context.keepAlive.hold();
    if (signal?.aborted) {
      this.#abort();
      return;
    }
    signal?.addEventListener("abort", this.#abort, { once: true });
    const token = context.dispatcher.issue(this);
    if (token !== 0) context.ops.listen(token, local, backlog, options);
  }

  onAttached(handle: number, local: Endpoint): void {
    if (this.#settled) {
      this.#context.ops.closeListener(handle);
      return;
    }
    // Before the hold is let go: the listener has its own.
    this.#resolve(new ListenerSocket(this.#context, handle, local));
    this.#settle();
  }

  onFailed(errno: number): void {
    const { address, port } = this.#local;
    this.#settle();
    this.#reject(netstackError(errno, { syscall: "listen", address: formatIpv4(address), port }));
  }

  crash(error: Error): void {
    this.#settle();
    this.#reject(error);
  }

  #settle(): void {
    if (this.#settled) return;
    this.#settled = true;
    this.#signal?.removeEventListener("abort", this.#abort);
    this.#context.keepAlive.release();
  }
}

// An active open under way: from OP_CONNECT to a socket, an error, or nobody's interest any more.
import { READY_CLOSED, READY_CONNECTED } from "../assembly/layout.ts";
import { formatIpv4 } from "./address.ts";
import type { HandleSink, TokenSink } from "./dispatcher.ts";
import { AbortError, netstackError } from "./errors.ts";
import type { Endpoint } from "./op-queue.ts";
import type { SocketOption } from "./socket-options.ts";
import { type SocketContext, TcpSocket } from "./tcp-socket.ts";

/** What is asked of the core. */
export interface ConnectRequest {
  remote: Endpoint;
  local: Endpoint;
  options: readonly SocketOption[];
  /** 0: until the SYN retries are used up. */
  timeoutMs: number;
}

/** One `connect` call. */
export class ConnectAttempt implements TokenSink, HandleSink {
  /** Resolves with the socket when the handshake is complete. */
  readonly promise: Promise<TcpSocket>;
  readonly #context: SocketContext;
  readonly #request: ConnectRequest;
  readonly #signal: AbortSignal | undefined;
  readonly #abort = (): void => this.cancel(new AbortError(this.#signal));
  #resolve!: (socket: TcpSocket) => void;
  #reject!: (error: Error) => void;
  #handle = 0;
  #local: Endpoint | undefined;
  #settled = false;

  constructor(context: SocketContext, request: ConnectRequest, signal: AbortSignal | undefined) {
    this.#context = context;
    this.#request = request;
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
    if (token !== 0) context.ops.connect(token, request.remote, request.local, request.timeoutMs, request.options);
  }

  onAttached(handle: number, local: Endpoint): void {
    if (this.#settled) {
      this.#context.ops.abort(handle);
      return;
    }
    this.#handle = handle;
    this.#local = local;
    this.#context.dispatcher.attach(handle, this);
  }

  onFailed(errno: number): void {
    this.#settle();
    this.#reject(this.#error(errno));
  }

  onReady(bits: number, errno: number): void {
    if ((bits & READY_CONNECTED) !== 0) {
      this.#settle();
      const socket = new TcpSocket(this.#context, this.#handle, this.#local!, this.#request.remote);
      this.#resolve(socket);
      // It may have been closed again already.
      if (bits !== READY_CONNECTED) socket.onReady(bits & ~READY_CONNECTED, errno);
    } else if ((bits & READY_CLOSED) !== 0) {
      this.#context.dispatcher.forgetHandle(this.#handle);
      this.#context.ops.release(this.#handle);
      this.onFailed(errno);
    }
  }

  crash(error: Error): void {
    this.#settle();
    this.#reject(error);
  }

  /** Gives up now; the core is told as soon as there is something to tell it about. */
  cancel(error: Error): void {
    if (this.#settled) return;
    this.#settle();
    if (this.#handle !== 0) {
      this.#context.dispatcher.forgetHandle(this.#handle);
      this.#context.ops.abort(this.#handle);
    }
    this.#reject(error);
  }

  #settle(): void {
    if (this.#settled) return;
    this.#settled = true;
    this.#signal?.removeEventListener("abort", this.#abort);
    this.#context.keepAlive.release();
  }

  #error(errno: number): Error {
    const { address, port } = this.#request.remote;
    return netstackError(errno, { syscall: "connect", address: formatIpv4(address), port });
  }
}

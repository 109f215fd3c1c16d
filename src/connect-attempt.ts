// An active open under way: from OP_CONNECT to a socket, an error, or nobody's interest any more.
import { READY_CLOSED, READY_CONNECTED } from "../assembly/layout.ts";
import { formatIpv4 } from "./address.ts";
import type { HandleSink } from "./dispatcher.ts";
import { interfaceDetail, netstackError } from "./errors.ts";
import type { Endpoint } from "./op-queue.ts";
import { OpenAttempt } from "./open-attempt.ts";
import type { SocketOption } from "./socket-options.ts";
import { interfaceName, type SocketContext, TcpSocket } from "./tcp-socket.ts";

/** What is asked of the core. */
export interface ConnectRequest {
  remote: Endpoint;
  local: Endpoint;
  options: readonly SocketOption[];
  /** 0: until the SYN retries are used up. */
  timeoutMs: number;
}

/** One `connect` call: its promise resolves with the socket when the handshake is complete. */
export class ConnectAttempt extends OpenAttempt<TcpSocket> implements HandleSink {
  readonly #remote: Endpoint;
  #handle = 0;
  #local: Endpoint | undefined;

  constructor(context: SocketContext, request: ConnectRequest, signal: AbortSignal | undefined) {
    super(context, signal);
    const { remote, local, timeoutMs, options } = request;
    this.#remote = remote;
    this.start((token) => context.ops.connect(token, remote, local, timeoutMs, options));
  }

  onAttached(handle: number, local: Endpoint): void {
    if (this.settled) {
      this.context.ops.abort(handle);
      return;
    }
    this.#handle = handle;
    this.#local = local;
    this.context.dispatcher.attach(handle, this);
  }

  onFailed(errno: number, interfaceIndex: number): void {
    const { address, port } = this.#remote;
    const detail = interfaceDetail(errno, interfaceName(this.context, interfaceIndex));
    this.fail(netstackError(errno, { syscall: "connect", address: formatIpv4(address), port }, detail));
  }

  onReady(bits: number, errno: number, interfaceIndex: number): void {
    if ((bits & READY_CONNECTED) !== 0) {
      const socket = new TcpSocket(this.context, this.#handle, this.#local!, this.#remote);
      this.succeed(socket);
      // It may have been closed again already.
      if (bits !== READY_CONNECTED) socket.onReady(bits & ~READY_CONNECTED, errno, interfaceIndex);
    } else if ((bits & READY_CLOSED) !== 0) {
      this.context.dispatcher.forgetHandle(this.#handle);
      this.context.ops.release(this.#handle);
      this.onFailed(errno, interfaceIndex);
    }
  }

  /** Gives up now; the core is told as soon as there is something to tell it about. */
  override cancel(error: Error): void {
    if (this.settled) return;
    if (this.#handle !== 0) {
      this.context.dispatcher.forgetHandle(this.#handle);
      this.context.ops.abort(this.#handle);
    }
    this.fail(error);
  }
}

// A listening socket: connections whose handshake is complete go from here into accept-queue.ts until somebody accepts them.
import { HANDLE_INDEX_MASK, READY_CLOSED, TCB_BYTES, TCB_RECORDS } from "../assembly/layout.ts";
import type { AcceptQueue } from "./accept-queue.ts";
import { formatIpv4 } from "./address.ts";
import { object } from "./argument-checks.ts";
import { checkSignal } from "./call-options.ts";
import { type Address, addressOf, type Connection } from "./connection.ts";
import type { HandleSink } from "./dispatcher.ts";
import { closedError, interfaceDetail, netstackError } from "./errors.ts";
import { Holder } from "./keep-alive.ts";
import type { Endpoint } from "./op-queue.ts";
import { readTcpInfo, type TcpInfo } from "./tcp-info.ts";
import { interfaceName, type SocketContext, TcpSocket } from "./tcp-socket.ts";

/** The listener as the core's events see it. */
export class ListenerSocket implements HandleSink {
  readonly local: Endpoint;
  readonly remote: Endpoint = { address: 0, port: 0 };
  readonly holder: Holder;
  readonly #context: SocketContext;
  readonly #handle: number;
  readonly #queue: AcceptQueue;
  #childLocal: Endpoint;
  #isClosed = false;

  constructor(context: SocketContext, handle: number, local: Endpoint, queue: AcceptQueue) {
    this.#context = context;
    this.#handle = handle;
    this.#queue = queue;
    this.local = local;
    this.#childLocal = local;
    this.holder = new Holder(context.keepAlive);
    context.dispatcher.attach(handle, this);
  }

  onAccepted(child: number, local: Endpoint, remote: Endpoint): void {
    // One object for all that came to the same address
    if (local.address !== this.#childLocal.address || local.port !== this.#childLocal.port) this.#childLocal = local;
    const socket = new TcpSocket(this.#context, child, this.#childLocal, remote);
    this.#queue.offer({ context: this.#context, handle: child, socket });
  }

  /** A listener becomes ready for nothing but connections, until nothing can come any more. */
  onReady(bits: number, errno: number, interfaceIndex: number): void {
    if ((bits & READY_CLOSED) === 0) return;
    const place = { syscall: "accept", address: formatIpv4(this.local.address), port: this.local.port };
    const detail = interfaceDetail(errno, interfaceName(this.#context, interfaceIndex));
    this.#close(netstackError(errno, place, detail));
  }

  crash(error: Error): void {
    this.#fail(error);
    this.#queue.withdraw(this.#context);
  }

  /** The listener's record in the core. */
  info(): TcpInfo {
    return readTcpInfo(this.#context.views, TCB_RECORDS + (this.#handle & HANDLE_INDEX_MASK) * TCB_BYTES);
  }

  /** Listens no more. Connections that were not accepted are reset by the core. */
  close(): void {
    this.#close(closedError("listener", "accept"));
  }

  #close(reason: Error): void {
    if (this.#isClosed) return;
    this.#fail(reason);
    this.#context.dispatcher.forgetHandle(this.#handle);
    this.#context.ops.closeListener(this.#handle);
    const error = closedError("listener");
    for (const { handle, socket } of this.#queue.withdraw(this.#context)) {
      this.#context.dispatcher.forgetHandle(handle);
      socket.crash(error);
    }
  }

  #fail(error: Error): void {
    this.#isClosed = true;
    this.#queue.fail(error);
    this.holder.end();
  }
}

/** Accepts connections. Made by `Stack.listen`. */
export class Listener implements AsyncDisposable, AsyncIterable<Connection> {
  readonly #sockets: readonly ListenerSocket[];
  readonly #queue: AcceptQueue;

  /** Not for users: use `Stack.listen`. */
  constructor(sockets: readonly ListenerSocket[], queue: AcceptQueue) {
    this.#sockets = sockets;
    this.#queue = queue;
  }

  /** What it listens on; `0.0.0.0` is every address of the stack. */
  get addr(): Address {
    return addressOf(this.#sockets[0]!.local);
  }

  /**
   * The next connection.
   * @param options.signal - cancels the wait
   * @throws (rejects) TypeError, `AbortError`, {@link NetstackError} `ERR_SOCKET_CLOSED` after `close()`, `ENODEV` when the interface is gone
   */
  accept(options: { signal?: AbortSignal | undefined } = {}): Promise<Connection> {
    try {
      return this.#queue.accept(checkSignal(object("options", options).signal));
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /** Listens no more; connections that were not accepted are reset, accepted ones stay. */
  close(): Promise<void> {
    for (const socket of this.#sockets) socket.close();
    return Promise.resolve();
  }

  /** Keeps the process alive while it listens; the default. */
  ref(): this {
    for (const { holder } of this.#sockets) holder.ref();
    return this;
  }

  /** Lets the process end though it listens. */
  unref(): this {
    for (const { holder } of this.#sockets) holder.unref();
    return this;
  }

  /** `close()`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** Every connection, beginning with those that wait already; ends when the listener is closed. */
  async *[Symbol.asyncIterator](): AsyncGenerator<Connection, void, undefined> {
    while (this.#queue.error === undefined) {
      let connection: Connection;
      try {
        connection = await this.accept();
      } catch (error) {
        if ((error as { code?: unknown }).code === "ERR_SOCKET_CLOSED") return;
        throw error;
      }
      yield connection;
    }
  }
}

// A listening socket: connections whose handshake is complete queue here until somebody accepts them.
import { HANDLE_INDEX_MASK, READY_CLOSED, TCB_BYTES, TCB_RECORDS } from "../assembly/layout.ts";
import { formatIpv4 } from "./address.ts";
import { type Address, addressOf, Connection } from "./connection.ts";
import type { HandleSink } from "./dispatcher.ts";
import { AbortError, closedError, interfaceDetail, netstackError } from "./errors.ts";
import { Holder } from "./keep-alive.ts";
import type { Endpoint } from "./op-queue.ts";
import { readTcpInfo, type TcpInfo } from "./tcp-info.ts";
import { interfaceName, type SocketContext, TcpSocket } from "./tcp-socket.ts";

type Waiter = { resolve: (connection: Connection) => void; reject: (error: Error) => void };
type Child = { handle: number; socket: TcpSocket };

/** The listener as the core's events see it. */
export class ListenerSocket implements HandleSink {
  readonly local: Endpoint;
  readonly remote: Endpoint = { address: 0, port: 0 };
  readonly holder: Holder;
  readonly #context: SocketContext;
  readonly #handle: number;
  readonly #queue: Child[] = [];
  readonly #waiters: Waiter[] = [];
  #childLocal: Endpoint;
  #error: Error | undefined;

  constructor(context: SocketContext, handle: number, local: Endpoint) {
    this.#context = context;
    this.#handle = handle;
    this.local = local;
    this.#childLocal = local;
    this.holder = new Holder(context.keepAlive);
    context.dispatcher.attach(handle, this);
  }

  /** Why nothing is accepted any more, or undefined. */
  get error(): Error | undefined {
    return this.#error;
  }

  onAccepted(child: number, local: Endpoint, remote: Endpoint): void {
    // One object for all that came to the same address
    if (local.address !== this.#childLocal.address || local.port !== this.#childLocal.port) this.#childLocal = local;
    const socket = new TcpSocket(this.#context, child, this.#childLocal, remote);
    const waiter = this.#waiters.shift();
    if (waiter === undefined) this.#queue.push({ handle: child, socket });
    else waiter.resolve(this.#accept({ handle: child, socket }));
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
    this.#queue.length = 0;
  }

  /** The listener's record in the core. */
  info(): TcpInfo {
    return readTcpInfo(this.#context.views, TCB_RECORDS + (this.#handle & HANDLE_INDEX_MASK) * TCB_BYTES);
  }

  accept(signal: AbortSignal | undefined): Promise<Connection> {
    if (signal?.aborted) return Promise.reject(new AbortError(signal));
    if (this.#error !== undefined) return Promise.reject(this.#error);
    const child = this.#queue.shift();
    if (child !== undefined) return Promise.resolve(this.#accept(child));
    return new Promise((resolve, reject) => this.#wait({ resolve, reject }, signal));
  }

  /** Listens no more. Connections that were not accepted are reset by the core. */
  close(): void {
    this.#close(closedError("listener", "accept"));
  }

  #close(reason: Error): void {
    if (this.#error !== undefined) return;
    this.#fail(reason);
    this.#context.dispatcher.forgetHandle(this.#handle);
    this.#context.ops.closeListener(this.#handle);
    const error = closedError("listener");
    for (const { handle, socket } of this.#queue.splice(0)) {
      this.#context.dispatcher.forgetHandle(handle);
      socket.crash(error);
    }
  }

  #wait(waiter: Waiter, signal: AbortSignal | undefined): void {
    if (signal === undefined) {
      this.#waiters.push(waiter);
      return;
    }
    const abort = (): void => {
      this.#waiters.splice(this.#waiters.indexOf(waiting), 1);
      waiter.reject(new AbortError(signal));
    };
    const done = (): void => signal.removeEventListener("abort", abort);
    const waiting: Waiter = {
      resolve: (connection) => {
        done();
        waiter.resolve(connection);
      },
      reject: (error) => {
        done();
        waiter.reject(error);
      },
    };
    signal.addEventListener("abort", abort, { once: true });
    this.#waiters.push(waiting);
  }

  #accept({ handle, socket }: Child): Connection {
    this.#context.ops.accept(handle);
    return new Connection(socket);
  }

  #fail(error: Error): void {
    this.#error ??= error;
    for (const waiter of this.#waiters.splice(0)) waiter.reject(error);
    this.holder.end();
  }
}

/** Accepts connections. Made by `Stack.listen`. */
export class Listener implements AsyncDisposable, AsyncIterable<Connection> {
  readonly #socket: ListenerSocket;

  /** Not for users: use `Stack.listen`. */
  constructor(socket: ListenerSocket) {
    this.#socket = socket;
  }

  /** What it listens on; `0.0.0.0` is every address of the stack. */
  get addr(): Address {
    return addressOf(this.#socket.local);
  }

  /**
   * The next connection.
   * @param options.signal - cancels the wait
   * @throws (rejects) `AbortError`, {@link NetstackError} `ERR_SOCKET_CLOSED` after `close()`, `ENODEV` when the interface is gone
   */
  accept(options: { signal?: AbortSignal | undefined } = {}): Promise<Connection> {
    return this.#socket.accept(options.signal);
  }

  /** Listens no more; connections that were not accepted are reset, accepted ones stay. */
  close(): Promise<void> {
    this.#socket.close();
    return Promise.resolve();
  }

  /** Keeps the process alive while it listens; the default. */
  ref(): this {
    this.#socket.holder.ref();
    return this;
  }

  /** Lets the process end though it listens. */
  unref(): this {
    this.#socket.holder.unref();
    return this;
  }

  /** `close()`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** Every connection, beginning with those that wait already; ends when the listener is closed. */
  async *[Symbol.asyncIterator](): AsyncGenerator<Connection, void, undefined> {
    while (this.#socket.error === undefined) {
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

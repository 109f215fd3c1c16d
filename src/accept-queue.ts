// Connections that wait to be accepted, and callers who wait to accept one: first come, first served. The listeners of a stack with
// several shards share one, so that their connections come out in the order in which they were made.
import { Connection } from "./connection.ts";
import { AbortError } from "./errors.ts";
import type { SocketContext, TcpSocket } from "./tcp-socket.ts";

/** A connection that nobody has accepted. */
export interface Child {
  /** Of its listener. */
  readonly context: SocketContext;
  readonly handle: number;
  readonly socket: TcpSocket;
}

type Waiter = { resolve: (connection: Connection) => void; reject: (error: Error) => void };

/** The queue of one `listen` call. */
export class AcceptQueue {
  #children: Child[] = [];
  readonly #waiters: Waiter[] = [];
  #error: Error | undefined;

  /** Why nothing is accepted any more, or undefined. */
  get error(): Error | undefined {
    return this.#error;
  }

  /** A connection is there: for who waits longest, or for who asks next. If nobody can, it is reset. */
  offer(child: Child): void {
    if (this.#error !== undefined) {
      accept(child).abort();
      return;
    }
    const waiter = this.#waiters.shift();
    if (waiter === undefined) this.#children.push(child);
    else waiter.resolve(accept(child));
  }

  accept(signal: AbortSignal | undefined): Promise<Connection> {
    if (signal?.aborted) return Promise.reject(new AbortError(signal));
    if (this.#error !== undefined) return Promise.reject(this.#error);
    const child = this.#children.shift();
    if (child !== undefined) return Promise.resolve(accept(child));
    return new Promise((resolve, reject) => this.#wait({ resolve, reject }, signal));
  }

  /** Nobody gets anything any more. */
  fail(error: Error): void {
    this.#error ??= error;
    for (const waiter of this.#waiters.splice(0)) waiter.reject(error);
  }

  /** Takes the connections of one listener out. */
  withdraw(context: SocketContext): Child[] {
    const withdrawn = this.#children.filter((child) => child.context === context);
    this.#children = this.#children.filter((child) => child.context !== context);
    return withdrawn;
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
}

function accept({ context, handle, socket }: Child): Connection {
  context.ops.accept(handle);
  return new Connection(socket);
}

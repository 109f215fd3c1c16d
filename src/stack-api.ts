// A stack as its users see it. stack.ts is the one with one core, sharded-stack.ts the one with several.
import type { ConnectOptions, ListenOptions } from "./call-options.ts";
import type { Address, Connection } from "./connection.ts";
import type { StackEvents } from "./interface-news.ts";
import type { Listener } from "./listener.ts";
import type { PingOptions, PingReply } from "./ping.ts";
import type { CaptureStatus, Usage } from "./protocol.ts";
import type { Stats } from "./stats.ts";
import type { TcpInfo } from "./tcp-info.ts";

/** A connection or listener, as `connections()` lists it. */
export interface ConnectionInfo extends TcpInfo {
  /** Our end, or what a listener listens on. */
  localAddr: Address;
  /** `0.0.0.0`, port 0 for a listener. */
  remoteAddr: Address;
}

/** A TCP/IP stack. Made by `createStack`. */
export interface Stack extends AsyncDisposable {
  /**
   * Opens a connection.
   * @returns the connection, when the handshake is complete
   * @throws (rejects) {@link NetstackError}: `ECONNREFUSED` (reset), `ETIMEDOUT`, `EHOSTUNREACH`, `ENETUNREACH`, `EADDRINUSE`,
   * `EADDRNOTAVAIL`, `ENOTFOUND` (name), `ERR_STACK_CLOSED`, `ERR_STACK_CRASHED`; `AbortError` at once when the signal says so;
   * TypeError or RangeError for wrong options
   */
  connect(options: ConnectOptions): Promise<Connection>;

  /**
   * Listens for connections.
   * @throws (rejects) {@link NetstackError}: `EADDRINUSE`, `EADDRNOTAVAIL`, `ERR_STACK_CLOSED`, `ERR_STACK_CRASHED`; `AbortError`;
   * TypeError or RangeError for wrong options
   */
  listen(options: ListenOptions): Promise<Listener>;

  /**
   * Sends echo requests while the result is iterated, and tells what became of each.
   * @throws TypeError, RangeError for wrong options; (while iterating) `ENOTFOUND`, `AbortError`, `ERR_STACK_CLOSED`, ...
   */
  ping(hostname: string, options?: PingOptions): AsyncIterable<PingReply>;

  /** The connections and listeners of this stack that have not been given back to the core. */
  connections(): ConnectionInfo[];

  /** All counters, read from shared memory: also those of a stack that has been closed. */
  stats(): Stats;

  /** What is in use in the core at the moment. @throws (rejects) `ERR_STACK_CLOSED`, `ERR_STACK_CRASHED` */
  usage(): Promise<Usage>;

  /** How the captures are doing; what is buffered is written first. @throws (rejects) as `usage` */
  captures(): Promise<CaptureStatus[]>;

  /**
   * Calls `listener` at each event: `state` (a connection changed its state), `link` (an interface is up, down or gone), `mtu` (its MTU is
   * another one), `neighbor` (a host of the link answers no more), `conflict` (another host uses our address).
   * @throws TypeError
   */
  on<Name extends keyof StackEvents>(name: Name, listener: (event: StackEvents[Name]) => void): this;

  /** Undoes `on`. */
  off<Name extends keyof StackEvents>(name: Name, listener: (event: StackEvents[Name]) => void): this;

  /**
   * Closes everything: listeners and attempts at once, connections in order (as `Connection.close`). Those that are not done after
   * `lingerMs` are reset, and so are those whose peers have everything and do not end within 100 ms. Then the core ends; no thread,
   * timer or file is left. A crashed stack is closed already.
   * @param options.lingerMs - 0..2147483647, default 2000; 0 resets all connections
   */
  close(options?: { lingerMs?: number | undefined }): Promise<void>;

  /** `close()`. */
  [Symbol.asyncDispose](): Promise<void>;
}

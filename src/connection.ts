// A TCP connection as users see it: names, checks and streams over a TcpSocket, which does the work.
import { SEND_MARK_END_OF_RECORD, SEND_MARK_MORE, SEND_MARK_URGENT } from "../assembly/layout.ts";
import { formatIpv4 } from "./address.ts";
import { boolean, integer, object } from "./argument-checks.ts";
import { invalidType } from "./errors.ts";
import { type ReceiveFileOptions, receiveFile, type SendFileOptions, sendFile } from "./file-transfer.ts";
import type { Endpoint } from "./op-queue.ts";
import { type KeepAliveOptions, keepAliveOptions, type SocketSettings, settingsOptions } from "./socket-settings.ts";
import { readableOf, writableOf } from "./streams.ts";
import type { TcpInfo } from "./tcp-info.ts";
import type { TcpSocket } from "./tcp-socket.ts";

/** One end of a connection, or what a listener listens on. */
export interface Address {
  /** Always TCP. */
  transport: "tcp";
  /** Dotted quad. */
  hostname: string;
  /** 1..65535; 0 of a listener: none yet. */
  port: number;
}

/** What a write says of its end. */
export interface WriteOptions {
  /** More follows soon: less than a full segment waits for it, for a time-out (200 ms and more) at most (`MSG_MORE`). Default false. */
  more?: boolean | undefined;
  /** A record ends here: no segment holds bytes of it and of what is written next (`MSG_EOR`). The peer is not told. Default false. */
  endOfRecord?: boolean | undefined;
}

/** The `SEND_MARK_` bits of options. @throws TypeError */
function markOf(options: WriteOptions): number {
  const { more = false, endOfRecord = false } = object("options", options);
  const isMore = boolean("options.more", more);
  const isEnd = boolean("options.endOfRecord", endOfRecord);
  return (isMore ? SEND_MARK_MORE : 0) | (isEnd ? SEND_MARK_END_OF_RECORD : 0);
}

const MAX_OFFSET = Number.MAX_SAFE_INTEGER;

/** The `Address` of an endpoint. */
export function addressOf({ address, port }: Endpoint): Address {
  return { transport: "tcp", hostname: formatIpv4(address), port };
}

/** A TCP connection. Made by `Stack.connect` and `Listener.accept`. */
export class Connection implements AsyncDisposable {
  readonly #socket: TcpSocket;
  #readable: ReadableStream<Uint8Array> | undefined;
  #writable: WritableStream<Uint8Array> | undefined;

  /** Not for users: use `Stack.connect` or `Listener.accept`. */
  constructor(socket: TcpSocket) {
    this.#socket = socket;
  }

  /** The received bytes as a byte stream (BYOB readers read without another copy). Made at the first use. */
  get readable(): ReadableStream<Uint8Array> {
    const { receive } = this.#socket;
    this.#readable ??= readableOf(
      this,
      () => receive.readable(),
      () => receive.available,
    );
    return this.#readable;
  }

  /** The bytes to send as a stream; closing it is `closeWrite`, aborting it `abort`. Made at the first use. */
  get writable(): WritableStream<Uint8Array> {
    this.#writable ??= writableOf(this);
    return this.#writable;
  }

  /** Resolves after an orderly end, rejects with the error when the connection was lost. It need not be handled. */
  get closed(): Promise<void> {
    return this.#socket.closed;
  }

  /** Our end. */
  get localAddr(): Address {
    return addressOf(this.#socket.local);
  }

  /** The peer's end. */
  get remoteAddr(): Address {
    return addressOf(this.#socket.remote);
  }

  /** As `node:net` has it. */
  get localAddress(): string {
    return formatIpv4(this.#socket.local.address);
  }

  /** As `node:net` has it. */
  get localPort(): number {
    return this.#socket.local.port;
  }

  /** As `node:net` has it. */
  get remoteAddress(): string {
    return formatIpv4(this.#socket.remote.address);
  }

  /** As `node:net` has it. */
  get remotePort(): number {
    return this.#socket.remote.port;
  }

  /**
   * Reads what is there, or waits until something is. Reads that are not awaited are served in order.
   * @param p - where the bytes go; do not touch it before the promise settles
   * @returns the number of bytes, at least 1 (0 only for an empty `p`); null when the peer has ended (FIN) and everything was read
   * @throws (rejects) {@link NetstackError}: `ECONNRESET`, `ETIMEDOUT`, ... after the bytes that arrived before it,
   * `ERR_SOCKET_CLOSED` after `close()`
   */
  read(p: Uint8Array): Promise<number | null> {
    if (!(p instanceof Uint8Array)) return Promise.reject(invalidType("p", "a Uint8Array", p));
    return this.#socket.receive.read(p);
  }

  /**
   * Sends bytes. Writes that are not awaited are sent in order.
   * @param p - the bytes; do not change them before the promise settles
   * @param options - what to say of their end
   * @returns `p.length`, when all of it is in the send ring
   * @throws (rejects) {@link NetstackError}: `EPIPE` after `closeWrite()`, `ECONNRESET`, `ETIMEDOUT`, ...
   */
  write(p: Uint8Array, options?: WriteOptions): Promise<number> {
    if (!(p instanceof Uint8Array)) return Promise.reject(invalidType("p", "a Uint8Array", p));
    if (options === undefined) return this.#socket.send.write(p);
    try {
      return this.#socket.send.write(p, markOf(options));
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /** Ends the sending half: FIN after everything written before. The other half stays open. */
  closeWrite(): Promise<void> {
    return this.#socket.send.end();
  }

  /**
   * Ends the connection in order: sends what was written, then FIN, and resolves when the peer has acknowledged both. If unread
   * bytes are discarded by it the peer gets a reset instead (RFC 9293 3.6.1; RFC 1122 4.2.2.13).
   * @throws (rejects) {@link NetstackError} when the connection was lost before everything was acknowledged
   */
  close(): Promise<void> {
    return this.#socket.close();
  }

  /**
   * Ends the connection at once: the peer gets a reset, unsent bytes are dropped.
   * @param reason - an Error that everything pending is rejected with; by default a {@link NetstackError} `ECONNABORTED`
   */
  abort(reason?: unknown): void {
    this.#socket.abort(reason instanceof Error ? reason : undefined);
  }

  /** Sends small segments at once instead of collecting them (Nagle's algorithm off, RFC 9293 3.7.4). */
  setNoDelay(on = true): void {
    this.setOptions({ noDelay: on });
  }

  /** Probes an idle peer (RFC 9293 3.8.4), off by default. @throws RangeError, TypeError */
  setKeepAlive(on = true, options: KeepAliveOptions = {}): void {
    for (const option of keepAliveOptions(on, options)) this.#socket.setOption(option);
  }

  /** Holds segments that are not full until called with false, 200 ms and more at most (TCP_CORK). */
  setCork(on = true): void {
    this.setOptions({ cork: on });
  }

  /** How long sent data may stay unanswered, ms; 0: as `tcp_retries2` says (RFC 9293 3.8.3 R2). @throws RangeError, TypeError */
  setUserTimeout(ms: number): void {
    this.setOptions({ userTimeoutMs: ms });
  }

  /** How long `close()` waits, seconds; 0: it resets the connection; null: for ever (SO_LINGER). @throws RangeError, TypeError */
  setLinger(seconds: number | null): void {
    this.setOptions({ linger: seconds });
  }

  /** Changes settings; `maxSegment` and `synRetries` come too late here. @throws RangeError, TypeError */
  setOptions(settings: SocketSettings): void {
    for (const option of settingsOptions(settings)) this.#socket.setOption(option);
  }

  /**
   * Ends the receiving half here: pending and later reads get what has arrived, then null. The peer is not told; what it still sends is
   * acknowledged while there is room, and refused with a reset once this end has sent its FIN too (Linux's shutdown).
   */
  closeRead(): void {
    this.#socket.closeRead();
  }

  /**
   * Sends one urgent byte, after all that was written before (MSG_OOB; RFC 9293 3.8.5). For protocols that have it: new ones should not
   * (RFC 6093).
   * @throws (rejects) RangeError, TypeError, and as `write`
   */
  sendUrgent(byte: number): Promise<number> {
    try {
      return this.#socket.send.write(Uint8Array.of(integer("byte", byte, 0, 255)), SEND_MARK_URGENT);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /** Takes the peer's urgent byte out of band, before what lies ahead of it; null: there is none, or `oobInline` leaves it in the stream. */
  readUrgent(): number | null {
    return this.#socket.readUrgent();
  }

  /**
   * Waits until the peer announces urgent data that no call of this has told of yet.
   * @returns bytes of the stream before it
   * @throws (rejects) {@link NetstackError} when the connection ends first
   */
  waitUrgent(): Promise<number> {
    return this.#socket.waitUrgent();
  }

  /** Whether the next byte of the stream is the urgent one, or with it taken out, the one after (SIOCATMARK). A `read` ends there. */
  get atMark(): boolean {
    return this.#socket.urgentAhead === 0;
  }

  /** Keeps the process alive while the connection is open; the default. */
  ref(): this {
    this.#socket.holder.ref();
    return this;
  }

  /** Lets the process end though the connection is open. */
  unref(): this {
    this.#socket.holder.unref();
    return this;
  }

  /** What TCP knows of the connection now; after its end, what it knew last. */
  info(): TcpInfo {
    return this.#socket.info();
  }

  /**
   * Sends a file straight from the file system into the send ring, as large as it is at the start. Does not end the sending half.
   * A file in memory (tmpfs) is read on this thread, 256 KiB at most in a turn of the event loop; others in the background.
   * If the file cannot be read to that end (`ERR_FILE_TRUNCATED`: it became shorter), or the signal comes when a part of it was sent,
   * the connection is reset: the peer must not take the part for the whole.
   * @returns bytes sent, when all are in the send ring
   * @throws (rejects) the file system's error with `path`, `AbortError`, or what `write` is rejected with
   */
  async sendFile(path: string, options: SendFileOptions = {}): Promise<number> {
    const { start = 0, end } = object("options", options);
    integer("start", start, 0, MAX_OFFSET);
    if (end !== undefined) integer("end", end, start, MAX_OFFSET);
    return await sendFile(path, options, this.#socket, (job) => this.#socket.send.send(job));
  }

  /**
   * Receives into a file until the peer ends (FIN): straight from the receive ring to the file system. What arrives is written to
   * `path`.part, which takes the name `path` when it is whole; after a failure it stays, and a file that was there before is as it was. A
   * device or a pipe is written to itself. A file in memory (tmpfs) is written on this thread, 256 KiB at most in a turn of the event loop;
   * others in the background. If the file system fails (`ENOSPC`: the disk is full), the connection is reset; after an abort by the signal
   * it lives on.
   * @returns bytes received
   * @throws (rejects) the file system's error with `path`, `AbortError`, `ERR_SOCKET_CLOSED` after `closeRead()`, or what `read` is
   * rejected with
   */
  receiveFile(path: string, options: ReceiveFileOptions = {}): Promise<number> {
    return receiveFile(path, options, this.#socket, (job) => this.#socket.receive.receive(job));
  }

  /** `close()`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

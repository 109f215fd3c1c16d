// The life of one connection on the main thread: from the handshake's end until its handle is given back to the core. Joins the two
// sides, says how it ended (once), and gives the handle back at the right moment: not while unread bytes are wanted, and never
// while the file system works on one of its rings.
import {
  ECONNABORTED,
  EPIPE,
  READY_CLOSED,
  READY_EOF,
  READY_FIN_ACKED,
  READY_READABLE,
  READY_RINGS,
  READY_URGENT,
  READY_WRITABLE,
  SOCKET_FLAG_LINGER,
  SOCKET_OPTION_LINGER,
  TCB_LINGER_SECONDS,
  TCB_SOCKET_FLAGS,
} from "../assembly/layout.ts";
import { formatIpv4 } from "./address.ts";
import type { Dispatcher, HandleSink } from "./dispatcher.ts";
import { closedError, interfaceDetail, netstackError } from "./errors.ts";
import { Holder, type KeepAlive } from "./keep-alive.ts";
import { LastRecord } from "./last-record.ts";
import { errorOf, LazyError, type Reason } from "./lazy-error.ts";
import type { SharedViews } from "./memory.ts";
import type { Endpoint, OpQueue } from "./op-queue.ts";
import { ReceiveSide } from "./receive-side.ts";
import { SendSide } from "./send-side.ts";
import { SocketIo } from "./socket-io.ts";
import type { SocketOption } from "./socket-options.ts";
import { readTcpInfo, type TcpInfo } from "./tcp-info.ts";

/** What the sockets of a stack share. */
export interface SocketContext {
  views: SharedViews;
  ops: OpQueue;
  dispatcher: Dispatcher;
  keepAlive: KeepAlive;
  /** Names of the interfaces, the loopback first. */
  interfaceNames: readonly string[];
}

/** The name of an interface. */
export function interfaceName({ interfaceNames }: SocketContext, index: number): string {
  return interfaceNames[index] ?? `#${index}`;
}

/** How a handle is given back: the core ends the connection in order, resets it, or has nothing left to do. */
type GiveBack = "close" | "abort" | "release";

function closedFor(syscall: string): LazyError {
  return new LazyError(() => closedError("connection", syscall));
}

/** One connection. */
export class TcpSocket implements HandleSink {
  readonly local: Endpoint;
  readonly remote: Endpoint;
  readonly send: SendSide;
  readonly receive: ReceiveSide;
  readonly views: SharedViews;
  readonly holder: Holder;
  readonly #context: SocketContext;
  readonly #io: SocketIo;
  /** Made for the first who asks: a connection that idles has no promise. */
  #closed: Promise<void> | undefined;
  #settleClosed: ((outcome: Reason | null) => void) | undefined;
  /** How it ended: an error, or null in order. */
  #outcome: Reason | null | undefined;
  #closing = false;
  #givingBack: GiveBack | undefined;
  #last: LastRecord | undefined;
  /** How long close() waits, ms; undefined: for ever. */
  #lingerMs: number | undefined;
  #lingerTimer: NodeJS.Timeout | undefined;
  #urgentWaiters: { resolve: (ahead: number) => void; reject: (error: Error) => void }[] | undefined;
  #urgentTold = 0;

  constructor(context: SocketContext, handle: number, local: Endpoint, remote: Endpoint) {
    this.#context = context;
    this.local = local;
    this.remote = remote;
    this.views = context.views;
    this.#io = new SocketIo(context.views, context.ops, handle);
    this.send = new SendSide(this.#io, this);
    this.receive = new ReceiveSide(this.#io, this);
    this.holder = new Holder(context.keepAlive);
    const word = (field: number): number => context.views.u32[(this.#io.tcb + field) >>> 2]!;
    if ((word(TCB_SOCKET_FLAGS) & SOCKET_FLAG_LINGER) !== 0) this.#lingerMs = word(TCB_LINGER_SECONDS) * 1000;
    context.dispatcher.attach(handle, this);
  }

  /** Resolves after an orderly end, rejects when the connection was lost. Never an unhandled rejection. */
  get closed(): Promise<void> {
    if (this.#closed === undefined) {
      this.#closed = new Promise((resolve, reject) => {
        this.#settleClosed = (outcome) => (outcome === null ? resolve() : reject(errorOf(outcome)));
      });
      this.#closed.catch(() => {});
      if (this.#outcome !== undefined) this.#settleClosed!(this.#outcome);
    }
    return this.#closed;
  }

  /** What goes on after an access of the file system. */
  get pump(): () => void {
    return () => {
      if (this.#givingBack !== undefined) this.#finishGivingBack();
      this.send.pump();
      this.receive.pump();
    };
  }

  get #ended(): boolean {
    return this.#outcome !== undefined;
  }

  shutdownWrite(): void {
    this.#context.ops.shutdownWrite(this.#io.handle);
  }

  onDrained(): void {
    // From here on the record, and the ring, may be another connection's.
    this.receive.detach();
    this.#giveBack("release");
  }

  /** Address of the record in the core. */
  get tcb(): number {
    return this.#io.tcb;
  }

  /** Whether the file system works on one of its rings. */
  get busy(): boolean {
    return this.#io.busy;
  }

  /** Whether the handle is ours no more (or will not be as soon as the file system is done). */
  get gone(): boolean {
    return this.#givingBack !== undefined;
  }

  onReady(bits: number, errno: number, interfaceIndex: number): void {
    if (this.gone) return;
    if ((bits & READY_CLOSED) !== 0) {
      this.#onClosed(errno, interfaceIndex);
      return;
    }
    if ((bits & READY_FIN_ACKED) !== 0 && this.#closing) {
      this.#finishClose();
      return;
    }
    if ((bits & READY_RINGS) !== 0) this.#io.followRings();
    if ((bits & READY_WRITABLE) !== 0) this.send.pump();
    if ((bits & READY_URGENT) !== 0) this.#tellUrgent();
    if ((bits & (READY_READABLE | READY_EOF)) === 0) return;
    if (this.#closing) this.#discardUnread();
    else this.receive.pump();
  }

  crash(error: Error): void {
    // Nobody takes the handle back: there is no core any more, or it has forgotten this socket itself.
    this.#givingBack ??= "release";
    this.#last ??= new LastRecord(this.views, this.#io.tcb);
    this.send.fail(error);
    this.receive.detach(error);
    this.#end(error);
  }

  /**
   * Ends the connection in order: what was written is sent, then FIN. Unread bytes are discarded, and the peer is told by a reset.
   * @returns `closed`, or a resolved promise if the connection had ended before
   * @see RFC 9293 3.6.1
   */
  close(): Promise<void> {
    if (this.#closing) return this.closed;
    if (this.gone || this.#ended) {
      this.receive.detach(closedFor("read"));
      this.#giveBack("release");
      return Promise.resolve();
    }
    this.#closing = true;
    this.receive.detach(closedFor("read"));
    if (this.#lingerMs === 0) {
      this.#stopWaiting();
      return this.closed;
    }
    if (this.#discardUnread()) return this.closed;
    // A failure is told by `closed`.
    this.send.end().catch(() => {});
    if (this.#lingerMs !== undefined) this.#lingerTimer = setTimeout(() => this.#stopWaiting(), this.#lingerMs);
    return this.closed;
  }

  /** Resets the connection; everything that waits is rejected with the error. */
  abort(error: Reason = this.#lazyError(ECONNABORTED, "abort")): void {
    this.send.fail(error);
    this.receive.detach(error);
    this.#giveBack(this.#ended ? "release" : "abort");
    this.#end(error);
  }

  /** The state of the connection, or the last one seen. */
  info(): TcpInfo {
    return this.#last?.info() ?? readTcpInfo(this.views, this.#io.tcb);
  }

  /** Ends the receiving half here: reads get what is there, then the end. Nothing is said to the peer. */
  closeRead(): void {
    if (this.gone || this.#ended) return;
    this.#context.ops.shutdownRead(this.#io.handle);
    this.receive.shut();
  }

  /** Bytes before the urgent mark; undefined: none is ahead. */
  get urgentAhead(): number | undefined {
    return this.gone ? undefined : this.#io.urgentAhead;
  }

  /** The urgent byte out of band, null: none is there. */
  readUrgent(): number | null {
    const byte = this.gone ? null : this.#io.readUrgent();
    return byte === -1 ? null : byte;
  }

  /** Resolves when the peer has urgent data that this has not told of yet, with the bytes before it. */
  waitUrgent(): Promise<number> {
    if (this.gone || this.#ended) return Promise.reject(closedError("connection", "read"));
    return new Promise((resolve, reject) => {
      this.#urgentWaiters ??= [];
      this.#urgentWaiters.push({ resolve, reject });
      this.#tellUrgent();
    });
  }

  #tellUrgent(): void {
    const waiters = this.#urgentWaiters;
    const ahead = this.#io.urgentAhead;
    if (ahead === undefined || this.#io.urgentCount === this.#urgentTold || waiters === undefined) return;
    this.#urgentTold = this.#io.urgentCount;
    this.#urgentWaiters = undefined;
    for (const { resolve } of waiters) resolve(ahead);
  }

  /** Sets an option; one that is gone has none. */
  setOption(option: SocketOption): void {
    if (option.code === SOCKET_OPTION_LINGER) {
      this.#lingerMs = option.value === 0 ? undefined : (option.value2 ?? 0) * 1000;
    }
    if (!this.gone) this.#context.ops.setOption(this.#io.handle, option);
  }

  #lazyError(errno: number, syscall: string, interfaceIndex = 0): LazyError {
    return new LazyError(() => {
      const { address, port } = this.remote;
      const detail = interfaceDetail(errno, interfaceName(this.#context, interfaceIndex));
      return netstackError(errno, { syscall, address: formatIpv4(address), port }, detail);
    });
  }

  #onClosed(errno: number, interfaceIndex: number): void {
    const error = errno === 0 || this.#isComplete ? null : this.#lazyError(errno, "read", interfaceIndex);
    this.send.fail(this.#lazyError(error === null ? EPIPE : errno, "write", interfaceIndex));
    this.#end(error);
    if (this.#closing) this.#giveBack("release");
    else this.receive.finish(error);
  }

  /**
   * Whether a reset takes nothing away: the peer has ended, we are ending, and it has acknowledged all we wrote. RFC 9293 3.10.7.4 does
   * not tell the user of a RST in CLOSING and LAST-ACK either.
   */
  get #isComplete(): boolean {
    return this.#closing && this.#io.hasEnd && !this.send.isWaiting && this.#io.unacknowledged === 0;
  }

  /** Bytes that nobody will read are there, or come, after close(): RST instead of FIN. @returns whether there were any */
  #discardUnread(): boolean {
    if (!this.#io.waitReadable() && this.#io.readable > 0) {
      this.send.fail(closedFor("write"));
      this.#finishClose();
      return true;
    }
    return false;
  }

  /** The linger time is over: the core goes on alone, or resets the connection if there was none. */
  #stopWaiting(): void {
    this.send.fail(closedFor("write"));
    this.#finishClose();
  }

  #finishClose(): void {
    this.#giveBack("close");
    this.#end(null);
  }

  #end(error: Reason | null): void {
    if (this.#ended) return;
    this.#outcome = error;
    clearTimeout(this.#lingerTimer);
    if (this.#urgentWaiters !== undefined) {
      const lost = error === null ? closedError("connection", "read") : errorOf(error);
      for (const { reject } of this.#urgentWaiters) reject(lost);
      this.#urgentWaiters = undefined;
    }
    this.#settleClosed?.(error);
    this.holder.end();
  }

  #giveBack(how: GiveBack): void {
    if (this.gone) return;
    this.#givingBack = how;
    this.#finishGivingBack();
  }

  #finishGivingBack(): void {
    if (this.#last !== undefined || this.#io.busy) return;
    this.#last = new LastRecord(this.views, this.#io.tcb);
    this.#context.dispatcher.forgetHandle(this.#io.handle);
    this.#context.ops[this.#givingBack!](this.#io.handle);
  }
}

// Sockets of a simulated host: the shared rings of the real API without its promises. Everything returns at once; what is not
// possible yet returns 0 or null, and the simulation goes on.
import {
  READY_CLOSED,
  READY_CONNECTED,
  READY_EOF,
  READY_FIN_ACKED,
  READY_RINGS,
  READY_URGENT,
  SEND_MARK_URGENT,
  SOCKET_OPTION_KEEPALIVE,
  SOCKET_OPTION_KEEPCNT,
  SOCKET_OPTION_KEEPIDLE,
  SOCKET_OPTION_KEEPINTVL,
  SOCKET_OPTION_NODELAY,
  STATE_CLOSED,
  STATE_TIME_WAIT,
  TCB_EOF,
  TCB_LOCAL_ADDRESS,
  TCB_LOCAL_PORT,
  TCB_REMOTE_ADDRESS,
  TCB_REMOTE_PORT,
} from "../../assembly/layout.ts";
import { readAddress } from "../address.ts";
import type { SharedViews } from "../memory.ts";
import type { Endpoint, OpQueue } from "../op-queue.ts";
import { SocketIo } from "../socket-io.ts";
import { socketOption } from "../socket-options.ts";
import { stateName, type TcpState } from "../states.ts";
import { readTcpInfo, type TcpInfo } from "../tcp-info.ts";

/** One end of a simulated connection. */
export class SimSocket {
  /** The errno with which it failed or ended, 0 = none. */
  error = 0;
  /** The handshake is complete. */
  connected = false;
  /** The peer has acknowledged our FIN, and so all we sent. */
  finAcked = false;
  /** It is over: never made, closed by both ends, reset, timed out, or forgotten here. */
  closed = false;
  /** Whether TCP_NOTSENT_LOWAT holds writes back; to be set before the connection exists. */
  limitsUnsent = false;
  /** How often the core said that there is urgent data. */
  urgentSignals = 0;
  /** What info() said when the core's record was given back; null before. */
  lastInfo: TcpInfo | null = null;
  /** Bytes accepted by `write`. */
  written = 0;
  /** Bytes handed out by `read`. */
  received = 0;
  readonly #views: SharedViews;
  readonly #ops: OpQueue;
  #io: SocketIo | null = null;
  #forgotten = false;
  #atEnd = false;

  constructor(views: SharedViews, ops: OpQueue) {
    this.#views = views;
    this.#ops = ops;
  }

  /** The handle, 0 while there is none. */
  get handle(): number {
    return this.#io?.handle ?? 0;
  }

  /** Address of the TCB record, 0 while there is none. It belongs to somebody else once the socket is forgotten. */
  get tcb(): number {
    return this.#io?.tcb ?? 0;
  }

  /** Whether the core still knows this socket. */
  get isAttached(): boolean {
    return this.#io !== null && !this.#forgotten;
  }

  /** State of RFC 9293 3.3.2. */
  get state(): TcpState {
    return this.isAttached ? stateName(this.#io!.state) : "CLOSED";
  }

  /** Whether the peer has finished and all it sent was read. */
  get atEnd(): boolean {
    return this.#atEnd || (this.isAttached && this.#io!.atEnd);
  }

  /** Bytes that can be read. */
  get readable(): number {
    return this.isAttached ? this.#io!.readable : 0;
  }

  /** Bytes written and not acknowledged. */
  get unacknowledged(): number {
    return this.isAttached ? this.#io!.unacknowledged : 0;
  }

  /** Whether the peer's FIN was reached, read or not. */
  get peerFinished(): boolean {
    return this.#atEnd || (this.isAttached && this.#views.u8[this.tcb + TCB_EOF] !== 0);
  }

  /** Our address and port, zeros while there is no connection. */
  get localEndpoint(): Endpoint {
    return this.#endpoint(TCB_LOCAL_ADDRESS, TCB_LOCAL_PORT);
  }

  /** The peer's. */
  get remoteEndpoint(): Endpoint {
    return this.#endpoint(TCB_REMOTE_ADDRESS, TCB_REMOTE_PORT);
  }

  #endpoint(address: number, port: number): Endpoint {
    if (!this.isAttached) return { address: 0, port: 0 };
    const { u8, u16 } = this.#views;
    return { address: readAddress(u8, this.tcb + address), port: u16[(this.tcb + port) >>> 1]! };
  }

  /** A u32 of the TCB record: `field` is a `TCB_` offset of the layout. */
  field(field: number): number {
    return this.#views.u32[(this.tcb + field) >>> 2]!;
  }

  /** Bytes the send ring can hold, 0 while there is none. */
  get ringBytes(): number {
    return this.isAttached ? this.#io!.ringBytes : 0;
  }

  /** Asks for a send ring of at least so many bytes; it comes in a later turn. */
  wantRing(bytes: number): void {
    if (this.isAttached) this.#ops.ringWanted(this.handle, bytes);
  }

  /** Takes as much of `bytes` as the send ring has room for. `mark`: `SEND_MARK_` bits of its end. @returns how much */
  write(bytes: Uint8Array, from = 0, mark = 0): number {
    if (!this.isAttached || this.closed || from >= bytes.length) return 0;
    let count = this.#io!.write(bytes, from, mark);
    while (from + count < bytes.length && !this.#io!.waitWritable()) {
      const more = this.#io!.write(bytes, from + count, mark);
      if (more === 0) break;
      count += more;
    }
    this.written += count;
    return count;
  }

  /** Fills `target` as far as bytes are there. @returns how many, 0 when there are none, null after the last one */
  read(target: Uint8Array): number | null {
    if (!this.isAttached) return this.closed ? null : 0;
    const count = this.#io!.read(target);
    this.received += count;
    if (this.#io!.atEnd) this.#atEnd = true;
    if (count === 0 && this.#atEnd) return null;
    if (count < target.length) this.#io!.waitReadable();
    if (this.closed && this.#io!.readable === 0) this.#release();
    return count;
  }

  /** Fills `target` as far as bytes are there and leaves them there. @returns how many */
  peek(target: Uint8Array): number {
    return this.isAttached ? this.#io!.peek(target) : 0;
  }

  /** Writes one urgent byte (MSG_OOB). @returns 1, or 0 if there is no room */
  writeUrgent(byte: number): number {
    return this.write(Uint8Array.of(byte), 0, SEND_MARK_URGENT);
  }

  /** The urgent byte out of band; -1: it has not arrived yet; null: there is none. */
  readUrgent(): number | null {
    return this.isAttached ? this.#io!.readUrgent() : null;
  }

  /** Whether an urgent byte waits (POLLPRI). */
  get hasUrgent(): boolean {
    return this.isAttached && this.#io!.hasUrgent;
  }

  /** Bytes before the urgent mark; undefined: none is ahead. */
  get urgentAhead(): number | undefined {
    return this.isAttached ? this.#io!.urgentAhead : undefined;
  }

  /** Whether the next byte is the urgent one (SIOCATMARK). */
  get atMark(): boolean {
    return this.isAttached && this.#io!.urgentAhead === 0;
  }

  /** Nothing more will be read; what is there already may be. */
  closeRead(): void {
    if (this.isAttached) this.#ops.shutdownRead(this.handle);
  }

  /** FIN after all that was written. */
  closeWrite(): void {
    if (this.isAttached) this.#ops.shutdownWrite(this.handle);
  }

  /** Orderly close; the socket is forgotten here. */
  close(): void {
    if (!this.isAttached) return;
    this.#forget();
    this.#ops.close(this.handle);
  }

  /** Reset; the socket is forgotten here. */
  abort(): void {
    if (!this.isAttached) return;
    this.#forget();
    this.#ops.abort(this.handle);
  }

  /** Sets an option (`SOCKET_OPTION_` code and words). @throws TypeError, RangeError */
  setOption(code: number, value: number, value2 = 0): void {
    const option = socketOption(code, value, value2);
    if (this.isAttached) this.#ops.setOption(this.handle, option);
  }

  /** Nagle's algorithm off, or on again. */
  setNoDelay(on: boolean): void {
    this.setOption(SOCKET_OPTION_NODELAY, on ? 1 : 0);
  }

  /** Times in ms; 0 = the sysctl's. */
  setKeepAlive(on: boolean, idleMs = 0, intervalMs = 0, count = 0): void {
    this.setOption(SOCKET_OPTION_KEEPIDLE, idleMs);
    this.setOption(SOCKET_OPTION_KEEPINTVL, intervalMs);
    this.setOption(SOCKET_OPTION_KEEPCNT, count);
    this.setOption(SOCKET_OPTION_KEEPALIVE, on ? 1 : 0);
  }

  /** The core made the socket. */
  attach(handle: number): void {
    this.#io = new SocketIo(this.#views, this.#ops, handle);
    this.#io.limitsUnsent = this.limitsUnsent;
  }

  /** The core made none, or it is gone. */
  fail(errno: number): void {
    this.error = errno;
    this.closed = true;
  }

  /** EVENT_SOCKET. `bits`: READY_ */
  onReady(bits: number, errno: number): void {
    if ((bits & READY_CONNECTED) !== 0) this.connected = true;
    if ((bits & READY_EOF) !== 0 && this.readable === 0) this.#atEnd = true;
    if ((bits & READY_FIN_ACKED) !== 0) this.finAcked = true;
    if ((bits & READY_URGENT) !== 0) this.urgentSignals++;
    if ((bits & READY_RINGS) !== 0 && this.isAttached) this.#io!.followRings();
    if ((bits & READY_CLOSED) === 0) return;
    this.closed = true;
    this.error = errno;
    if (this.isAttached && this.#io!.readable === 0) this.#release();
  }

  /** The core needs nothing more of us, and we have read everything. */
  #release(): void {
    const state = this.#io!.state;
    if (state !== STATE_CLOSED && state !== STATE_TIME_WAIT) throw new Error(`closed in state ${stateName(state)}`);
    if (this.#io!.atEnd) this.#atEnd = true;
    this.lastInfo = readTcpInfo(this.#views, this.tcb);
    this.#forget();
    this.#ops.release(this.handle);
  }

  #forget(): void {
    this.#forgotten = true;
    this.closed = true;
  }
}

/** A simulated listener. */
export class SimListener {
  /** The E* code it failed with, 0: none. */
  error = 0;
  /** Whether it is over. */
  closed = false;
  /** Connections that came, accepted or not. */
  offered = 0;
  readonly #ops: OpQueue;
  readonly #queue: SimSocket[] = [];
  #handle = 0;

  constructor(ops: OpQueue) {
    this.#ops = ops;
  }

  /** The handle, 0 while there is none. */
  get handle(): number {
    return this.#handle;
  }

  /** Connections that wait to be accepted. */
  get pending(): number {
    return this.#queue.length;
  }

  /** The connection that waits longest, or null. */
  accept(): SimSocket | null {
    const socket = this.#queue.shift();
    if (socket === undefined) return null;
    this.#ops.accept(socket.handle);
    return socket;
  }

  /** Connections that nobody accepted are reset. */
  close(): void {
    if (this.closed) return;
    this.closed = true;
    if (this.#handle !== 0) this.#ops.closeListener(this.#handle);
    for (const socket of this.#queue.splice(0)) socket.fail(0);
  }

  /** The core said that nothing can come any more. */
  fail(errno: number): void {
    this.error = errno;
    this.close();
  }

  /** Sets an option, which connections inherit from then on. @throws TypeError, RangeError */
  setOption(code: number, value: number, value2 = 0): void {
    const option = socketOption(code, value, value2);
    if (this.#handle !== 0 && !this.closed) this.#ops.setOption(this.#handle, option);
  }

  /** The core said that it listens. */
  attach(handle: number): void {
    this.#handle = handle;
  }

  /** The core said that a connection came. */
  offer(socket: SimSocket): void {
    this.offered++;
    this.#queue.push(socket);
  }
}

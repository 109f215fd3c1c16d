// Main's side of the operation ring: user calls (RFC 9293 3.9.1) as slots of numbers, in order. A full ring loses nothing: what
// does not fit waits here and goes first when there is room again.
import {
  OP_ABORT,
  OP_ACCEPT,
  OP_BYTES,
  OP_CAPACITY,
  OP_CLOSE,
  OP_CLOSE_LISTENER,
  OP_CONNECT,
  OP_HANDLE,
  OP_KICK,
  OP_KIND,
  OP_LISTEN,
  OP_LOCAL_ADDRESS,
  OP_LOCAL_PORT,
  OP_MARK,
  OP_PING,
  OP_RELEASE,
  OP_REMOTE_ADDRESS,
  OP_REMOTE_PORT,
  OP_RING,
  OP_RING_WANTED,
  OP_SET_OPTION,
  OP_SHUTDOWN_READ,
  OP_SHUTDOWN_WRITE,
  OP_TOKEN,
  OP_VALUE,
  OP_VALUE2,
  OP_VALUE3,
  OP_VALUE4,
} from "../assembly/layout.ts";
import { writeAddress } from "./address.ts";
import type { Bell } from "./doorbell.ts";
import type { SharedViews } from "./memory.ts";
import { RingProducer } from "./rings.ts";
import type { SocketOption } from "./socket-options.ts";

/** An address (u32, host order, 0 = any) and a port (0 = any). */
export interface Endpoint {
  address: number;
  port: number;
}

/** What is put into a slot; absent numbers are 0. */
interface Operation {
  kind: number;
  handle?: number;
  token?: number;
  remote?: Endpoint;
  local?: Endpoint;
  value?: number;
  value2?: number;
  value3?: number;
  value4?: number;
}

/** The operations of one stack. */
export class OpQueue {
  readonly #views: SharedViews;
  readonly #ring: RingProducer;
  readonly #bell: Bell;
  readonly #waiting: Operation[] = [];
  #retrying = false;
  #stopped = false;

  constructor(views: SharedViews, bell: Bell) {
    this.#views = views;
    this.#ring = new RingProducer(views.i32, OP_RING, OP_BYTES, OP_CAPACITY);
    this.#bell = bell;
  }

  /** Opens a connection with these options; `timeoutMs` 0: until the SYN retries are used up. */
  connect(
    token: number,
    remote: Endpoint,
    local: Endpoint,
    timeoutMs: number,
    options: readonly SocketOption[] = [],
  ): void {
    this.#stage(token, options);
    this.#push({ kind: OP_CONNECT, token, remote, local, value2: timeoutMs });
  }

  /** Listens; connections inherit the options. */
  listen(token: number, local: Endpoint, backlog: number, options: readonly SocketOption[] = []): void {
    this.#stage(token, options);
    this.#push({ kind: OP_LISTEN, token, local, value: backlog });
  }

  /** Echo request; `id` and `sequence` are u16, `bytes` of payload. */
  ping(token: number, address: number, id: number, sequence: number, bytes: number): void {
    this.#push({
      kind: OP_PING,
      token,
      remote: { address, port: 0 },
      value: ((id << 16) | sequence) >>> 0,
      value2: bytes,
    });
  }

  /** Says that an offset or epoch word of the socket has changed. Allocates nothing while the ring has room. */
  kick(handle: number): void {
    const slot = this.#waiting.length > 0 ? -1 : this.#ring.reserve();
    if (slot < 0) {
      this.#push({ kind: OP_KICK, handle });
      return;
    }
    const { u32 } = this.#views;
    u32[(slot + OP_KIND) >>> 2] = OP_KICK;
    u32[(slot + OP_HANDLE) >>> 2] = handle;
    this.#ring.publish();
    this.#bell.ring();
  }

  /** Says something of the bytes that a write ending at `offset` publishes next; `flags`: `SEND_MARK_` bits. */
  mark(handle: number, flags: number, offset: number): void {
    this.#push({ kind: OP_MARK, handle, value: flags, value2: offset });
  }

  accept(handle: number): void {
    this.#push({ kind: OP_ACCEPT, handle });
  }

  /** `bytes` that the ring is to hold at least; 0 = as many as usual. */
  ringWanted(handle: number, bytes = 0): void {
    this.#push({ kind: OP_RING_WANTED, handle, value: bytes });
  }

  /** Reads no more; nothing is said to the peer. */
  shutdownRead(handle: number): void {
    this.#push({ kind: OP_SHUTDOWN_READ, handle });
  }

  shutdownWrite(handle: number): void {
    this.#push({ kind: OP_SHUTDOWN_WRITE, handle });
  }

  close(handle: number): void {
    this.#push({ kind: OP_CLOSE, handle });
  }

  abort(handle: number): void {
    this.#push({ kind: OP_ABORT, handle });
  }

  release(handle: number): void {
    this.#push({ kind: OP_RELEASE, handle });
  }

  closeListener(handle: number): void {
    this.#push({ kind: OP_CLOSE_LISTENER, handle });
  }

  /** Sets an option of a connection or listener. */
  setOption(handle: number, { code, value, value2 = 0 }: SocketOption): void {
    this.#push({ kind: OP_SET_OPTION, handle, value: code, value2: value, value3: value2 });
  }

  /** Puts what waits into the ring as far as there is room. @returns true if nothing waits any more */
  flush(): boolean {
    let done = 0;
    while (done < this.#waiting.length && this.#write(this.#waiting[done]!)) done++;
    if (done > 0) {
      this.#waiting.splice(0, done);
      this.#bell.ring();
    }
    return this.#waiting.length === 0;
  }

  /** The core is gone: nothing is sent or retried any more. */
  stop(): void {
    this.#stopped = true;
    this.#waiting.length = 0;
  }

  /** Options of a socket that the next operation makes. */
  #stage(token: number, options: readonly SocketOption[]): void {
    for (const { code, value, value2 = 0 } of options) {
      this.#push({ kind: OP_SET_OPTION, token, value: code, value2: value, value3: value2 });
    }
  }

  #push(operation: Operation): void {
    if (this.#stopped) return;
    if (this.#waiting.length === 0 && this.#write(operation)) {
      this.#bell.ring();
      return;
    }
    this.#waiting.push(operation);
    this.#retry();
  }

  /** The core empties the ring without telling us: look again in the next turn of the event loop. */
  #retry(): void {
    if (this.#retrying) return;
    this.#retrying = true;
    setImmediate(() => {
      this.#retrying = false;
      if (!this.flush()) this.#retry();
    });
  }

  #write(operation: Operation): boolean {
    const slot = this.#ring.reserve();
    if (slot < 0) return false;
    const { u8, u16, u32 } = this.#views;
    u32[(slot + OP_KIND) >>> 2] = operation.kind;
    u32[(slot + OP_HANDLE) >>> 2] = operation.handle ?? 0;
    u32[(slot + OP_TOKEN) >>> 2] = operation.token ?? 0;
    u32[(slot + OP_VALUE) >>> 2] = operation.value ?? 0;
    u32[(slot + OP_VALUE2) >>> 2] = operation.value2 ?? 0;
    u32[(slot + OP_VALUE3) >>> 2] = operation.value3 ?? 0;
    u32[(slot + OP_VALUE4) >>> 2] = operation.value4 ?? 0;
    writeAddress(u8, slot + OP_REMOTE_ADDRESS, operation.remote?.address ?? 0);
    writeAddress(u8, slot + OP_LOCAL_ADDRESS, operation.local?.address ?? 0);
    u16[(slot + OP_REMOTE_PORT) >>> 1] = operation.remote?.port ?? 0;
    u16[(slot + OP_LOCAL_PORT) >>> 1] = operation.local?.port ?? 0;
    this.#ring.publish();
    return true;
  }
}

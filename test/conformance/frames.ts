// The frames of the conformance protocol, version 1: a 32-byte little-endian header with the same geometry in both directions, and
// a payload. Bytes to requests, replies to bytes; what they mean is the business of others.

const HEADER_BYTES = 32;
/** `length` counts what follows it. */
const LENGTH_BYTES = 4;
/** The largest payload the protocol allows. */
const MAX_PAYLOAD = 16 * 1024 * 1024;

/** The reply ends the request. */
export const KIND_DONE = 1;
/** The call blocks; a `KIND_DONE` follows. */
export const KIND_STARTED = 2;

/** What the shim asks for. */
export interface Request {
  op: number;
  /** Virtual time, µs. */
  now: number;
  /** Socket handle, -1 if none. */
  handle: number;
  a: number;
  b: number;
  c: number;
  payload: Buffer;
}

/** What it gets; absent numbers are 0. */
export interface Reply {
  /** -1 on failure, and then `errno` says why. */
  result: number;
  errno?: number;
  x?: number;
  y?: number;
  /** msg_flags of a RECV. */
  z?: number;
  payload?: Uint8Array;
  /** Only where it is not the time of the stack. */
  now?: number;
}

/** A call that worked. */
export function ok(result = 0, more: Omit<Reply, "result"> = {}): Reply {
  return { result, ...more };
}

/** A call that failed. @param errno - Linux number */
export function fail(errno: number): Reply {
  return { result: -1, errno };
}

/** Cuts a byte stream into requests. */
export class RequestReader {
  #buffer: Buffer = Buffer.alloc(0);

  /**
   * Takes what arrived.
   * @returns the requests that are complete now; null for a length that no request can have: the stream is of no use any more
   */
  push(chunk: Buffer): Request[] | null {
    this.#buffer = this.#buffer.length === 0 ? chunk : Buffer.concat([this.#buffer, chunk]);
    const requests: Request[] = [];
    while (this.#buffer.length >= LENGTH_BYTES) {
      const length = this.#buffer.readUInt32LE(0) + LENGTH_BYTES;
      if (length < HEADER_BYTES || length > HEADER_BYTES + MAX_PAYLOAD) return null;
      if (this.#buffer.length < length) break;
      requests.push(decode(this.#buffer.subarray(0, length)));
      this.#buffer = this.#buffer.subarray(length);
    }
    return requests;
  }
}

function decode(frame: Buffer): Request {
  return {
    op: frame.readUInt8(4),
    now: Number(frame.readBigInt64LE(8)),
    handle: frame.readInt32LE(16),
    a: frame.readInt32LE(20),
    b: frame.readInt32LE(24),
    c: frame.readInt32LE(28),
    payload: frame.subarray(HEADER_BYTES),
  };
}

/**
 * The bytes of a reply.
 * @param kind - `KIND_DONE` or `KIND_STARTED`
 * @param now - µs, unless the reply has a time of its own
 */
export function encodeReply(kind: number, now: number, reply: Reply): Buffer {
  const { payload = new Uint8Array(0) } = reply;
  const frame = Buffer.alloc(HEADER_BYTES + payload.length);
  frame.writeUInt32LE(frame.length - LENGTH_BYTES, 0);
  frame.writeUInt8(kind, 4);
  frame.writeUInt16LE((reply.z ?? 0) & 0xffff, 6);
  frame.writeBigInt64LE(BigInt(Math.floor(reply.now ?? now)), 8);
  frame.writeInt32LE(reply.result, 16);
  frame.writeInt32LE(reply.errno ?? 0, 20);
  frame.writeInt32LE(reply.x ?? 0, 24);
  frame.writeInt32LE(reply.y ?? 0, 28);
  frame.set(payload, HEADER_BYTES);
  return frame;
}

/** The bytes of a request, for those who play the shim. */
export function encodeRequest(request: Partial<Request> & Pick<Request, "op" | "now">): Buffer {
  const { payload = Buffer.alloc(0) } = request;
  const frame = Buffer.alloc(HEADER_BYTES + payload.length);
  frame.writeUInt32LE(frame.length - LENGTH_BYTES, 0);
  frame.writeUInt8(request.op, 4);
  frame.writeBigInt64LE(BigInt(request.now), 8);
  frame.writeInt32LE(request.handle ?? -1, 16);
  frame.writeInt32LE(request.a ?? 0, 20);
  frame.writeInt32LE(request.b ?? 0, 24);
  frame.writeInt32LE(request.c ?? 0, 28);
  frame.set(payload, HEADER_BYTES);
  return frame;
}

// Web Streams over a connection, made when they are first asked for: a byte stream that reads straight into the caller's buffer
// (BYOB), and a writable that takes any bytes. Back-pressure is the rings'.
import { invalidType } from "./errors.ts";

/** Largest chunk that is made for a reader who brings no buffer. */
const MAX_CHUNK_BYTES = 1024 * 1024;

/** What the streams need of a connection. */
export interface StreamedConnection {
  read(target: Uint8Array): Promise<number | null>;
  write(bytes: Uint8Array): Promise<number>;
  closeWrite(): Promise<void>;
  abort(reason?: unknown): void;
  close(): Promise<void>;
}

/**
 * The receiving half as a byte stream. Cancelling it closes the connection: nobody is left to read.
 * @param readable - resolves when something can be read, or the end was reached
 * @param available - bytes that can be read now
 */
export function readableOf(
  connection: StreamedConnection,
  readable: () => Promise<void>,
  available: () => number,
): ReadableStream<Uint8Array> {
  const source: UnderlyingByteSource = {
    type: "bytes",
    async pull(controller) {
      const request = controller.byobRequest;
      const view = request?.view;
      if (request && view) {
        const count = await connection.read(new Uint8Array(view.buffer, view.byteOffset, view.byteLength));
        if (count === null) controller.close();
        request.respond(count ?? 0);
        return;
      }
      await readable();
      const chunk = new Uint8Array(Math.min(available(), MAX_CHUNK_BYTES));
      const count = chunk.length === 0 ? null : await connection.read(chunk);
      if (count === null) controller.close();
      else controller.enqueue(count === chunk.length ? chunk : chunk.subarray(0, count));
    },
    cancel: () => connection.close(),
  };
  return new ReadableStream(source, { highWaterMark: 0 });
}

/** The sending half. Closing it is `closeWrite`, aborting it resets the connection. */
export function writableOf(connection: StreamedConnection): WritableStream<Uint8Array> {
  return new WritableStream<Uint8Array>({
    async write(chunk: unknown) {
      await connection.write(asBytes(chunk));
    },
    close: () => connection.closeWrite(),
    abort: (reason) => connection.abort(reason),
  });
}

function asBytes(chunk: unknown): Uint8Array {
  if (chunk instanceof Uint8Array) return chunk;
  if (ArrayBuffer.isView(chunk)) return new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.byteLength);
  if (chunk instanceof ArrayBuffer) return new Uint8Array(chunk);
  throw invalidType("chunk", "bytes (Uint8Array, ArrayBuffer or a view)", chunk);
}

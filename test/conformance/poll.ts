// poll: which events a socket has now (Linux's tcp_poll), and the call that waits for them.
import type { Call } from "./blocking.ts";
import { ok, type Reply, type Request } from "./frames.ts";
import type { Run } from "./run.ts";
import type { PortSocket } from "./sockets.ts";

export const POLLIN = 1;
export const POLLPRI = 2;
export const POLLOUT = 4;
export const POLLERR = 8;
export const POLLHUP = 0x10;
export const POLLNVAL = 0x20;
const POLLRDNORM = 0x40;
const POLLWRNORM = 0x100;
export const POLLRDHUP = 0x2000;

const ENTRY_BYTES = 8;

/** The events of a socket. */
export function readyEvents(run: Run, socket: PortSocket): number {
  const { sim, listener } = socket;
  if (listener !== null) return listener.pending > 0 ? POLLIN | POLLRDNORM : 0;
  const isClosed = sim === null || socket.state === "CLOSED";
  const readEnd = socket.readClosed || (sim !== null && (sim.atEnd || sim.peerFinished)) || (isClosed && sim !== null);
  const writeEnd = socket.writeClosed || (isClosed && sim !== null);
  let events = 0;
  if ((readEnd && writeEnd) || isClosed) events |= POLLHUP;
  if (readEnd) events |= POLLIN | POLLRDNORM | POLLRDHUP;
  if (!socket.isOpening) {
    if (sim !== null && sim.readable > 0) events |= POLLIN | POLLRDNORM;
    if (sim?.hasUrgent) events |= POLLPRI;
    if (writeEnd || isClosed || socket.sendBuffer.isWritable(run.sendFacts(socket))) events |= POLLOUT | POLLWRNORM;
  }
  if (socket.error !== 0) events |= POLLERR;
  return events;
}

/** POLL: waits for the first event, or until the timeout. */
export function pollCall(run: Run, request: Request): Call {
  const { b: timeoutMs, payload } = request;
  const count = Math.min(Math.max(request.a, 0), Math.floor(payload.length / ENTRY_BYTES));
  const look = (): Reply => {
    const entries = Buffer.from(payload.subarray(0, count * ENTRY_BYTES));
    let ready = 0;
    for (let at = 0; at < entries.length; at += ENTRY_BYTES) {
      const handle = entries.readInt32LE(at);
      const wanted = entries.readUInt16LE(at + 4) | POLLERR | POLLHUP;
      const socket = run.sockets.get(handle);
      const events = handle < 0 ? 0 : socket === undefined ? POLLNVAL : readyEvents(run, socket) & wanted;
      entries.writeUInt16LE(events, at + 6);
      if (events !== 0) ready++;
    }
    return ok(ready, { payload: entries });
  };
  return {
    attempt: () => {
      const reply = look();
      return reply.result > 0 ? reply : null;
    },
    giveUp: look,
    blocks: timeoutMs !== 0,
    deadlineUs: timeoutMs < 0 ? Number.POSITIVE_INFINITY : run.now + timeoutMs * 1000,
  };
}

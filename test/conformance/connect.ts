// How a socket comes to its connection: connect() in all states, and what becomes of it when it is undone.
import type { Endpoint } from "../../src/op-queue.ts";
import type { SocketOption } from "../../src/socket-options.ts";
import { type Call, immediate } from "./blocking.ts";
import * as errno from "./errno.ts";
import { fail, ok, type Reply } from "./frames.ts";
import { SO_SNDBUF, SOL_SOCKET } from "./option-names.ts";
import type { Run } from "./run.ts";
import { AF_UNSPEC, familyOf, readSockaddr } from "./sockaddr.ts";
import type { PortSocket } from "./sockets.ts";

/** CONNECT: blocks until the handshake is complete or has failed. */
export function connectCall(run: Run, socket: PortSocket, payload: Buffer): Call {
  if (familyOf(payload) === AF_UNSPEC && payload.length >= 2) return immediate(disconnect(socket));
  const remote = readSockaddr(payload, socket.family);
  if (typeof remote === "number") return immediate(fail(remote));
  if (socket.listener !== null) return immediate(fail(errno.EISCONN));
  if (socket.isConnecting) {
    if (socket.isOpening && socket.nonblocking) return immediate(fail(errno.EALREADY));
  } else if (socket.sim !== null && socket.state !== "CLOSED") {
    return immediate(fail(errno.EISCONN));
  } else {
    openConnection(run, socket, remote);
  }
  return {
    attempt: () => connected(run, socket),
    giveUp: () => fail(errno.EINPROGRESS),
    blocks: !socket.nonblocking,
    deadlineUs: run.now + socket.sendTimeoutUs,
  };
}

/** OPEN: from now on the socket is connecting. `more`: options beside the socket's own */
export function openConnection(run: Run, socket: PortSocket, remote: Endpoint, more: SocketOption[] = []): void {
  socket.become(
    run.host.connect(
      remote.address,
      remote.port,
      [...socket.stackOptions.values(), ...more],
      0,
      socket.local.port,
      socket.local.address,
    ),
  );
  socket.remote = remote;
  socket.isConnecting = true;
}

/** How a connect ended, or null while it has not. */
export function connected(run: Run, socket: PortSocket): Reply | null {
  const { sim } = socket;
  if (sim?.connected && socket.error === 0) {
    socket.isConnecting = false;
    socket.local = sim.localEndpoint;
    settleSendBuffer(run, socket);
    return ok();
  }
  if (sim !== null && !sim.closed) return null;
  const error = socket.takeError() || errno.ECONNABORTED;
  socket.isConnecting = false;
  socket.sim = null;
  return fail(error);
}

/** connect() to AF_UNSPEC, and shutdown() of what was never connected: as if new. */
export function disconnect(socket: PortSocket): Reply {
  socket.sim?.abort();
  socket.listener?.close();
  socket.listener = null;
  socket.become(null);
  return ok();
}

/** The connection is established: its buffer is as large as the option or the window says. */
export function settleSendBuffer(run: Run, socket: PortSocket): void {
  const fixed = socket.option(SOL_SOCKET, SO_SNDBUF, 0);
  if (fixed !== 0) socket.sendBuffer.lock(fixed);
  socket.sendBuffer.grow(run.sendFacts(socket));
}

// The socket calls of the protocol, decoded: which function does what. Calls that make, join and end connections are here; data is
// transfer.ts, options are options.ts, readiness is poll.ts.
import { SYSCTL_TCP_WMEM_DEFAULT, SYSCTL_TCP_WMEM_MAX } from "../../assembly/layout.ts";
import { type Call, immediate } from "./blocking.ts";
import { connectCall, disconnect, settleSendBuffer } from "./connect.ts";
import { epollCall } from "./epoll.ts";
import * as errno from "./errno.ts";
import { fail, ok, type Reply, type Request } from "./frames.ts";
import { ioctl } from "./ioctl.ts";
import * as ops from "./ops.ts";
import { getOption, lingerSeconds, setOption } from "./options.ts";
import { pollCall } from "./poll.ts";
import type { Run } from "./run.ts";
import { SendBuffer } from "./send-buffer.ts";
import { AF_INET, AF_INET6, readSockaddr, writeSockaddr } from "./sockaddr.ts";
import { PortSocket } from "./sockets.ts";
import { receiveCall, sendCall } from "./transfer.ts";

const SOCK_STREAM = 1;
const SOCK_TYPE_MASK = 15;
const SOCK_NONBLOCK = 0x800;
const IPPROTO_TCP = 6;
const IPPROTO_MPTCP = 262;
const F_GETFL = 3;
const F_SETFL = 4;
const O_RDWR = 2;
const O_NONBLOCK = 0x800;
const NEVER = Number.POSITIVE_INFINITY;

/** Begins a socket call. */
export function socketCall(run: Run, request: Request): Call {
  const { op, handle, a, b, c, payload } = request;
  if (op === ops.OP_SOCKET) return immediate(openSocket(run, a, b, c));
  if (op === ops.OP_POLL) return pollCall(run, request);
  if (op >= ops.OP_EPOLL_CREATE && op <= ops.OP_EPOLL_WAIT) return epollCall(run, request);
  if (op < ops.OP_SOCKET || op > ops.OP_EPOLL_WAIT) return immediate(fail(errno.ENOSYS));
  const socket = run.sockets.get(handle);
  if (socket === undefined) return immediate(op === ops.OP_CLOSE ? run.closeEpoll(handle) : fail(errno.EBADF));
  switch (op) {
    case ops.OP_BIND:
      return immediate(bind(run, socket, payload));
    case ops.OP_LISTEN:
      return listenCall(run, socket, a);
    case ops.OP_ACCEPT:
      return acceptCall(run, socket);
    case ops.OP_CONNECT:
      return connectCall(run, socket, payload);
    case ops.OP_SEND:
      return sendCall(run, socket, request);
    case ops.OP_RECV:
      return receiveCall(run, socket, request);
    case ops.OP_SHUTDOWN:
      return immediate(shutdown(socket, a));
    case ops.OP_CLOSE:
      run.sockets.remove(handle);
      return closeCall(run, socket);
    case ops.OP_FCNTL:
      return immediate(fcntl(socket, a, b));
    case ops.OP_IOCTL:
      return immediate(ioctl(socket, a));
    case ops.OP_GETSOCKOPT:
      return immediate(getOption(run, socket, a, b, c));
    case ops.OP_SETSOCKOPT:
      return immediate(setOption(run, socket, a, b, payload));
    default:
      return immediate(fail(errno.ENOSYS));
  }
}

function openSocket(run: Run, domain: number, type: number, protocol: number): Reply {
  const isMapped = run.config.ipVersion === "ipv4-mapped-ipv6";
  if (domain !== AF_INET && !(domain === AF_INET6 && isMapped)) return fail(errno.EAFNOSUPPORT);
  if ((type & SOCK_TYPE_MASK) !== SOCK_STREAM) return fail(errno.ESOCKTNOSUPPORT);
  if (protocol !== 0 && protocol !== IPPROTO_TCP) {
    return fail(protocol === IPPROTO_MPTCP ? errno.ENOPROTOOPT : errno.EPROTONOSUPPORT);
  }
  return ok(run.sockets.add(newSocket(run, domain, (type & SOCK_NONBLOCK) !== 0)));
}

function newSocket(run: Run, family: number, nonblocking: boolean): PortSocket {
  const buffer = new SendBuffer(run.setting(SYSCTL_TCP_WMEM_DEFAULT), run.setting(SYSCTL_TCP_WMEM_MAX));
  return new PortSocket(family, nonblocking, buffer);
}

function bind(run: Run, socket: PortSocket, payload: Buffer): Reply {
  const local = readSockaddr(payload, socket.family);
  if (typeof local === "number") return fail(local);
  if (socket.isBound || socket.sim !== null || socket.listener !== null) return fail(errno.EINVAL);
  if (local.address !== 0 && local.address !== run.config.localIp) return fail(errno.EADDRNOTAVAIL);
  socket.local = local;
  socket.isBound = true;
  return ok();
}

function listenCall(run: Run, socket: PortSocket, backlog: number): Call {
  if (socket.listener !== null) return immediate(ok());
  if (socket.sim !== null && socket.state !== "CLOSED") return immediate(fail(errno.EINVAL));
  // Linux allows one connection more than the backlog says
  const listener = run.host.listen(socket.local.port, Math.max(backlog, 0) + 1, socket.local.address, [
    ...socket.stackOptions.values(),
  ]);
  return {
    attempt: () => {
      if (listener.error !== 0) return fail(listener.error);
      if (listener.handle === 0) return null;
      socket.listener = listener;
      return ok();
    },
    giveUp: () => fail(errno.EINVAL),
    blocks: false,
    deadlineUs: NEVER,
  };
}

function acceptCall(run: Run, socket: PortSocket): Call {
  return {
    attempt: () => {
      if (socket.listener === null || socket.listener.closed) return fail(errno.EINVAL);
      const sim = socket.listener.accept();
      if (sim === null) return null;
      const child = newSocket(run, socket.family, false);
      for (const [key, value] of socket.options) child.options.set(key, value);
      for (const [code, option] of socket.stackOptions) child.stackOptions.set(code, option);
      child.become(sim);
      settleSendBuffer(run, child);
      child.local = sim.localEndpoint;
      child.remote = sim.remoteEndpoint;
      return ok(run.sockets.add(child), { payload: writeSockaddr(child.family, child.remote) });
    },
    giveUp: () => fail(errno.EAGAIN),
    blocks: !socket.nonblocking,
    deadlineUs: run.now + socket.receiveTimeoutUs,
  };
}

function shutdown(socket: PortSocket, how: number): Reply {
  if (how < 0 || how > 2) return fail(errno.EINVAL);
  const readSide = how !== 1;
  if (socket.listener !== null) {
    if (!readSide) return ok();
    return disconnect(socket);
  }
  if (socket.state === "SYN-SENT") return disconnect(socket);
  if (socket.sim === null || socket.state === "CLOSED") return fail(errno.ENOTCONN);
  if (readSide) socket.readClosed = true;
  if (how !== 0 && !socket.writeClosed) {
    socket.writeClosed = true;
    socket.sim.closeWrite();
  }
  return ok();
}

function closeCall(run: Run, socket: PortSocket): Call {
  const { sim, listener } = socket;
  listener?.close();
  const seconds = lingerSeconds(socket);
  if (sim === null || !sim.isAttached) return immediate(ok());
  if (seconds === 0) {
    sim.abort();
    return immediate(ok());
  }
  if (seconds < 0 || sim.readable > 0 || !sim.connected) {
    sim.close();
    return immediate(ok());
  }
  // SO_LINGER with a time: until the peer has acknowledged all, or the time is over
  sim.closeWrite();
  const finish = (): Reply => {
    sim.close();
    return ok();
  };
  return {
    attempt: () => (sim.finAcked || sim.closed ? finish() : null),
    giveUp: finish,
    blocks: !socket.nonblocking,
    deadlineUs: run.now + seconds * 1e6,
  };
}

function fcntl(socket: PortSocket, command: number, argument: number): Reply {
  switch (command) {
    case F_GETFL:
      return ok(O_RDWR | (socket.nonblocking ? O_NONBLOCK : 0));
    case F_SETFL:
      socket.nonblocking = (argument & O_NONBLOCK) !== 0;
      return ok();
    case 1: // F_GETFD
    case 2: // F_SETFD
      return ok();
    default:
      return fail(errno.EINVAL);
  }
}

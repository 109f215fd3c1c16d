// getsockopt and setsockopt: Linux's levels, names and values. What the stack has an operation for is passed on; the rest is what a
// socket remembers and reads back.
import { SYSCTL_TCP_RMEM_DEFAULT, SYSCTL_TCP_WMEM_DEFAULT, TCB_PMTU, TCB_SND_MSS } from "../../assembly/layout.ts";
import { EINVAL, ENOPROTOOPT, ENOTCONN } from "./errno.ts";
import { fail, ok, type Reply } from "./frames.ts";
import type { Run } from "./run.ts";
import { AF_INET6 } from "./sockaddr.ts";
import type { PortSocket } from "./sockets.ts";
import { tcpInfo } from "./tcp-info.ts";

export const IPPROTO_IP = 0;
export const SOL_SOCKET = 1;
export const IPPROTO_TCP = 6;
export const IPPROTO_IPV6 = 41;

export const SO_REUSEADDR = 2;
export const SO_TYPE = 3;
export const SO_ERROR = 4;
export const SO_SNDBUF = 7;
export const SO_RCVBUF = 8;
export const SO_KEEPALIVE = 9;
export const SO_LINGER = 13;
export const SO_RCVLOWAT = 18;
export const SO_RCVTIMEO = 20;
export const SO_SNDTIMEO = 21;
const SO_ACCEPTCONN = 30;
const SO_PROTOCOL = 38;
const SO_DOMAIN = 39;
const SO_MEMINFO = 55;

export const TCP_NODELAY = 1;
export const TCP_MAXSEG = 2;
export const TCP_CORK = 3;
export const TCP_KEEPIDLE = 4;
export const TCP_KEEPINTVL = 5;
export const TCP_KEEPCNT = 6;
const TCP_INFO = 11;
const TCP_CONGESTION = 13;
const TCP_CC_INFO = 26;
export const TCP_INQ = 36;

const IP_MTU = 14;
const IPV6_MTU = 24;

const SOCK_STREAM = 1;
const DEFAULT_MSS = 536;
/** Linux counts the bookkeeping of buffers against them. */
const BUFFER_FACTOR = 2;
const LEAST_SNDBUF = 4608;
const LEAST_RCVBUF = 2304;

const KNOWN_LEVELS = [IPPROTO_IP, SOL_SOCKET, IPPROTO_TCP, IPPROTO_IPV6];

/** The linger time in seconds, -1 = not on. */
export function lingerSeconds(socket: PortSocket): number {
  const value = socket.options.get(`${SOL_SOCKET}:${SO_LINGER}`);
  if (value === undefined || value.length < 8 || value.readInt32LE(0) === 0) return -1;
  return value.readInt32LE(4);
}

/** GETSOCKOPT. */
export function getOption(run: Run, socket: PortSocket, level: number, name: number, capacity: number): Reply {
  if (!KNOWN_LEVELS.includes(level)) return fail(ENOPROTOOPT);
  const value = currentValue(run, socket, level, name);
  if (typeof value === "number") return fail(value);
  return ok(0, { payload: value.subarray(0, Math.max(0, capacity)) });
}

// The bytes, or an errno
function currentValue(run: Run, socket: PortSocket, level: number, name: number): Buffer | number {
  if (level === SOL_SOCKET) return socketLevel(run, socket, name);
  if (level === IPPROTO_TCP) return tcpLevel(run, socket, name);
  const isMtu = level === IPPROTO_IP ? name === IP_MTU : name === IPV6_MTU;
  if (isMtu) return socket.sim?.isAttached ? int(socket.sim.field(TCB_PMTU)) : ENOTCONN;
  return socket.options.get(`${level}:${name}`) ?? int(0);
}

function socketLevel(run: Run, socket: PortSocket, name: number): Buffer | number {
  switch (name) {
    case SO_ERROR:
      return int(socket.takeError());
    case SO_TYPE:
      return int(SOCK_STREAM);
    case SO_PROTOCOL:
      return int(IPPROTO_TCP);
    case SO_DOMAIN:
      return int(socket.family);
    case SO_ACCEPTCONN:
      return int(socket.listener === null ? 0 : 1);
    case SO_SNDBUF:
      return int(socket.option(SOL_SOCKET, name, run.setting(SYSCTL_TCP_WMEM_DEFAULT)));
    case SO_RCVBUF:
      return int(socket.option(SOL_SOCKET, name, run.setting(SYSCTL_TCP_RMEM_DEFAULT)));
    case SO_MEMINFO:
      return memoryInfo(run, socket);
    case SO_LINGER:
    case SO_RCVTIMEO:
    case SO_SNDTIMEO:
      return socket.options.get(`${SOL_SOCKET}:${name}`) ?? Buffer.alloc(name === SO_LINGER ? 8 : 16);
    case SO_RCVLOWAT:
      return int(socket.option(SOL_SOCKET, name, 1));
    default:
      return socket.options.get(`${SOL_SOCKET}:${name}`) ?? int(0);
  }
}

function tcpLevel(run: Run, socket: PortSocket, name: number): Buffer | number {
  const { sim } = socket;
  switch (name) {
    case TCP_INFO:
      return tcpInfo(run, socket);
    case TCP_CC_INFO:
      return Buffer.alloc(0);
    case TCP_MAXSEG:
      if (sim?.isAttached) return int(sim.field(TCB_SND_MSS));
      return int(socket.option(IPPROTO_TCP, TCP_MAXSEG, DEFAULT_MSS));
    case TCP_CONGESTION:
      return Buffer.from("reno\0".padEnd(16, "\0"));
    default:
      return socket.options.get(`${IPPROTO_TCP}:${name}`) ?? int(0);
  }
}

// struct sk_meminfo: rmem_alloc rcvbuf wmem_alloc sndbuf fwd_alloc wmem_queued optmem backlog drops
function memoryInfo(run: Run, socket: PortSocket): Buffer {
  const { sim } = socket;
  const queued = sim?.isAttached ? sim.unacknowledged : 0;
  const sndbuf = socket.option(SOL_SOCKET, SO_SNDBUF, run.setting(SYSCTL_TCP_WMEM_DEFAULT));
  const rcvbuf = socket.option(SOL_SOCKET, SO_RCVBUF, run.setting(SYSCTL_TCP_RMEM_DEFAULT));
  return ints([sim?.isAttached ? sim.readable : 0, rcvbuf, queued, sndbuf, 0, queued, 0, 0, 0]);
}

/** SETSOCKOPT. */
export function setOption(socket: PortSocket, level: number, name: number, payload: Buffer): Reply {
  if (!KNOWN_LEVELS.includes(level)) return fail(ENOPROTOOPT);
  if (level === IPPROTO_IPV6 && socket.family !== AF_INET6) return fail(ENOPROTOOPT);
  if (level === IPPROTO_TCP && name === TCP_CONGESTION) {
    return ok();
  }
  if (payload.length < 4) return fail(EINVAL);
  const value = payload.readInt32LE(0);
  let stored: Buffer = Buffer.from(payload);
  if (level === SOL_SOCKET && name === SO_SNDBUF) stored = int(Math.max(value * BUFFER_FACTOR, LEAST_SNDBUF));
  if (level === SOL_SOCKET && name === SO_RCVBUF) stored = int(Math.max(value * BUFFER_FACTOR, LEAST_RCVBUF));
  if (level === IPPROTO_TCP && [TCP_NODELAY, TCP_CORK, TCP_INQ].includes(name)) stored = int(value === 0 ? 0 : 1);
  socket.options.set(`${level}:${name}`, stored);
  applyOptions(socket, level, name);
  return ok();
}

/** What the stack has operations for; also for a socket that has just become one of the stack's. */
export function applyOptions(socket: PortSocket, level: number, name: number): void {
  const { sim } = socket;
  if (sim === null || !sim.isAttached) return;
  if (level === IPPROTO_TCP && name === TCP_NODELAY) sim.setNoDelay(socket.option(level, name, 0) !== 0);
  const keepAliveNames = [TCP_KEEPIDLE, TCP_KEEPINTVL, TCP_KEEPCNT];
  if ((level === SOL_SOCKET && name === SO_KEEPALIVE) || (level === IPPROTO_TCP && keepAliveNames.includes(name))) {
    const [idle, interval, count] = keepAliveNames.map((key) => socket.option(IPPROTO_TCP, key, 0));
    sim.setKeepAlive(socket.option(SOL_SOCKET, SO_KEEPALIVE, 0) !== 0, idle! * 1000, interval! * 1000, count!);
  }
}

function int(value: number): Buffer {
  return ints([value]);
}

function ints(values: readonly number[]): Buffer {
  const bytes = Buffer.alloc(values.length * 4);
  for (const [index, value] of values.entries()) bytes.writeInt32LE(value | 0, index * 4);
  return bytes;
}

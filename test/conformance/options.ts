// getsockopt and setsockopt: Linux's levels, names and values. What the stack has an operation for is passed on; the rest is what a
// socket remembers and reads back.

import {
  SOCKET_OPTION_CONGESTION,
  SYSCTL_TCP_CONGESTION_CONTROL,
  SYSCTL_TCP_FASTOPEN,
  SYSCTL_TCP_RMEM_DEFAULT,
  TCB_CONGESTION,
  TCB_PMTU,
  TCB_SND_MSS,
} from "../../assembly/layout.ts";
import type { SocketOption } from "../../src/socket-options.ts";
import { EINVAL, ENOPROTOOPT, ENOTCONN, EOPNOTSUPP } from "./errno.ts";
import { fastOpenKey } from "./fast-open.ts";
import { fail, ok, type Reply } from "./frames.ts";
import * as names from "./option-names.ts";
import type { Run } from "./run.ts";
import { AF_INET6 } from "./sockaddr.ts";
import type { PortSocket } from "./sockets.ts";
import { CONGESTION_NAMES, stackOption } from "./stack-options.ts";
import { tcpInfo } from "./tcp-info.ts";

const SOCK_STREAM = 1;
const DEFAULT_MSS = 536;
const CONGESTION_NAME_BYTES = 16;
/** Linux counts the bookkeeping of buffers against them. */
const BUFFER_FACTOR = 2;
const LEAST_SNDBUF = 4608;
const LEAST_RCVBUF = 2304;

const KNOWN_LEVELS = [names.IPPROTO_IP, names.SOL_SOCKET, names.IPPROTO_TCP, names.IPPROTO_IPV6];

/** The linger time in seconds, -1 = not on. */
export function lingerSeconds(socket: PortSocket): number {
  const value = socket.options.get(`${names.SOL_SOCKET}:${names.SO_LINGER}`);
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
  if (level === names.SOL_SOCKET) return socketLevel(run, socket, name);
  if (level === names.IPPROTO_TCP) return tcpLevel(run, socket, name);
  const isMtu = level === names.IPPROTO_IP ? name === names.IP_MTU : name === names.IPV6_MTU;
  if (isMtu) return socket.sim?.isAttached ? int(socket.sim.field(TCB_PMTU)) : ENOTCONN;
  return socket.options.get(`${level}:${name}`) ?? int(0);
}

function socketLevel(run: Run, socket: PortSocket, name: number): Buffer | number {
  switch (name) {
    case names.SO_ERROR:
      return int(socket.takeError());
    case names.SO_TYPE:
      return int(SOCK_STREAM);
    case names.SO_PROTOCOL:
      return int(names.IPPROTO_TCP);
    case names.SO_DOMAIN:
      return int(socket.family);
    case names.SO_ACCEPTCONN:
      return int(socket.listener === null ? 0 : 1);
    case names.SO_SNDBUF:
      return int(socket.sendBuffer.limit);
    case names.SO_RCVBUF:
      return int(socket.option(names.SOL_SOCKET, name, run.setting(SYSCTL_TCP_RMEM_DEFAULT)));
    case names.SO_MEMINFO:
      return memoryInfo(run, socket);
    case names.SO_LINGER:
    case names.SO_RCVTIMEO:
    case names.SO_SNDTIMEO:
      return socket.options.get(`${names.SOL_SOCKET}:${name}`) ?? Buffer.alloc(name === names.SO_LINGER ? 8 : 16);
    case names.SO_RCVLOWAT:
      return int(socket.option(names.SOL_SOCKET, name, 1));
    default:
      return socket.options.get(`${names.SOL_SOCKET}:${name}`) ?? int(0);
  }
}

function tcpLevel(run: Run, socket: PortSocket, name: number): Buffer | number {
  const { sim } = socket;
  switch (name) {
    case names.TCP_INFO:
      return tcpInfo(run, socket);
    case names.TCP_CC_INFO:
      return Buffer.alloc(0);
    case names.TCP_MAXSEG:
      if (sim?.isAttached) return int(sim.field(TCB_SND_MSS));
      return int(socket.option(names.IPPROTO_TCP, names.TCP_MAXSEG, DEFAULT_MSS));
    case names.TCP_CONGESTION:
      return Buffer.from(congestionName(run, socket).padEnd(CONGESTION_NAME_BYTES, "\0"));
    default:
      return socket.options.get(`${names.IPPROTO_TCP}:${name}`) ?? int(0);
  }
}

function congestionName(run: Run, socket: PortSocket): string {
  const { sim } = socket;
  const chosen = socket.stackOptions.get(SOCKET_OPTION_CONGESTION)?.value ?? run.setting(SYSCTL_TCP_CONGESTION_CONTROL);
  const code = sim?.isAttached ? run.host.views.u8[sim.tcb + TCB_CONGESTION] : chosen;
  return Object.entries(CONGESTION_NAMES).find(([, value]) => value === code)?.[0] ?? "";
}

// struct sk_meminfo: rmem_alloc rcvbuf wmem_alloc sndbuf fwd_alloc wmem_queued optmem backlog drops
function memoryInfo(run: Run, socket: PortSocket): Buffer {
  const { sim } = socket;
  const queued = socket.sendBuffer.queued(run.sendFacts(socket));
  const sndbuf = socket.sendBuffer.limit;
  const rcvbuf = socket.option(names.SOL_SOCKET, names.SO_RCVBUF, run.setting(SYSCTL_TCP_RMEM_DEFAULT));
  return ints([sim?.isAttached ? sim.readable : 0, rcvbuf, queued, sndbuf, 0, queued, 0, 0, 0]);
}

/** SETSOCKOPT: the stack is told at once if it knows the socket, else when it does. */
export function setOption(run: Run, socket: PortSocket, level: number, name: number, payload: Buffer): Reply {
  if (!KNOWN_LEVELS.includes(level)) return fail(ENOPROTOOPT);
  if (level === names.IPPROTO_IPV6 && socket.family !== AF_INET6) return fail(ENOPROTOOPT);
  if (level === names.IPPROTO_TCP && name === names.TCP_FASTOPEN_CONNECT) {
    if ((run.setting(SYSCTL_TCP_FASTOPEN) & 1) === 0) return fail(EOPNOTSUPP);
    if (socket.state !== "CLOSED") return fail(EINVAL);
  }
  if (level === names.IPPROTO_TCP && name === names.TCP_FASTOPEN_KEY) return setFastOpenKey(socket, payload);
  const option = stackOption(level, name, payload);
  if (typeof option === "number") return fail(option);
  if (option === null && payload.length < 4 && level !== names.IPPROTO_IP) return fail(EINVAL);
  socket.options.set(`${level}:${name}`, remembered(level, name, payload));
  if (option === null) return ok();
  if (level === names.SOL_SOCKET && name === names.SO_SNDBUF) {
    socket.sendBuffer.lock(socket.option(level, name, 0));
  }
  tellStack(socket, option);
  return ok();
}

function tellStack(socket: PortSocket, option: SocketOption): void {
  socket.stackOptions.set(option.code, option);
  if (socket.sim?.isAttached) socket.sim.setOption(option.code, option.value, option.value2);
  socket.listener?.setOption(option.code, option.value, option.value2);
}

function setFastOpenKey(socket: PortSocket, payload: Buffer): Reply {
  const options = fastOpenKey(payload);
  if (options === null) return fail(EINVAL);
  socket.options.set(`${names.IPPROTO_TCP}:${names.TCP_FASTOPEN_KEY}`, Buffer.from(payload));
  for (const option of options) tellStack(socket, option);
  return ok();
}

// How an option reads back
function remembered(level: number, name: number, payload: Buffer): Buffer {
  if (level === names.SOL_SOCKET) {
    if (name === names.SO_SNDBUF) return int(Math.max(payload.readInt32LE(0) * BUFFER_FACTOR, LEAST_SNDBUF));
    if (name === names.SO_RCVBUF) return int(Math.max(payload.readInt32LE(0) * BUFFER_FACTOR, LEAST_RCVBUF));
  }
  if (level === names.IPPROTO_TCP && [names.TCP_NODELAY, names.TCP_CORK, names.TCP_INQ].includes(name)) {
    return int(payload.readInt32LE(0) === 0 ? 0 : 1);
  }
  return Buffer.from(payload);
}

function int(value: number): Buffer {
  return ints([value]);
}

function ints(values: readonly number[]): Buffer {
  const bytes = Buffer.alloc(values.length * 4);
  for (const [index, value] of values.entries()) bytes.writeInt32LE(value | 0, index * 4);
  return bytes;
}

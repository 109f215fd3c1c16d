// SEND and RECV: the calls of Linux's write and read families, with their flags, on the rings of a socket.
import {
  SEND_MARK_END_OF_RECORD,
  SEND_MARK_MORE,
  SEND_MARK_URGENT,
  SOCKET_OPTION_FASTOPEN_CONNECT,
  SYSCTL_TCP_FASTOPEN,
  TCB_SND_MSS,
} from "../../assembly/layout.ts";
import type { SimSocket } from "../../src/sim/socket.ts";
import { socketOption } from "../../src/socket-options.ts";
import type { Call } from "./blocking.ts";
import { immediate } from "./blocking.ts";
import { connected, openConnection } from "./connect.ts";
import * as errno from "./errno.ts";
import { fail, ok, type Reply, type Request } from "./frames.ts";
import { IPPROTO_TCP, SO_RCVLOWAT, SOL_SOCKET, TCP_INQ } from "./option-names.ts";
import type { Run } from "./run.ts";
import { AF_UNSPEC, familyOf, readSockaddr } from "./sockaddr.ts";
import type { PortSocket } from "./sockets.ts";

export const MSG_OOB = 1;
export const MSG_PEEK = 2;
export const MSG_TRUNC = 0x20;
export const MSG_DONTWAIT = 0x40;
export const MSG_EOR = 0x80;
export const MSG_WAITALL = 0x100;
export const MSG_ERRQUEUE = 0x2000;
export const MSG_MORE = 0x8000;
/** In `sendto` to an address: data in the SYN (RFC 7413). */
const MSG_FASTOPEN = 0x20000000;

/** Bit of tcp_fastopen: as a client. */
const FASTOPEN_CLIENT = 1;
/** Room that a SYN leaves for options. */
const SYN_OPTIONS_BYTES = 40;
/** An offer may have to wait for the ring before it to be given up. */
const RING_TURNS = 8;
/** u64 length, i32 level, i32 type, i32 data, padding. */
const INQ_CMSG_BYTES = 24;

/** SEND: all bytes go into the send buffer, or as many as fit when it may not wait. */
export function sendCall(run: Run, socket: PortSocket, request: Request): Call {
  const flags = request.a;
  const data = request.payload.subarray(request.b + request.c);
  let taken = 0;
  let isShort = false;
  const short = (error: number): Reply => (taken > 0 ? ok(taken) : fail(error));
  const mayWait = !socket.nonblocking && (flags & MSG_DONTWAIT) === 0;
  if ((flags & MSG_FASTOPEN) !== 0 && !isDeferred(socket)) {
    const refused = fastOpen(run, socket, request.payload.subarray(0, request.b));
    if (refused !== 0) return immediate(fail(refused));
  }
  const isFirst = isDeferred(socket) || (flags & MSG_FASTOPEN) !== 0;
  const isFastOpen = socket.isConnecting || isDeferred(socket);
  return {
    attempt: () => {
      if (isDeferred(socket) && taken === 0) {
        // Who waits has written all of it already: what does not go with the SYN follows it at once
        taken = fill(run, socket, mayWait ? data : data.subarray(0, synRoom(socket)), flags);
        if (data.length === 0) socket.sim!.setOption(SOCKET_OPTION_FASTOPEN_CONNECT, 0);
        socket.isSynSent = taken > 0 || data.length === 0;
        if (!mayWait && taken > 0) return ok(taken);
      }
      if (isFastOpen && socket.state === "SYN-SENT") return null;
      if (socket.sim?.closed) socket.isConnecting = false;
      if (isFastOpen && socket.isConnecting) {
        const opened = connected(run, socket);
        if (opened === null || opened.result < 0) return opened;
      }
      const refused = sendRefusal(socket);
      if (refused !== 0) return isFastOpen ? fail(refused) : short(refused);
      if (socket.isOpening) return null;
      if (isShort && !socket.sendBuffer.isWritable(run.sendFacts(socket))) return null;
      if (taken < data.length) taken += fill(run, socket, data.subarray(taken), flags);
      isShort = taken < data.length;
      return isShort ? null : ok(taken);
    },
    giveUp: () => short(isFirst && socket.state === "SYN-SENT" ? errno.EINPROGRESS : errno.EAGAIN),
    blocks: mayWait,
    deadlineUs: run.now + socket.sendTimeoutUs,
  };
}

// connect() has returned, and the SYN waits for data to go with it
function isDeferred(socket: PortSocket): boolean {
  const { sim } = socket;
  return sim?.connected === true && sim.written === 0 && !socket.isSynSent && socket.state === "SYN-SENT";
}

// Bytes that go with the SYN, beside its options
function synRoom(socket: PortSocket): number {
  return Math.max(0, socket.sim!.field(TCB_SND_MSS) - SYN_OPTIONS_BYTES);
}

// Begins the connection that the data goes with. @returns a Linux errno, 0 = begun
function fastOpen(run: Run, socket: PortSocket, address: Buffer): number {
  if ((run.setting(SYSCTL_TCP_FASTOPEN) & FASTOPEN_CLIENT) === 0) return errno.EOPNOTSUPP;
  if (address.length >= 2 && familyOf(address) === AF_UNSPEC) return errno.EOPNOTSUPP;
  if (socket.listener !== null) return errno.EISCONN;
  if (socket.isOpening) return errno.EALREADY;
  if (socket.sim !== null) return 0; // after the handshake it means nothing
  const remote = readSockaddr(address, socket.family);
  if (typeof remote === "number") return remote;
  openConnection(run, socket, remote, [socketOption(SOCKET_OPTION_FASTOPEN_CONNECT, 1)]);
  return 0;
}

// One buffer of Linux's size after the other, as its write does; the stack sends what it may in between. @returns bytes taken
function fill(run: Run, socket: PortSocket, data: Buffer, flags: number): number {
  const { sim, sendBuffer } = socket;
  let taken = 0;
  while (sim !== null && taken < data.length) {
    const facts = run.sendFacts(socket);
    const bytes = ringRoom(run, sim, Math.min(sendBuffer.room(facts), data.length - taken));
    if (bytes === 0) {
      sendBuffer.markShort();
      break;
    }
    const isLast = taken + bytes === data.length;
    sendBuffer.take(bytes, facts, isLast && (flags & MSG_EOR) !== 0);
    const isMore = isLast ? (flags & MSG_MORE) !== 0 : sendBuffer.room(facts) > 0;
    const marks = (isMore ? SEND_MARK_MORE : 0) | (isLast ? lastMarks(flags) : 0);
    sim.write(data.subarray(taken, taken + bytes), 0, marks);
    run.turn();
    taken += bytes;
  }
  return taken;
}

function lastMarks(flags: number): number {
  return ((flags & MSG_EOR) !== 0 ? SEND_MARK_END_OF_RECORD : 0) | ((flags & MSG_OOB) !== 0 ? SEND_MARK_URGENT : 0);
}

// The ring is made as large as it must be: what the send buffer takes, the stack holds. @returns bytes of `wanted` that fit
function ringRoom(run: Run, sim: SimSocket, wanted: number): number {
  const needed = sim.unacknowledged + wanted;
  for (let turn = 0; turn < RING_TURNS && sim.ringBytes < needed; turn++) {
    sim.wantRing(needed);
    run.turn();
  }
  return Math.min(wanted, Math.max(0, sim.ringBytes - sim.unacknowledged));
}

// Linux's order: the pending error first, then EPIPE
function sendRefusal(socket: PortSocket): number {
  if (socket.sim === null) return errno.EPIPE;
  const error = socket.takeError();
  if (error !== 0) return error;
  if (socket.writeClosed || socket.sim.closed) return errno.EPIPE;
  return 0;
}

/** RECV: as much as is there, once there is enough. */
export function receiveCall(run: Run, socket: PortSocket, request: Request): Call {
  const { a: capacity, b: flags, c: controlCapacity } = request;
  if ((flags & MSG_ERRQUEUE) !== 0) return immediate(fail(errno.EAGAIN));
  if ((flags & MSG_OOB) !== 0) return immediate(receiveUrgent(socket));
  if (socket.listener !== null || (socket.sim === null && !socket.isConnecting)) return immediate(fail(errno.ENOTCONN));
  const target = Buffer.alloc(capacity);
  const wanted = Math.min(
    capacity,
    (flags & MSG_WAITALL) !== 0 ? capacity : Math.max(1, socket.option(SOL_SOCKET, SO_RCVLOWAT, 1)),
  );
  let got = 0;
  const finish = (): Reply => {
    const control = inqControl(socket, controlCapacity);
    const data = (flags & MSG_TRUNC) !== 0 ? Buffer.alloc(0) : target.subarray(0, got);
    return ok(got, { payload: Buffer.concat([control, data]), y: control.length });
  };
  const end = (error: number): Reply => (got > 0 || error === 0 ? finish() : fail(error));
  return {
    attempt: () => {
      const { sim } = socket;
      if (sim === null) return fail(errno.ENOTCONN);
      if ((flags & MSG_PEEK) !== 0) got = sim.peek(target);
      else got += sim.read(target.subarray(got)) ?? 0;
      if (got >= wanted && (got > 0 || capacity === 0)) return finish();
      const error = got > 0 ? socket.error : socket.takeError();
      if (error !== 0) return end(error);
      if (sim.atEnd || sim.closed || socket.readClosed) return end(0);
      return null;
    },
    giveUp: () => end(errno.EAGAIN),
    blocks: !socket.nonblocking && (flags & MSG_DONTWAIT) === 0,
    deadlineUs: run.now + socket.receiveTimeoutUs,
  };
}

// MSG_OOB: the urgent byte, which never waits
function receiveUrgent(socket: PortSocket): Reply {
  if (socket.sim === null) return fail(errno.ENOTCONN);
  const byte = socket.sim.readUrgent();
  if (byte === null) return fail(errno.EINVAL);
  if (byte >= 0) return ok(1, { payload: Buffer.of(byte), z: MSG_OOB });
  return socket.readClosed || socket.sim.atEnd ? ok(0) : fail(errno.EAGAIN);
}

// TCP_INQ: how much is left, as a control message; one byte stands for the end
function inqControl(socket: PortSocket, capacity: number): Buffer {
  if (socket.option(IPPROTO_TCP, TCP_INQ, 0) === 0 || capacity < INQ_CMSG_BYTES) return Buffer.alloc(0);
  const left = socket.sim?.readable ?? 0;
  const control = Buffer.alloc(INQ_CMSG_BYTES);
  control.writeUInt32LE(20, 0);
  control.writeInt32LE(IPPROTO_TCP, 8);
  control.writeInt32LE(TCP_INQ, 12);
  control.writeInt32LE(left === 0 && socket.sim?.atEnd ? 1 : left, 16);
  return control;
}

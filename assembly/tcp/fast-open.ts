// TCP Fast Open, both sides: cookies (SipHash of both addresses, 4.1.2), who may send data in his SYN and whose is taken, the
// limit of pending ones (5.1), and what the SYN-ACK says about it all. RFC 7413 3, 4. Must not know segment building (output.ts,
// segment-builder.ts ask here what goes into a SYN) nor queues.
import { count } from "../count";
import {
  COUNTER_TCP_FASTOPEN_ACTIVE,
  COUNTER_TCP_FASTOPEN_ACTIVE_FAIL,
  COUNTER_TCP_FASTOPEN_COOKIE_REQD,
  COUNTER_TCP_FASTOPEN_LISTEN_OVERFLOW,
  COUNTER_TCP_FASTOPEN_PASSIVE,
  COUNTER_TCP_FASTOPEN_PASSIVE_FAIL,
} from "../counters";
import {
  SECRET_ISN,
  SOCKET_FLAG_FASTOPEN_CONNECT,
  SOCKET_FLAG_FASTOPEN_NO_COOKIE,
  STATE_LISTEN,
  STATE_SYN_RECEIVED,
  STATE_SYN_SENT,
  SYSCTL_TCP_FASTOPEN,
  SYSCTL_TCP_FASTOPEN_KEY0,
  SYSCTL_TCP_FASTOPEN_KEY1,
  SYSCTL_TCP_FASTOPEN_KEY2,
  SYSCTL_TCP_FASTOPEN_KEY3,
  TCB_OPTION_SYN_DATA,
} from "../layout";
import { NONE } from "../storage/none";
import { sipHash24 } from "../storage/siphash";
import { emitFastOpen, OPT_FASTOPEN, OPT_MSS } from "../wire/tcp-options";
import { tcbOfHandle } from "./connections";
import { enterQuickAck, QUICK_ACKS_MAX } from "./delayed-ack";
import {
  COOKIE_MAX,
  FastOpenEntry,
  fastOpenFind,
  fastOpenIsExperimental,
  fastOpenTake,
  fastOpenTryOther,
  isPathPaused,
  notePath,
} from "./fast-open-cache";
import { listening } from "./listener-record";
import { rtxAt, rtxMarkLost } from "./rtx-queue";
import { Segment } from "./segment";
import { FIXED_HEADERS, OPTIONS_MAX } from "./sizes";
import { Tcb } from "./tcb";

// tcp_fastopen, a mask; Linux's bits
const CLIENT: u32 = 1;
const SERVER: u32 = 2;
const CLIENT_WITHOUT_COOKIE: u32 = 4;
const SERVER_WITHOUT_COOKIE: u32 = 0x200;
const ALL_LISTENERS: u32 = 0x400;

// tcb.handshake, beside HANDSHAKE_ACKED of defer-accept.ts
const CONNECTING: u8 = 2; // client: our SYN carries the option
const WAITING: u8 = 4; // client: the SYN waits for the first data
const ACCEPTED: u8 = 8; // server: the SYN's cookie was good; main has the connection before the handshake is complete
const COOKIE_DUE: u8 = 16; // server: the SYN-ACK carries a cookie
const PENDING: u8 = 32; // server: counted in its listener's fastOpenPending
const EXPERIMENTAL: u8 = 64; // the option of this handshake has its experimental kind
const ASKED: u8 = 128; // client: our SYN carried the option

/** Bytes of our cookies. */
const COOKIE_BYTES: u32 = 8;
/** Without tcp_fastopen_key the key changes with the day; the day before is still good. */
const DAY_US: u64 = 86400000000;
/** A connection that was reset while pending counts as pending so long: spoofed SYNs shall not be cheap (5.1). Linux's number. */
const RESET_PENALTY_US: u64 = 60000000;

// The key of a day that nobody configured: a hash of the day under a secret. ISNs and SYN cookies hash other lengths with it
const DAY: usize = memory.data(16, 8);
const KEY: usize = memory.data(16, 8);
const ENDS: usize = memory.data(8, 8);
const COOKIE: usize = memory.data(16, 8);

function writeKey(listener: Tcb | null, day: u32): void {
  if (listener !== null) {
    const own = listening(listener);
    if ((own.fastOpenKey0 | own.fastOpenKey1) !== 0) {
      store<u64>(KEY, own.fastOpenKey0);
      store<u64>(KEY, own.fastOpenKey1, 8);
      return;
    }
  }
  store<u32>(KEY, load<u32>(SYSCTL_TCP_FASTOPEN_KEY0));
  store<u32>(KEY, load<u32>(SYSCTL_TCP_FASTOPEN_KEY1), 4);
  store<u32>(KEY, load<u32>(SYSCTL_TCP_FASTOPEN_KEY2), 8);
  store<u32>(KEY, load<u32>(SYSCTL_TCP_FASTOPEN_KEY3), 12);
  if ((load<u64>(KEY) | load<u64>(KEY, 8)) !== 0) return;
  store<u32>(DAY, day);
  for (let half: u32 = 0; half < 2; half++) {
    store<u32>(DAY, half, 4);
    store<u64>(KEY + ((<usize>half) << 3), sipHash24(SECRET_ISN, DAY, 16));
  }
}

// The listener that a child came from, while it listens
function listenerOf(child: Tcb): Tcb | null {
  const listener = tcbOfHandle(child.listenerHandle);
  return listener !== null && listener.state === <u8>STATE_LISTEN ? listener : null;
}

// As Linux computes it, so that servers of one key understand each other's cookies: SipHash of the client's and the server's IPv4 address
function cookieOf(tcb: Tcb, day: u32): u64 {
  writeKey(listenerOf(tcb), day);
  store<u32>(ENDS, <u32>(tcb.remoteAddressLow >> 32));
  store<u32>(ENDS, <u32>(tcb.localAddressLow >> 32), 4);
  return sipHash24(KEY, ENDS, 8);
}

function mode(): u32 {
  return load<u32>(SYSCTL_TCP_FASTOPEN);
}

// ------------------------------------------------------------------------------------------------------------------ server

/**
 * Looks at the Fast Open option of a SYN that has made a child.
 * @returns whether its data is to be taken now; if not, the option may have asked for a cookie, which the SYN-ACK then carries
 */
export function fastOpenAdmits(listener: Tcb, child: Tcb, seg: Segment, nowUs: u64): bool {
  const bits = mode();
  if ((bits & SERVER) === 0 || (listener.fastOpen === 0 && (bits & ALL_LISTENERS) === 0)) return false;
  const hasOption = seg.options.has(OPT_FASTOPEN);
  if (!hasOption && seg.payloadLength === 0) return false;
  if (isListenerBusy(listener, nowUs)) return false;
  if ((bits & SERVER_WITHOUT_COOKIE) === 0 && !listener.hasOption(SOCKET_FLAG_FASTOPEN_NO_COOKIE)) {
    if (!hasOption) return false;
    if (!isCookieGood(child, seg, nowUs)) {
      child.handshake |= seg.options.fastOpenExperimental !== 0 ? COOKIE_DUE | EXPERIMENTAL : COOKIE_DUE;
      return false;
    }
  }
  count(COUNTER_TCP_FASTOPEN_PASSIVE);
  child.handshake |= ACCEPTED | PENDING;
  if (seg.payloadLength !== 0) child.options |= <u8>TCB_OPTION_SYN_DATA;
  listening(listener).fastOpenPending += 1;
  return true;
}

// RFC 7413 5.1: "Limit the number of pending TFO connection requests"
function isListenerBusy(listener: Tcb, nowUs: u64): bool {
  const record = listening(listener);
  if (nowUs - record.fastOpenResetUs > RESET_PENALTY_US) record.fastOpenResets = 0;
  const limit: u32 = listener.fastOpen === 0 ? record.backlog : listener.fastOpen;
  if (<u32>record.fastOpenPending + record.fastOpenResets < limit) return false;
  count(COUNTER_TCP_FASTOPEN_LISTEN_OVERFLOW);
  return true;
}

function isCookieGood(child: Tcb, seg: Segment, nowUs: u64): bool {
  const options = seg.options;
  if (options.fastOpenBytes === 0) {
    count(COUNTER_TCP_FASTOPEN_COOKIE_REQD);
    return false;
  }
  const day = <u32>(nowUs / DAY_US);
  if (
    options.fastOpenBytes === COOKIE_BYTES &&
    (options.fastOpen0 === cookieOf(child, day) || options.fastOpen0 === cookieOf(child, day - 1))
  )
    return true;
  count(COUNTER_TCP_FASTOPEN_PASSIVE_FAIL);
  return false;
}

/** Whether main has this connection although its handshake is not complete: it may send, and is no half-open child any more. */
export function isFastOpened(tcb: Tcb): bool {
  return (tcb.handshake & ACCEPTED) !== 0;
}

/** Whether new data may leave in SYN-RECEIVED (RFC 7413 4.2.2). A FIN waits for the handshake. */
export function mayAnswerEarly(tcb: Tcb): bool {
  return tcb.state === <u8>STATE_SYN_RECEIVED && isFastOpened(tcb);
}

/** The handshake of a connection is over, well or not: it is pending no more. */
export function fastOpenSettle(tcb: Tcb, isReset: bool, nowUs: u64): void {
  if ((tcb.handshake & PENDING) === 0) return;
  tcb.handshake &= ~PENDING;
  const listener = listenerOf(tcb);
  if (listener === null) return;
  const record = listening(listener);
  record.fastOpenPending -= 1;
  if (!isReset) return;
  record.fastOpenResets += 1;
  record.fastOpenResetUs = nowUs;
}

// ------------------------------------------------------------------------------------------------------------------ client

/**
 * Decides how a connection that may use Fast Open begins.
 * @returns true if its SYN waits for the first data: the server's cookie is known. Else the SYN leaves now, and asks for one
 */
export function fastOpenConnects(tcb: Tcb, nowUs: u64): bool {
  const bits = mode();
  if ((bits & CLIENT) === 0 || (tcb.socketFlags & SOCKET_FLAG_FASTOPEN_CONNECT) === 0) return false;
  const entry = fastOpenFind(tcb.remoteAddressHigh, tcb.remoteAddressLow);
  if (entry !== null && isPathPaused(entry, nowUs)) return false;
  tcb.handshake |= CONNECTING;
  if ((entry === null || entry.cookieBytes === 0) && !needsNoCookie(tcb)) return false;
  tcb.handshake |= WAITING;
  // What main may count on: the SYN takes as much, less the room for options
  tcb.sndMss = serverMss(tcb, entry);
  return true;
}

// Data may go with a SYN without the option: network and server are known to take it
function needsNoCookie(tcb: Tcb): bool {
  return (mode() & CLIENT_WITHOUT_COOKIE) !== 0 || tcb.hasOption(SOCKET_FLAG_FASTOPEN_NO_COOKIE);
}

// The segment size that the server is known to take, the path, and the user allow
function serverMss(tcb: Tcb, entry: FastOpenEntry | null): u32 {
  let mss: u32 = tcb.pmtu > FIXED_HEADERS ? tcb.pmtu - FIXED_HEADERS : 0;
  if (entry !== null && entry.mss !== 0) mss = min<u32>(mss, entry.mss);
  return tcb.userMss !== 0 ? min<u32>(mss, tcb.userMss) : mss;
}

/** Whether the SYN waits for data: main may write, but nothing has left. */
export function isFastOpenWaiting(tcb: Tcb): bool {
  return (tcb.handshake & WAITING) !== 0;
}

/** The SYN need not wait any more. @returns whether it did */
export function fastOpenStart(tcb: Tcb): bool {
  if (!isFastOpenWaiting(tcb)) return false;
  tcb.handshake &= ~WAITING;
  return true;
}

/** Bytes of data that the first SYN takes along: one segment of what the server is known to take. */
export function fastOpenPayload(tcb: Tcb): u32 {
  if (tcb.state !== <u8>STATE_SYN_SENT || (tcb.handshake & CONNECTING) === 0 || tcb.sndTail === 0) return 0;
  const entry = fastOpenFind(tcb.remoteAddressHigh, tcb.remoteAddressLow);
  if (!needsNoCookie(tcb) && (entry === null || entry.cookieBytes === 0)) return 0;
  const mss = serverMss(tcb, entry);
  return mss > OPTIONS_MAX ? min(tcb.sndTail, mss - OPTIONS_MAX) : 0;
}

/**
 * Writes the option of a SYN or SYN-ACK, if it has one. A SYN that is sent again has none: who dropped the first may have dropped it for that
 * (RFC 7413 4.2.1).
 * @param ptr -> room for 20 bytes
 * @returns bytes written, a multiple of 4
 */
export function fastOpenOption(tcb: Tcb, ptr: usize, nowUs: u64): u32 {
  if ((tcb.handshake & COOKIE_DUE) !== 0) {
    store<u64>(COOKIE, cookieOf(tcb, <u32>(nowUs / DAY_US)));
    return emitFastOpen(ptr, COOKIE, COOKIE_BYTES, (tcb.handshake & EXPERIMENTAL) !== 0);
  }
  if (tcb.state !== <u8>STATE_SYN_SENT || (tcb.handshake & CONNECTING) === 0) return 0;
  if (isSynRepeated(tcb) || needsNoCookie(tcb)) return 0;
  tcb.handshake |= ASKED;
  const entry = fastOpenFind(tcb.remoteAddressHigh, tcb.remoteAddressLow);
  if (entry === null) return emitFastOpen(ptr, 0, 0, false);
  if (fastOpenIsExperimental(entry)) tcb.handshake |= EXPERIMENTAL;
  return emitFastOpen(ptr, entry.cookiePtr, entry.cookieBytes, (tcb.handshake & EXPERIMENTAL) !== 0);
}

function isSynRepeated(tcb: Tcb): bool {
  return tcb.retransmits !== 0 || tcb.totalRetrans !== 0;
}

/**
 * A SYN-ACK has made the connection ESTABLISHED: keeps the cookie it brought, notes how the path took our SYN, and marks data that the
 * server did not take, so that it leaves again at once.
 */
export function fastOpenAnswered(tcb: Tcb, seg: Segment, nowUs: u64): void {
  if ((tcb.handshake & CONNECTING) === 0) return;
  const hadData = tcb.sndNxt !== tcb.iss + 1;
  const entry = fastOpenTake(tcb.remoteAddressHigh, tcb.remoteAddressLow, nowUs);
  if (entry !== null) {
    entry.mss = <u16>min<u32>(seg.options.has(OPT_MSS) ? seg.options.mss : tcb.peerMss, 0xffff);
    if ((tcb.handshake & ASKED) !== 0) takeCookie(tcb, entry, seg, hadData);
    notePath(entry, hadData && isSynRepeated(tcb), nowUs);
  }
  if (tcb.sndTail !== tcb.sndNxt - tcb.iss - 1) enterQuickAck(tcb, QUICK_ACKS_MAX); // more waits: our answer carries the ACK
  if (!hadData) return;
  if (tcb.rtxHead === NONE) {
    count(COUNTER_TCP_FASTOPEN_ACTIVE);
    if (tcb.deliveredSegments > 1) tcb.deliveredSegments -= 1; // SYN and data are two records and were one segment
    tcb.options |= <u8>TCB_OPTION_SYN_DATA;
    return;
  }
  count(COUNTER_TCP_FASTOPEN_ACTIVE_FAIL);
  rtxMarkLost(tcb, tcb.rtxHead);
  assert(rtxAt(tcb.rtxHead).payloadBytes !== 0);
}

// One that we did not ask for is not kept. Without one the server may know the experimental option only, which is tried once
function takeCookie(tcb: Tcb, entry: FastOpenEntry, seg: Segment, hadData: bool): void {
  const options = seg.options;
  if (!options.has(OPT_FASTOPEN) || options.fastOpenBytes === 0) {
    if (hadData || isSynRepeated(tcb)) return;
    fastOpenTryOther(entry, (tcb.handshake & EXPERIMENTAL) !== 0);
    return;
  }
  memory.fill(entry.cookiePtr, 0, COOKIE_MAX);
  entry.isExperimental = options.fastOpenExperimental;
  entry.cookieBytes = options.fastOpenBytes;
  entry.cookie0 = options.fastOpen0;
  entry.cookie1 = options.fastOpen1;
}

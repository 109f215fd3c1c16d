// What main asks for, one function per OP_ kind: OPEN, SEND and RECEIVE (as kicks: the bytes lie in the rings), CLOSE, ABORT, and the
// settings. RFC 9293 3.10.1-3.10.6. Must not know the op ring: iface/ops.ts decodes, finds routes and checks handles.
import { count } from "../count";
import { COUNTER_OP_OPTION_INVALID, COUNTER_TCP_ACTIVE_OPENS } from "../counters";
import { INTERNAL_ATTACHED } from "../events";
import {
  EADDRINUSE,
  EADDRNOTAVAIL,
  ECONNABORTED,
  EINVAL,
  ENOBUFS,
  READY_CONNECTED,
  SOCKET_FLAG_LINGER,
  SOCKET_OPTION_FASTOPEN_CONNECT,
  STATE_CLOSE_WAIT,
  STATE_CLOSED,
  STATE_ESTABLISHED,
  STATE_FIN_WAIT_1,
  STATE_LAST_ACK,
  STATE_LISTEN,
  STATE_SYN_RECEIVED,
  STATE_SYN_SENT,
  STATE_TIME_WAIT,
  SYSCTL_SOMAXCONN,
} from "../layout";
import { NONE } from "../storage/none";
import { abortConnection, enterClosed, isAbortTold, limitFinWait2, releaseRings } from "./close";
import { findTuple, freeIfDone, hash, raise, wantOutput } from "./connections";
import { fastOpenConnects, fastOpenStart } from "./fast-open";
import { prepareConnection } from "./handshake";
import { ISS_DISTANCE, initialSequenceNumberBeyond } from "./isn";
import { closeListening, leaveListener } from "./listen";
import { startListener } from "./listener-record";
import { addListener, findListener, isListenerTaken, isUnspecified } from "./listener-table";
import { setSocketOption } from "./options-set";
import { applyStaged, forgetStaged, stageOption } from "./options-staged";
import { orphanJoin } from "./orphans";
import { chooseConnectPort, chooseListenPort } from "./ports";
import { adjustReceiveSpace } from "./receive-autotune";
import { reclaimOldReceiveRing, releaseReceiveRing, unreadBytes, updateReceiveHead } from "./receive-ring";
import { onRead } from "./receive-window";
import { takeMark } from "./send-marks";
import { adoptSendRing, offerSendRing } from "./send-ring";
import { queueSyn } from "./sender";
import { seqGte } from "./seq";
import { isSynchronized, mayReceive, setState } from "./state";
import {
  TCB_FLAG_CONNECT_TIMEOUT,
  TCB_FLAG_FIN_QUEUED,
  TCB_FLAG_OWNED,
  TCB_FLAG_READ_SHUT,
  TCB_FLAG_READING_CLOSED,
  TCB_FLAG_SYN_PENDING,
  Tcb,
} from "./tcb";
import { allocTcbOrReuse, mayReuse, reuse } from "./time-wait";
import { arm, watchRings } from "./timers";

/** The loopback is always interface 0 (layout.ts). */
const LOOPBACK: u32 = 0;

/**
 * Active OPEN (OP_CONNECT), RFC 9293 3.10.1, with the options staged for its token. The SYN leaves at the next output; EVENT_ATTACHED is
 * owed at once, READY_CONNECTED or READY_CLOSED follow.
 * @param token of the op
 * @param localHigh, localLow source address that the route gave, never "any"
 * @param localPort 0 = an ephemeral one
 * @param mtu of the link, bytes of IP packet
 * @param timeoutMs from now until the connect fails with ETIMEDOUT; 0 = when tcp_syn_retries are used up
 * @returns TCB index, or -EADDRINUSE (somebody listens on that port, or this very connection exists), -EADDRNOTAVAIL (no port left,
 *   or remote port 0), -ENOBUFS (no TCB left)
 */
export function openActive(
  token: u32,
  localHigh: u64,
  localLow: u64,
  localPort: u32,
  remoteHigh: u64,
  remoteLow: u64,
  remotePort: u32,
  interfaceIndex: u32,
  mtu: u32,
  timeoutMs: u32,
  nowUs: u64,
): i32 {
  if (remotePort === 0 || remotePort > 0xffff || isUnspecified(remoteHigh, remoteLow)) return -EADDRNOTAVAIL;
  if (localPort > 0xffff) return -EINVAL;
  const isLoopback = interfaceIndex === LOOPBACK;
  let port = localPort;
  if (port === 0) {
    port = chooseConnectPort(localHigh, localLow, remoteHigh, remoteLow, remotePort, isLoopback, nowUs);
    if (port === 0) return -EADDRNOTAVAIL;
  } else if (findListener(localHigh, localLow, port) !== NONE) {
    return -EADDRINUSE;
  }
  const before = findTuple(localHigh, localLow, remoteHigh, remoteLow, port, remotePort);
  if (before !== NONE && !mayReuse(Tcb.at(before), isLoopback, nowUs)) return -EADDRINUSE;
  const issBeyond = before === NONE ? 0 : max<u32>(reuse(Tcb.at(before), nowUs) + ISS_DISTANCE, 1);
  const tcb = allocTcbOrReuse(nowUs);
  if (tcb === null) return -ENOBUFS;
  tcb.localAddressHigh = localHigh;
  tcb.localAddressLow = localLow;
  tcb.remoteAddressHigh = remoteHigh;
  tcb.remoteAddressLow = remoteLow;
  tcb.localPort = <u16>port;
  tcb.remotePort = <u16>remotePort;
  if (!hash(tcb)) {
    freeIfDone(tcb);
    return -ENOBUFS;
  }
  tcb.token = token;
  tcb.set(TCB_FLAG_OWNED);
  startConnecting(tcb, interfaceIndex, mtu, timeoutMs, issBeyond, nowUs);
  return <i32>tcb.index;
}

function startConnecting(tcb: Tcb, interfaceIndex: u32, mtu: u32, timeoutMs: u32, issBeyond: u32, nowUs: u64): void {
  count(COUNTER_TCP_ACTIVE_OPENS);
  applyStaged(tcb, tcb.token, nowUs);
  prepareConnection(tcb, interfaceIndex, mtu);
  tcb.iss = initialSequenceNumberBeyond(tcb, issBeyond, nowUs);
  raise(tcb, INTERNAL_ATTACHED);
  setState(tcb, STATE_SYN_SENT, nowUs);
  queueSyn(tcb);
  if (fastOpenConnects(tcb, nowUs)) {
    tcb.clear(TCB_FLAG_SYN_PENDING);
    raise(tcb, READY_CONNECTED); // main may write: its first data is what the SYN waits for
  }
  if (timeoutMs !== 0) {
    tcb.set(TCB_FLAG_CONNECT_TIMEOUT);
    tcb.connectDeadlineUs = nowUs + <u64>timeoutMs * 1000;
    arm(tcb);
  }
  wantOutput(tcb);
}

/**
 * Passive OPEN (OP_LISTEN), RFC 9293 3.10.1. EVENT_ATTACHED is owed at once.
 * @param localHigh, localLow address to listen on, all zero = any
 * @param localPort 0 = an ephemeral one
 * @param backlog children that may wait for main; at most somaxconn, at least 1
 * @returns TCB index, or -EADDRINUSE (somebody listens there; connections do not matter, MUST-42), -EADDRNOTAVAIL (no port left),
 *   -ENOBUFS (no TCB left)
 */
export function openPassive(token: u32, localHigh: u64, localLow: u64, localPort: u32, backlog: u32, nowUs: u64): i32 {
  if (localPort > 0xffff) return -EINVAL;
  let port = localPort;
  if (port === 0) {
    port = chooseListenPort(localHigh, localLow);
    if (port === 0) return -EADDRNOTAVAIL;
  } else if (isListenerTaken(localHigh, localLow, port)) {
    return -EADDRINUSE;
  }
  const tcb = allocTcbOrReuse(nowUs);
  if (tcb === null) return -ENOBUFS;
  tcb.localAddressHigh = localHigh;
  tcb.localAddressLow = localLow;
  tcb.localPort = <u16>port;
  tcb.token = token;
  startListener(tcb, max<u32>(min(backlog, load<u32>(SYSCTL_SOMAXCONN)), 1));
  tcb.set(TCB_FLAG_OWNED);
  applyStaged(tcb, token, nowUs);
  addListener(tcb);
  raise(tcb, INTERNAL_ATTACHED);
  setState(tcb, STATE_LISTEN, nowUs);
  return <i32>tcb.index;
}

/** Main took a child that EVENT_ACCEPTED announced (OP_ACCEPT): it leaves the accept queue. */
export function accept(child: Tcb): void {
  leaveListener(child);
}

/** Main closes a listener (OP_CLOSE_LISTENER): children that were not accepted are reset. On any other TCB nothing happens. */
export function closeListener(listener: Tcb, nowUs: u64): void {
  if (listener.state === STATE_LISTEN) closeListening(listener, nowUs);
}

/** Main wrote, read, or took another ring (OP_KICK): SEND and RECEIVE of RFC 9293 3.10.2 and 3.10.3. */
export function kick(tcb: Tcb, nowUs: u64): void {
  tcb.clearKicked(); // before the looks below: what main does after them brings a new kick
  if (tcb.state === STATE_LISTEN) return;
  adoptSendRing(tcb);
  reclaimOldReceiveRing(tcb);
  if (tcb.ringsUs === 0 && (tcb.sndBufferPtr | tcb.rcvBufferPtr) !== 0) watchRings(tcb);
  if (tcb.sndTail !== 0) sendWaitingSyn(tcb);
  if (!isSynchronized(tcb.state)) return;
  updateReceiveHead(tcb);
  if (!mayReceive(tcb.state)) return;
  adjustReceiveSpace(tcb, nowUs);
  if (seqGte(tcb.rcvHead, tcb.rcvKickAt)) onRead(tcb);
}

// Fast Open: the SYN that waited for data, or for the news that there will be none
function sendWaitingSyn(tcb: Tcb): void {
  if (tcb.state !== STATE_SYN_SENT || !fastOpenStart(tcb)) return;
  tcb.set(TCB_FLAG_SYN_PENDING);
  wantOutput(tcb);
}

/** Main says something of the bytes it writes next (OP_MARK), and may have published them meanwhile. */
export function mark(tcb: Tcb, flags: u32, offset: u32): void {
  takeMark(tcb, flags, offset);
  if (tcb.state !== STATE_LISTEN) adoptSendRing(tcb);
}

/** Main wants a send ring, or a larger one (OP_RING_WANTED). `bytes`: see offerSendRing() */
export function ringWanted(tcb: Tcb, bytes: u32): void {
  if (tcb.state !== STATE_LISTEN && tcb.state !== STATE_CLOSED) offerSendRing(tcb, bytes);
}

/** Half-close (OP_SHUTDOWN_WRITE), RFC 9293 3.10.4: FIN after all that is in the send ring. A second one changes nothing. */
export function shutdownWrite(tcb: Tcb, nowUs: u64): void {
  if (tcb.has(TCB_FLAG_FIN_QUEUED)) return;
  adoptSendRing(tcb); // what main wrote before goes before the FIN
  switch (<u32>tcb.state) {
    case STATE_SYN_SENT:
    case STATE_SYN_RECEIVED:
      sendWaitingSyn(tcb);
      tcb.set(TCB_FLAG_FIN_QUEUED); // "queue for processing after entering ESTABLISHED state"
      return;
    case STATE_ESTABLISHED:
      tcb.set(TCB_FLAG_FIN_QUEUED);
      setState(tcb, STATE_FIN_WAIT_1, nowUs);
      break;
    case STATE_CLOSE_WAIT:
      tcb.set(TCB_FLAG_FIN_QUEUED);
      setState(tcb, STATE_LAST_ACK, nowUs);
      break;
    default:
      return;
  }
  wantOutput(tcb);
}

/**
 * Orderly close (OP_CLOSE); main forgets the socket. What it has not read is lost, so the peer is told with a RST (RFC 9293 3.6.1,
 * SHLD-3), and so it is if more arrives later.
 */
export function close(tcb: Tcb, nowUs: u64): void {
  if (tcb.state === STATE_LISTEN) {
    closeListening(tcb, nowUs);
    return;
  }
  updateReceiveHead(tcb);
  // Data that went with the SYN, or will with what follows it, is not given up
  if (tcb.state === STATE_SYN_SENT && (tcb.sndTail === 0 || tcb.sndNxt === tcb.iss + 1)) {
    forget(tcb);
    enterClosed(tcb, ECONNABORTED, nowUs);
    return;
  }
  if (isAbortTold(tcb.state) && (unreadBytes(tcb) !== 0 || isLingerZero(tcb))) {
    abort(tcb, nowUs);
    return;
  }
  if (isAlive(tcb.state) && !orphanJoin(tcb)) {
    abort(tcb, nowUs);
    return;
  }
  shutdownWrite(tcb, nowUs);
  forget(tcb);
  tcb.set(TCB_FLAG_READING_CLOSED);
  limitFinWait2(tcb, nowUs);
  freeIfDone(tcb);
}

// SO_LINGER with no time: close is abort (RFC 9293 3.10.4 knows it not; Linux, BSD)
function isLingerZero(tcb: Tcb): bool {
  return tcb.hasOption(SOCKET_FLAG_LINGER) && tcb.lingerSeconds === 0;
}

/**
 * Main reads no more (OP_SHUTDOWN_READ), as Linux's shutdown(SHUT_RD): nothing is said to the peer, whose text is still taken and
 * acknowledged as long as there is room; once we have sent our FIN too, further text is answered with RST (SHLD-3).
 */
export function shutdownRead(tcb: Tcb): void {
  if (tcb.state !== STATE_LISTEN && tcb.state !== STATE_CLOSED) tcb.set(TCB_FLAG_READ_SHUT);
}

// Whether a connection goes on when main has closed it, beyond what TIME-WAIT needs
function isAlive(state: u32): bool {
  return state !== STATE_CLOSED && state !== STATE_TIME_WAIT;
}

/** Abort (OP_ABORT), RFC 9293 3.10.5: RST to the peer; main forgets the socket. */
export function abort(tcb: Tcb, nowUs: u64): void {
  if (tcb.state === STATE_LISTEN) {
    closeListening(tcb, nowUs);
    return;
  }
  forget(tcb);
  if (tcb.state === STATE_CLOSED) freeIfDone(tcb);
  else abortConnection(tcb, ECONNABORTED, nowUs);
}

/** Main forgets a socket that READY_CLOSED was raised for (OP_RELEASE); one that is still alive is closed. */
export function release(tcb: Tcb, nowUs: u64): void {
  close(tcb, nowUs);
}

// From now on main touches neither the rings nor the handle. The receive ring can go at once: text that still comes is refused
function forget(tcb: Tcb): void {
  leaveListener(tcb);
  tcb.clear(TCB_FLAG_OWNED);
  tcb.readyBits = 0;
  releaseReceiveRing(tcb);
  if (tcb.state === STATE_TIME_WAIT) releaseRings(tcb);
}

/** OP_SET_OPTION on a socket that exists. What is not an option, or not a value of it, is counted. */
export function setOption(tcb: Tcb, code: u32, value: u32, value2: u32, nowUs: u64): void {
  if (tcb.state === STATE_CLOSED) return;
  if (!setSocketOption(tcb, code, value, value2, nowUs)) count(COUNTER_OP_OPTION_INVALID);
  // A connect that waits for data waits no longer: the handshake is an ordinary one, with the cookie
  if (code === SOCKET_OPTION_FASTOPEN_CONNECT && value === 0) sendWaitingSyn(tcb);
}

/** OP_SET_OPTION without a socket: for the OPEN with this token that follows. */
export function stageOptionFor(token: u32, code: u32, value: u32, value2: u32): void {
  stageOption(token, code, value, value2);
}

/** An OPEN is over, whatever became of it: no option waits for it any more. */
export function endOpen(): void {
  forgetStaged();
}

/** The network said that the peer cannot be reached (ICMP hard error, ARP failure): a connection that never was fails with it. */
export function hardError(tcb: Tcb, errno: u32, nowUs: u64): void {
  if (tcb.state === STATE_SYN_SENT || tcb.state === STATE_SYN_RECEIVED) enterClosed(tcb, errno, nowUs);
  else softError(tcb, errno);
}

/**
 * A hint that may pass (RFC 9293 3.9.2.2, MUST-56; RFC 5927 for synchronized connections): kept, and reported if the connection times out.
 */
export function softError(tcb: Tcb, errno: u32): void {
  if (tcb.state !== STATE_CLOSED && tcb.state !== STATE_LISTEN) tcb.softErrno = <u16>errno;
}

// Listeners and their queues: children in SYN-RECEIVED (the SYN queue, bounded by the backlog), children that are established and wait
// for main (the accept queue, bounded by the backlog), and what happens when one is full, as in Linux: a full SYN queue is
// answered with SYN cookies, or loses its oldest child to the newest; a full accept queue drops SYN and ACK, and the peer's
// retransmission tries again. RFC 9293 3.9.1.1, 3.10.7.2, RFC 4987 3. Knows no segments.
import { count } from "../count";
import {
  COUNTER_TCP_LISTEN_OVERFLOWS,
  COUNTER_TCP_REQ_Q_FULL_DO_COOKIES,
  COUNTER_TCP_SYN_BACKLOG_DROPS,
} from "../counters";
import { INTERNAL_ACCEPTED } from "../events";
import {
  ECONNABORTED,
  HANDLE_INDEX_MASK,
  STATE_CLOSED,
  SYSCTL_TCP_MAX_SYN_BACKLOG,
  SYSCTL_TCP_SYNCOOKIES,
} from "../layout";
import { NONE } from "../storage/none";
import { abortConnection, enterClosed } from "./close";
import { freeIfDone, raise } from "./connections";
import { ListenerRecord, listening } from "./listener-record";
import { removeListener } from "./listener-table";
import { setState } from "./state";
import { TCB_FLAG_ACCEPT_QUEUE, TCB_FLAG_CHILD, TCB_FLAG_OWNED, Tcb } from "./tcb";

// What becomes of a SYN
/** It is dropped (counted). */
export const ADMIT_NOT: u32 = 0;
/** It makes a child. */
export const ADMIT_CHILD: u32 = 1;
/** It is answered with a cookie. */
export const ADMIT_COOKIE: u32 = 2;

/** Whether the accept queue is full. Linux's rule: a backlog of n admits n + 1. */
function isAcceptQueueFull(listener: ListenerRecord): bool {
  if (listener.acceptQueueLength <= listener.backlog) return false;
  count(COUNTER_TCP_LISTEN_OVERFLOWS);
  return true;
}

/**
 * Decides what becomes of a SYN: an ADMIT_ code. With tcp_syncookies 2 every SYN is answered with a cookie, with 1 those that find the
 * SYN queue full. With 0 a full queue gives up its oldest child: under a flood that is most likely a spoofed one, while a peer that
 * exists completes its handshake within a round trip (RFC 4987 3.3).
 */
export function admit(tcb: Tcb, nowUs: u64): u32 {
  const listener = listening(tcb);
  if (isAcceptQueueFull(listener)) return ADMIT_NOT;
  const mode = load<u32>(SYSCTL_TCP_SYNCOOKIES);
  if (mode === 2) return ADMIT_COOKIE;
  if (mode === 0) {
    makeRoom(listener, min<u32>(listener.backlog, load<u32>(SYSCTL_TCP_MAX_SYN_BACKLOG)), nowUs);
    return ADMIT_CHILD;
  }
  if (listener.synQueueLength < max<u32>(listener.backlog, 1)) return ADMIT_CHILD;
  count(COUNTER_TCP_REQ_Q_FULL_DO_COOKIES);
  listener.synOverflowUs = max<u64>(nowUs, 1);
  return ADMIT_COOKIE;
}

/** Whether a SYN that must make a child, cookies or not (it recycles TIME-WAIT), may do so. Makes room in the SYN queue. */
export function maySpawn(tcb: Tcb, nowUs: u64): bool {
  const listener = listening(tcb);
  if (isAcceptQueueFull(listener)) return false;
  makeRoom(listener, listener.backlog, nowUs);
  return true;
}

/** Whether more children than the backlog are in SYN-RECEIVED. */
export function isSynQueueOverfull(tcb: Tcb): bool {
  const listener = listening(tcb);
  return listener.synQueueLength > max<u32>(listener.backlog, 1);
}

// Ends the oldest child in SYN-RECEIVED if there are `limit` of them. Without a word: whoever it was may not exist
function makeRoom(listener: ListenerRecord, limit: u32, nowUs: u64): void {
  if (listener.synQueueLength < max<u32>(limit, 1) || listener.lastChild === NONE) return;
  count(COUNTER_TCP_SYN_BACKLOG_DROPS);
  enterClosed(Tcb.at(listener.lastChild), 0, nowUs);
}

/** Puts a new child into its listener's SYN queue, as the newest. */
export function joinListener(child: Tcb, listener: Tcb): void {
  child.listenerHandle = listener.handle;
  child.set(TCB_FLAG_CHILD);
  linkSyn(child, listening(listener));
}

/**
 * The handshake of a child is complete: it moves to the accept queue and main is told.
 * @returns false, with nothing changed but a counter, if that queue is full
 */
export function offerChild(child: Tcb): bool {
  const listener = listenerOf(child);
  if (isAcceptQueueFull(listener)) return false;
  unlink(child, listener);
  child.set(TCB_FLAG_ACCEPT_QUEUE | TCB_FLAG_OWNED); // main may use the handle from EVENT_ACCEPTED on
  child.childPrevious = NONE;
  child.childNext = listener.firstAccepted;
  if (listener.firstAccepted !== NONE) Tcb.at(listener.firstAccepted).childPrevious = child.index;
  listener.firstAccepted = child.index;
  listener.acceptQueueLength += 1;
  raise(child, INTERNAL_ACCEPTED);
  return true;
}

/** Takes a child out of whichever queue of its listener it is in: it was accepted, or it is gone. */
export function leaveListener(child: Tcb): void {
  if (!child.has(TCB_FLAG_CHILD)) return;
  unlink(child, listenerOf(child));
  child.clear(TCB_FLAG_ACCEPT_QUEUE | TCB_FLAG_CHILD);
}

// The listener in whose queue a child is: it does not go before they have left (closeListening)
function listenerOf(child: Tcb): ListenerRecord {
  return listening(Tcb.at(child.listenerHandle & HANDLE_INDEX_MASK));
}

function linkSyn(child: Tcb, listener: ListenerRecord): void {
  child.childPrevious = NONE;
  child.childNext = listener.firstChild;
  if (listener.firstChild !== NONE) Tcb.at(listener.firstChild).childPrevious = child.index;
  else listener.lastChild = child.index;
  listener.firstChild = child.index;
  listener.synQueueLength += 1;
}

function unlink(child: Tcb, listener: ListenerRecord): void {
  const isAccepted = child.has(TCB_FLAG_ACCEPT_QUEUE);
  if (child.childNext !== NONE) Tcb.at(child.childNext).childPrevious = child.childPrevious;
  else if (!isAccepted) listener.lastChild = child.childPrevious;
  if (child.childPrevious !== NONE) Tcb.at(child.childPrevious).childNext = child.childNext;
  else if (isAccepted) listener.firstAccepted = child.childNext;
  else listener.firstChild = child.childNext;
  if (isAccepted) listener.acceptQueueLength -= 1;
  else listener.synQueueLength -= 1;
}

/** Ends a listener: its port is free, and the children that nobody accepted are reset. */
export function closeListening(listener: Tcb, nowUs: u64): void {
  removeListener(listener);
  const record = listening(listener);
  while (record.firstChild !== NONE) endChild(Tcb.at(record.firstChild), nowUs);
  while (record.firstAccepted !== NONE) endChild(Tcb.at(record.firstAccepted), nowUs);
  listener.clear(TCB_FLAG_OWNED);
  setState(listener, STATE_CLOSED, nowUs);
  freeIfDone(listener);
}

function endChild(child: Tcb, nowUs: u64): void {
  leaveListener(child);
  child.clear(TCB_FLAG_OWNED);
  if (child.state === STATE_CLOSED) freeIfDone(child);
  else abortConnection(child, ECONNABORTED, nowUs);
}

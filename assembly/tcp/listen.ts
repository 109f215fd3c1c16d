// Listeners and their queues: children in SYN-RECEIVED (bounded by the backlog), children that are established and wait for main
// (bounded by the backlog), and what happens when one is full: as in Linux, the SYN or the ACK is dropped and counted, and the
// peer's retransmission tries again. RFC 9293 3.9.1.1, 3.10.7.2. Knows no segments.
import { count } from "../count";
import { COUNTER_TCP_LISTEN_OVERFLOWS, COUNTER_TCP_SYN_BACKLOG_DROPS } from "../counters";
import { INTERNAL_ACCEPTED } from "../events";
import { ECONNABORTED, STATE_CLOSED, SYSCTL_TCP_MAX_SYN_BACKLOG } from "../layout";
import { NONE } from "../storage/none";
import { abortConnection } from "./close";
import { freeIfDone, raise } from "./connections";
import { removeListener } from "./listener-table";
import { setState } from "./state";
import { TCB_FLAG_ACCEPT_QUEUE, TCB_FLAG_OWNED, Tcb } from "./tcb";

/** Whether the accept queue is full. Linux's rule: a backlog of n admits n + 1. */
function isAcceptQueueFull(listener: Tcb): bool {
  return listener.acceptQueueLength > listener.backlog;
}

/** Whether a SYN may make a child now; if not, says why in the counters. */
export function maySpawn(listener: Tcb): bool {
  if (isAcceptQueueFull(listener)) {
    count(COUNTER_TCP_LISTEN_OVERFLOWS);
    return false;
  }
  const limit = min(max<u32>(listener.backlog, 1), max<u32>(load<u32>(SYSCTL_TCP_MAX_SYN_BACKLOG), 1));
  if (listener.synQueueLength >= limit) {
    count(COUNTER_TCP_SYN_BACKLOG_DROPS);
    return false;
  }
  return true;
}

/** Puts a new child into its listener's SYN queue. */
export function joinListener(child: Tcb, listener: Tcb): void {
  child.listener = listener.index;
  child.listenerHandle = listener.handle;
  child.childPrevious = NONE;
  child.childNext = listener.firstChild;
  if (listener.firstChild !== NONE) Tcb.at(listener.firstChild).childPrevious = child.index;
  listener.firstChild = child.index;
  listener.synQueueLength += 1;
}

/**
 * The handshake of a child is complete: it moves to the accept queue and main is told.
 * @returns false, with nothing changed but a counter, if that queue is full
 */
export function offerChild(child: Tcb): bool {
  const listener = Tcb.at(child.listener);
  if (isAcceptQueueFull(listener)) {
    count(COUNTER_TCP_LISTEN_OVERFLOWS);
    return false;
  }
  listener.synQueueLength -= 1;
  listener.acceptQueueLength += 1;
  child.set(TCB_FLAG_ACCEPT_QUEUE | TCB_FLAG_OWNED); // main may use the handle from EVENT_ACCEPTED on
  raise(child, INTERNAL_ACCEPTED);
  return true;
}

/** Takes a child out of whichever queue of its listener it is in: it was accepted, or it is gone. */
export function leaveListener(child: Tcb): void {
  if (child.listener === NONE) return;
  const listener = Tcb.at(child.listener);
  if (child.childNext !== NONE) Tcb.at(child.childNext).childPrevious = child.childPrevious;
  if (child.childPrevious !== NONE) Tcb.at(child.childPrevious).childNext = child.childNext;
  else listener.firstChild = child.childNext;
  if (child.has(TCB_FLAG_ACCEPT_QUEUE)) listener.acceptQueueLength -= 1;
  else listener.synQueueLength -= 1;
  child.clear(TCB_FLAG_ACCEPT_QUEUE);
  child.listener = NONE;
  child.childNext = NONE;
  child.childPrevious = NONE;
}

/** Ends a listener: its port is free, and the children that nobody accepted are reset. */
export function closeListening(listener: Tcb, nowUs: u64): void {
  removeListener(listener);
  while (listener.firstChild !== NONE) {
    const child = Tcb.at(listener.firstChild);
    leaveListener(child);
    child.clear(TCB_FLAG_OWNED);
    if (child.state === STATE_CLOSED) freeIfDone(child);
    else abortConnection(child, ECONNABORTED, nowUs);
  }
  listener.clear(TCB_FLAG_OWNED);
  setState(listener, STATE_CLOSED, nowUs);
  freeIfDone(listener);
}

// The state of a connection: what each state allows, and the one place where it changes. RFC 9293 3.3.2, figure 5.
// Knows no segments: why a state changes is said where setState() is called.
import { count } from "../count";
import { COUNTER_TCP_ILLEGAL_TRANSITION, COUNTER_TCP_STATE, COUNTER_TCP_TIME_WAITS } from "../counters";
import {
  READY_CLOSED,
  READY_CONNECTED,
  READY_EOF,
  READY_READABLE,
  READY_WRITABLE,
  STATE_CLOSE_WAIT,
  STATE_CLOSED,
  STATE_CLOSING,
  STATE_ESTABLISHED,
  STATE_FIN_WAIT_1,
  STATE_FIN_WAIT_2,
  STATE_LAST_ACK,
  STATE_LISTEN,
  STATE_SYN_RECEIVED,
  STATE_SYN_SENT,
  STATE_TIME_WAIT,
} from "../layout";
import { raise } from "./connections";
import { TCB_FLAG_CLOSED_REPORTED, Tcb } from "./tcb";
import { traceState } from "./trace";

/** ESTABLISHED and later: both ends know both initial sequence numbers. */
export function isSynchronized(state: u32): bool {
  return state >= <u32>STATE_ESTABLISHED;
}

/** Whether the peer may still send text (its FIN has not been reached). */
export function mayReceive(state: u32): bool {
  return state === STATE_ESTABLISHED || state === STATE_FIN_WAIT_1 || state === STATE_FIN_WAIT_2;
}

// The states that may follow each, as a mask of 1 << state. Any may end (RST, ABORT, time-out).
function successors(state: u32): u32 {
  const closed: u32 = 1 << STATE_CLOSED;
  switch (state) {
    case STATE_CLOSED:
      return (1 << STATE_LISTEN) | (1 << STATE_SYN_SENT) | (1 << STATE_SYN_RECEIVED);
    case STATE_SYN_SENT:
      return closed | (1 << STATE_SYN_RECEIVED) | (1 << STATE_ESTABLISHED);
    case STATE_SYN_RECEIVED:
      return closed | (1 << STATE_ESTABLISHED);
    case STATE_ESTABLISHED:
      return closed | (1 << STATE_FIN_WAIT_1) | (1 << STATE_CLOSE_WAIT);
    case STATE_FIN_WAIT_1:
      return closed | (1 << STATE_FIN_WAIT_2) | (1 << STATE_CLOSING) | (1 << STATE_TIME_WAIT);
    case STATE_FIN_WAIT_2:
    case STATE_CLOSING:
      return closed | (1 << STATE_TIME_WAIT);
    case STATE_CLOSE_WAIT:
      return closed | (1 << STATE_LAST_ACK);
    default:
      return closed; // LISTEN, LAST-ACK, TIME-WAIT
  }
}

/** Whether figure 5 of RFC 9293 3.3.2 (with aborts) has an arrow between two STATE_ codes. */
export function isLegalTransition(before: u32, after: u32): bool {
  return (successors(before) & (1 << after)) !== 0;
}

/**
 * Moves a TCB to another state: checked, counted, traced, and main is told what it must know of it.
 * @param next a STATE_ code
 */
export function setState(tcb: Tcb, next: u32, nowUs: u64): void {
  const before: u32 = tcb.state;
  const legal = isLegalTransition(before, next);
  assert(legal); // a caller has a bug: no arrow in figure 5
  if (!legal) count(COUNTER_TCP_ILLEGAL_TRANSITION);
  tcb.state = <u8>next;
  count(COUNTER_TCP_STATE + next);
  traceState(tcb, before, next, nowUs);
  if (next === STATE_ESTABLISHED) raise(tcb, READY_CONNECTED);
  if (next === STATE_TIME_WAIT) count(COUNTER_TCP_TIME_WAITS);
  if ((next === STATE_TIME_WAIT || next === STATE_CLOSED) && !tcb.has(TCB_FLAG_CLOSED_REPORTED)) {
    tcb.set(TCB_FLAG_CLOSED_REPORTED);
    // Whoever waits for bytes or room must look again: there will be no more of either
    const waits = tcb.takeWaits(READY_READABLE | READY_WRITABLE | READY_EOF);
    raise(tcb, READY_CLOSED | waits);
  }
}

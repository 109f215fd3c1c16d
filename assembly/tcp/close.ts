// How connections end: TIME-WAIT, CLOSED, the RST of an abort. RFC 9293 3.6, 3.10.5 and the state changes of 3.10.7.4 that
// finish a connection. Everything that ends one comes through here, so nothing it held is forgotten.
import { count } from "../count";
import { COUNTER_TCP_ATTEMPT_FAILS, COUNTER_TCP_ESTAB_RESETS } from "../counters";
import {
  ECONNABORTED,
  STATE_CLOSE_WAIT,
  STATE_CLOSED,
  STATE_ESTABLISHED,
  STATE_FIN_WAIT_1,
  STATE_FIN_WAIT_2,
  STATE_LISTEN,
  STATE_SYN_RECEIVED,
  STATE_SYN_SENT,
  STATE_TIME_WAIT,
  SYSCTL_TCP_FIN_TIMEOUT,
  SYSCTL_TCP_TIME_WAIT_MS,
} from "../layout";
import { freeIfDone, unhash, wantOutput } from "./connections";
import { fastOpenSettle } from "./fast-open";
import { leaveListener } from "./listen";
import { orphanLeave } from "./orphans";
import { dropOutOfOrder } from "./reassembly";
import { releaseReceiveRing } from "./receive-ring";
import { rtxPurge } from "./rtx-queue";
import { releaseSendRing } from "./send-ring";
import { setState } from "./state";
import {
  TCB_FLAG_ACCEPT_QUEUE,
  TCB_FLAG_ACK_DELAYED,
  TCB_FLAG_ACK_NOW,
  TCB_FLAG_CONNECT_TIMEOUT,
  TCB_FLAG_OWNED,
  TCB_FLAG_PROBE_PENDING,
  TCB_FLAG_RST_PENDING,
  TCB_FLAG_SYN_PENDING,
  Tcb,
} from "./tcb";
import { limitTimeWaits, timeWaitJoin, timeWaitLeave } from "./time-wait";
import { disarm, setRetransmitTimer, TIMER_FIN_WAIT_2, TIMER_TIME_WAIT } from "./timers";

/**
 * Ends a connection now, without a word to the peer. The TCB itself stays until main has forgotten it and its last frame left.
 * @param errno what main is told, an E* code; 0 = an orderly end
 */
export function enterClosed(tcb: Tcb, errno: u32, nowUs: u64): void {
  const before: u32 = tcb.state;
  if (before === STATE_CLOSED) return;
  if (before === STATE_SYN_SENT || before === STATE_SYN_RECEIVED) count(COUNTER_TCP_ATTEMPT_FAILS);
  if (tcb.error === 0) tcb.error = <u16>errno;
  if (!tcb.has(TCB_FLAG_ACCEPT_QUEUE)) leaveListener(tcb); // one that waits to be accepted goes on waiting, closed
  timeWaitLeave(tcb);
  orphanLeave(tcb);
  fastOpenSettle(tcb, false, nowUs);
  unhash(tcb);
  disarm(tcb);
  rtxPurge(tcb);
  dropOutOfOrder(tcb);
  tcb.clear(
    TCB_FLAG_ACK_NOW | TCB_FLAG_ACK_DELAYED | TCB_FLAG_SYN_PENDING | TCB_FLAG_PROBE_PENDING | TCB_FLAG_CONNECT_TIMEOUT,
  );
  setState(tcb, STATE_CLOSED, nowUs);
  freeIfDone(tcb);
}

/** Whether an abort in this state is told to the peer (RFC 9293 3.10.5). */
export function isAbortTold(state: u32): bool {
  return (
    state === STATE_SYN_RECEIVED ||
    state === STATE_ESTABLISHED ||
    state === STATE_FIN_WAIT_1 ||
    state === STATE_FIN_WAIT_2 ||
    state === STATE_CLOSE_WAIT
  );
}

/**
 * Ends a connection with <SEQ=SND.NXT><CTL=RST> where the peer has one to end (RFC 9293 3.10.5).
 * @param errno what main is told
 */
export function abortConnection(tcb: Tcb, errno: u32, nowUs: u64): void {
  if (tcb.state === STATE_CLOSED || tcb.state === STATE_LISTEN) return;
  if (isAbortTold(tcb.state)) {
    if (tcb.state === STATE_ESTABLISHED || tcb.state === STATE_CLOSE_WAIT) count(COUNTER_TCP_ESTAB_RESETS);
    tcb.set(TCB_FLAG_RST_PENDING);
    wantOutput(tcb);
  }
  enterClosed(tcb, errno, nowUs);
}

/** Both FINs are acknowledged: waits 2 MSL for what may still be on its way (RFC 9293 3.6.1, MUST-13). */
export function enterTimeWait(tcb: Tcb, nowUs: u64): void {
  setState(tcb, STATE_TIME_WAIT, nowUs);
  const ackDelayedUs = tcb.delayedAckUs;
  disarm(tcb);
  tcb.delayedAckUs = ackDelayedUs;
  rtxPurge(tcb);
  dropOutOfOrder(tcb);
  if (!tcb.has(TCB_FLAG_OWNED)) releaseRings(tcb);
  orphanLeave(tcb);
  restartTimeWait(tcb, nowUs);
  limitTimeWaits(nowUs);
}

/** Frees the rings of a connection that only waits for its end; main has forgotten it. Frames on their way keep the send ring. */
export function releaseRings(tcb: Tcb): void {
  releaseReceiveRing(tcb);
  if (tcb.txQueuedFrames === 0) releaseSendRing(tcb);
}

/** Starts the 2 MSL again. */
export function restartTimeWait(tcb: Tcb, nowUs: u64): void {
  timeWaitJoin(tcb);
  setRetransmitTimer(tcb, TIMER_TIME_WAIT, nowUs + <u64>load<u32>(SYSCTL_TCP_TIME_WAIT_MS) * 1000);
}

/** Our FIN is acknowledged, the peer's has not come. */
export function enterFinWait2(tcb: Tcb, nowUs: u64): void {
  setState(tcb, STATE_FIN_WAIT_2, nowUs);
  limitFinWait2(tcb, nowUs);
}

/**
 * Bounds FIN-WAIT-2 by tcp_fin_timeout once main has forgotten the socket (as Linux does; RFC 9293 has no limit): a peer that never
 * closes would hold the TCB for ever. A half-closed socket that main still reads may stay.
 */
export function limitFinWait2(tcb: Tcb, nowUs: u64): void {
  if (tcb.state !== STATE_FIN_WAIT_2 || tcb.has(TCB_FLAG_OWNED)) return;
  if (tcb.linger2 < 0) {
    abortConnection(tcb, ECONNABORTED, nowUs); // TCP_LINGER2 below 0: nobody waits for the peer's FIN (Linux)
    return;
  }
  const seconds = tcb.linger2 !== 0 ? <u32>tcb.linger2 : load<u32>(SYSCTL_TCP_FIN_TIMEOUT);
  setRetransmitTimer(tcb, TIMER_FIN_WAIT_2, nowUs + <u64>seconds * 1000000);
}

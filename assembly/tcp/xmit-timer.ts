// Which of the three timers of loss detection runs: retransmission time-out (RFC 6298), tail loss probe (RFC 8985 7.2) or reordering
// window (RFC 8985 6.2). They exclude each other and share the tagged slot of timers.ts. What an expired one does is in timeouts.ts.

import { CA_CWR, CA_OPEN, SYSCTL_TCP_EARLY_RETRANS, SYSCTL_TCP_RTO_MIN_US, TCB_OPTION_SACK } from "../layout";
import { NONE } from "../storage/none";
import { rtxAt } from "./rtx-queue";
import { Tcb } from "./tcb";
import { cancelRetransmitTimer, setRetransmitTimer, TIMER_LOSS_PROBE, TIMER_REORDER, TIMER_RETRANSMIT } from "./timers";
import { withinUserTimeout } from "./user-timeout";

/** With more than one segment in flight the peer answers at once: no more than what ACKs jitter by (Linux's figure). */
const PROBE_SLACK_US: u64 = 2000;
/**
 * No probe leaves sooner. On a path of microseconds it is not the path that is late but a host: its thread may be off the processor for
 * this long, and a probe would be a retransmission that nobody needs. Linux, which answers from an interrupt, has no such floor.
 */
const PROBE_LEAST_US: u64 = 20000;
/** RFC 8985 7.2: a probe before any round trip was measured. */
const PROBE_INITIAL_US: u64 = 1000000;

/** New data was acknowledged: a probe if one is due before the time-out, else the time-out, from now on (RFC 6298 5.3). */
export function restartTimer(tcb: Tcb, nowUs: u64): void {
  if (tcb.packetsOut === 0) {
    cancelRetransmitTimer(tcb, TIMER_RETRANSMIT);
    cancelRetransmitTimer(tcb, TIMER_LOSS_PROBE);
    cancelRetransmitTimer(tcb, TIMER_REORDER);
  } else if (!scheduleProbe(tcb, <u64>tcb.rtoUs, nowUs)) {
    rearmTimeout(tcb, nowUs);
  }
}

/**
 * Sets the time-out. In place of a probe or reordering timer it keeps what has passed of it: these come first, but do not put it off
 * (RFC 8985 7.2).
 */
function rearmTimeout(tcb: Tcb, nowUs: u64): void {
  if (tcb.packetsOut === 0) return;
  if (tcb.timerKind === TIMER_LOSS_PROBE || tcb.timerKind === TIMER_REORDER) resumeTimeout(tcb, nowUs);
  else timerFromNow(tcb, nowUs);
}

/** Sets the time-out to what is left of it since the first segment outstanding was sent: a probe or reordering timer has expired. */
export function resumeTimeout(tcb: Tcb, nowUs: u64): void {
  if (tcb.packetsOut === 0) return;
  setRetransmitTimer(tcb, TIMER_RETRANSMIT, nowUs + max<u64>(timeoutInUs(tcb, nowUs), 1));
}

/** Data was sent for the first time. @param isFirst nothing was outstanding before */
export function timerOnNewData(tcb: Tcb, isFirst: bool, nowUs: u64): void {
  if (isFirst || tcb.timerKind === TIMER_LOSS_PROBE || !isLossTimer(tcb)) rearmTimeout(tcb, nowUs);
  if (tcb.timerKind !== TIMER_REORDER) scheduleProbe(tcb, timeoutInUs(tcb, nowUs), nowUs);
}

/** A lost record was sent again. The time-out runs from the retransmission of the first one (RFC 6298 5.1). */
export function timerOnRetransmission(tcb: Tcb, isHead: bool, nowUs: u64): void {
  if (tcb.timerKind === TIMER_REORDER) return;
  if (isHead || !isLossTimer(tcb)) timerFromNow(tcb, nowUs);
}

/** The time-out runs from now, whatever ran before; not beyond what is left of a user timeout. */
export function timerFromNow(tcb: Tcb, nowUs: u64): void {
  const waitUs = withinUserTimeout(tcb, tcb.rtoUs, tcb.firstUnansweredUs, nowUs);
  setRetransmitTimer(tcb, TIMER_RETRANSMIT, nowUs + waitUs);
}

function isLossTimer(tcb: Tcb): bool {
  return tcb.timerKind === TIMER_RETRANSMIT || tcb.timerKind === TIMER_LOSS_PROBE || tcb.timerKind === TIMER_REORDER;
}

// How long until the first segment outstanding has waited a whole time-out, µs; 0 = it has
function timeoutInUs(tcb: Tcb, nowUs: u64): u64 {
  if (tcb.rtxHead === NONE) return tcb.rtoUs;
  const dueUs = rtxAt(tcb.rtxHead).sentUs + <u64>tcb.rtoUs;
  return dueUs > nowUs ? dueUs - nowUs : 0;
}

// RFC 8985 7.2: PTO = 2 * SRTT, longer by the peer's delayed ACK if one segment is in flight; not beyond the time-out. Only while all
// is well: a recovery has its own means
function scheduleProbe(tcb: Tcb, mostUs: u64, nowUs: u64): bool {
  const mode = load<u32>(SYSCTL_TCP_EARLY_RETRANS);
  if ((mode !== 3 && mode !== 4) || tcb.packetsOut === 0 || (tcb.options & TCB_OPTION_SACK) === 0) return false;
  if (tcb.caState !== <u8>CA_OPEN && tcb.caState !== <u8>CA_CWR) return false;
  let waitUs = PROBE_INITIAL_US;
  if (tcb.srttUs !== 0) {
    const delayedAckUs = tcb.packetsOut === 1 ? <u64>load<u32>(SYSCTL_TCP_RTO_MIN_US) : PROBE_SLACK_US;
    waitUs = max<u64>(2 * <u64>tcb.srttUs + delayedAckUs, PROBE_LEAST_US);
  }
  if (mostUs !== 0) waitUs = min<u64>(waitUs, mostUs);
  setRetransmitTimer(tcb, TIMER_LOSS_PROBE, nowUs + waitUs);
  return true;
}

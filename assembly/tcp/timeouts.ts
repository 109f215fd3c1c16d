// What each expired timer does (RFC 9293 3.10.8): retransmission with R1 and R2 (RFC 6298 5.4-5.6, RFC 9293 3.8.3), zero-window
// probes, delayed ACK, keepalive, connect deadline, TIME-WAIT and FIN-WAIT-2. Sends nothing: it marks what is lost or due and
// wants output.

import { count } from "../count";
import { COUNTER_TCP_ABORT_ON_TIMEOUT, COUNTER_TCP_DELAYED_ACKS, COUNTER_TCP_TIMEOUTS } from "../counters";
import {
  ETIMEDOUT,
  STATE_ESTABLISHED,
  STATE_SYN_SENT,
  SYSCTL_TCP_ORPHAN_RETRIES,
  SYSCTL_TCP_RETRIES1,
  SYSCTL_TCP_RETRIES2,
  SYSCTL_TCP_RTO_MIN_US,
  SYSCTL_TCP_SYN_RETRIES,
  SYSCTL_TCP_SYNACK_RETRIES,
} from "../layout";
import { NONE } from "../storage/none";
import { abortConnection, enterClosed } from "./close";
import { congestionClock } from "./congestion/control";
import { wantOutput } from "./connections";
import { isDeferring, isSynAckWanted } from "./defer-accept";
import { ackDelayExpired } from "./delayed-ack";
import { ringsDue } from "./idle-rings";
import { keepAliveExpired } from "./keepalive";
import { blackHoleSuspected } from "./mtu-probe";
import { hasOutput } from "./new-data";
import { persistInterval } from "./persist";
import { reorderExpired } from "./reorder-timer";
import { backOffRto, rtoMaxUs } from "./rtt";
import {
  TCB_FLAG_ACK_DELAYED,
  TCB_FLAG_ACK_NOW,
  TCB_FLAG_CONNECT_TIMEOUT,
  TCB_FLAG_OWNED,
  TCB_FLAG_PACED,
  TCB_FLAG_PROBE_PENDING,
  TCB_FLAG_SYN_PENDING,
  Tcb,
} from "./tcb";
import { enterLoss } from "./timeout-loss";
import {
  arm,
  nextTimer as nextEntry,
  pacingDueUs,
  popTimer,
  setRetransmitTimer,
  TIMER_FIN_WAIT_2,
  TIMER_LOSS_PROBE,
  TIMER_NONE,
  TIMER_PERSIST,
  TIMER_REORDER,
  TIMER_RETRANSMIT,
  TIMER_TIME_WAIT,
} from "./timers";
import { tlpExpired } from "./tlp";
import { hasUserTimeout, isUserTimeoutOver, withinUserTimeout } from "./user-timeout";
import { timerFromNow } from "./xmit-timer";

/** When runTimers() has something to do next, µs; U64.MAX_VALUE = never. May be early, is never late. */
export function nextTimer(): u64 {
  return nextEntry();
}

/** Does what is due. */
export function runTimers(nowUs: u64): void {
  congestionClock(nowUs);
  for (let index = popTimer(nowUs); index !== NONE; index = popTimer(nowUs)) expire(Tcb.at(index), nowUs);
}

function expire(tcb: Tcb, nowUs: u64): void {
  if (tcb.has(TCB_FLAG_CONNECT_TIMEOUT) && isDue(tcb.connectDeadlineUs, nowUs)) {
    tcb.connectDeadlineUs = 0;
    if (tcb.state < <u8>STATE_ESTABLISHED) {
      // Main's own limit: always ETIMEDOUT
      count(COUNTER_TCP_ABORT_ON_TIMEOUT);
      enterClosed(tcb, ETIMEDOUT, nowUs);
      return;
    }
  }
  if (isDue(tcb.delayedAckUs, nowUs)) ackIsDue(tcb);
  if (isDue(tcb.ringsUs, nowUs)) ringsDue(tcb, nowUs);
  if (tcb.has(TCB_FLAG_PACED) && isDue(pacingDueUs(tcb), nowUs)) {
    tcb.clear(TCB_FLAG_PACED);
    wantOutput(tcb);
  }
  if (isDue(tcb.keepAliveUs, nowUs) && keepAliveExpired(tcb, nowUs)) {
    // A peer that only lost our probes learns from the RST that the connection is gone
    count(COUNTER_TCP_ABORT_ON_TIMEOUT);
    abortConnection(tcb, ETIMEDOUT, nowUs);
    return;
  }
  if (isDue(tcb.retransmitUs, nowUs) && !retransmitExpired(tcb, nowUs)) return;
  arm(tcb);
}

function isDue(deadlineUs: u64, nowUs: u64): bool {
  return deadlineUs !== 0 && deadlineUs <= nowUs;
}

// The peer does not answer. What the network last said about the path tells main more than "timed out" (RFC 9293 3.9.2.2)
function giveUp(tcb: Tcb, nowUs: u64): void {
  count(COUNTER_TCP_ABORT_ON_TIMEOUT);
  enterClosed(tcb, tcb.softErrno !== 0 ? tcb.softErrno : ETIMEDOUT, nowUs);
}

function ackIsDue(tcb: Tcb): void {
  tcb.delayedAckUs = 0;
  if (!tcb.has(TCB_FLAG_ACK_DELAYED)) return;
  tcb.clear(TCB_FLAG_ACK_DELAYED);
  tcb.set(TCB_FLAG_ACK_NOW);
  ackDelayExpired(tcb);
  count(COUNTER_TCP_DELAYED_ACKS);
  wantOutput(tcb);
}

// Returns false if the TCB is closed now and must not be touched
function retransmitExpired(tcb: Tcb, nowUs: u64): bool {
  const kind: u32 = tcb.timerKind;
  tcb.timerKind = <u8>TIMER_NONE;
  tcb.retransmitUs = 0;
  switch (kind) {
    case TIMER_RETRANSMIT:
      return tcb.state < <u8>STATE_ESTABLISHED ? synTimeout(tcb, nowUs) : retransmissionTimeout(tcb, nowUs);
    case TIMER_PERSIST:
      return persistTimeout(tcb, nowUs);
    case TIMER_LOSS_PROBE:
      tlpExpired(tcb, nowUs);
      return true;
    case TIMER_REORDER:
      reorderExpired(tcb, nowUs);
      return true;
    case TIMER_TIME_WAIT:
    case TIMER_FIN_WAIT_2:
      // RFC 9293 3.10.8: "delete the TCB, enter the CLOSED state, and return"
      enterClosed(tcb, 0, nowUs);
      return false;
  }
  return true;
}

// The SYN or SYN-ACK is unanswered: again, with the RTO doubled, up to tcp_syn_retries (MUST-23) or tcp_synack_retries
function synTimeout(tcb: Tcb, nowUs: u64): bool {
  if (tcb.txQueuedFrames === 0) {
    if (tcb.rtxHead !== NONE) {
      const isUsedUp = <u32>tcb.retransmits >= min<u32>(synRetries(tcb), 255) && !isDeferring(tcb);
      if (isUsedUp || isUserTimeoutOver(tcb, tcb.firstUnansweredUs, nowUs)) {
        giveUp(tcb, nowUs);
        return false;
      }
      count(COUNTER_TCP_TIMEOUTS);
      countRetransmit(tcb, nowUs);
      backOffRto(tcb);
    }
    if (isSynAckWanted(tcb)) {
      tcb.set(TCB_FLAG_SYN_PENDING);
      wantOutput(tcb);
    }
  }
  timerFromNow(tcb, nowUs);
  return true;
}

function synRetries(tcb: Tcb): u32 {
  if (tcb.state !== <u8>STATE_SYN_SENT) return load<u32>(SYSCTL_TCP_SYNACK_RETRIES);
  return tcb.synRetries !== 0 ? tcb.synRetries : load<u32>(SYSCTL_TCP_SYN_RETRIES);
}

// RFC 6298 5.4-5.6
function retransmissionTimeout(tcb: Tcb, nowUs: u64): bool {
  if (tcb.rtxHead === NONE) {
    if (hasOutput(tcb)) wantOutput(tcb); // it waited for a free record
    return true;
  }
  if (isUnanswered(tcb, nowUs)) {
    giveUp(tcb, nowUs);
    return false;
  }
  if (tcb.txQueuedFrames !== 0) {
    // What we would send again has not left this host yet. No loss, but no answer either: a link that is stuck must not hold
    // the connection beyond R2
    if (tcb.firstUnansweredUs === 0) tcb.firstUnansweredUs = nowUs;
    timerFromNow(tcb, nowUs);
    return true;
  }
  const isR1Over = tcb.retransmits !== 0 && nowUs - tcb.firstUnansweredUs >= backOffsUs(load<u32>(SYSCTL_TCP_RETRIES1));
  if (isR1Over) blackHoleSuspected(tcb, nowUs);
  count(COUNTER_TCP_TIMEOUTS);
  enterLoss(tcb, nowUs);
  countRetransmit(tcb, nowUs);
  backOffRto(tcb);
  wantOutput(tcb);
  timerFromNow(tcb, nowUs);
  return true;
}

function countRetransmit(tcb: Tcb, nowUs: u64): void {
  if (tcb.firstUnansweredUs === 0) tcb.firstUnansweredUs = nowUs;
  if (tcb.retransmits === 0) tcb.totalRtoRecoveries += 1;
  tcb.totalRto += 1;
  if (tcb.retransmits !== 0xff) tcb.retransmits += 1;
}

/**
 * R2 of RFC 9293 3.8.3 (MUST-20): whether retransmissions went unanswered for as long as tcp_retries2 (tcp_orphan_retries without an
 * owner) back-offs from the smallest time-out would take, as Linux counts it: 924.6 s for 15. A user timeout takes its place.
 */
function isUnanswered(tcb: Tcb, nowUs: u64): bool {
  if (tcb.firstUnansweredUs === 0) return false;
  if (hasUserTimeout(tcb)) return isUserTimeoutOver(tcb, tcb.firstUnansweredUs, nowUs);
  // RFC 9293 3.8.6.1, MUST-37: a peer that answers may keep its window shut for ever
  if (tcb.sndWnd === 0 && tcb.has(TCB_FLAG_OWNED) && nowUs - tcb.lastReceivedUs < 2 * <u64>rtoMaxUs()) return false;
  return nowUs - tcb.firstUnansweredUs >= patienceUs(tcb);
}

/** How long retransmissions may go unanswered, µs. */
export function patienceUs(tcb: Tcb): u64 {
  return backOffsUs(tcb.has(TCB_FLAG_OWNED) ? load<u32>(SYSCTL_TCP_RETRIES2) : load<u32>(SYSCTL_TCP_ORPHAN_RETRIES));
}

// How long it takes until the smallest time-out has been backed off so many times and the last one has passed
function backOffsUs(retries: u32): u64 {
  let rtoUs: u64 = max<u32>(load<u32>(SYSCTL_TCP_RTO_MIN_US), 1000);
  let sumUs: u64 = 0;
  for (let i: u32 = 0; i <= min<u32>(retries, 255); i++) {
    sumUs += rtoUs;
    rtoUs = min<u64>(rtoUs << 1, rtoMaxUs());
  }
  return sumUs;
}

// RFC 9293 3.8.6.1; with room in the window it is the override of 3.8.6.2.1, and output() sends what fits
function persistTimeout(tcb: Tcb, nowUs: u64): bool {
  if (tcb.packetsOut !== 0 || !hasOutput(tcb)) return true;
  const isOwned = tcb.has(TCB_FLAG_OWNED);
  const probesMax = min<u32>(isOwned ? load<u32>(SYSCTL_TCP_RETRIES2) : load<u32>(SYSCTL_TCP_ORPHAN_RETRIES), 255);
  // MUST-37 holds while somebody of ours waits: `probes` counts unanswered ones. Without an owner a peer that answers and never
  // opens its window is not waited for beyond the longest interval
  // The user may set an end to that, too (Linux)
  if (tcb.persistProbes === 0) tcb.persistSinceUs = nowUs;
  else if (isUserTimeoutOver(tcb, tcb.persistSinceUs, nowUs)) {
    giveUp(tcb, nowUs);
    return false;
  }
  const isHopeless = !isOwned && tcb.persistProbes >= probesMax && persistInterval(tcb) >= <u64>rtoMaxUs();
  if (isHopeless || <u32>tcb.probes >= probesMax) {
    giveUp(tcb, nowUs);
    return false;
  }
  if (tcb.probes !== 0xff) tcb.probes += 1;
  if (tcb.persistProbes !== 0xff) tcb.persistProbes += 1;
  tcb.set(TCB_FLAG_PROBE_PENDING);
  wantOutput(tcb);
  const waitUs = withinUserTimeout(tcb, persistInterval(tcb), tcb.persistSinceUs, nowUs);
  setRetransmitTimer(tcb, TIMER_PERSIST, nowUs + waitUs);
  return true;
}

// Keepalive, RFC 9293 3.8.4: off unless asked for (MUST-24, MUST-25), first probe after two hours by default (MUST-28), only on an
// idle connection (MUST-26), several unanswered probes before it is given up (MUST-29), probes without data (SHLD-12).

import { count } from "../count";
import { COUNTER_TCP_KEEPALIVES } from "../counters";
import {
  STATE_ESTABLISHED,
  STATE_TIME_WAIT,
  SYSCTL_TCP_KEEPALIVE_INTVL,
  SYSCTL_TCP_KEEPALIVE_PROBES,
  SYSCTL_TCP_KEEPALIVE_TIME,
} from "../layout";
import { wantOutput } from "./connections";
import { hasOutput } from "./new-data";
import { TCB_FLAG_KEEP_ALIVE, TCB_FLAG_PROBE_PENDING, Tcb } from "./tcb";
import { arm } from "./timers";

/**
 * Turns keepalive on or off (OP_SET_KEEP_ALIVE, SOCKET_OPTION_KEEP_ALIVE).
 * @param idleMs until the first probe, 0 = tcp_keepalive_time
 * @param intervalMs between probes, 0 = tcp_keepalive_intvl
 * @param probes unanswered until the connection is given up, 0 = tcp_keepalive_probes
 */
export function configureKeepAlive(tcb: Tcb, isOn: bool, idleMs: u32, intervalMs: u32, probes: u32, nowUs: u64): void {
  tcb.keepAliveIdleUs = <u64>idleMs * 1000;
  tcb.keepAliveIntervalUs = <u64>intervalMs * 1000;
  tcb.keepAliveCount = probes;
  tcb.keepAliveProbes = 0;
  tcb.keepAliveUs = 0;
  if (isOn) tcb.set(TCB_FLAG_KEEP_ALIVE);
  else tcb.clear(TCB_FLAG_KEEP_ALIVE);
  startKeepAlive(tcb, nowUs);
}

/** Starts the idle time of a synchronized connection that wants keepalive. */
export function startKeepAlive(tcb: Tcb, nowUs: u64): void {
  if (!tcb.has(TCB_FLAG_KEEP_ALIVE) || !isSupervised(tcb)) return;
  tcb.keepAliveUs = nowUs + idleUs(tcb);
  arm(tcb);
}

/**
 * The keepalive timer expired; sets it anew.
 * @returns true if the peer must be given up
 */
export function keepAliveExpired(tcb: Tcb, nowUs: u64): bool {
  tcb.keepAliveUs = 0;
  if (!tcb.has(TCB_FLAG_KEEP_ALIVE) || !isSupervised(tcb)) return false;
  // With data outstanding or waiting, the retransmission and persist timers watch the peer
  if (tcb.packetsOut !== 0 || hasOutput(tcb)) {
    tcb.keepAliveUs = nowUs + idleUs(tcb);
    return false;
  }
  const dueUs = tcb.lastReceivedUs + idleUs(tcb);
  if (tcb.keepAliveProbes === 0 && nowUs < dueUs) {
    tcb.keepAliveUs = dueUs;
    return false;
  }
  if (tcb.keepAliveProbes >= probesMax(tcb)) return true;
  tcb.keepAliveProbes += 1;
  tcb.keepAliveUs = nowUs + intervalUs(tcb);
  tcb.set(TCB_FLAG_PROBE_PENDING);
  count(COUNTER_TCP_KEEPALIVES);
  wantOutput(tcb);
  return false;
}

// From the handshake's end until the connection is as good as over
function isSupervised(tcb: Tcb): bool {
  return tcb.state >= <u8>STATE_ESTABLISHED && tcb.state !== <u8>STATE_TIME_WAIT;
}

function idleUs(tcb: Tcb): u64 {
  return tcb.keepAliveIdleUs !== 0 ? tcb.keepAliveIdleUs : atLeastOneSecond(load<u32>(SYSCTL_TCP_KEEPALIVE_TIME));
}

function intervalUs(tcb: Tcb): u64 {
  return tcb.keepAliveIntervalUs !== 0
    ? tcb.keepAliveIntervalUs
    : atLeastOneSecond(load<u32>(SYSCTL_TCP_KEEPALIVE_INTVL));
}

function probesMax(tcb: Tcb): u32 {
  return tcb.keepAliveCount !== 0 ? tcb.keepAliveCount : max<u32>(1, load<u32>(SYSCTL_TCP_KEEPALIVE_PROBES));
}

function atLeastOneSecond(seconds: u32): u64 {
  return <u64>max<u32>(1, seconds) * 1000000;
}

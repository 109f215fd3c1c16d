// Keepalive, RFC 9293 3.8.4: off unless asked for (MUST-24, MUST-25), first probe after two hours by default (MUST-28), only on an
// idle connection (MUST-26), several unanswered probes before it is given up (MUST-29), probes without data (SHLD-12).

import { count } from "../count";
import { COUNTER_TCP_KEEPALIVES } from "../counters";
import {
  KEEPCNT_MAX,
  SOCKET_FLAG_KEEPALIVE,
  STATE_ESTABLISHED,
  STATE_TIME_WAIT,
  SYSCTL_TCP_KEEPALIVE_INTVL,
  SYSCTL_TCP_KEEPALIVE_PROBES,
  SYSCTL_TCP_KEEPALIVE_TIME,
} from "../layout";
import { wantOutput } from "./connections";
import { hasOutput } from "./new-data";
import { TCB_FLAG_PROBE_PENDING, Tcb } from "./tcb";
import { arm } from "./timers";
import { hasUserTimeout, isUserTimeoutOver, withinUserTimeout } from "./user-timeout";

/** Turns keepalive on or off (SO_KEEPALIVE); on means that the idle time starts now. */
export function setKeepAlive(tcb: Tcb, isOn: bool, nowUs: u64): void {
  tcb.setOption(SOCKET_FLAG_KEEPALIVE, isOn);
  tcb.keepAliveProbes = 0;
  if (!isSupervised(tcb)) return; // while it connects, main's limit for that runs in its place
  tcb.keepAliveUs = 0;
  startKeepAlive(tcb, nowUs);
}

/** TCP_KEEPIDLE: time until the first probe, 0 = tcp_keepalive_time. What is left of it counts from the last sign of life. */
export function setKeepIdle(tcb: Tcb, idleMs: u32, nowUs: u64): void {
  tcb.keepIdleMs = idleMs;
  if (tcb.keepAliveProbes === 0) resumeKeepAlive(tcb, nowUs);
}

/** TCP_KEEPINTVL: time between probes, 0 = tcp_keepalive_intvl; from the next probe on. */
export function setKeepInterval(tcb: Tcb, intervalMs: u32): void {
  tcb.keepIntervalMs = intervalMs;
}

/** TCP_KEEPCNT: unanswered probes until the connection is given up, 0 = tcp_keepalive_probes. */
export function setKeepCount(tcb: Tcb, probes: u32): void {
  tcb.keepCount = <u8>min<u32>(probes, KEEPCNT_MAX);
}

// A shorter or longer idle time than the one that runs
function resumeKeepAlive(tcb: Tcb, nowUs: u64): void {
  if (tcb.keepAliveUs === 0 || !isSupervised(tcb)) return;
  tcb.keepAliveUs = max<u64>(tcb.lastReceivedUs + idleUs(tcb), nowUs);
  arm(tcb);
}

/** Starts the idle time of a synchronized connection that wants keepalive. */
export function startKeepAlive(tcb: Tcb, nowUs: u64): void {
  if (!tcb.hasOption(SOCKET_FLAG_KEEPALIVE) || !isSupervised(tcb)) return;
  tcb.keepAliveUs = nowUs + idleUs(tcb);
  arm(tcb);
}

/**
 * The keepalive timer expired; sets it anew.
 * @returns true if the peer must be given up
 */
export function keepAliveExpired(tcb: Tcb, nowUs: u64): bool {
  tcb.keepAliveUs = 0;
  if (!tcb.hasOption(SOCKET_FLAG_KEEPALIVE) || !isSupervised(tcb)) return false;
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
  // A user timeout takes the place of the number of probes (Linux, RFC 5482 4.2)
  if (hasUserTimeout(tcb)) {
    if (tcb.keepAliveProbes !== 0 && isUserTimeoutOver(tcb, tcb.lastReceivedUs, nowUs)) return true;
  } else if (tcb.keepAliveProbes >= probesMax(tcb)) return true;
  if (tcb.keepAliveProbes !== 0xff) tcb.keepAliveProbes += 1;
  tcb.keepAliveUs = nowUs + nextProbeInUs(tcb, nowUs);
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
  return tcb.keepIdleMs !== 0 ? <u64>tcb.keepIdleMs * 1000 : atLeastOneSecond(load<u32>(SYSCTL_TCP_KEEPALIVE_TIME));
}

function intervalUs(tcb: Tcb): u64 {
  return tcb.keepIntervalMs !== 0
    ? <u64>tcb.keepIntervalMs * 1000
    : atLeastOneSecond(load<u32>(SYSCTL_TCP_KEEPALIVE_INTVL));
}

// The last interval is cut where a user timeout ends; one that is over already (it is less than the idle time) leaves the probe its answer
function nextProbeInUs(tcb: Tcb, nowUs: u64): u64 {
  const waitUs = intervalUs(tcb);
  if (isUserTimeoutOver(tcb, tcb.lastReceivedUs, nowUs)) return waitUs;
  return withinUserTimeout(tcb, waitUs, tcb.lastReceivedUs, nowUs);
}

function probesMax(tcb: Tcb): u32 {
  return tcb.keepCount !== 0 ? tcb.keepCount : max<u32>(1, load<u32>(SYSCTL_TCP_KEEPALIVE_PROBES));
}

function atLeastOneSecond(seconds: u32): u64 {
  return <u64>max<u32>(1, seconds) * 1000000;
}

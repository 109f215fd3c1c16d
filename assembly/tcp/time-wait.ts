// How many connections may wait in TIME-WAIT, and which of them gives way: the oldest, when tcp_max_tw_buckets is reached or a new
// connection finds no TCB; the one whose four-tuple a new connection of ours wants, when timestamps prove the new one newer (RFC 6191,
// tcp_tw_reuse). RFC 9293 3.6.1. Knows neither segments nor how a connection came here.
//
// The list is in order of entry: TIME-WAIT always lasts the same, and a restart moves its connection to the end.
import { count } from "../count";
import { COUNTER_TCP_TIME_WAIT_OVERFLOW, COUNTER_TCP_TIME_WAIT_REUSED } from "../counters";
import { STATE_TIME_WAIT, SYSCTL_TCP_MAX_TW_BUCKETS, SYSCTL_TCP_TW_REUSE } from "../layout";
import { NONE } from "../storage/none";
import { enterClosed } from "./close";
import { allocTcb } from "./connections";
import { TCB_FLAG_TIME_WAITING, Tcb } from "./tcb";
import { hasTimestamps } from "./timestamps";

/** TS.Recent must be older than this, so that our next timestamp is surely greater (RFC 6191 2; Linux's number). */
const REUSE_AFTER_US: u64 = 1000000;
/** Oldest ones that are looked at when a TCB is wanted: those that main has not released yet do not give one. */
const TRIES_MAX: u32 = 8;

let oldest: u32 = NONE;
let newest: u32 = NONE;
let waiting: u32 = 0;

/** Nobody waits. */
export function timeWaitInitialise(): void {
  oldest = NONE;
  newest = NONE;
  waiting = 0;
}

/** Connections in TIME-WAIT. */
export function timeWaitCount(): u32 {
  return waiting;
}

/** A connection enters TIME-WAIT, or starts its 2 MSL again: it becomes the newest. */
export function timeWaitJoin(tcb: Tcb): void {
  timeWaitLeave(tcb);
  tcb.set(TCB_FLAG_TIME_WAITING);
  tcb.timeWaitNext = NONE;
  tcb.timeWaitPrevious = newest;
  if (newest !== NONE) Tcb.at(newest).timeWaitNext = tcb.index;
  else oldest = tcb.index;
  newest = tcb.index;
  waiting += 1;
}

/** A connection leaves TIME-WAIT, if it is in it. */
export function timeWaitLeave(tcb: Tcb): void {
  if (!tcb.has(TCB_FLAG_TIME_WAITING)) return;
  if (tcb.timeWaitNext !== NONE) Tcb.at(tcb.timeWaitNext).timeWaitPrevious = tcb.timeWaitPrevious;
  else newest = tcb.timeWaitPrevious;
  if (tcb.timeWaitPrevious !== NONE) Tcb.at(tcb.timeWaitPrevious).timeWaitNext = tcb.timeWaitNext;
  else oldest = tcb.timeWaitNext;
  tcb.clear(TCB_FLAG_TIME_WAITING);
  waiting -= 1;
}

/** Keeps the number within tcp_max_tw_buckets: the oldest ends early, which is counted. */
export function limitTimeWaits(nowUs: u64): void {
  while (waiting > load<u32>(SYSCTL_TCP_MAX_TW_BUCKETS)) endOldest(nowUs);
}

function endOldest(nowUs: u64): void {
  count(COUNTER_TCP_TIME_WAIT_OVERFLOW);
  enterClosed(Tcb.at(oldest), 0, nowUs);
}

/** Takes a TCB; if there is none, from the oldest in TIME-WAIT that nobody of ours holds on to. @returns null if that fails too */
export function allocTcbOrReuse(nowUs: u64): Tcb | null {
  let tcb = allocTcb();
  for (let tries: u32 = 0; tcb === null && waiting !== 0 && tries < TRIES_MAX; tries++) {
    endOldest(nowUs);
    tcb = allocTcb();
  }
  return tcb;
}

/**
 * Whether a connection of ours may take the four-tuple of one in TIME-WAIT: tcp_tw_reuse allows it (1 always, 2 over the loopback only),
 * both ends use timestamps, and the last one came long enough ago that ours will be greater.
 * @param isLoopback whether both ends are on this host
 */
export function mayReuse(tcb: Tcb, isLoopback: bool, nowUs: u64): bool {
  if (tcb.state !== STATE_TIME_WAIT || !hasTimestamps(tcb)) return false;
  const mode = load<u32>(SYSCTL_TCP_TW_REUSE);
  if (mode === 0 || (mode === 2 && !isLoopback)) return false;
  return nowUs - tcb.tsRecentUs > REUSE_AFTER_US;
}

/** Ends the TIME-WAIT whose four-tuple a new connection takes. @returns SND.NXT of the old one, which the new ISS must pass */
export function reuse(tcb: Tcb, nowUs: u64): u32 {
  const next = tcb.sndNxt;
  count(COUNTER_TCP_TIME_WAIT_REUSED);
  enterClosed(tcb, 0, nowUs);
  return next;
}

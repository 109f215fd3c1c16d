// Connections that main has closed and that are not over: who is one, how many there may be (tcp_max_orphans), and what becomes of
// the next (a RST, as in Linux: memory for nobody is the first to go, "netkill" and "sockstress" live of it). RFC 9293 3.6.
import { count } from "../count";
import { COUNTER_TCP_ABORT_ON_MEMORY } from "../counters";
import { SYSCTL_TCP_MAX_ORPHANS } from "../layout";
import { TCB_FLAG_ORPHAN, Tcb } from "./tcb";

let orphans: u32 = 0;

/** There is none. */
export function orphansInitialise(): void {
  orphans = 0;
}

/** Orphans there are. */
export function orphanCount(): u32 {
  return orphans;
}

/** Main has closed a connection that goes on. @returns false, and counts, if there are tcp_max_orphans: it is to be aborted */
export function orphanJoin(tcb: Tcb): bool {
  if (tcb.has(TCB_FLAG_ORPHAN)) return true;
  if (orphans >= load<u32>(SYSCTL_TCP_MAX_ORPHANS)) {
    count(COUNTER_TCP_ABORT_ON_MEMORY);
    return false;
  }
  tcb.set(TCB_FLAG_ORPHAN);
  orphans += 1;
  return true;
}

/** A connection ends or enters TIME-WAIT, which has a bound of its own. */
export function orphanLeave(tcb: Tcb): void {
  if (!tcb.has(TCB_FLAG_ORPHAN)) return;
  tcb.clear(TCB_FLAG_ORPHAN);
  orphans -= 1;
}

// The user timeout of a connection: how long sent or waiting data may go without progress before the connection is given up
// (RFC 9293 3.8.3 MUST-21: R2 "MUST be configurable [...] by the application"; RFC 5482 without its option; Linux's TCP_USER_TIMEOUT).
// It takes the place of tcp_retries2, of the number of keepalive probes, and of "for ever" with a shut window.
import { Tcb } from "./tcb";

/** Whether the user set one. */
export function hasUserTimeout(tcb: Tcb): bool {
  return tcb.userTimeoutMs !== 0;
}

/** Whether it is over, counted from `sinceUs`; 0 = nothing to count from. */
export function isUserTimeoutOver(tcb: Tcb, sinceUs: u64, nowUs: u64): bool {
  return hasUserTimeout(tcb) && sinceUs !== 0 && nowUs >= sinceUs + timeoutUs(tcb);
}

/** `waitUs`, or what is left of the user timeout if that is less: it is noticed when it is over, not a back-off later. */
export function withinUserTimeout(tcb: Tcb, waitUs: u64, sinceUs: u64, nowUs: u64): u64 {
  if (!hasUserTimeout(tcb) || sinceUs === 0) return waitUs;
  const endUs = sinceUs + timeoutUs(tcb);
  return endUs > nowUs ? min(waitUs, endUs - nowUs) : 1;
}

function timeoutUs(tcb: Tcb): u64 {
  return <u64>tcb.userTimeoutMs * 1000;
}

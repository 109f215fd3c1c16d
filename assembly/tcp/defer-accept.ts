// TCP_DEFER_ACCEPT: main is told of a connection only when its first data is here. The ACK that completes the handshake is noted and
// dropped, the child stays in SYN-RECEIVED for as many SYN-ACK time-outs as fill the time asked for; then the SYN-ACK leaves once
// more, and the next ACK completes it, data or not. Linux's option; RFC 9293 has no say in when a user accepts.
import { count } from "../count";
import { COUNTER_TCP_DEFER_ACCEPT_DROP } from "../counters";
import { rtoMaxUs } from "./rtt";
import { Segment } from "./segment";
import { TCB_FLAG_CHILD, Tcb } from "./tcb";

/** tcb.handshake: the peer has acknowledged our SYN-ACK, and the child waits all the same. */
export const HANDSHAKE_ACKED: u8 = 1;

const SECOND_US: u64 = 1000000;

// SYN-ACK time-outs, 1 s and doubling, that it takes to fill deferAccept seconds
function deferredTimeouts(tcb: Tcb): u32 {
  if (tcb.deferAccept === 0) return 0;
  const wanted = <u64>tcb.deferAccept * SECOND_US;
  let timeouts: u32 = 1;
  let intervalUs = SECOND_US;
  let sumUs = intervalUs;
  while (wanted > sumUs && timeouts < 255) {
    timeouts += 1;
    intervalUs = min<u64>(intervalUs << 1, rtoMaxUs());
    sumUs += intervalUs;
  }
  return timeouts;
}

/** Whether the ACK that would complete the handshake is to be noted and dropped: it has no data and the time is not up. */
export function isDeferred(tcb: Tcb, seg: Segment): bool {
  if (tcb.deferAccept === 0 || seg.end !== tcb.rcvNxt || <u32>tcb.retransmits >= deferredTimeouts(tcb)) return false;
  tcb.handshake |= HANDSHAKE_ACKED;
  count(COUNTER_TCP_DEFER_ACCEPT_DROP);
  return true;
}

/** Whether the child waits for data, so that running out of tcp_synack_retries does not end it. */
export function isDeferring(tcb: Tcb): bool {
  return (
    tcb.has(TCB_FLAG_CHILD) && (tcb.handshake & HANDSHAKE_ACKED) !== 0 && <u32>tcb.retransmits < deferredTimeouts(tcb)
  );
}

/** Whether the SYN (or SYN-ACK) that timed out is sent again: not one that the peer has acknowledged, before its time is up. */
export function isSynAckWanted(tcb: Tcb): bool {
  if (!tcb.has(TCB_FLAG_CHILD) || (tcb.handshake & HANDSHAKE_ACKED) === 0) return true;
  return <u32>tcb.retransmits >= deferredTimeouts(tcb);
}

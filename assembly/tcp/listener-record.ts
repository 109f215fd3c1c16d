// What only a listener has: its queues, its place in the table of listeners, its Fast Open. It lies where a connection has the state of its
// congestion control, because a record is one or the other for all of its life: LISTEN follows CLOSED, is followed by CLOSED (state.ts),
// and a listener's children are records of their own. Nothing that runs a sender may be called for a listener.
import { NONE } from "../storage/none";
import { CONGESTION_STATE_BYTES, Tcb } from "./tcb";

@unmanaged
@final
export class ListenerRecord {
  fastOpenKey0: u64; // TCP_FASTOPEN_KEY, all 0 = tcp_fastopen_key
  fastOpenKey1: u64;
  synOverflowUs: u64; // when the SYN queue was full last, 0 = never
  fastOpenResetUs: u64;
  backlog: u32;
  synQueueLength: u32; // children in SYN-RECEIVED
  acceptQueueLength: u32; // children established and not accepted
  next: u32; // the next one on the same port, NONE = end
  firstAccepted: u32; // children whose handshake is complete
  firstChild: u32; // the newest child in SYN-RECEIVED
  lastChild: u32; // the oldest
  fastOpenPending: u16; // children of Fast Open whose handshake is not complete
  fastOpenResets: u16; // of those, reset within the last minute
}

if (<u32>offsetof<ListenerRecord>() > CONGESTION_STATE_BYTES)
  ERROR("a ListenerRecord does not fit the congestion control's state");

/** What `listener`, a record in LISTEN or one that is about to be, has beside what all sockets have. */
export function listening(listener: Tcb): ListenerRecord {
  return changetype<ListenerRecord>(listener.ptr + offsetof<Tcb>("congestionState0"));
}

/** Makes the queues of a new listener. `backlog`: children that each may hold. The key of Fast Open is an option, and stays. */
export function startListener(listener: Tcb, backlog: u32): void {
  const record = listening(listener);
  record.backlog = backlog;
  record.next = NONE;
  record.firstAccepted = NONE;
  record.firstChild = NONE;
  record.lastChild = NONE;
}

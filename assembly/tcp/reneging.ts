// A peer may drop what it has SACKed but not acknowledged (RFC 2018 8). It shows when SND.UNA stops at something that was SACKed: then a
// short timer runs, and if the peer does not acknowledge it meanwhile, the time-out takes all SACKs back.

import { count } from "../count";
import { COUNTER_TCP_SACK_RENEGING } from "../counters";
import { NONE } from "../storage/none";
import { AckEvent, EVENT_RENEGING, EVENT_TIMER, EVENT_UNA_ADVANCED } from "./ack-event";
import { rtxAt, rtxClearSacked } from "./rtx-queue";
import { RTX_SACKED } from "./rtx-record";
import { scoreboardReset } from "./sack-scoreboard";
import { Tcb } from "./tcb";
import { setRetransmitTimer, TIMER_RETRANSMIT } from "./timers";

/** The peer gets at least so long to acknowledge what it has. */
const PATIENCE_LEAST_US: u64 = 10000;

/** Whether the ACK in hand shows reneging; then the retransmission timer is set short and the ACK means nothing more. */
export function waitForReneging(tcb: Tcb, event: AckEvent): bool {
  if (!event.has(EVENT_RENEGING) || !event.has(EVENT_UNA_ADVANCED)) return false;
  setRetransmitTimer(tcb, TIMER_RETRANSMIT, event.nowUs + max<u64>(tcb.srttUs >> 1, PATIENCE_LEAST_US));
  event.flags &= ~EVENT_TIMER;
  return true;
}

/** Whether what is outstanding begins with something SACKed: no peer that keeps what it SACKs leaves it unacknowledged. */
export function isHeadSacked(tcb: Tcb): bool {
  return tcb.rtxHead !== NONE && rtxAt(tcb.rtxHead).has(RTX_SACKED);
}

/** A time-out: RFC 2018 8, "turn off all of the SACKed bits". */
export function takeSacksBack(tcb: Tcb): void {
  count(COUNTER_TCP_SACK_RENEGING);
  rtxClearSacked(tcb);
  scoreboardReset(tcb);
}

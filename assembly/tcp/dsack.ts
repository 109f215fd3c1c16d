// Duplicates are reported to their sender, once each, as the first block of the next SACK option (RFC 2883): it learns that a
// retransmission was not needed. Which bytes came twice is for reassembly.ts and the acceptability test to say.
import { count } from "../count";
import { COUNTER_TCP_DSACK_OFO_SENT, COUNTER_TCP_DSACK_OLD_SENT } from "../counters";
import { SYSCTL_TCP_DSACK } from "../layout";
import { wantOutputSoon } from "./connections";
import { hasSack } from "./sack-blocks";
import { seqGt, seqLt, seqLte, seqMax, seqMin } from "./seq";
import { Tcb } from "./tcb";

/**
 * The bytes [start, end) came once more. One that touches a block not yet sent extends it (several segments of one turn); another
 * takes its place, as a D-SACK block speaks of the most recent segment.
 */
export function reportDuplicate(tcb: Tcb, start: u32, end: u32): void {
  if (!hasSack(tcb) || load<u32>(SYSCTL_TCP_DSACK) === 0 || !seqGt(end, start)) return;
  if (tcb.dsackDue !== 0 && seqLte(start, tcb.dsackEnd) && seqLte(tcb.dsackStart, end)) {
    tcb.dsackStart = seqMin(start, tcb.dsackStart);
    tcb.dsackEnd = seqMax(end, tcb.dsackEnd);
    return;
  }
  count(seqLt(start, tcb.rcvNxt) ? COUNTER_TCP_DSACK_OLD_SENT : COUNTER_TCP_DSACK_OFO_SENT);
  tcb.dsackStart = start;
  tcb.dsackEnd = end;
  tcb.dsackDue = 1;
  wantOutputSoon(tcb); // one block at a time can be told
}

/** An unacceptable segment [start, end) ends, or at least begins, below RCV.NXT: that part is a duplicate. */
export function reportOld(tcb: Tcb, start: u32, end: u32): void {
  if (seqLt(start, tcb.rcvNxt)) reportDuplicate(tcb, start, seqMin(end, tcb.rcvNxt));
}

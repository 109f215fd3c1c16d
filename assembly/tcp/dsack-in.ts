// D-SACK as a sender reads it (RFC 2883 5, RFC 3708): the first block of a SACK option that lies below SEG.ACK, or inside the second
// block, says that something arrived twice. It may prove a retransmission needless (undo.ts), tell that only the loss probe was
// (tlp.ts), and widen RACK's reordering window (rack.ts). A peer cannot report more than we sent again.

import { count, countMany } from "../count";
import {
  COUNTER_TCP_DSACK_IGNORED_DUBIOUS,
  COUNTER_TCP_DSACK_OFO_RECV,
  COUNTER_TCP_DSACK_RECV,
  COUNTER_TCP_DSACK_RECV_SEGS,
} from "../counters";
import { AckEvent, EVENT_DSACK, EVENT_DSACK_TLP } from "./ack-event";
import { Segment } from "./segment";
import { segmentSize } from "./send-window";
import { seqGte, seqLt, seqLte } from "./seq";
import { Tcb } from "./tcb";
import { TLP_NONE } from "./tlp-state";
import { undoOnDsackOf } from "./undo";

/** Takes the D-SACK block of an ACK, if there is one. @returns whether the first block is one */
export function takeDsack(tcb: Tcb, seg: Segment, event: AckEvent): bool {
  const options = seg.options;
  if (options.sackCount === 0) return false;
  const left = options.sackLeft(0);
  const right = options.sackRight(0);
  if (!seqLt(left, right)) return false;
  if (seqLt(left, seg.ack)) {
    count(COUNTER_TCP_DSACK_RECV);
  } else if (options.sackCount > 1 && seqLte(right, options.sackRight(1)) && seqGte(left, options.sackLeft(1))) {
    count(COUNTER_TCP_DSACK_OFO_RECV);
  } else {
    return false;
  }
  const segments = duplicateSegments(tcb, left, right, event);
  if (segments === 0) {
    count(COUNTER_TCP_DSACK_IGNORED_DUBIOUS);
    return false;
  }
  countMany(COUNTER_TCP_DSACK_RECV_SEGS, segments);
  // Of data whose records are gone: counted as if each was sent again once
  if (seqLte(right, tcb.sndUna)) undoOnDsackOf(tcb, right, segments);
  return true;
}

// Wire segments that came twice; 0 = not to be believed
function duplicateSegments(tcb: Tcb, left: u32, right: u32, event: AckEvent): u32 {
  const bytes = right - left;
  if (bytes > tcb.maxSndWnd) return 0;
  const mss = segmentSize(tcb);
  const segments = bytes > mss ? (bytes + mss - 1) / mss : 1;
  const isProbe: bool = bytes <= mss && tcb.tlpState !== TLP_NONE && tcb.tlpHighSeq === right;
  if (isProbe) event.flags |= EVENT_DSACK_TLP;
  tcb.dsackDuplicates += segments;
  if (tcb.dsackDuplicates > tcb.totalRetrans) return 0;
  // RFC 8985 6.2 step 4: only where reordering was seen, and not of the probe, which was sent on suspicion
  if (tcb.reorderingSeen !== 0 && !isProbe) tcb.rackDsackSeen = 1;
  event.flags |= EVENT_DSACK;
  event.dsackSegments += segments;
  return segments;
}

// Loss by count, for connections with SACK whose RACK is turned off (tcp_recovery = 0): a segment is lost once DupThresh segments above it
// were SACKed (RFC 6675 4, IsLost). Retransmissions that are lost wait for the time-out. Says what is lost and no more.

import { NONE } from "../storage/none";
import { rtxFind } from "./rtx-index";
import { rtxAt, rtxMarkLost } from "./rtx-queue";
import { RTX_EVER_RETRANSMITTED, RTX_LOST, RTX_SACKED } from "./rtx-record";
import { seqLt } from "./seq";
import { Tcb } from "./tcb";

/** Records looked at for the place below which all is lost. SACKed neighbours are one record, so few are enough. */
const WALK_MAX: u32 = 256;

/** Marks what RFC 6675's IsLost() calls lost. */
export function markLostByCount(tcb: Tcb): void {
  if (tcb.sackedOut < tcb.reordering) return;
  const edge = edgeOfLoss(tcb);
  if (edge === NONE) return;
  const below = rtxAt(edge).seq;
  let index = tcb.rackCursor;
  while (index !== NONE && seqLt(rtxAt(index).seq, below)) {
    const record = rtxAt(index);
    if ((record.flags & (RTX_LOST | RTX_SACKED | RTX_EVER_RETRANSMITTED)) === 0) rtxMarkLost(tcb, index);
    index = record.next;
    tcb.rackCursor = index;
  }
}

// The highest SACKed record with DupThresh segments SACKed from it on
function edgeOfLoss(tcb: Tcb): u32 {
  let sacked: u32 = 0;
  let index = rtxFind(tcb, tcb.fack - 1);
  for (let i: u32 = 0; i < WALK_MAX && index !== NONE; i++) {
    const record = rtxAt(index);
    if (record.has(RTX_SACKED)) sacked += record.segments;
    if (sacked >= tcb.reordering) return index;
    index = record.prev;
  }
  return NONE;
}

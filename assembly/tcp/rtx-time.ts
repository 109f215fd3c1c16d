// A connection's retransmissions in flight, in the order they left: a doubly linked list through the records. What was sent once needs no
// such list, it lies in the queue in that order. RACK (RFC 8985 6.2) walks both from the oldest. Knows nothing of loss.

import { NONE } from "../storage/none";
import { rtxAt } from "./rtx-queue";
import { RTX_TIMED } from "./rtx-record";
import { Tcb } from "./tcb";

/** Puts a record that leaves now behind all others. */
export function timeAppend(tcb: Tcb, index: u32): void {
  timeRemove(tcb, index);
  link(tcb, index, tcb.timeTail);
}

/** Puts the second part of a record that was cut in two behind the first, if that is in the list. */
export function timeSplit(tcb: Tcb, index: u32, tail: u32): void {
  if (!rtxAt(tail).has(RTX_TIMED)) return;
  rtxAt(tail).flags &= ~RTX_TIMED;
  link(tcb, tail, index);
}

/** Takes a record off the list if it is in it. */
export function timeRemove(tcb: Tcb, index: u32): void {
  const record = rtxAt(index);
  if (!record.has(RTX_TIMED)) return;
  record.flags &= ~RTX_TIMED;
  if (record.timePrev === NONE) tcb.timeHead = record.timeNext;
  else rtxAt(record.timePrev).timeNext = record.timeNext;
  if (record.timeNext === NONE) tcb.timeTail = record.timePrev;
  else rtxAt(record.timeNext).timePrev = record.timePrev;
}

function link(tcb: Tcb, index: u32, after: u32): void {
  const record = rtxAt(index);
  record.flags |= RTX_TIMED;
  record.timePrev = after;
  if (after === NONE) {
    record.timeNext = tcb.timeHead;
    tcb.timeHead = index;
  } else {
    record.timeNext = rtxAt(after).timeNext;
    rtxAt(after).timeNext = index;
  }
  if (record.timeNext === NONE) tcb.timeTail = index;
  else rtxAt(record.timeNext).timePrev = index;
}

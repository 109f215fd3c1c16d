// A segment for a connection in TIME-WAIT: everything old must die here without harm (RFC 9293 3.6.1, RFC 1337), and a peer that wants
// the same ports again must get them if its sequence numbers prove that it is new (RFC 9293 MAY-2, RFC 6191).
import { count, countMany } from "../count";
import {
  COUNTER_TCP_IN_AFTER_CLOSE,
  COUNTER_TCP_IN_MISSING_TIMESTAMP,
  COUNTER_TCP_IN_PAWS,
  COUNTER_TCP_IN_RST_IGNORED,
  COUNTER_TCP_IN_UNACCEPTABLE,
  COUNTER_TCP_TIME_WAIT_RECYCLED,
} from "../counters";
import { NONE } from "../storage/none";
import { ACK, FIN, RST, SYN } from "../wire/tcp";
import { OPT_TIMESTAMPS } from "../wire/tcp-options";
import { spawn } from "./arrives-listen";
import { isAcceptable } from "./arrives-synchronized";
import { answerUnacceptable, challenge } from "./challenge";
import { enterClosed, restartTimeWait } from "./close";
import { DISPOSITION_DONE } from "./disposition";
import { ISS_DISTANCE } from "./isn";
import { maySpawn } from "./listen";
import { findListener } from "./listener-table";
import { Segment } from "./segment";
import { seqGt } from "./seq";
import { Tcb } from "./tcb";
import { hasTimestamps, isOldTimestamp, isTimestampMissing } from "./timestamps";

/** @returns a DISPOSITION_ code */
export function arrivesTimeWait(tcb: Tcb, seg: Segment, nowUs: u64): u32 {
  if ((seg.flags & RST) !== 0) {
    count(COUNTER_TCP_IN_RST_IGNORED); // RFC 1337 3, fix F1: a RST must not end TIME-WAIT early
    return DISPOSITION_DONE;
  }
  if ((seg.flags & SYN) !== 0) {
    if ((seg.flags & (ACK | FIN)) === 0 && isNewIncarnation(tcb, seg)) recycle(tcb, seg, nowUs);
    else challenge(tcb, nowUs);
    return DISPOSITION_DONE;
  }
  if (isTimestampMissing(tcb, seg)) {
    countMany(COUNTER_TCP_IN_MISSING_TIMESTAMP, seg.segments);
    return DISPOSITION_DONE;
  }
  if (hasTimestamps(tcb) && isOldTimestamp(tcb, seg, nowUs)) {
    countMany(COUNTER_TCP_IN_PAWS, seg.segments);
    answerUnacceptable(tcb, seg.len !== 0, nowUs);
    return DISPOSITION_DONE;
  }
  // "The only thing that can arrive in this state is a retransmission of the remote FIN. Acknowledge it, and restart the 2 MSL"
  if ((seg.flags & FIN) !== 0 && seg.end === tcb.rcvNxt) restartTimeWait(tcb, nowUs);
  if (!isAcceptable(tcb, seg)) {
    countMany(COUNTER_TCP_IN_UNACCEPTABLE, seg.segments);
    answerUnacceptable(tcb, seg.len !== 0, nowUs);
  } else if (seg.payloadLength !== 0) {
    countMany(COUNTER_TCP_IN_AFTER_CLOSE, seg.segments);
    answerUnacceptable(tcb, true, nowUs);
  }
  return DISPOSITION_DONE;
}

/**
 * RFC 6191 2: a SYN starts a new connection if its timestamp is greater than the last one seen, or equal with a greater sequence
 * number; if only the new one has timestamps; else if its sequence number is greater than the last one seen.
 */
function isNewIncarnation(tcb: Tcb, seg: Segment): bool {
  const isBeyond = seqGt(seg.seq, tcb.rcvNxt - 1); // RCV.NXT - 1 is the peer's FIN, the last it used
  if (!seg.options.has(OPT_TIMESTAMPS)) return isBeyond;
  if (!hasTimestamps(tcb)) return true;
  if (seqGt(seg.options.tsVal, tcb.tsRecent)) return true;
  return seg.options.tsVal === tcb.tsRecent && isBeyond;
}

// Gives the ports to a child of the listener, if there still is one and it has room
function recycle(tcb: Tcb, seg: Segment, nowUs: u64): void {
  const index = findListener(seg.localAddressHigh, seg.localAddressLow, seg.localPort);
  if (index === NONE) {
    challenge(tcb, nowUs);
    return;
  }
  const listener = Tcb.at(index);
  if (!maySpawn(listener, nowUs)) return;
  const issBeyond = max<u32>(tcb.sndNxt + ISS_DISTANCE, 1);
  count(COUNTER_TCP_TIME_WAIT_RECYCLED);
  enterClosed(tcb, 0, nowUs);
  spawn(listener, seg, issBeyond, nowUs);
}

// The tail loss probe (RFC 8985 7): when no ACK has come for two round trips, new data or else the last segment leaves once, so that
// what is lost at the end of a flight shows in SACK blocks instead of waiting for the time-out. At most one is outstanding. What it
// found out, if nothing else was lost, is read from the ACK. output.ts sends it.

import { count } from "../count";
import { COUNTER_TCP_LOSS_PROBE_RECOVERY, COUNTER_TCP_LOSS_PROBES } from "../counters";
import { CA_CWR } from "../layout";
import { NONE } from "../storage/none";
import { AckEvent, EVENT_DSACK_TLP, EVENT_NOT_DUPLICATE, EVENT_SACKED, EVENT_UNA_ADVANCED } from "./ack-event";
import { wantOutput } from "./connections";
import { keepOpen } from "./loss-recovery";
import { beginReduction, endReduction } from "./reduction";
import { rtxAt, rtxMarkProbed, rtxSplit } from "./rtx-queue";
import { segmentSize } from "./send-window";
import { seqGt, seqLt } from "./seq";
import { Tcb } from "./tcb";
import { TLP_DUE, TLP_NEW_DATA, TLP_NONE, TLP_RETRANSMISSION } from "./tlp-state";
import { resumeTimeout, timerFromNow } from "./xmit-timer";

/** RFC 8985 7.3: the probe timer expired. */
export function tlpExpired(tcb: Tcb, nowUs: u64): void {
  // One at a time, and not while what it would repeat has not left this host
  if (tcb.tlpState === TLP_NONE && tcb.rtxHead !== NONE && tcb.txQueuedFrames === 0) {
    tcb.tlpState = TLP_DUE;
    wantOutput(tcb);
  }
  resumeTimeout(tcb, nowUs);
}

/**
 * The last segment, cut off as a record of its own and noted as sent once more.
 * @returns its index, or NONE if there is no record to cut it off with
 */
export function tlpTakeLast(tcb: Tcb, nowUs: u64): u32 {
  const index = tcb.rtxTail;
  if (index === NONE) return NONE;
  const record = rtxAt(index);
  if (record.segments > 1) {
    const mss = record.mss !== 0 ? record.mss : segmentSize(tcb);
    const before = (record.segments - 1) * mss;
    if (record.payloadBytes > before && !rtxSplit(tcb, index, record.payloadSeq + before, mss)) return NONE;
  }
  rtxMarkProbed(tcb, tcb.rtxTail, nowUs);
  return tcb.rtxTail;
}

/** The probe has left: RFC 8985 7.3, TLP.end_seq. */
export function tlpSent(tcb: Tcb, isNewData: bool, nowUs: u64): void {
  tcb.tlpState = isNewData ? TLP_NEW_DATA : TLP_RETRANSMISSION;
  tcb.tlpHighSeq = tcb.sndNxt;
  count(COUNTER_TCP_LOSS_PROBES);
  timerFromNow(tcb, nowUs);
}

/** The probe could not leave. */
export function tlpDropped(tcb: Tcb): void {
  tcb.tlpState = TLP_NONE;
}

/** RFC 8985 7.4.2: what an ACK says of the probe that is outstanding. */
export function tlpOnAck(tcb: Tcb, ack: u32, event: AckEvent): void {
  if (tcb.tlpState === TLP_DUE) {
    // The ACK came first: nothing to be found out
    if (event.has(EVENT_UNA_ADVANCED)) tcb.tlpState = TLP_NONE;
    return;
  }
  if (seqLt(ack, tcb.tlpHighSeq)) return;
  if (tcb.tlpState === TLP_NEW_DATA || event.has(EVENT_DSACK_TLP)) {
    tcb.tlpState = TLP_NONE; // no loss: new data was acknowledged, or original and probe both arrived
  } else if (seqGt(ack, tcb.tlpHighSeq)) {
    // Step 2: the probe repaired a loss, which congestion control must see
    count(COUNTER_TCP_LOSS_PROBE_RECOVERY);
    beginReduction(tcb, event.ackedSegments, false);
    tcb.caState = <u8>CA_CWR;
    endReduction(tcb);
    keepOpen(tcb);
  } else if ((event.flags & (EVENT_UNA_ADVANCED | EVENT_NOT_DUPLICATE | EVENT_SACKED)) === 0) {
    tcb.tlpState = TLP_NONE; // a duplicate ACK of the probe
  }
}

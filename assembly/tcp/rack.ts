// RACK (RFC 8985 6): a segment is lost once one that left later has been delivered and a reordering window has passed. Decides loss for
// every connection with SACK while tcp_recovery has bit 1; what follows from a loss is loss-recovery.ts's. Per record it needs the time
// of the last transmission only. As Linux does it: the reordering window is zero until reordering was seen in recovery.

import { CA_RECOVERY, SYSCTL_TCP_RECOVERY, TCB_OPTION_SACK } from "../layout";
import { NONE } from "../storage/none";
import { rtxAt, rtxMarkLost } from "./rtx-queue";
import { RTX_EVER_RETRANSMITTED, RTX_LOST, RTX_SACKED, RtxRecord } from "./rtx-record";
import { seqGt } from "./seq";
import { Tcb } from "./tcb";
import { setRetransmitTimer, TIMER_REORDER } from "./timers";

// Bits of tcp_recovery
const RECOVERY_RACK: u32 = 1;
const RECOVERY_STATIC_WINDOW: u32 = 2;
const RECOVERY_NO_DUPLICATE_THRESHOLD: u32 = 4;
/** RFC 8985 6.2 step 4: the widened window holds for this many recoveries. */
const PERSIST_RECOVERIES: u8 = 16;
/** What a timer adds to the reordering window: 2 ms for what ACKs jitter by, as Linux, and what its tick of 4 ms rounds up to. */
export const REORDER_SLACK_US: u64 = 5500;
/** Segments inside the reordering window that one ACK looks at; the timer looks at the rest. */
const WAITING_MAX: u32 = 64;

/** Starts a connection's RACK state. */
export function rackReset(tcb: Tcb): void {
  tcb.rackXmitUs = 0;
  tcb.rackEndSeq = tcb.iss;
  tcb.rackRttUs = 0;
  tcb.rackAdvanced = 0;
  tcb.rackDsackSeen = 0;
  tcb.rackSteps = 1;
  tcb.rackPersist = 0;
  tcb.rackDeliveredMark = 0;
}

/** Whether RACK decides what is lost. */
export function isRack(tcb: Tcb): bool {
  return (tcb.options & TCB_OPTION_SACK) !== 0 && (load<u32>(SYSCTL_TCP_RECOVERY) & RECOVERY_RACK) !== 0;
}

/**
 * RFC 8985 6.2 step 2: a record was delivered. What was sent again and came back faster than any round trip so far was the original,
 * and says nothing about when the retransmission arrived.
 */
export function rackAdvance(tcb: Tcb, record: RtxRecord, nowUs: u64): void {
  const rttUs = <u32>min<u64>(nowUs - record.sentUs, 0x7fffffff);
  if (record.has(RTX_EVER_RETRANSMITTED) && rttUs < tcb.minRttUs) return;
  tcb.rackAdvanced = 1;
  tcb.rackRttUs = rttUs;
  if (!isSentAfter(record.sentUs, record.end, tcb.rackXmitUs, tcb.rackEndSeq)) return;
  tcb.rackXmitUs = record.sentUs;
  tcb.rackEndSeq = record.end;
}

/**
 * RFC 8985 6.2 step 4: the window grows by a quarter of the smallest round trip for each round trip with a D-SACK, and shrinks back
 * after sixteen recoveries without one.
 * @param priorDelivered tcb.delivered when the newest segment delivered by this ACK had left
 */
export function rackUpdateWindow(tcb: Tcb, priorDelivered: u64): void {
  if ((load<u32>(SYSCTL_TCP_RECOVERY) & RECOVERY_STATIC_WINDOW) !== 0) return;
  // Of the round trip in which it was widened: it says nothing new
  if (priorDelivered < tcb.rackDeliveredMark) tcb.rackDsackSeen = 0;
  if (tcb.rackDsackSeen !== 0) {
    if (tcb.rackSteps !== 0xff) tcb.rackSteps += 1;
    tcb.rackDsackSeen = 0;
    tcb.rackDeliveredMark = tcb.delivered;
    tcb.rackPersist = PERSIST_RECOVERIES;
  } else if (tcb.rackPersist === 0) {
    tcb.rackSteps = 1;
  }
}

/** A recovery turned out spurious: the window keeps its width for longer. */
export function rackExtendWindow(tcb: Tcb): void {
  if (tcb.rackPersist < PERSIST_RECOVERIES) tcb.rackPersist += 1;
}

/** RFC 8985 6.2 step 4: RACK.reo_wnd, µs. */
function rackWindowUs(tcb: Tcb): u32 {
  if (tcb.reorderingSeen === 0) {
    // Without reordering ever seen: be quick in a recovery, or when as many were SACKED as classic recovery would wait for
    if (tcb.caState >= <u8>CA_RECOVERY) return 0;
    if (tcb.sackedOut >= tcb.reordering && (load<u32>(SYSCTL_TCP_RECOVERY) & RECOVERY_NO_DUPLICATE_THRESHOLD) === 0) {
      return 0;
    }
  }
  const windowUs = <u64>(tcb.minRttUs >> 2) * <u64>tcb.rackSteps;
  return <u32>min<u64>(windowUs, <u64>tcb.srttUs);
}

/**
 * RFC 8985 6.2 step 5, if something was delivered since the last time.
 * @returns whether the reordering timer was set instead of the retransmission timer
 */
export function rackMarkLost(tcb: Tcb, nowUs: u64): bool {
  if (tcb.rackAdvanced === 0) return false;
  tcb.rackAdvanced = 0;
  const waitUs = rackDetect(tcb, nowUs);
  if (waitUs === 0) return false;
  setRetransmitTimer(tcb, TIMER_REORDER, nowUs + waitUs + REORDER_SLACK_US);
  return true;
}

/** Marks what is lost. @returns how long until more may be, µs; 0 = nothing waits */
export function rackDetect(tcb: Tcb, nowUs: u64): u64 {
  // What was delivered after that time left too late to have overtaken anything
  const windowUs = <u64>tcb.rackRttUs + rackWindowUs(tcb);
  return max<u64>(detectAmongRetransmitted(tcb, nowUs, windowUs), detectAmongFirstSent(tcb, nowUs, windowUs));
}

/** Whether a record outlived the reordering window: it is lost by its age alone (a time-out asks this, RFC 8985 6.3). */
export function rackIsExpired(tcb: Tcb, record: RtxRecord, nowUs: u64): bool {
  return nowUs - record.sentUs >= <u64>tcb.rackRttUs + rackWindowUs(tcb);
}

function detectAmongRetransmitted(tcb: Tcb, nowUs: u64, windowUs: u64): u64 {
  let waitUs: u64 = 0;
  let waiting: u32 = 0;
  for (let index = tcb.timeHead; index !== NONE && waiting < WAITING_MAX; ) {
    const record = rtxAt(index);
    const next = record.timeNext;
    if (!isOvertaken(tcb, record)) break;
    const ageUs = nowUs - record.sentUs;
    if (ageUs >= windowUs) {
      rtxMarkLost(tcb, index);
    } else {
      waitUs = max<u64>(waitUs, windowUs - ageUs);
      waiting += 1;
    }
    index = next;
  }
  return waitUs;
}

// Segments that were sent once left in the order of the queue. The cursor passes each of them once
function detectAmongFirstSent(tcb: Tcb, nowUs: u64, windowUs: u64): u64 {
  let waitUs: u64 = 0;
  let waiting: u32 = 0;
  for (let index = tcb.rackCursor; index !== NONE && waiting < WAITING_MAX; ) {
    const record = rtxAt(index);
    const next = record.next;
    if ((record.flags & (RTX_LOST | RTX_SACKED | RTX_EVER_RETRANSMITTED)) === 0) {
      if (!isOvertaken(tcb, record)) break;
      const ageUs = nowUs - record.sentUs;
      if (ageUs >= windowUs) {
        rtxMarkLost(tcb, index);
      } else {
        waitUs = max<u64>(waitUs, windowUs - ageUs);
        waiting += 1;
      }
    }
    if (waiting === 0) tcb.rackCursor = next;
    index = next;
  }
  return waitUs;
}

function isOvertaken(tcb: Tcb, record: RtxRecord): bool {
  return isSentAfter(tcb.rackXmitUs, tcb.rackEndSeq, record.sentUs, record.end);
}

// RFC 8985 6.2: RACK_sent_after
function isSentAfter(us1: u64, end1: u32, us2: u64, end2: u32): bool {
  return us1 > us2 || (us1 === us2 && seqGt(end1, end2));
}

// The timestamps option: our clock, TS.Recent, and the protection against wrapped sequence numbers (PAWS). RFC 7323 3-5.
// Knows no acceptance test of sequence numbers: it is asked before that.
import { SECRET_TIMESTAMPS, TCB_LOCAL_ADDRESS, TCB_OPTION_TIMESTAMPS } from "../layout";
import { sipHash24 } from "../storage/siphash";
import { ACK } from "../wire/tcp";
import { OPT_TIMESTAMPS } from "../wire/tcp-options";
import { Segment } from "./segment";
import { seqGt, seqGte, seqLt, seqLte } from "./seq";
import { Tcb } from "./tcb";

// RFC 7323 5.4: a tick between 1 ms and 1 s. 1 ms is Linux's
const TICK_US: u64 = 1000;
// RFC 7323 5.5: "24 days"; a TS.Recent that is older cannot be compared with a 1 ms clock any more
const TS_RECENT_VALID_US: u64 = 24 * 24 * 3600 * 1000000;
const ADDRESSES_BYTES: u32 = 32;

/**
 * Chooses the offset of the connection's timestamp clock, so that it does not tell how long we are up (RFC 7323 7.1). It depends on the
 * pair of hosts only: clocks of successive connections between them are then one clock, as RFC 6191 needs.
 */
export function chooseTimestampOffset(tcb: Tcb): void {
  tcb.tsOffset = <u32>sipHash24(SECRET_TIMESTAMPS, tcb.ptr + TCB_LOCAL_ADDRESS, ADDRESSES_BYTES);
}

/** TSval of a segment that leaves now: ms, wraps. */
export function timestampNow(tcb: Tcb, nowUs: u64): u32 {
  return <u32>(nowUs / TICK_US) + tcb.tsOffset;
}

/** Whether both ends sent the option on their SYN. */
export function hasTimestamps(tcb: Tcb): bool {
  return (tcb.options & TCB_OPTION_TIMESTAMPS) !== 0;
}

/** Both ends sent the option on their SYN, and this segment has none. */
export function isTimestampAbsent(tcb: Tcb, seg: Segment): bool {
  return hasTimestamps(tcb) && !seg.options.has(OPT_TIMESTAMPS);
}

/**
 * RFC 7323 3.2: once negotiated, a segment without the option (RST aside) "SHOULD" be dropped. Once the peer has used it after its SYN,
 * that is: where something on the path strips the option from all segments, as the peer takes them (and Linux), nothing would pass.
 */
export function isTimestampMissing(tcb: Tcb, seg: Segment): bool {
  return tcb.timestampsSeen !== 0 && isTimestampAbsent(tcb, seg);
}

/**
 * PAWS, RFC 7323 5.3 R1: SEG.TSval < TS.Recent, and TS.Recent is not older than 24 days. A TS.Recent of 0
 * is no valid one: there are hosts that send 0 on their SYN and their clock afterwards, which may lie "before" it (as Linux).
 */
export function isOldTimestamp(tcb: Tcb, seg: Segment, nowUs: u64): bool {
  if (!seg.options.has(OPT_TIMESTAMPS) || tcb.tsRecent === 0 || !seqLt(seg.options.tsVal, tcb.tsRecent)) return false;
  return nowUs - tcb.tsRecentUs <= TS_RECENT_VALID_US && !isDisorderedAck(tcb, seg);
}

/**
 * The one segment with an old timestamp that is not dropped (Linux's tcp_disordered_ack): a pure duplicate ACK that another overtook
 * by less than about one time-out. It carries nothing that could be wrong -- no text, no window, no new ACK -- and the sender's
 * loss recovery counts it.
 */
function isDisorderedAck(tcb: Tcb, seg: Segment): bool {
  if ((seg.flags & ACK) === 0 || seg.len !== 0 || seg.seq !== tcb.rcvNxt || seg.ack !== tcb.sndUna) return false;
  if (seqGt(seg.seq, tcb.sndWl1)) return false; // it would update the window
  const window = seg.wnd << tcb.sndWscale;
  if (seg.seq === tcb.sndWl1 && (window > tcb.sndWnd || window === 0)) return false;
  const replayTicks = <u32>((<u64>tcb.rtoUs * 6) / 5 / TICK_US);
  return tcb.tsRecent - seg.options.tsVal <= replayTicks;
}

/** Whether a segment that answers our SYN echoes a timestamp that one of our SYNs may have had, or none. */
export function isEchoOurs(tcb: Tcb, seg: Segment, nowUs: u64): bool {
  if (!hasTimestamps(tcb) || !seg.options.has(OPT_TIMESTAMPS) || seg.options.tsEcr === 0) return true;
  const first = timestampNow(tcb, tcb.firstUnansweredUs);
  return seqGte(seg.options.tsEcr, first) && seqLte(seg.options.tsEcr, timestampNow(tcb, nowUs));
}

/** Sets TS.Recent from a SYN. Segment has the option. */
export function initialiseTsRecent(tcb: Tcb, seg: Segment, nowUs: u64): void {
  tcb.tsRecent = seg.options.tsVal;
  tcb.tsRecentUs = nowUs;
}

/**
 * RFC 7323 4.3 (2): "If SEG.TSval >= TS.Recent and SEG.SEQ <= Last.ACK.sent, then SEG.TSval is copied to TS.Recent" -- so that a
 * delayed ACK echoes the earliest unacknowledged segment. A TS.Recent of more than 24 days is replaced by any.
 */
export function updateTsRecent(tcb: Tcb, seg: Segment, nowUs: u64): void {
  if (!hasTimestamps(tcb) || !seg.options.has(OPT_TIMESTAMPS)) return;
  tcb.timestampsSeen = 1;
  if (!seqLte(seg.seq, tcb.lastAckSent)) return;
  if (!seqGte(seg.options.tsVal, tcb.tsRecent) && nowUs - tcb.tsRecentUs <= TS_RECENT_VALID_US) return;
  tcb.tsRecent = seg.options.tsVal;
  tcb.tsRecentUs = nowUs;
}

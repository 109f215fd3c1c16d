// Receive autotuning (dynamic right-sizing): the ring doubles when main has read half of it within two round trips, because then the
// promise and not the reader is what limits the peer. tcp_rmem bounds it, SO_RCVBUF ends it. Knows neither windows nor ACKs.
import { SYSCTL_TCP_MODERATE_RCVBUF } from "../layout";
import { OPT_TIMESTAMPS } from "../wire/tcp-options";
import { bulkShareClock, noteReceiveRate } from "./bulk-share";
import { receiveEnd } from "./reassembly";
import { growReceiveRing, updateReceiveHead } from "./receive-ring";
import { isRingBelowUser, mayPromiseMore } from "./receive-space";
import { Segment } from "./segment";
import { seqLt } from "./seq";
import { Tcb } from "./tcb";
import { hasTimestamps, timestampNow } from "./timestamps";

/** A measurement takes two round trips, and 4 ms at least: a reader that is woken is slower than a 50 µs round trip. */
const MEASURE_MIN_US: u64 = 4000;
const MS: u32 = 1000;

/** Starts the first measurement. */
export function startAutotuning(tcb: Tcb, nowUs: u64): void {
  tcb.rcvSpaceMarkUs = nowUs;
}

// With timestamps: a full-sized segment echoes when we sent the ACK that let it go. Smoothed, but a smaller sample counts at once: the
// peer may also have been slow (as Linux)
function measureByTimestamp(tcb: Tcb, seg: Segment, nowUs: u64): void {
  const tsEcr = seg.options.tsEcr;
  if (tsEcr === tcb.rcvRttSeq || seg.payloadLength < tcb.rcvMss) return;
  tcb.rcvRttSeq = tsEcr;
  const elapsedMs = timestampNow(tcb, nowUs) - tsEcr;
  if (elapsedMs > 0x7fffffff / MS) return; // not one of ours
  const sample = max<u32>(elapsedMs, 1) * MS;
  const old = tcb.rcvRttUs;
  tcb.rcvRttUs = old === 0 || sample < old ? sample : old - (old >> 3) + (sample >> 3);
}

// Without: from promising an edge to receiving the byte at it. Only a bound from above, as the peer may send slower than it may; so the
// smallest counts
function measureByWindow(tcb: Tcb, nowUs: u64): void {
  if (tcb.rcvRttMarkUs !== 0 && seqLt(tcb.rcvNxt, tcb.rcvRttSeq)) return;
  if (tcb.rcvRttMarkUs !== 0) {
    const sample = <u32>max<u64>(min<u64>(nowUs - tcb.rcvRttMarkUs, 0xffffffff), 1);
    if (tcb.rcvRttUs === 0 || sample < tcb.rcvRttUs) tcb.rcvRttUs = sample;
  }
  tcb.rcvRttSeq = tcb.rcvAdvertised;
  tcb.rcvRttMarkUs = max<u64>(nowUs, 1);
}

// What says more of the way: the echo of our ACKs, else our own data, else the bound from above
function roundTripUs(tcb: Tcb): u64 {
  if (hasTimestamps(tcb) && tcb.rcvRttUs !== 0) return tcb.rcvRttUs;
  return tcb.srttUs !== 0 ? tcb.srttUs : tcb.rcvRttUs;
}

/** Text in order was received: measures, and adjusts. */
export function noteReceived(tcb: Tcb, seg: Segment, nowUs: u64): void {
  if (!hasTimestamps(tcb)) measureByWindow(tcb, nowUs);
  else if (seg.options.has(OPT_TIMESTAMPS)) measureByTimestamp(tcb, seg, nowUs);
  adjustReceiveSpace(tcb, nowUs);
}

/** Text was received, or main has read: says at what rate, looks whether the ring should be larger, and doubles it then. */
export function adjustReceiveSpace(tcb: Tcb, nowUs: u64): void {
  updateReceiveHead(tcb);
  bulkShareClock(nowUs);
  const isOver = nowUs - tcb.rcvSpaceMarkUs > max<u64>(2 * roundTripUs(tcb), MEASURE_MIN_US);
  const wasRead = tcb.rcvHead - tcb.rcvCopiedMark >= tcb.rcvBufferCapacity / 2;
  const isMeasured = isOver || wasRead;
  if (isMeasured) noteReceiveRate(tcb, tcb.rcvHead - tcb.rcvCopiedMark, nowUs - tcb.rcvSpaceMarkUs);
  if (mustGrow(tcb, wasRead && !isOver)) growReceiveRing(tcb, receiveEnd(tcb));
  if (!isMeasured) return;
  tcb.rcvCopiedMark = tcb.rcvHead;
  tcb.rcvSpaceMarkUs = nowUs;
}

// A user's buffer as far as it is fixed, else as far as the reader keeps up
function mustGrow(tcb: Tcb, keepsUp: bool): bool {
  if (tcb.rcvBuf !== 0) return isRingBelowUser(tcb);
  return keepsUp && load<u32>(SYSCTL_TCP_MODERATE_RCVBUF) !== 0 && mayPromiseMore(tcb);
}

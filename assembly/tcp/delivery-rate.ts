// Delivery-rate estimation (draft-ietf-ccwg-bbr 4.1.2, Linux's tcp_rate): each transmission remembers how much had been
// delivered when it left; when it is acknowledged, the difference over the time passed is a sample of the path's bandwidth.
// Bytes, where Linux counts packets. Knows no algorithm.
import { AckSample } from "./congestion/ack-sample";
import { inFlight } from "./rtx-queue";
import { RtxRecord } from "./rtx-record";
import { seqGt } from "./seq";
import { Tcb } from "./tcb";

// The sample being made by the ACK in hand: the newest acknowledged transmission's snapshot
let priorDelivered: u64 = 0;
let priorUs: u64 = 0;
let newestSentUs: u64 = 0;
let newestEnd: u32 = 0;
let sendElapsedUs: u64 = 0;
let txInFlight: u32 = 0;
let priorLost: u32 = 0;
let isAppLimited: bool = false;
let hasSample: bool = false;

/** Notes the delivery state in the record of a transmission that leaves now; to be called once it counts as in flight. */
export function rateOnSend(tcb: Tcb, record: RtxRecord, isIdle: bool, nowUs: u64): void {
  if (isIdle) {
    // Nothing was in flight: the flight that starts now is not slowed down by the pause before it
    tcb.firstSentUs = nowUs;
    tcb.deliveredUs = nowUs;
  }
  record.firstSentUs = tcb.firstSentUs;
  record.deliveredUs = tcb.deliveredUs;
  record.delivered = tcb.delivered;
  record.appLimited = tcb.appLimited !== 0 ? 1 : 0;
  record.inflight = inFlight(tcb);
  record.lostTotal = tcb.lostTotal;
}

/** Starts the sample of an ACK. */
export function rateBegin(): void {
  hasSample = false;
}

/** `bytes` of a record were delivered. */
export function rateOnDelivered(tcb: Tcb, record: RtxRecord, bytes: u32, nowUs: u64): void {
  tcb.delivered += bytes;
  tcb.deliveredUs = nowUs;
  // Of all records that this ACK delivers the one sent last says how fast it went
  if (hasSample && !isNewer(record)) return;
  hasSample = true;
  newestSentUs = record.sentUs;
  newestEnd = record.end;
  txInFlight = record.inflight;
  priorLost = record.lostTotal;
  priorDelivered = record.delivered;
  priorUs = record.deliveredUs;
  isAppLimited = record.appLimited !== 0;
  sendElapsedUs = record.sentUs - record.firstSentUs;
  tcb.firstSentUs = record.sentUs;
}

/** `delivered` when the newest transmission that this ACK delivers had left; as it is now if it delivers nothing. */
export function ratePriorDelivered(tcb: Tcb): u64 {
  return hasSample ? priorDelivered : tcb.delivered;
}

/**
 * Ends the sample and fills the fields of AckSample that it gives. What was taken for lost on this ACK must be so already.
 * A rate of 0: this ACK gives none, because nothing was delivered, or faster than the path can be.
 */
export function rateEnd(tcb: Tcb, sample: AckSample, nowUs: u64): void {
  if (tcb.appLimited !== 0 && tcb.delivered > tcb.appLimited) tcb.appLimited = 0;
  sample.delivered = tcb.delivered;
  if (!hasSample) return;
  sample.priorDelivered = priorDelivered;
  sample.txInFlight = txInFlight;
  sample.lostSince = tcb.lostTotal - priorLost;
  sample.appLimited = isAppLimited ? 1 : 0;
  // ACKs may come bunched and sends may be bunched: the slower of the two is the path
  const intervalUs = max<u64>(sendElapsedUs, nowUs - priorUs);
  sample.intervalUs = <u32>min<u64>(intervalUs, U32.MAX_VALUE);
  if (intervalUs === 0 || intervalUs < tcb.minRttUs) return;
  const bytes = tcb.delivered - priorDelivered;
  sample.rateBytes = bytes;
  sample.rateIntervalUs = intervalUs;
  if (!isAppLimited || isFaster(tcb, bytes, intervalUs)) {
    tcb.rateSample = (min<u64>(bytes, U32.MAX_VALUE) << 32) | min<u64>(intervalUs, U32.MAX_VALUE);
    tcb.rateAppLimited = isAppLimited ? 1 : 0;
  }
}

// Than the sample that info() shows, or as fast
function isFaster(tcb: Tcb, bytes: u64, intervalUs: u64): bool {
  return bytes * (tcb.rateSample & U32.MAX_VALUE) >= (tcb.rateSample >> 32) * intervalUs;
}

function isNewer(record: RtxRecord): bool {
  return record.sentUs > newestSentUs || (record.sentUs === newestSentUs && seqGt(record.end, newestEnd));
}

/** Says that the application has nothing more to send although the window would let it. */
export function rateMarkAppLimited(tcb: Tcb): void {
  tcb.appLimited = max<u64>(tcb.delivered + (tcb.sndNxt - tcb.sndUna), 1);
}

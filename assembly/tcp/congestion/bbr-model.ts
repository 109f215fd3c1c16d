// BBR's model of the path (draft-ietf-ccwg-bbr-06 5.5): rounds, max_bw, min_rtt, what acknowledgements come in bunches, the short-term
// bounds that losses set, and whether the pipe is full. Reads ACKs and losses, sets neither window nor rate.
import { AckSample, CongestionWindow } from "./ack-sample";
import {
  BBR_NONE,
  BBR_PROBE_BW_REFILL,
  BBR_PROBE_BW_UP,
  BBR_STARTUP,
  BbrState,
  BETA,
  EXTRA_ACKED_ROUNDS,
  FULL_BW_GROWTH,
  FULL_BW_ROUNDS,
  MIN_RTT_FILTER_US,
  NO_BW_LIMIT,
  NO_LIMIT,
  PROBE_RTT_INTERVAL_US,
} from "./bbr-state";
import { maxFilterUpdate } from "./max-filter";

/** No volume of the model is larger, segments. */
const VOLUME_MAX: f64 = 16777216;

/** `gain` per cent of the BDP, segments; the first window while there is no round trip (BDPMultiple). */
export function bdpMultiple(window: CongestionWindow, bbr: BbrState, bw: u64, gain: u32): u32 {
  if (bbr.minRttUs === NO_LIMIT) return bbr.initialCwnd;
  const bytes = (<f64>bw * <f64>bbr.minRttUs * <f64>gain) / 1e8;
  return <u32>min<f64>(Math.ceil(bytes / <f64>max<u32>(window.mss, 1)), VOLUME_MAX);
}

/** StartRound. */
export function startRound(window: CongestionWindow, bbr: BbrState): void {
  bbr.nextRoundDelivered = window.delivered;
}

/** ResetFullBW. */
export function resetFullBw(bbr: BbrState): void {
  bbr.fullBw = 0;
  bbr.fullBwCount = 0;
  bbr.fullBwNow = 0;
}

/** ResetCongestionSignals. */
export function resetCongestionSignals(bbr: BbrState): void {
  bbr.isLossInRound = 0;
  bbr.bwLatest = 0;
  bbr.inflightLatest = 0;
}

/** ResetShortTermModel. */
export function resetShortTermModel(bbr: BbrState): void {
  bbr.bwShortterm = NO_BW_LIMIT;
  bbr.inflightShortterm = NO_LIMIT;
}

/** AdvanceMaxBwFilter: a cycle without a sample does not make the one before it forgotten. */
export function advanceMaxBwFilter(bbr: BbrState): void {
  if (bbr.maxBwNow === 0) return;
  bbr.maxBwBefore = bbr.maxBwNow;
  bbr.maxBwNow = 0;
}

/** RS.delivered, segments. */
function sampleVolume(sample: AckSample): u32 {
  if (sample.mss === 0) return 0;
  const bytes = sample.delivered - sample.priorDelivered;
  return <u32>min<u64>((bytes + sample.mss - 1) / sample.mss, U32.MAX_VALUE);
}

/** UpdateLatestDeliverySignals. */
export function updateLatestDeliverySignals(bbr: BbrState, sample: AckSample): void {
  bbr.lossRoundStart = 0;
  bbr.bwLatest = max(bbr.bwLatest, sample.deliveryRate);
  bbr.inflightLatest = max(bbr.inflightLatest, sampleVolume(sample));
  if (sample.priorDelivered >= bbr.lossRoundDelivered) {
    bbr.lossRoundDelivered = sample.delivered;
    bbr.lossRoundStart = 1;
  }
}

/** AdvanceLatestDeliverySignals. */
export function advanceLatestDeliverySignals(bbr: BbrState, sample: AckSample): void {
  if (bbr.lossRoundStart === 0) return;
  bbr.bwLatest = sample.deliveryRate;
  bbr.inflightLatest = sampleVolume(sample);
}

/** UpdateCongestionSignals, with UpdateMaxBw and UpdateRound. */
export function updateCongestionSignals(window: CongestionWindow, bbr: BbrState, sample: AckSample): void {
  bbr.roundStart = sample.priorDelivered >= bbr.nextRoundDelivered ? 1 : 0;
  if (bbr.roundStart !== 0) {
    startRound(window, bbr);
    bbr.roundCount += 1;
    bbr.roundsSinceProbeUp += 1;
  }
  const rate = sample.deliveryRate;
  if (rate !== 0 && (rate >= bbr.maxBw || sample.appLimited === 0)) bbr.maxBwNow = max(bbr.maxBwNow, rate);
  if (bbr.lossRoundStart === 0) return; // wait until end of round trip
  if (bbr.isLossInRound !== 0 && !isProbingBw(bbr)) lowerBounds(window, bbr);
  bbr.isLossInRound = 0;
}

/** UpdateACKAggregation. */
export function updateAckAggregation(window: CongestionWindow, bbr: BbrState, sample: AckSample): void {
  const intervalUs = sample.nowUs - bbr.extraAckedStartUs;
  let expected = <u64>((<f64>bbr.bw * <f64>intervalUs) / 1e6);
  if (bbr.extraAckedDelivered <= expected) {
    bbr.extraAckedDelivered = 0;
    bbr.extraAckedStartUs = sample.nowUs;
    expected = 0;
  }
  bbr.extraAckedDelivered += <u64>sample.deliveredSegments * window.mss;
  const bytes = bbr.extraAckedDelivered - expected;
  const extra = <u32>min<u64>(bytes / max<u32>(window.mss, 1), window.cwnd);
  const rounds = bbr.fullBwReached !== 0 ? EXTRA_ACKED_ROUNDS : 1;
  bbr.extraAcked = maxFilterUpdate(bbr.extraAckedFilter, extra, bbr.roundCount, rounds);
}

/** CheckFullBWReached. An ACK that gives no rate at all says nothing about growth. */
export function checkFullBwReached(bbr: BbrState, sample: AckSample): void {
  if (bbr.fullBwNow !== 0 || bbr.roundStart === 0 || sample.appLimited !== 0 || sample.deliveryRate === 0) return;
  if (<f64>sample.deliveryRate * 100 >= <f64>bbr.fullBw * <f64>FULL_BW_GROWTH) {
    resetFullBw(bbr);
    bbr.fullBw = sample.deliveryRate;
    return;
  }
  bbr.fullBwCount += 1;
  if (bbr.fullBwCount < FULL_BW_ROUNDS) return;
  bbr.fullBwNow = 1;
  bbr.fullBwReached = 1;
}

/** UpdateMinRTT. */
export function updateMinRtt(bbr: BbrState, sample: AckSample): void {
  const nowUs = sample.nowUs;
  bbr.probeRttExpired = nowUs > bbr.probeRttMinStampUs + PROBE_RTT_INTERVAL_US ? 1 : 0;
  if (sample.rttUs !== 0 && (sample.rttUs < bbr.probeRttMinUs || bbr.probeRttExpired !== 0)) {
    bbr.probeRttMinUs = sample.rttUs;
    bbr.probeRttMinStampUs = nowUs;
  }
  if (bbr.probeRttMinUs < bbr.minRttUs || nowUs > bbr.minRttStampUs + MIN_RTT_FILTER_US) {
    bbr.minRttUs = bbr.probeRttMinUs;
    bbr.minRttStampUs = bbr.probeRttMinStampUs;
  }
}

/** NoteLoss: the first loss of a round remembers what a spurious one would have to give back. */
export function noteLoss(window: CongestionWindow, bbr: BbrState): void {
  if (bbr.isLossInRound === 0) {
    bbr.lossRoundDelivered = window.delivered;
    bbr.lossRanges = 0;
    saveStateUponLoss(window, bbr);
  }
  bbr.isLossInRound = 1;
}

/** SaveStateUponLoss. */
export function saveStateUponLoss(window: CongestionWindow, bbr: BbrState): void {
  saveCwnd(window, bbr);
  bbr.undoState = BBR_NONE;
  bbr.undoBwShortterm = bbr.bwShortterm;
  bbr.undoInflightShortterm = bbr.inflightShortterm;
  bbr.undoInflightLongterm = bbr.inflightLongterm;
}

/** SaveCwnd: the last window that neither loss recovery nor ProbeRTT had cut. */
export function saveCwnd(window: CongestionWindow, bbr: BbrState): void {
  const isCut = bbr.inRecovery !== 0 || bbr.state > BBR_PROBE_BW_UP;
  bbr.priorCwnd = isCut ? max(bbr.priorCwnd, window.cwnd) : window.cwnd;
}

function isProbingBw(bbr: BbrState): bool {
  return bbr.state === BBR_STARTUP || bbr.state === BBR_PROBE_BW_REFILL || bbr.state === BBR_PROBE_BW_UP;
}

// InitLowerBounds and LossLowerBounds
function lowerBounds(window: CongestionWindow, bbr: BbrState): void {
  if (bbr.bwShortterm === NO_BW_LIMIT) bbr.bwShortterm = bbr.maxBw;
  if (bbr.inflightShortterm === NO_LIMIT) bbr.inflightShortterm = window.cwnd;
  bbr.bwShortterm = max<u64>(bbr.bwLatest, (bbr.bwShortterm * BETA) / 100);
  bbr.inflightShortterm = max<u32>(bbr.inflightLatest, <u32>((<u64>bbr.inflightShortterm * BETA) / 100));
}

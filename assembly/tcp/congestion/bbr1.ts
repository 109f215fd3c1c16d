// BBR congestion control, version 1 (draft-cardwell-iccrg-bbr-congestion-control-00) as Linux ships it: Startup, Drain, ProbeBW with its
// cycle of eight gains, ProbeRTT. Left out: Linux's long-term sampling, which looks for token-bucket policers, and its allowance for
// round trips measured on delayed ACKs. Sees numbers only.
import { randomBelow } from "../../storage/random";
import { AckSample, CongestionWindow } from "./ack-sample";
import {
  BBR1_BW_ROUNDS,
  BBR1_BW_SHIFT,
  BBR1_CYCLE_LENGTH,
  BBR1_DRAIN,
  BBR1_EXTRA_ACKED_ROUNDS,
  BBR1_FULL_BW_GROWTH,
  BBR1_FULL_BW_ROUNDS,
  BBR1_MIN_CWND,
  BBR1_MIN_RTT_FILTER_US,
  BBR1_NO_RTT,
  BBR1_PROBE_BW,
  BBR1_PROBE_RTT,
  BBR1_PROBE_RTT_US,
  BBR1_STARTUP,
  BBR1_UNIT,
  Bbr1State,
  bbr1CycleGain,
  bbr1PacingGain,
} from "./bbr1-state";
import { bbr1Inflight, bbr1InitPacing, bbr1RestoreCwnd, bbr1SaveCwnd, bbr1SetCwnd, bbr1SetPacing } from "./bbr1-window";
import { maxFilterUpdate } from "./max-filter";

/** BBRInit. `initialCwnd`: the window of a new connection, segments */
export function bbr1Start(window: CongestionWindow, initialCwnd: u32): void {
  const bbr = Bbr1State.at(window.statePtr);
  bbr.initialCwnd = initialCwnd;
  bbr.minRttUs = window.srttUs !== 0 ? window.srttUs : BBR1_NO_RTT;
  bbr.minRttStampUs = window.nowUs;
  bbr.extraAckedStartUs = window.nowUs;
  bbr.nextRoundDelivered = window.delivered;
  bbr1InitPacing(window, bbr);
  bbr.state = BBR1_STARTUP;
}

/** BBRUpdateOnACK. */
export function bbr1OnAck(window: CongestionWindow, sample: AckSample): void {
  const bbr = Bbr1State.at(window.statePtr);
  updateBw(window, bbr, sample);
  updateAckAggregation(window, bbr, sample);
  checkCyclePhase(window, bbr, sample);
  checkFullPipe(bbr, sample);
  checkDrain(window, bbr, sample);
  updateMinRtt(window, bbr, sample);
  bbr1SetPacing(window, bbr, bbr1PacingGain(bbr.state, bbr.cycleIndex));
  bbr1SetCwnd(window, bbr, sample);
}

/** A recovery begins, or a reduction for a congestion mark, which is treated as a loss is (RFC 3168 6.1.2; Linux ignores it). */
export function bbr1OnLoss(window: CongestionWindow): void {
  const bbr = Bbr1State.at(window.statePtr);
  bbr1SaveCwnd(window, bbr);
  bbr.inRecovery = 1;
  bbr.recoveryBegins = 1;
}

/** The retransmission timer expired: one segment beyond what is still in flight, and growth is judged anew. */
export function bbr1OnTimeout(window: CongestionWindow): void {
  const bbr = Bbr1State.at(window.statePtr);
  bbr1SaveCwnd(window, bbr);
  bbr.inRecovery = 1;
  bbr.recoveryBegins = 0;
  bbr.fullBw = 0;
  window.cwnd = window.inflight + 1;
}

/** A recovery is over: "restore the cwnd to its value before the recovery". The next ACK bounds it by the model. */
export function bbr1OnRecoveryExit(window: CongestionWindow): void {
  const bbr = Bbr1State.at(window.statePtr);
  if (bbr.inRecovery === 0) return;
  bbr.inRecovery = 0;
  bbr.recoveryBegins = 0;
  bbr.isConserving = 0;
  bbr1RestoreCwnd(window, bbr);
}

/** The recovery was spurious: whether the pipe is full is judged anew. */
export function bbr1OnUndo(window: CongestionWindow): void {
  const bbr = Bbr1State.at(window.statePtr);
  bbr.fullBw = 0;
  bbr.fullBwCount = 0;
  bbr1OnRecoveryExit(window);
}

/** BBROnTransmit: nothing is in flight, and data leaves. */
export function bbr1OnTransmitStart(window: CongestionWindow): void {
  const bbr = Bbr1State.at(window.statePtr);
  if (bbr.hasSeenRtt === 0 && window.srttUs !== 0) {
    // The handshake has measured the path meanwhile
    bbr1InitPacing(window, bbr);
    bbr.minRttUs = min(bbr.minRttUs, window.srttUs);
  }
  if (window.appLimited === 0) return;
  bbr.idleRestart = 1;
  bbr.extraAckedStartUs = window.nowUs;
  bbr.extraAckedDelivered = 0;
  if (bbr.state === BBR1_PROBE_BW) bbr1SetPacing(window, bbr, BBR1_UNIT);
  else if (bbr.state === BBR1_PROBE_RTT) checkProbeRttDone(window, bbr);
}

// BBRUpdateRound and BBRUpdateBtlBw. An ACK without a rate is none of a round (Linux)
function updateBw(window: CongestionWindow, bbr: Bbr1State, sample: AckSample): void {
  bbr.roundStart = 0;
  const rate = sample.deliveryRate;
  if (rate === 0) return;
  if (sample.priorDelivered >= bbr.nextRoundDelivered) {
    bbr.nextRoundDelivered = window.delivered;
    bbr.roundCount += 1;
    bbr.roundStart = 1;
    bbr.isConserving = 0;
  }
  if (sample.appLimited !== 0 && rate < bbr.bw) return;
  const value = <u32>min<u64>(rate >> BBR1_BW_SHIFT, U32.MAX_VALUE);
  maxFilterUpdate(bbr.bwFilter, value, bbr.roundCount, BBR1_BW_ROUNDS);
}

// Linux's bbr_update_ack_aggregation: how much more is acknowledged at one go than the bandwidth explains
function updateAckAggregation(window: CongestionWindow, bbr: Bbr1State, sample: AckSample): void {
  if (sample.deliveryRate === 0) return;
  let expected = <u64>((<f64>bbr.bw * <f64>(sample.nowUs - bbr.extraAckedStartUs)) / 1e6);
  if (bbr.extraAckedDelivered <= expected) {
    bbr.extraAckedDelivered = 0;
    bbr.extraAckedStartUs = sample.nowUs;
    expected = 0;
  }
  bbr.extraAckedDelivered += <u64>sample.deliveredSegments * window.mss;
  const extra = (bbr.extraAckedDelivered - expected) / max<u32>(window.mss, 1);
  const segments = <u32>min<u64>(extra, window.cwnd);
  bbr.extraAcked = maxFilterUpdate(bbr.extraAckedFilter, segments, bbr.roundCount, BBR1_EXTRA_ACKED_ROUNDS);
}

// BBRCheckCyclePhase, BBRIsNextCyclePhase
function checkCyclePhase(window: CongestionWindow, bbr: Bbr1State, sample: AckSample): void {
  if (bbr.state !== BBR1_PROBE_BW) return;
  const gain = bbr1CycleGain(bbr.cycleIndex);
  let isNext: bool = window.nowUs > bbr.cycleStampUs + bbr.minRttUs;
  if (gain > BBR1_UNIT) {
    // Until that much is in flight, or more than the path takes
    isNext = isNext && (sample.lostSegments !== 0 || sample.priorInflight >= bbr1Inflight(window, bbr, gain));
  } else if (gain < BBR1_UNIT) {
    isNext = isNext || sample.priorInflight <= bbr1Inflight(window, bbr, BBR1_UNIT);
  }
  if (isNext) advanceCycle(window, bbr);
}

// BBRAdvanceCyclePhase
function advanceCycle(window: CongestionWindow, bbr: Bbr1State): void {
  bbr.cycleStampUs = window.nowUs;
  bbr.cycleIndex = (bbr.cycleIndex + 1) % BBR1_CYCLE_LENGTH;
}

// BBRCheckFullPipe
function checkFullPipe(bbr: Bbr1State, sample: AckSample): void {
  if (bbr.filledPipe !== 0 || bbr.roundStart === 0 || sample.appLimited !== 0) return;
  const bw = bbr.bw;
  if (bw * BBR1_UNIT >= bbr.fullBw * BBR1_FULL_BW_GROWTH) {
    bbr.fullBw = bw;
    bbr.fullBwCount = 0;
    return;
  }
  bbr.fullBwCount += 1;
  if (bbr.fullBwCount >= BBR1_FULL_BW_ROUNDS) bbr.filledPipe = 1;
}

// BBRCheckDrain
function checkDrain(window: CongestionWindow, bbr: Bbr1State, sample: AckSample): void {
  if (bbr.state === BBR1_STARTUP && bbr.filledPipe !== 0) bbr.state = BBR1_DRAIN;
  if (bbr.state !== BBR1_DRAIN) return;
  if (sample.inflight <= bbr1Inflight(window, bbr, BBR1_UNIT)) enterProbeBw(window, bbr);
}

// BBREnterProbeBW: in any phase but the one that drains, so that flows do not ask for more at the same time
function enterProbeBw(window: CongestionWindow, bbr: Bbr1State): void {
  bbr.state = BBR1_PROBE_BW;
  bbr.cycleIndex = BBR1_CYCLE_LENGTH - 1 - <u8>randomBelow(BBR1_CYCLE_LENGTH - 1);
  advanceCycle(window, bbr);
}

// BBRUpdateRTprop and BBRCheckProbeRTT
function updateMinRtt(window: CongestionWindow, bbr: Bbr1State, sample: AckSample): void {
  const nowUs = window.nowUs;
  const isExpired: bool = nowUs > bbr.minRttStampUs + BBR1_MIN_RTT_FILTER_US;
  if (sample.rttUs !== 0 && (sample.rttUs < bbr.minRttUs || isExpired)) {
    bbr.minRttUs = sample.rttUs;
    bbr.minRttStampUs = nowUs;
  }
  if (isExpired && bbr.idleRestart === 0 && bbr.state !== BBR1_PROBE_RTT) {
    bbr1SaveCwnd(window, bbr);
    bbr.state = BBR1_PROBE_RTT;
    bbr.probeRttDoneUs = 0;
  }
  if (bbr.state === BBR1_PROBE_RTT) handleProbeRtt(window, bbr, sample);
  if (sample.deliveryRate !== 0) bbr.idleRestart = 0;
}

// BBRHandleProbeRTT
function handleProbeRtt(window: CongestionWindow, bbr: Bbr1State, sample: AckSample): void {
  // Low rates of this state say nothing about the path
  window.appLimited = max<u64>(window.delivered + <u64>sample.inflight * window.mss, 1);
  if (bbr.probeRttDoneUs === 0) {
    if (sample.inflight > BBR1_MIN_CWND) return;
    bbr.probeRttDoneUs = window.nowUs + BBR1_PROBE_RTT_US;
    bbr.probeRttRoundDone = 0;
    bbr.nextRoundDelivered = window.delivered;
    return;
  }
  if (bbr.roundStart !== 0) bbr.probeRttRoundDone = 1;
  if (bbr.probeRttRoundDone !== 0) checkProbeRttDone(window, bbr);
}

// BBRExitProbeRTT
function checkProbeRttDone(window: CongestionWindow, bbr: Bbr1State): void {
  if (bbr.probeRttDoneUs === 0 || window.nowUs <= bbr.probeRttDoneUs) return;
  bbr.minRttStampUs = window.nowUs; // the next in another ten seconds
  bbr1RestoreCwnd(window, bbr);
  if (bbr.filledPipe !== 0) enterProbeBw(window, bbr);
  else bbr.state = BBR1_STARTUP;
}

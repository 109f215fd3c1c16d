// BBR congestion control, version 3 as draft-ietf-ccwg-bbr-06 has it: Startup, Drain, ProbeBW (bbr-probe.ts) and ProbeRTT over a model
// of the path (bbr-model.ts) that says how fast to send and how much to have in flight (bbr-window.ts). A function here is the
// draft's of the same name. Sees numbers only.
import { AckSample, CongestionWindow, LostSample } from "./ack-sample";
import {
  advanceLatestDeliverySignals,
  bdpMultiple,
  checkFullBwReached,
  noteLoss,
  resetCongestionSignals,
  resetFullBw,
  resetShortTermModel,
  saveCwnd,
  saveStateUponLoss,
  startRound,
  updateAckAggregation,
  updateCongestionSignals,
  updateLatestDeliverySignals,
  updateMinRtt,
} from "./bbr-model";
import {
  isInflightTooHigh,
  probeOnLost,
  probeOnMark,
  startProbeCruise,
  startProbeDown,
  startProbeRefill,
  updateProbeBwCyclePhase,
} from "./bbr-probe";
import {
  ACKS_PROBE_STOPPING,
  BBR_DRAIN,
  BBR_NONE,
  BBR_PROBE_BW_UP,
  BBR_PROBE_RTT,
  BBR_STARTUP,
  BbrState,
  bbrPacingGain,
  DRAIN_ROUNDS,
  NO_LIMIT,
  PROBE_RTT_DURATION_US,
  STARTUP_FULL_LOSS_COUNT,
} from "./bbr-state";
import { bdpInflight, initPacingRate, probeRttCwnd, setCwnd, setPacingRate } from "./bbr-window";

/** OnInit. `initialCwnd`: the window of a new connection, segments */
export function bbrStart(window: CongestionWindow, initialCwnd: u32): void {
  const bbr = BbrState.at(window.statePtr);
  bbr.initialCwnd = initialCwnd;
  bbr.minRttUs = window.srttUs !== 0 ? window.srttUs : NO_LIMIT;
  bbr.minRttStampUs = window.nowUs;
  bbr.probeRttMinUs = bbr.minRttUs;
  bbr.probeRttMinStampUs = window.nowUs;
  bbr.undoState = BBR_NONE;
  bbr.extraAckedStartUs = window.nowUs;
  bbr.inflightLongterm = NO_LIMIT;
  bbr.probeUpAckedPerInc = NO_LIMIT;
  resetCongestionSignals(bbr);
  resetShortTermModel(bbr);
  resetFullBw(bbr);
  initPacingRate(window, bbr);
  bbr.state = BBR_STARTUP;
  startRound(window, bbr);
}

/** UpdateOnACK. */
export function bbrOnAck(window: CongestionWindow, sample: AckSample): void {
  const bbr = BbrState.at(window.statePtr);
  // UpdateModelAndState
  updateLatestDeliverySignals(bbr, sample);
  updateCongestionSignals(window, bbr, sample);
  updateAckAggregation(window, bbr, sample);
  checkFullBwReached(bbr, sample);
  checkStartupDone(window, bbr, sample);
  checkDrainDone(window, bbr, sample);
  updateProbeBwCyclePhase(window, bbr, sample);
  updateMinRtt(bbr, sample);
  checkProbeRtt(window, bbr, sample);
  advanceLatestDeliverySignals(bbr, sample);
  bbr.bw = min(bbr.maxBw, bbr.bwShortterm); // BoundBWForModel
  // UpdateControlParameters
  setPacingRate(window, bbr, bbrPacingGain(bbr.state));
  setCwnd(window, bbr, sample);
}

/** HandleLostPacket. */
export function bbrOnLost(window: CongestionWindow, lost: LostSample): void {
  const bbr = BbrState.at(window.statePtr);
  noteLoss(window, bbr);
  // Ranges that follow one another are one
  if (lost.seq !== bbr.lastLostEnd && bbr.lossRanges !== 0xff) bbr.lossRanges += 1;
  bbr.lastLostEnd = lost.end;
  probeOnLost(window, bbr, lost);
}

/** OnEnterFastRecovery. What was lost is noted by then, and with it the state before. */
export function bbrOnLoss(window: CongestionWindow): void {
  const bbr = BbrState.at(window.statePtr);
  if (bbr.isLossInRound === 0) saveStateUponLoss(window, bbr);
  bbr.inRecovery = 1;
}

/** A congestion mark: as losses beyond the threshold. */
export function bbrOnEcn(window: CongestionWindow): void {
  const bbr = BbrState.at(window.statePtr);
  probeOnMark(window, bbr);
  if (bbr.state === BBR_STARTUP) fillPipe(window, bbr);
  bbr.inRecovery = 1;
}

/** OnEnterRTO: "a value that will allow 1 C.SMSS to be transmitted". */
export function bbrOnTimeout(window: CongestionWindow): void {
  const bbr = BbrState.at(window.statePtr);
  if (bbr.isLossInRound === 0) saveStateUponLoss(window, bbr);
  bbr.inRecovery = 1;
  window.cwnd = 1;
}

/** RestoreCwnd: a recovery is over. The next ACK bounds the window by the model. */
export function bbrOnRecoveryExit(window: CongestionWindow): void {
  const bbr = BbrState.at(window.statePtr);
  bbr.inRecovery = 0;
  window.cwnd = max(window.cwnd, bbr.priorCwnd);
}

/** HandleSpuriousLossDetection. */
export function bbrOnUndo(window: CongestionWindow): void {
  const bbr = BbrState.at(window.statePtr);
  bbrOnRecoveryExit(window);
  bbr.isLossInRound = 0;
  resetFullBw(bbr);
  bbr.bwShortterm = max(bbr.bwShortterm, bbr.undoBwShortterm);
  bbr.inflightShortterm = max(bbr.inflightShortterm, bbr.undoInflightShortterm);
  bbr.inflightLongterm = max(bbr.inflightLongterm, bbr.undoInflightLongterm);
  // If flow was probing bandwidth, return to that state
  if (bbr.undoState === BBR_STARTUP && bbr.state !== BBR_STARTUP) {
    bbr.fullBwReached = 0;
    if (bbr.state !== BBR_PROBE_RTT) bbr.state = BBR_STARTUP;
  } else if (bbr.undoState === BBR_PROBE_BW_UP && bbr.state !== BBR_PROBE_BW_UP) {
    if (bbr.state !== BBR_PROBE_RTT) startProbeRefill(window, bbr);
  }
  bbr.undoState = BBR_NONE;
}

/** HandleRestartFromIdle: nothing is in flight, and data leaves. */
export function bbrOnTransmitStart(window: CongestionWindow): void {
  const bbr = BbrState.at(window.statePtr);
  if (bbr.hasSeenRtt === 0 && window.srttUs !== 0) {
    // The handshake has measured the path meanwhile
    initPacingRate(window, bbr);
    bbr.minRttUs = min(bbr.minRttUs, window.srttUs);
    bbr.probeRttMinUs = bbr.minRttUs;
  }
  if (window.appLimited === 0) return;
  bbr.idleRestart = 1;
  bbr.extraAckedStartUs = window.nowUs;
  if (bbr.isInProbeBw) setPacingRate(window, bbr, 100);
  else if (bbr.state === BBR_PROBE_RTT) checkProbeRttDone(window, bbr);
}

// CheckStartupDone, with CheckStartupHighLoss
function checkStartupDone(window: CongestionWindow, bbr: BbrState, sample: AckSample): void {
  if (bbr.state !== BBR_STARTUP) return;
  if (bbr.fullBwReached === 0 && isStartupLossHigh(bbr, sample)) fillPipe(window, bbr);
  if (bbr.fullBwReached === 0) return;
  // EnterDrain
  bbr.state = BBR_DRAIN;
  bbr.drainStartRound = bbr.roundCount;
}

// In fast recovery for a round, more than BBR.LossThresh lost in it, in six ranges at least. Without SACK one loss per round is all
// that can be seen
function isStartupLossHigh(bbr: BbrState, sample: AckSample): bool {
  if (sample.inRecovery === 0) return false;
  if (sample.hasSack === 0) return sample.lostSince !== 0;
  if (bbr.lossRoundStart === 0) return false;
  const ranges = bbr.lossRanges;
  bbr.lossRanges = 0;
  return ranges >= STARTUP_FULL_LOSS_COUNT && isInflightTooHigh(sample.lostSince, sample.txInFlight, sample.hasSack);
}

// Losses say that the pipe is full: "max(BBR.bdp, BBR.inflight_latest)" is what it holds
function fillPipe(window: CongestionWindow, bbr: BbrState): void {
  bbr.undoState = BBR_STARTUP;
  bbr.fullBwNow = 1;
  bbr.fullBwReached = 1;
  bbr.inflightLongterm = max(bdpMultiple(window, bbr, bbr.bw, 100), bbr.inflightLatest);
}

// CheckDrainDone, EnterProbeBW
function checkDrainDone(window: CongestionWindow, bbr: BbrState, sample: AckSample): void {
  if (bbr.state !== BBR_DRAIN) return;
  const isDrained = sample.inflight <= bdpInflight(window, bbr);
  if (isDrained || bbr.roundCount > bbr.drainStartRound + DRAIN_ROUNDS) startProbeDown(window, bbr);
}

// CheckProbeRTT
function checkProbeRtt(window: CongestionWindow, bbr: BbrState, sample: AckSample): void {
  if (bbr.state !== BBR_PROBE_RTT && bbr.probeRttExpired !== 0 && bbr.idleRestart === 0) {
    saveCwnd(window, bbr);
    bbr.state = BBR_PROBE_RTT;
    bbr.probeRttDoneUs = 0;
    bbr.ackPhase = ACKS_PROBE_STOPPING;
    startRound(window, bbr);
  }
  if (bbr.state === BBR_PROBE_RTT) handleProbeRtt(window, bbr, sample);
  if (sample.delivered > sample.priorDelivered) bbr.idleRestart = 0;
}

// HandleProbeRTT
function handleProbeRtt(window: CongestionWindow, bbr: BbrState, sample: AckSample): void {
  // Ignore low rate samples during ProbeRTT (MarkConnectionAppLimited)
  window.appLimited = max<u64>(window.delivered + <u64>sample.inflight * window.mss, 1);
  if (bbr.probeRttDoneUs === 0) {
    if (sample.inflight > probeRttCwnd(window, bbr)) return;
    bbr.probeRttDoneUs = window.nowUs + PROBE_RTT_DURATION_US;
    bbr.probeRttRoundDone = 0;
    startRound(window, bbr);
    return;
  }
  if (bbr.roundStart !== 0) bbr.probeRttRoundDone = 1;
  if (bbr.probeRttRoundDone !== 0) checkProbeRttDone(window, bbr);
}

// CheckProbeRTTDone, RestoreCwnd, ExitProbeRTT
function checkProbeRttDone(window: CongestionWindow, bbr: BbrState): void {
  if (bbr.probeRttDoneUs === 0 || window.nowUs <= bbr.probeRttDoneUs) return;
  bbr.probeRttMinStampUs = window.nowUs; // schedule next ProbeRTT
  window.cwnd = max(window.cwnd, bbr.priorCwnd);
  resetShortTermModel(bbr);
  if (bbr.fullBwReached === 0) {
    bbr.state = BBR_STARTUP;
    return;
  }
  startProbeDown(window, bbr);
  startProbeCruise(bbr);
}

// BBR's search for bandwidth in ProbeBW (draft-ietf-ccwg-bbr-06 5.3.3, 5.5.10): DOWN, CRUISE, REFILL, UP, and inflight_longterm, the
// volume beyond which probing has lost too much.
import { randomBelow } from "../../storage/random";
import { AckSample, CongestionWindow, LostSample } from "./ack-sample";
import {
  advanceMaxBwFilter,
  bdpMultiple,
  noteLoss,
  resetCongestionSignals,
  resetFullBw,
  resetShortTermModel,
  startRound,
} from "./bbr-model";
import {
  ACKS_INIT,
  ACKS_PROBE_FEEDBACK,
  ACKS_PROBE_STARTING,
  ACKS_PROBE_STOPPING,
  ACKS_REFILLING,
  BBR_PROBE_BW_CRUISE,
  BBR_PROBE_BW_DOWN,
  BBR_PROBE_BW_REFILL,
  BBR_PROBE_BW_UP,
  BbrState,
  BETA,
  HEADROOM,
  LOSS_THRESH,
  MIN_PIPE_CWND,
  NO_LIMIT,
  PROBE_WAIT_RANDOM_US,
  PROBE_WAIT_US,
  RENO_ROUNDS_MAX,
} from "./bbr-state";
import { quantizationBudget } from "./bbr-window";

/** BBR.bw_probe_up_rounds stays at this. */
const PROBE_UP_ROUNDS_MAX: u8 = 30;

/** StartProbeBW_DOWN. */
export function startProbeDown(window: CongestionWindow, bbr: BbrState): void {
  resetCongestionSignals(bbr);
  bbr.probeUpAckedPerInc = NO_LIMIT; // not growing inflight_longterm
  // PickProbeWait
  bbr.roundsSinceProbeUp = randomBelow(2);
  bbr.probeWaitUs = PROBE_WAIT_US + randomBelow(PROBE_WAIT_RANDOM_US);
  bbr.cycleStampUs = window.nowUs;
  bbr.ackPhase = ACKS_PROBE_STOPPING;
  startRound(window, bbr);
  bbr.state = BBR_PROBE_BW_DOWN;
}

/** StartProbeBW_CRUISE. */
export function startProbeCruise(bbr: BbrState): void {
  bbr.state = BBR_PROBE_BW_CRUISE;
}

/** StartProbeBW_REFILL. */
export function startProbeRefill(window: CongestionWindow, bbr: BbrState): void {
  resetShortTermModel(bbr);
  bbr.probeUpRounds = 0;
  bbr.probeUpAcked = 0;
  bbr.prevProbePrecautionary = 0;
  bbr.ackPhase = ACKS_REFILLING;
  startRound(window, bbr);
  bbr.state = BBR_PROBE_BW_REFILL;
}

/** UpdateProbeBWCyclePhase. */
export function updateProbeBwCyclePhase(window: CongestionWindow, bbr: BbrState, sample: AckSample): void {
  if (bbr.fullBwReached === 0) return; // only handling steady-state behavior here
  if (adaptLongTermModel(window, bbr, sample)) return; // already decided state transition
  switch (bbr.state) {
    case BBR_PROBE_BW_DOWN:
      if (isTimeToProbe(window, bbr)) startProbeRefill(window, bbr);
      else if (isTimeToCruise(window, bbr, sample)) startProbeCruise(bbr);
      break;
    case BBR_PROBE_BW_CRUISE:
      if (isTimeToProbe(window, bbr)) startProbeRefill(window, bbr);
      break;
    case BBR_PROBE_BW_REFILL:
      // After one round of REFILL, start UP
      if (bbr.roundStart === 0) break;
      bbr.isBwProbeSample = 1;
      startProbeUp(window, bbr, sample);
      break;
    case BBR_PROBE_BW_UP:
      if (!isTimeToGoDown(window, bbr, sample)) break;
      bbr.prevProbeTooHigh = 0; // no high loss (yet)
      startProbeDown(window, bbr);
      break;
  }
}

/** HandleLostPacket, less its NoteLoss: a transmission that probed for bandwidth is lost. */
export function probeOnLost(window: CongestionWindow, bbr: BbrState, lost: LostSample): void {
  if (bbr.isBwProbeSample === 0) return; // not a packet sent while probing bandwidth
  if (!isInflightTooHigh(lost.lostSince, lost.txInFlight, lost.hasSack)) return;
  handleInflightTooHigh(window, bbr, inflightAtLoss(lost), lost.appLimited !== 0);
}

/** A congestion mark, which counts as losses beyond BBR.LossThresh do (the draft leaves ECN open, but not that it is congestion). */
export function probeOnMark(window: CongestionWindow, bbr: BbrState): void {
  noteLoss(window, bbr);
  if (bbr.isBwProbeSample !== 0) handleInflightTooHigh(window, bbr, window.inflight, false);
}

/** IsInflightTooHigh: "(RS.lost > RS.tx_in_flight * BBR.LossThresh) || (RS.lost > 0 && !C.has_selective_acks)". */
export function isInflightTooHigh(lost: u32, txInFlight: u32, hasSack: u32): bool {
  return <u64>lost * 100 > <u64>txInFlight * LOSS_THRESH || (lost !== 0 && hasSack === 0);
}

/** InflightWithHeadroom: "free headroom in the bottleneck buffer or link for other flows". */
export function inflightWithHeadroom(bbr: BbrState): u32 {
  if (bbr.inflightLongterm === NO_LIMIT) return NO_LIMIT;
  const headroom = max<u32>(1, <u32>((<u64>bbr.inflightLongterm * HEADROOM) / 100));
  return max<u32>(bbr.inflightLongterm - min(headroom, bbr.inflightLongterm), MIN_PIPE_CWND);
}

// StartProbeBW_UP
function startProbeUp(window: CongestionWindow, bbr: BbrState, sample: AckSample): void {
  bbr.ackPhase = ACKS_PROBE_STARTING;
  startRound(window, bbr);
  resetFullBw(bbr);
  bbr.fullBw = sample.deliveryRate;
  bbr.state = BBR_PROBE_BW_UP;
  raiseSlope(window, bbr);
}

// IsTimeToProbeBW, without the transition; with IsRenoCoexistenceProbeTime
function isTimeToProbe(window: CongestionWindow, bbr: BbrState): bool {
  if (window.nowUs > bbr.cycleStampUs + bbr.probeWaitUs) return true;
  return bbr.roundsSinceProbeUp >= min(targetInflight(window, bbr), RENO_ROUNDS_MAX);
}

// IsTimeToCruise
function isTimeToCruise(window: CongestionWindow, bbr: BbrState, sample: AckSample): bool {
  if (sample.inflight > inflightWithHeadroom(bbr)) return false; // not enough headroom
  return sample.inflight <= quantizationBudget(window, bbr, bdpMultiple(window, bbr, bbr.maxBw, 100));
}

// IsTimeToGoDown
function isTimeToGoDown(window: CongestionWindow, bbr: BbrState, sample: AckSample): bool {
  if (bbr.prevProbeTooHigh !== 0 && sample.inflight >= bbr.inflightLongterm) {
    bbr.prevProbePrecautionary = 1;
    return true;
  }
  if (sample.cwndFull !== 0 && window.cwnd >= bbr.inflightLongterm) {
    resetFullBw(bbr); // bw is limited by inflight_longterm
    bbr.fullBw = sample.deliveryRate;
    return false;
  }
  return bbr.fullBwNow !== 0; // we estimate we've fully used path bw
}

// TargetInflight: "Our estimated BDP, unless congestion cut C.cwnd"
function targetInflight(window: CongestionWindow, bbr: BbrState): u32 {
  return min(bdpMultiple(window, bbr, bbr.bw, 100), window.cwnd);
}

// RaiseInflightLongtermSlope
function raiseSlope(window: CongestionWindow, bbr: BbrState): void {
  const growthThisRound = (<u32>1) << (<u32>bbr.probeUpRounds);
  bbr.probeUpRounds = min<u8>(bbr.probeUpRounds + 1, PROBE_UP_ROUNDS_MAX);
  bbr.probeUpAckedPerInc = max<u32>(window.cwnd / growthThisRound, 1);
}

// ProbeInflightLongtermUpward
function probeLongtermUpward(window: CongestionWindow, bbr: BbrState, sample: AckSample): void {
  if (sample.cwndFull === 0 || window.cwnd < bbr.inflightLongterm) return; // not fully using it, so don't grow it
  bbr.probeUpAcked += sample.deliveredSegments;
  const delta = bbr.probeUpAcked / bbr.probeUpAckedPerInc;
  bbr.probeUpAcked -= delta * bbr.probeUpAckedPerInc;
  bbr.inflightLongterm += delta;
  if (bbr.roundStart !== 0) raiseSlope(window, bbr);
}

// AdaptLongTermModel. Returns true if it decided a state transition
function adaptLongTermModel(window: CongestionWindow, bbr: BbrState, sample: AckSample): bool {
  if (bbr.ackPhase === ACKS_PROBE_STARTING && bbr.roundStart !== 0) bbr.ackPhase = ACKS_PROBE_FEEDBACK;
  if (bbr.ackPhase === ACKS_PROBE_STOPPING && bbr.roundStart !== 0) {
    // end of samples from bw probing phase
    bbr.isBwProbeSample = 0;
    bbr.ackPhase = ACKS_INIT;
    if (bbr.isInProbeBw && sample.appLimited === 0) advanceMaxBwFilter(bbr);
    if (bbr.isInProbeBw && bbr.prevProbePrecautionary !== 0 && bbr.prevProbeTooHigh === 0) {
      startProbeRefill(window, bbr);
      return true;
    }
  }
  if (isInflightTooHigh(sample.lostSince, sample.txInFlight, sample.hasSack)) return false;
  // Loss rate is safe. Adjust upper bounds upward
  if (bbr.inflightLongterm === NO_LIMIT) return false; // no upper bounds to raise
  bbr.inflightLongterm = max(bbr.inflightLongterm, sample.txInFlight);
  if (bbr.state === BBR_PROBE_BW_UP) probeLongtermUpward(window, bbr, sample);
  return false;
}

// HandleInflightTooHigh
function handleInflightTooHigh(window: CongestionWindow, bbr: BbrState, volume: u32, isAppLimited: bool): void {
  bbr.prevProbeTooHigh = 1;
  bbr.isBwProbeSample = 0; // only react once per bw probe
  if (!isAppLimited) bbr.inflightLongterm = max<u32>(volume, (targetInflight(window, bbr) * BETA) / 100);
  if (bbr.state !== BBR_PROBE_BW_UP) return;
  bbr.undoState = BBR_PROBE_BW_UP;
  startProbeDown(window, bbr);
}

// InflightAtLoss: at what prefix of the transmission losses crossed BBR.LossThresh
//   lost_prefix = (BBR.LossThresh * inflight_prev - lost_prev) / (1 - BBR.LossThresh)
function inflightAtLoss(lost: LostSample): u32 {
  const before = lost.txInFlight > lost.segments ? lost.txInFlight - lost.segments : 0;
  const lostBefore = lost.lostSince > lost.segments ? lost.lostSince - lost.segments : 0;
  const budget = <u64>before * LOSS_THRESH;
  const used = <u64>lostBefore * 100;
  return before + (budget > used ? <u32>((budget - used) / (100 - LOSS_THRESH)) : 0);
}

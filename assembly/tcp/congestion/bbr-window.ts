// What BBR answers with (draft-ietf-ccwg-bbr-06 5.6): pacing rate and window, out of the model and the state. The send quantum is
// ../new-data.ts's, which cuts every paced connection's super-segments so.
import { AckSample, CongestionWindow } from "./ack-sample";
import { bdpMultiple } from "./bbr-model";
import { inflightWithHeadroom } from "./bbr-probe";
import {
  BBR_PROBE_BW_CRUISE,
  BBR_PROBE_BW_UP,
  BBR_PROBE_RTT,
  BBR_STARTUP,
  BbrState,
  bbrCwndGain,
  bbrPacingGain,
  MIN_PIPE_CWND,
  NO_LIMIT,
  PACING_MARGIN,
} from "./bbr-state";

/** C.send_quantum is a millisecond's worth, two segments to 64 KiB; BBR.offload_budget is three of it. */
const QUANTA_PER_SECOND: u64 = 1000;
const QUANTUM_MAX: u64 = 65536;
const OFFLOAD_QUANTA: u32 = 3;

/** QuantizationBudget: what it takes to keep sender, receiver and delayed ACKs busy. */
export function quantizationBudget(window: CongestionWindow, bbr: BbrState, inflight: u32): u32 {
  const mss = max<u32>(window.mss, 1);
  const quantum = max<u64>(min<u64>(window.pacingRate / QUANTA_PER_SECOND, QUANTUM_MAX), 2 * mss);
  const budget = OFFLOAD_QUANTA * <u32>((quantum + mss - 1) / mss);
  const volume = max<u32>(max<u32>(inflight, budget), MIN_PIPE_CWND);
  return bbr.state === BBR_PROBE_BW_UP ? volume + 2 : volume;
}

/** Inflight(1.0): the BDP, and what it takes to use it. */
export function bdpInflight(window: CongestionWindow, bbr: BbrState): u32 {
  return quantizationBudget(window, bbr, bdpMultiple(window, bbr, bbr.bw, 100));
}

/** InitPacingRate: the first window over the first round trip, or over 1 ms while there is none. */
export function initPacingRate(window: CongestionWindow, bbr: BbrState): void {
  const bytes = <u64>bbr.initialCwnd * window.mss;
  const rttUs: u64 = window.srttUs !== 0 ? window.srttUs : 1000;
  window.pacingRate = max<u64>((bytes * 10000 * bbrPacingGain(BBR_STARTUP)) / rttUs, 1);
  if (window.srttUs !== 0) bbr.hasSeenRtt = 1;
}

/** SetPacingRateWithGain. `gain`: per cent */
export function setPacingRate(window: CongestionWindow, bbr: BbrState, gain: u32): void {
  if (bbr.hasSeenRtt === 0 && window.srttUs !== 0) initPacingRate(window, bbr);
  const rate = <u64>((<f64>bbr.bw * <f64>gain * <f64>(100 - PACING_MARGIN)) / 1e4);
  if (rate !== 0 && (bbr.fullBwReached !== 0 || rate > window.pacingRate)) window.pacingRate = rate;
}

/** SetCwnd. */
export function setCwnd(window: CongestionWindow, bbr: BbrState, sample: AckSample): void {
  // UpdateMaxInflight
  const bdp = bdpMultiple(window, bbr, bbr.bw, bbrCwndGain(bbr.state));
  const maxInflight = quantizationBudget(window, bbr, bdp + bbr.extraAcked);
  const grown = window.cwnd + sample.deliveredSegments;
  if (bbr.fullBwReached !== 0) window.cwnd = min(grown, maxInflight);
  else if (window.cwnd < maxInflight || sample.delivered < <u64>bbr.initialCwnd * window.mss) window.cwnd = grown;
  window.cwnd = max(window.cwnd, MIN_PIPE_CWND);
  if (bbr.state === BBR_PROBE_RTT) window.cwnd = min(window.cwnd, probeRttCwnd(window, bbr));
  boundCwndForModel(window, bbr);
}

/** ProbeRTTCwnd. */
export function probeRttCwnd(window: CongestionWindow, bbr: BbrState): u32 {
  return max<u32>(bdpMultiple(window, bbr, bbr.bw, bbrCwndGain(BBR_PROBE_RTT)), MIN_PIPE_CWND);
}

// BoundCwndForModel
function boundCwndForModel(window: CongestionWindow, bbr: BbrState): void {
  let cap = NO_LIMIT;
  if (bbr.state === BBR_PROBE_RTT || bbr.state === BBR_PROBE_BW_CRUISE) cap = inflightWithHeadroom(bbr);
  else if (bbr.isInProbeBw) cap = bbr.inflightLongterm;
  cap = max<u32>(min(cap, bbr.inflightShortterm), MIN_PIPE_CWND);
  window.cwnd = min(window.cwnd, cap);
}

// What BBR version 1 answers with (draft-cardwell-iccrg-bbr-congestion-control-00 4.2): pacing rate and window, out of the model and the
// state. A loss does not lower the estimate: it only makes the first round of a recovery send no more than arrives.
import { AckSample, CongestionWindow } from "./ack-sample";
import {
  BBR1_EXTRA_ACKED_MAX_US,
  BBR1_HIGH_GAIN,
  BBR1_MIN_CWND,
  BBR1_NO_RTT,
  BBR1_PACING_MARGIN,
  BBR1_PROBE_BW,
  BBR1_PROBE_RTT,
  BBR1_UNIT,
  Bbr1State,
  bbr1CwndGain,
} from "./bbr1-state";

/** No volume of the model is larger, segments. */
const VOLUME_MAX: f64 = 16777216;
/** A super-segment is about a millisecond's worth, two segments to 64 KiB; three of them are under way in the hosts. */
const QUANTA_PER_SECOND: u64 = 1024;
const QUANTUM_MAX: u64 = 65536;
const QUANTA: u32 = 3;

/** BBRInflight(gain): the BDP times a gain, and what it takes to use it with super-segments and delayed ACKs. */
export function bbr1Inflight(window: CongestionWindow, bbr: Bbr1State, gain: u32): u32 {
  return quantized(window, bbr, bdp(window, bbr, gain));
}

/** BBRInitPacingRate: the first window over the first round trip, or over 1 ms while there is none. */
export function bbr1InitPacing(window: CongestionWindow, bbr: Bbr1State): void {
  const rttUs: u64 = window.srttUs !== 0 ? window.srttUs : 1000;
  if (window.srttUs !== 0) bbr.hasSeenRtt = 1;
  const bw = (<u64>window.cwnd * window.mss * 1000000) / rttUs;
  window.pacingRate = max<u64>(pacingRate(bw, BBR1_HIGH_GAIN), 1);
}

/** BBRSetPacingRateWithGain: until the pipe is full the rate only rises. `gain`: 256ths */
export function bbr1SetPacing(window: CongestionWindow, bbr: Bbr1State, gain: u32): void {
  if (bbr.hasSeenRtt === 0 && window.srttUs !== 0) bbr1InitPacing(window, bbr);
  const rate = pacingRate(bbr.bw, gain);
  if (rate !== 0 && (bbr.filledPipe !== 0 || rate > window.pacingRate)) window.pacingRate = rate;
}

/** BBRSetCwnd. */
export function bbr1SetCwnd(window: CongestionWindow, bbr: Bbr1State, sample: AckSample): void {
  if (sample.deliveredSegments !== 0 && !conserve(window, bbr, sample)) {
    const volume = bdp(window, bbr, bbr1CwndGain(bbr.state)) + aggregation(window, bbr);
    const target = quantized(window, bbr, volume);
    const grown = window.cwnd + sample.deliveredSegments;
    if (bbr.filledPipe !== 0) window.cwnd = min(grown, target);
    else if (window.cwnd < target || sample.delivered < <u64>bbr.initialCwnd * window.mss) window.cwnd = grown;
    window.cwnd = max(window.cwnd, BBR1_MIN_CWND);
  }
  if (bbr.state === BBR1_PROBE_RTT) window.cwnd = min(window.cwnd, BBR1_MIN_CWND);
}

/** BBRSaveCwnd: the last window that neither loss recovery nor ProbeRTT had cut. */
export function bbr1SaveCwnd(window: CongestionWindow, bbr: Bbr1State): void {
  const isCut = bbr.inRecovery !== 0 || bbr.state === BBR1_PROBE_RTT;
  bbr.priorCwnd = isCut ? max(bbr.priorCwnd, window.cwnd) : window.cwnd;
}

/** BBRRestoreCwnd. */
export function bbr1RestoreCwnd(window: CongestionWindow, bbr: Bbr1State): void {
  window.cwnd = max(window.cwnd, bbr.priorCwnd);
}

// BBRModulateCwndForRecovery. Returns true if the window is set: in the first round as much leaves as arrives
function conserve(window: CongestionWindow, bbr: Bbr1State, sample: AckSample): bool {
  if (sample.lostSegments !== 0) {
    window.cwnd = window.cwnd > sample.lostSegments ? window.cwnd - sample.lostSegments : 1;
  }
  const held = sample.inflight + sample.deliveredSegments;
  if (bbr.recoveryBegins !== 0) {
    bbr.recoveryBegins = 0;
    bbr.isConserving = 1;
    bbr.nextRoundDelivered = window.delivered; // the round begins now
    window.cwnd = held;
  }
  if (bbr.isConserving === 0) return false;
  window.cwnd = max(window.cwnd, held);
  return true;
}

// `gain` times bandwidth times round trip, segments; the first window while there is no round trip
function bdp(window: CongestionWindow, bbr: Bbr1State, gain: u32): u32 {
  if (bbr.minRttUs === BBR1_NO_RTT) return bbr.initialCwnd;
  const bytes = (<f64>bbr.bw * <f64>bbr.minRttUs * <f64>gain) / (1e6 * <f64>BBR1_UNIT);
  return <u32>min<f64>(Math.ceil(bytes / <f64>max<u32>(window.mss, 1)), VOLUME_MAX);
}

// Linux's bbr_quantization_budget: an even number, and two more while the first phase of the cycle asks for more
function quantized(window: CongestionWindow, bbr: Bbr1State, volume: u32): u32 {
  const mss = max<u32>(window.mss, 1);
  const quantum = max<u64>(min<u64>(window.pacingRate / QUANTA_PER_SECOND, QUANTUM_MAX) / mss, 2);
  const budget = (volume + QUANTA * <u32>quantum + 1) & ~1;
  return bbr.state === BBR1_PROBE_BW && bbr.cycleIndex === 0 ? budget + 2 : budget;
}

// Linux's bbr_ack_aggregation_cwnd
function aggregation(window: CongestionWindow, bbr: Bbr1State): u32 {
  if (bbr.filledPipe === 0) return 0;
  const most = (<f64>bbr.bw * <f64>BBR1_EXTRA_ACKED_MAX_US) / (1e6 * <f64>max<u32>(window.mss, 1));
  return min(bbr.extraAcked, <u32>min<f64>(most, VOLUME_MAX));
}

function pacingRate(bw: u64, gain: u32): u64 {
  return <u64>((<f64>bw * <f64>gain * <f64>(100 - BBR1_PACING_MARGIN)) / (100 * <f64>BBR1_UNIT));
}

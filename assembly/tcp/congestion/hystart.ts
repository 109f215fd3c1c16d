// When slow start of CUBIC ends before it loses anything. tcp_cubic_hystart = 1: HyStart as Linux has it (Ha and Rhee 2011), which
// looks for a train of ACKs as long as half the path's delay and for a round trip that grows, and then ends slow start at once.
// 2: HyStart++ (RFC 9406), which looks for the latter only and then grows at a quarter of the pace for five rounds (CSS), going
// back if it was mistaken. 0: neither.
import { SSTHRESH_NONE, SYSCTL_TCP_CUBIC_HYSTART } from "../../layout";
import { seqGt } from "../seq";
import { AckSample, CongestionWindow } from "./ack-sample";
import { CubicState } from "./cubic-state";
import { slowStart } from "./growth";

const OFF: u32 = 0;
const PLUS_PLUS: u32 = 2;
/** Windows smaller than this are not looked at (Linux's hystart_low_window). */
const LOW_WINDOW: u32 = 16;
/** ACKs no further apart than this are one train, µs. */
const ACK_DELTA_US: u32 = 2000;
/** What bunching of ACKs by super-segments may add to a train: four of the largest, at most this long, µs. */
const ACK_DELAY_MAX_US: u64 = 1000;
const ACK_DELAY_BYTES: u64 = 4 * 65536;
/** RFC 9406 4.2: N_RTT_SAMPLE, MIN_RTT_THRESH, MAX_RTT_THRESH, MIN_RTT_DIVISOR; Linux's HyStart has the same four. */
const RTT_SAMPLES: u8 = 8;
const RTT_THRESH_MIN_US: u32 = 4000;
const RTT_THRESH_MAX_US: u32 = 16000;
const RTT_DIVISOR: u32 = 8;
/** RFC 9406 4.2: CSS_GROWTH_DIVISOR, CSS_ROUNDS. */
const CSS_GROWTH_DIVISOR: u32 = 4;
const CSS_ROUNDS: u8 = 5;

/** A slow start begins: forgets the rounds of an earlier one. */
export function hystartReset(state: CubicState, nxt: u32, nowUs: u64): void {
  state.found = 0;
  state.cssRounds = 0;
  state.cssAcked = 0;
  state.lastAckUs = 0;
  state.roundRttUs = U32.MAX_VALUE;
  beginRound(state, nxt, <u32>nowUs);
  if (load<u32>(SYSCTL_TCP_CUBIC_HYSTART) === PLUS_PLUS) state.roundStartUs = 0;
}

/** In slow start an ACK gave a round trip: looks for the end, and sets ssthresh to the window there. */
export function hystartOnRoundTrip(window: CongestionWindow, state: CubicState, sample: AckSample): void {
  const kind = load<u32>(SYSCTL_TCP_CUBIC_HYSTART);
  if (kind === OFF || state.found !== 0) return;
  if (kind === PLUS_PLUS) plusPlus(window, state, sample);
  else classic(window, state, sample);
}

/** Slow start, at a quarter of the pace in CSS. @returns segments of `acked` that are left for congestion avoidance */
export function hystartGrow(window: CongestionWindow, state: CubicState, acked: u32): u32 {
  if (state.cssRounds === 0) return slowStart(window, acked);
  // RFC 9406 4.2: cwnd = cwnd + (min(N, L * SMSS) / CSS_GROWTH_DIVISOR)
  const sum = acked + state.cssAcked;
  state.cssAcked = <u8>(sum % CSS_GROWTH_DIVISOR);
  slowStart(window, sum / CSS_GROWTH_DIVISOR);
  return 0;
}

function classic(window: CongestionWindow, state: CubicState, sample: AckSample): void {
  if (window.cwnd < LOW_WINDOW) return; // and no round begins either
  const nowUs = <u32>sample.nowUs;
  if (seqGt(sample.una, state.roundEnd)) {
    beginRound(state, sample.nxt, nowUs);
    state.roundRttUs = U32.MAX_VALUE;
  }
  if (nowUs - state.lastAckUs <= ACK_DELTA_US) {
    state.lastAckUs = nowUs;
    if (nowUs - state.roundStartUs > trainLimitUs(window, state)) {
      endSlowStart(window, state);
      return;
    }
  }
  if (sample.rttUs < state.roundRttUs) state.roundRttUs = sample.rttUs;
  if (state.samples < RTT_SAMPLES) state.samples += 1;
  else if (state.roundRttUs > state.delayMinUs + rttThreshold(state.delayMinUs)) endSlowStart(window, state);
}

// Half of the smallest round trip, as a train that long means that the data fills the way there; all of it if the sender is paced,
// which stretches trains by itself
function trainLimitUs(window: CongestionWindow, state: CubicState): u32 {
  // At slow start's rate of twice the window per round trip
  const perRound = 2 * <u64>window.cwnd * window.mss;
  const slackUs = perRound === 0 ? 0 : min<u64>((ACK_DELAY_BYTES * window.srttUs) / perRound, ACK_DELAY_MAX_US);
  const limitUs = state.delayMinUs + <u32>slackUs;
  return window.pacingRate === 0 ? limitUs >> 1 : limitUs;
}

function plusPlus(window: CongestionWindow, state: CubicState, sample: AckSample): void {
  // RFC 9406 4.3: "HyStart++ SHOULD only be used for the initial slow start"
  if (window.ssthresh < <u32>SSTHRESH_NONE) return;
  if (seqGt(sample.una, state.roundEnd)) {
    const lastRoundUs = state.roundRttUs === U32.MAX_VALUE ? 0 : state.roundRttUs;
    beginRound(state, sample.nxt, lastRoundUs);
    state.roundRttUs = U32.MAX_VALUE;
    if (state.cssRounds !== 0) {
      if (state.cssRounds === CSS_ROUNDS) {
        endSlowStart(window, state);
        return;
      }
      state.cssRounds += 1;
    }
  }
  if (sample.rttUs < state.roundRttUs) state.roundRttUs = sample.rttUs;
  if (state.samples < RTT_SAMPLES) state.samples += 1;
  if (state.samples < RTT_SAMPLES) return;
  if (state.cssRounds !== 0) {
    // "if (currentRoundMinRTT < cssBaselineMinRtt) [...] resume slow start including HyStart++"
    if (state.roundRttUs >= state.lastAckUs) return;
    state.cssRounds = 0;
    state.lastAckUs = 0;
  } else if (state.roundStartUs !== 0 && state.roundRttUs >= state.roundStartUs + rttThreshold(state.roundStartUs)) {
    state.lastAckUs = state.roundRttUs;
    state.cssRounds = 1; // the partial round counts
    state.cssAcked = 0;
  }
}

function rttThreshold(rttUs: u32): u32 {
  return max(RTT_THRESH_MIN_US, min(rttUs / RTT_DIVISOR, RTT_THRESH_MAX_US));
}

// `stamp`: what roundStartUs means in the kind of HyStart that is on
function beginRound(state: CubicState, nxt: u32, stamp: u32): void {
  state.roundStartUs = stamp;
  if (load<u32>(SYSCTL_TCP_CUBIC_HYSTART) !== PLUS_PLUS) state.lastAckUs = stamp;
  state.roundEnd = nxt;
  state.samples = 0;
}

function endSlowStart(window: CongestionWindow, state: CubicState): void {
  state.found = 1;
  state.cssRounds = 0;
  window.ssthresh = window.cwnd;
}

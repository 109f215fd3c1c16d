// CUBIC congestion control, RFC 9438, with Linux's choices where it leaves some: after a congestion at W_max the window follows
// W(t) = C * (t - K)^3 + W_max, flat around W_max and steep far from it, whatever the round trip; where Reno would be faster, it
// follows Reno (4.3). An ACK never shrinks the window. Slow start ends by hystart.ts. Sees numbers only.
import { AckSample, CongestionWindow } from "./ack-sample";
import { CubicState } from "./cubic-state";
import { increaseEvery } from "./growth";
import { hystartGrow, hystartOnRoundTrip, hystartReset } from "./hystart";

// beta_cubic = 0.7 (RFC 9438 4.6), in 1/1024
const BETA: u32 = 717;
const BETA_ONE: u32 = 1024;
// Time in 1/1024 s: C = 0.4 segments/s^3 is 410 / 2^10, and with t^3 in 2^-30 s^3 the product is in 2^-40 segments
const C_SCALED: u64 = 410;
const CURVE_SHIFT: u64 = 40;
/** Further from K the curve is beyond any window, and its cube beyond 64 bits. */
const OFFSET_MAX: u64 = 1 << 18;
/** RFC 9438 4.3, alpha_cubic = 3 * (1 - beta) / (1 + beta): Reno's step takes 15/8 windows of segments, as Linux rounds it. */
const RENO_EIGHTHS: u32 = 15;
/** Within this time the same window has the same slope, ms. */
const UPDATE_INTERVAL_MS: u32 = 31;
/** Before the first congestion there is no W_max: at least 5 % per round trip. */
const FIRST_EVERY_MAX: u32 = 20;
/** On the plateau: 1 % per round trip. */
const PLATEAU_WINDOWS: u32 = 100;
/** RFC 9438 4.2: the target is at most 1.5 windows. */
const EVERY_MIN: u32 = 2;
/** Round trips right after a recovery are not of the path alone, ms. */
const SETTLE_MS: u32 = 1000;

/** The connection starts, or starts anew with this algorithm. */
export function cubicStart(window: CongestionWindow): void {
  hystartReset(CubicState.at(window.statePtr), window.nxt, window.nowUs);
}

/** RFC 9438 4.2 to 4.5. */
export function cubicOnAck(window: CongestionWindow, sample: AckSample): void {
  const state = CubicState.at(window.statePtr);
  if (sample.rttUs !== 0) noteRoundTrip(window, state, sample);
  // RFC 9438 5.8: a window that is not used says nothing about the path
  if (sample.mayGrow === 0 || sample.cwndLimited === 0) return;
  let acked = sample.ackedSegments;
  if (window.cwnd < window.ssthresh) {
    acked = hystartGrow(window, state, acked);
    if (acked === 0) return;
  }
  updateSlope(state, window.cwnd, acked, toMs(sample.nowUs));
  increaseEvery(window, changetype<usize>(state) + offsetof<CubicState>("acked"), state.every, acked);
}

/** RFC 9438 4.6 and 4.7: multiplicative decrease, and fast convergence if the window was still below W_max. */
export function cubicOnLoss(window: CongestionWindow): void {
  const state = CubicState.at(window.statePtr);
  state.epochMs = 0;
  const isShrinking = window.cwnd < state.lastMaxCwnd;
  state.lastMaxCwnd = isShrinking ? scaled(window.cwnd, BETA_ONE + BETA) >> 1 : window.cwnd;
  window.ssthresh = max<u32>(scaled(window.cwnd, BETA), 2);
}

/** RFC 9438 4.8: as after a loss, and all that is known of the path is old. */
export function cubicOnTimeout(window: CongestionWindow, isFirst: bool): void {
  if (isFirst) cubicOnLoss(window);
  window.cwnd = 1;
  const state = CubicState.at(window.statePtr);
  memory.fill(changetype<usize>(state), 0, offsetof<CubicState>("roundEnd"));
  hystartReset(state, window.nxt, window.nowUs);
}

/** RFC 9438 5.8: the time without data does not count, or the curve would have run away meanwhile. */
export function cubicOnTransmitStart(window: CongestionWindow, idleUs: u64): void {
  const state = CubicState.at(window.statePtr);
  if (state.epochMs === 0) return;
  const nowMs = toMs(window.nowUs);
  const moved = state.epochMs + <u32>(idleUs / 1000);
  state.epochMs = max<u32>(1, <i32>(moved - nowMs) > 0 ? nowMs : moved);
}

function toMs(us: u64): u32 {
  return <u32>(us / 1000);
}

function noteRoundTrip(window: CongestionWindow, state: CubicState, sample: AckSample): void {
  if (state.epochMs !== 0 && toMs(sample.nowUs) - state.epochMs < SETTLE_MS) return;
  if (state.delayMinUs === 0 || sample.rttUs < state.delayMinUs) state.delayMinUs = sample.rttUs;
  if (window.cwnd < window.ssthresh) hystartOnRoundTrip(window, state, sample);
}

// Sets state.every from where the curve is one round trip from now (RFC 9438 4.4, 4.5), and from Reno's window (4.3)
function updateSlope(state: CubicState, cwnd: u32, acked: u32, nowMs: u32): void {
  state.epochAcked += acked;
  if (state.lastCwnd === cwnd && nowMs - state.lastTimeMs <= UPDATE_INTERVAL_MS) return;
  // The curve moves once per ms, Reno's window with each ACK
  if (state.epochMs === 0 || nowMs !== state.lastTimeMs) {
    state.lastCwnd = cwnd;
    state.lastTimeMs = nowMs;
    if (state.epochMs === 0) beginEpoch(state, cwnd, acked, nowMs);
    const target = curve(state, nowMs);
    state.every = target > cwnd ? cwnd / (target - cwnd) : PLATEAU_WINDOWS * cwnd;
    if (state.lastMaxCwnd === 0 && state.every > FIRST_EVERY_MAX) state.every = FIRST_EVERY_MAX;
  }
  followReno(state, cwnd);
  state.every = max(state.every, EVERY_MIN);
}

function beginEpoch(state: CubicState, cwnd: u32, acked: u32, nowMs: u32): void {
  state.epochMs = max<u32>(nowMs, 1);
  state.epochAcked = acked;
  state.renoCwnd = cwnd;
  if (state.lastMaxCwnd <= cwnd) {
    state.k = 0;
    state.originPoint = cwnd;
  } else {
    // RFC 9438 4.2: K = cubic_root((W_max - cwnd_epoch) / C)
    const distance = state.lastMaxCwnd - cwnd;
    state.k = <u32>NativeMath.cbrt((<f64>distance * <f64>((<u64>1) << CURVE_SHIFT)) / <f64>C_SCALED);
    state.originPoint = state.lastMaxCwnd;
  }
}

// W_cubic(t + RTT), segments
function curve(state: CubicState, nowMs: u32): u32 {
  const elapsedMs = <u64>(nowMs - state.epochMs) + state.delayMinUs / 1000;
  const t = (elapsedMs << 10) / 1000;
  const isBefore = t < state.k;
  const offset = min(isBefore ? state.k - t : t - state.k, OFFSET_MAX);
  const distance = <u32>((C_SCALED * offset * offset * offset) >> CURVE_SHIFT);
  if (!isBefore) return state.originPoint + distance;
  return state.originPoint > distance ? state.originPoint - distance : 0;
}

// RFC 9438 4.3: the window that Reno with CUBIC's decrease would have; if it is larger, grow as fast as it takes to get there
function followReno(state: CubicState, cwnd: u32): void {
  const step = max<u32>((cwnd * RENO_EIGHTHS) >> 3, 1);
  const steps = state.epochAcked / step;
  state.epochAcked -= steps * step;
  state.renoCwnd += steps;
  if (state.renoCwnd > cwnd) state.every = min(state.every, cwnd / (state.renoCwnd - cwnd));
}

function scaled(cwnd: u32, factor: u32): u32 {
  return <u32>((<u64>cwnd * factor) / BETA_ONE);
}

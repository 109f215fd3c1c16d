// Westwood+ congestion control (Mascolo, Casetti, Gerla 2001; Grieco and Mascolo 2004), as an example of a user's own: grows as Reno does,
// but after a loss goes back to what the path has delivered in its shortest round trip instead of to half. Random losses of a radio
// link then cost little. `npx tsx examples/congestion/add-to-core.ts examples/congestion/westwood.ts` puts it beside the others.
import { seqGt } from "../seq";
import { AckSample, CongestionWindow } from "./ack-sample";
import { renoOnAck, renoOnTimeout } from "./reno";

/** The newest round's rate counts one eighth. */
const GAIN_SHIFT: u64 = 3;
const WINDOW_MIN: u32 = 2;

/** At most 64 bytes, in the TCB; zero when the connection starts. */
@unmanaged
@final
class WestwoodState {
  acked: u32; // the first word is renoOnAck's
  roundEnd: u32; // SND.NXT when this round began
  minRttUs: u32; // shortest round trip so far, 0 = none
  reserved: u32;
  bandwidth: u64; // bytes/s, smoothed over rounds; 0 = no sample yet
  roundBandwidth: u64; // largest sample of this round
}

function stateOf(window: CongestionWindow): WestwoodState {
  return changetype<WestwoodState>(window.statePtr);
}

/** The connection is established. */
export function westwoodStart(window: CongestionWindow): void {
  stateOf(window).roundEnd = window.nxt;
}

/** Called for every ACK that delivers something, in a recovery too (then sample.mayGrow is 0). */
export function westwoodOnAck(window: CongestionWindow, sample: AckSample): void {
  const state = stateOf(window);
  if (sample.rttUs !== 0 && (state.minRttUs === 0 || sample.rttUs < state.minRttUs)) state.minRttUs = sample.rttUs;
  // A rate that the application set says nothing about the path, unless it is more than we knew
  if (sample.appLimited === 0 || sample.deliveryRate > state.bandwidth) {
    state.roundBandwidth = max(state.roundBandwidth, sample.deliveryRate);
  }
  if (seqGt(sample.una, state.roundEnd)) {
    state.roundEnd = sample.nxt;
    endRound(state);
  }
  renoOnAck(window, sample);
}

/** A recovery begins: the window will be ssthresh when it ends. */
export function westwoodOnLoss(window: CongestionWindow, flight: u32): void {
  window.ssthresh = pathSegments(window, flight);
  stateOf(window).acked = 0;
}

/** The retransmission timer expired: from one segment up to what the path holds. */
export function westwoodOnTimeout(window: CongestionWindow, flight: u32, isFirst: bool): void {
  const ssthresh = pathSegments(window, flight);
  renoOnTimeout(window, flight, isFirst);
  if (isFirst) window.ssthresh = ssthresh;
}

function endRound(state: WestwoodState): void {
  const newest = state.roundBandwidth;
  state.roundBandwidth = 0;
  if (newest === 0) return;
  const known = state.bandwidth;
  state.bandwidth = known === 0 ? newest : known - (known >> GAIN_SHIFT) + (newest >> GAIN_SHIFT);
}

// Bandwidth times shortest round trip; half of the flight, as Reno, before there is a measurement
function pathSegments(window: CongestionWindow, flight: u32): u32 {
  const state = stateOf(window);
  const bandwidth = max(state.bandwidth, state.roundBandwidth);
  if (bandwidth === 0 || state.minRttUs === 0 || window.mss === 0) return max<u32>(flight >> 1, WINDOW_MIN);
  const bytes = (<f64>bandwidth * <f64>state.minRttUs) / 1e6;
  const segments = <u32>min<f64>(bytes / <f64>window.mss, <f64>window.cwnd);
  return max<u32>(segments, WINDOW_MIN);
}

// Reno congestion control, RFC 5681: slow start, congestion avoidance, and what a loss does to ssthresh. Sees numbers only.
// The window grows by the segments an ACK covers (RFC 3465 without its limit L, as Linux does): one ACK may stand for a whole
// super-segment, and a step of one SMSS per ACK would starve such a path.
import { AckSample, CongestionWindow } from "./ack-sample";

// Own state: u32 at 0, segments acknowledged towards the next step of congestion avoidance
const ACKED: usize = 0;

/** RFC 5681 3.1: slow start below ssthresh, from there about one segment per round trip. */
export function renoOnAck(window: CongestionWindow, sample: AckSample): void {
  // RFC 9293 3.8.2 and RFC 7661: a window that is not used says nothing about the path
  if (sample.cwndLimited === 0) return;
  let acked = sample.ackedSegments;
  if (window.cwnd < window.ssthresh) {
    const grown = min(window.cwnd + acked, window.ssthresh);
    acked -= grown - window.cwnd;
    window.cwnd = grown;
    if (acked === 0) return;
  }
  avoidCongestion(window, acked);
}

/** RFC 5681 3.1 (4): ssthresh = max(FlightSize / 2, 2 * SMSS). */
export function renoOnLoss(window: CongestionWindow, flight: u32): void {
  window.ssthresh = max<u32>(min(flight, window.cwnd) >> 1, 2);
  store<u32>(window.statePtr, 0, ACKED);
}

/** RFC 5681 3.1: "cwnd MUST be set to no more than the loss window, LW, which equals 1 full-sized segment". */
export function renoOnTimeout(window: CongestionWindow, flight: u32, isFirst: bool): void {
  if (isFirst) renoOnLoss(window, flight);
  window.cwnd = 1;
  store<u32>(window.statePtr, 0, ACKED);
}

/** RFC 4015 3.2: the window of before the reduction, or the larger one it has grown to since. */
export function renoOnUndo(window: CongestionWindow, priorCwnd: u32, priorSsthresh: u32): void {
  window.cwnd = max(window.cwnd, priorCwnd);
  window.ssthresh = max(window.ssthresh, priorSsthresh);
}

// RFC 5681 3.1: one segment more for each window of segments acknowledged
function avoidCongestion(window: CongestionWindow, acked: u32): void {
  let sum = load<u32>(window.statePtr, ACKED) + acked;
  if (sum >= window.cwnd) {
    const steps = sum / window.cwnd;
    sum -= steps * window.cwnd;
    window.cwnd += steps;
  }
  store<u32>(window.statePtr, sum, ACKED);
}

// Reno congestion control, RFC 5681: slow start, congestion avoidance, and what a loss does to ssthresh. Sees numbers only. What
// another algorithm does not do in its own way, it does as Reno.
import { AckSample, CongestionWindow } from "./ack-sample";
import { increaseEvery, slowStart } from "./growth";

// Own state: u32 at 0, segments acknowledged towards the next step of congestion avoidance
const ACKED: usize = 0;

/** RFC 5681 3.1: slow start below ssthresh, from there about one segment per round trip. */
export function renoOnAck(window: CongestionWindow, sample: AckSample): void {
  // RFC 9293 3.8.2 and RFC 7661: a window that is not used says nothing about the path
  if (sample.mayGrow === 0 || sample.cwndLimited === 0) return;
  let acked = sample.ackedSegments;
  if (window.cwnd < window.ssthresh) {
    acked = slowStart(window, acked);
    if (acked === 0) return;
  }
  increaseEvery(window, window.statePtr + ACKED, window.cwnd, acked);
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

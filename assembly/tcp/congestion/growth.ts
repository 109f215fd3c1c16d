// The two ways in which loss-based algorithms open a window, RFC 5681 3.1: by what is acknowledged (slow start), and by one segment for
// each `every` segments acknowledged. Both count segments that an ACK covers in full, never ACKs: one ACK may stand for a whole
// super-segment, and a peer that divides its ACKs gains nothing (RFC 3465 without its limit L, as Linux does).
import { CongestionWindow } from "./ack-sample";

/** Below ssthresh, and not beyond it. @returns segments of `acked` that are left for congestion avoidance */
export function slowStart(window: CongestionWindow, acked: u32): u32 {
  const grown = min(window.cwnd + acked, window.ssthresh);
  const left = acked - (grown - window.cwnd);
  window.cwnd = grown;
  return left;
}

/**
 * One segment more for each `every` segments acknowledged.
 * @param countPtr -> u32 of the algorithm's own: segments acknowledged since the last step
 */
export function increaseEvery(window: CongestionWindow, countPtr: usize, every: u32, acked: u32): void {
  let sum = load<u32>(countPtr);
  if (sum >= every) {
    // What was collected while steps were larger is worth one of them
    sum = 0;
    window.cwnd += 1;
  }
  sum += acked;
  const steps = sum / every;
  window.cwnd += steps;
  store<u32>(countPtr, sum - steps * every);
}

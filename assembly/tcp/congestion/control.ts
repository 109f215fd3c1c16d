// The interface to congestion control: one function per thing that can happen, each hands the connection's window and the
// algorithm's own 64 bytes to the algorithm that the connection uses and takes the answer. A new algorithm is one file and one
// `case` in each function. What is lost, and when a recovery begins and ends, is decided in ../loss-recovery.ts.
import {
  CONGESTION_COUNT,
  CONGESTION_RENO,
  SSTHRESH_NONE,
  SYSCTL_TCP_CONGESTION_CONTROL,
  SYSCTL_TCP_INITIAL_CWND,
} from "../../layout";
import { Tcb } from "../tcb";
import { AckSample, CongestionWindow, congestionWindow } from "./ack-sample";
import { renoOnAck, renoOnLoss, renoOnTimeout } from "./reno";

/** No window passes this many segments, so that products with a segment size fit 63 bits and sums fit 32. */
const CWND_MAX: u32 = 1 << 24;

/** IW in segments (RFC 6928: ten), as tcp_initial_cwnd says. */
export function initialWindow(): u32 {
  return max<u32>(1, min<u32>(load<u32>(SYSCTL_TCP_INITIAL_CWND), CWND_MAX));
}

/** Gives a connection the algorithm that tcp_congestion_control names, and its first window. */
export function congestionStart(tcb: Tcb): void {
  const algorithm = load<u32>(SYSCTL_TCP_CONGESTION_CONTROL);
  tcb.congestion = algorithm < <u32>CONGESTION_COUNT ? <u8>algorithm : <u8>CONGESTION_RENO;
  tcb.cwnd = initialWindow();
  tcb.ssthresh = SSTHRESH_NONE;
  tcb.pacingRate = 0;
  memory.fill(changetype<usize>(tcb) + offsetof<Tcb>("congestionState0"), 0, 64);
}

/** New data was acknowledged, outside recovery. */
export function congestionOnAck(tcb: Tcb, sample: AckSample): void {
  const window = take(tcb);
  switch (tcb.congestion) {
    case <u8>CONGESTION_RENO:
      renoOnAck(window, sample);
      break;
  }
  give(tcb, window);
}

/**
 * Congestion that is not a time-out: a recovery begins. Answers with ssthresh; cwnd follows by proportional rate reduction.
 * @param flight segments sent and not acknowledged: FlightSize of RFC 5681
 */
export function congestionOnLoss(tcb: Tcb, flight: u32): void {
  const window = take(tcb);
  switch (tcb.congestion) {
    case <u8>CONGESTION_RENO:
      renoOnLoss(window, flight);
      break;
  }
  give(tcb, window);
}

/**
 * The retransmission timer expired.
 * @param flight segments sent and not acknowledged
 * @param isFirst false if the same data timed out before: ssthresh stays (RFC 5681 3.1)
 */
export function congestionOnTimeout(tcb: Tcb, flight: u32, isFirst: bool): void {
  const window = take(tcb);
  switch (tcb.congestion) {
    case <u8>CONGESTION_RENO:
      renoOnTimeout(window, flight, isFirst);
      break;
  }
  give(tcb, window);
}

/** All data of the recovery is acknowledged (RFC 6582 3.2, step 3, answer 2; RFC 6937). */
export function congestionOnRecoveryExit(tcb: Tcb): void {
  const window = take(tcb);
  switch (tcb.congestion) {
    case <u8>CONGESTION_RENO:
      window.cwnd = window.ssthresh;
      break;
  }
  give(tcb, window);
}

/** The recovery or time-out was spurious: back to where it began, or further if the window has grown since (RFC 4015 3.2). */
export function congestionOnUndo(tcb: Tcb, priorCwnd: u32, priorSsthresh: u32): void {
  const window = take(tcb);
  switch (tcb.congestion) {
    case <u8>CONGESTION_RENO:
      window.cwnd = max(window.cwnd, priorCwnd);
      window.ssthresh = max(window.ssthresh, priorSsthresh);
      break;
  }
  give(tcb, window);
}

function take(tcb: Tcb): CongestionWindow {
  const window = congestionWindow();
  window.cwnd = tcb.cwnd;
  window.ssthresh = tcb.ssthresh;
  window.pacingRate = tcb.pacingRate;
  window.statePtr = changetype<usize>(tcb) + offsetof<Tcb>("congestionState0");
  return window;
}

function give(tcb: Tcb, window: CongestionWindow): void {
  tcb.cwnd = max<u32>(1, min<u32>(window.cwnd, CWND_MAX));
  tcb.ssthresh = max<u32>(1, window.ssthresh);
  tcb.pacingRate = window.pacingRate;
}

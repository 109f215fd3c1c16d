// The interface to congestion control: one function per thing that can happen, each hands the connection's window and the
// algorithm's own state to the algorithm that the connection uses and takes the answer. A new algorithm is one file and one `case`
// in each function where it does not do as Reno does. What is lost, and when a recovery begins and ends, is decided in
// ../loss-recovery.ts; how a paced connection spreads its segments in ../pacing.ts.
import { heapAlloc, heapFree } from "../../heap";
import {
  CONGESTION_BBR,
  CONGESTION_BBR1,
  CONGESTION_COUNT,
  CONGESTION_CUBIC,
  CONGESTION_RENO,
  CONGESTION_VEGAS,
  SSTHRESH_NONE,
  SYSCTL_TCP_CONGESTION_CONTROL,
  SYSCTL_TCP_INITIAL_CWND,
  TCB_OPTION_SACK,
} from "../../layout";
import { inFlight } from "../rtx-queue";
import { RtxRecord } from "../rtx-record";
import { hasSender } from "../send-window";
import { CONGESTION_STATE_BYTES, TCB_FLAG_CONGESTION_BLOCK, Tcb } from "../tcb";
import { AckSample, CongestionWindow, congestionWindow, LostSample, lostSample } from "./ack-sample";
import {
  bbrOnAck,
  bbrOnEcn,
  bbrOnLoss,
  bbrOnLost,
  bbrOnRecoveryExit,
  bbrOnTimeout,
  bbrOnTransmitStart,
  bbrOnUndo,
  bbrStart,
} from "./bbr";
import { BBR_STATE_BYTES } from "./bbr-state";
import {
  bbr1OnAck,
  bbr1OnLoss,
  bbr1OnRecoveryExit,
  bbr1OnTimeout,
  bbr1OnTransmitStart,
  bbr1OnUndo,
  bbr1Start,
} from "./bbr1";
import { BBR1_STATE_BYTES } from "./bbr1-state";
import { cubicOnAck, cubicOnLoss, cubicOnTimeout, cubicOnTransmitStart, cubicStart } from "./cubic";
import { cappedPacingRate } from "./pacing-rate";
import { renoOnAck, renoOnLoss, renoOnTimeout, renoOnUndo } from "./reno";
import { vegasOff, vegasOn, vegasOnAck, vegasStart } from "./vegas";

/** No window passes this many segments, so that products with a segment size fit 63 bits and sums fit 32. */
const CWND_MAX: u32 = 1 << 24;

let clockUs: u64 = 0;

/** Says what time it is: at the start of each ACK, timer and transmission, before anything below is called. */
export function congestionClock(nowUs: u64): void {
  clockUs = nowUs;
}

/** IW in segments (RFC 6928: ten), as tcp_initial_cwnd says. */
export function initialWindow(): u32 {
  return max<u32>(1, min<u32>(load<u32>(SYSCTL_TCP_INITIAL_CWND), CWND_MAX));
}

/** The algorithm that tcp_congestion_control names: that of a new socket. */
export function congestionDefault(): u8 {
  const algorithm = load<u32>(SYSCTL_TCP_CONGESTION_CONTROL);
  return algorithm < <u32>CONGESTION_COUNT ? <u8>algorithm : <u8>CONGESTION_RENO;
}

/**
 * Gives a socket another algorithm (TCP_CONGESTION): a listener's holds for the connections it makes from now on, a connection's
 * goes on with the window it has.
 * @returns false if there is no such algorithm
 */
export function congestionChoose(tcb: Tcb, algorithm: u32): bool {
  if (algorithm >= <u32>CONGESTION_COUNT) return false;
  tcb.congestion = <u8>algorithm;
  // Fast Open starts a sender before ESTABLISHED, and an algorithm must not find another one's state
  if (hasSender(tcb)) initialise(tcb);
  return true;
}

/** The connection is established: its first window. */
export function congestionStart(tcb: Tcb): void {
  tcb.cwnd = initialWindow();
  tcb.ssthresh = SSTHRESH_NONE;
  initialise(tcb);
}

/** The connection is over: gives back what its algorithm holds. */
export function congestionRelease(tcb: Tcb): void {
  if (!tcb.has(TCB_FLAG_CONGESTION_BLOCK)) return;
  heapFree(<usize>tcb.congestionState0);
  tcb.clear(TCB_FLAG_CONGESTION_BLOCK);
}

/** Whether the algorithm sets the window in a recovery too, so that proportional rate reduction keeps off it. */
export function congestionOwnsWindow(tcb: Tcb): bool {
  return tcb.congestion === <u8>CONGESTION_BBR || tcb.congestion === <u8>CONGESTION_BBR1;
}

/** An ACK delivered something. `sample.mayGrow` says whether a loss-based algorithm may open the window. */
export function congestionOnAck(tcb: Tcb, sample: AckSample): void {
  const window = take(tcb);
  switch (tcb.congestion) {
    case <u8>CONGESTION_CUBIC:
      cubicOnAck(window, sample);
      break;
    case <u8>CONGESTION_VEGAS:
      vegasOnAck(window, sample);
      break;
    case <u8>CONGESTION_BBR:
      bbrOnAck(window, sample);
      break;
    case <u8>CONGESTION_BBR1:
      bbr1OnAck(window, sample);
      break;
    default:
      renoOnAck(window, sample);
      break;
  }
  give(tcb, window);
}

/** A transmission is taken for lost; it counts in tcb.lostTotal already. */
export function congestionOnLostRecord(tcb: Tcb, record: RtxRecord): void {
  if (tcb.congestion !== <u8>CONGESTION_BBR) return;
  const window = take(tcb);
  const sample: LostSample = lostSample();
  sample.nowUs = clockUs;
  sample.delivered = tcb.delivered;
  sample.seq = record.seq;
  sample.end = record.end;
  sample.segments = record.segments;
  sample.txInFlight = record.inflight;
  sample.lostSince = tcb.lostTotal - record.lostTotal;
  sample.appLimited = record.appLimited;
  sample.hasSack = (tcb.options & TCB_OPTION_SACK) !== 0 ? 1 : 0;
  bbrOnLost(window, sample);
  give(tcb, window);
}

/**
 * Congestion that is not a time-out: a recovery begins. Answers with ssthresh; cwnd follows by proportional rate reduction.
 * @param flight segments sent and not acknowledged: FlightSize of RFC 5681
 */
export function congestionOnLoss(tcb: Tcb, flight: u32): void {
  const window = take(tcb);
  switch (tcb.congestion) {
    case <u8>CONGESTION_CUBIC:
      cubicOnLoss(window);
      break;
    case <u8>CONGESTION_VEGAS:
      renoOnLoss(window, flight);
      vegasOff(window);
      break;
    case <u8>CONGESTION_BBR:
      bbrOnLoss(window);
      break;
    case <u8>CONGESTION_BBR1:
      bbr1OnLoss(window);
      break;
    default:
      renoOnLoss(window, flight);
      break;
  }
  give(tcb, window);
}

/**
 * The peer echoed a congestion mark for the first time in this window of data (RFC 3168 6.1.2): a reduction begins that is not for
 * a loss. Answers with ssthresh, and RFC 3168 wants what a loss would bring; cwnd follows by proportional rate reduction.
 * @param flight segments sent and not acknowledged
 */
export function congestionOnEcn(tcb: Tcb, flight: u32): void {
  if (tcb.congestion !== <u8>CONGESTION_BBR) {
    congestionOnLoss(tcb, flight);
    return;
  }
  const window = take(tcb);
  bbrOnEcn(window);
  give(tcb, window);
}

/**
 * The retransmission timer expired. Answers with cwnd of one segment beyond what is in flight, and ssthresh.
 * @param flight segments sent and not acknowledged
 * @param isFirst false if the same data timed out before: ssthresh stays (RFC 5681 3.1)
 */
export function congestionOnTimeout(tcb: Tcb, flight: u32, isFirst: bool): void {
  const window = take(tcb);
  switch (tcb.congestion) {
    case <u8>CONGESTION_CUBIC:
      cubicOnTimeout(window, isFirst);
      break;
    case <u8>CONGESTION_VEGAS:
      renoOnTimeout(window, flight, isFirst);
      vegasOff(window);
      break;
    case <u8>CONGESTION_BBR:
      bbrOnTimeout(window);
      break;
    case <u8>CONGESTION_BBR1:
      bbr1OnTimeout(window);
      break;
    default:
      renoOnTimeout(window, flight, isFirst);
      break;
  }
  give(tcb, window);
}

/** The reduction of CA_RECOVERY or CA_CWR is over (RFC 6582 3.2, step 3, answer 2; RFC 6937). */
export function congestionOnRecoveryExit(tcb: Tcb): void {
  const window = take(tcb);
  switch (tcb.congestion) {
    case <u8>CONGESTION_VEGAS:
      window.cwnd = window.ssthresh;
      vegasOn(window);
      break;
    case <u8>CONGESTION_BBR:
      bbrOnRecoveryExit(window);
      break;
    case <u8>CONGESTION_BBR1:
      bbr1OnRecoveryExit(window);
      break;
    default:
      window.cwnd = window.ssthresh;
      break;
  }
  give(tcb, window);
}

/** All that a time-out took for lost is acknowledged: CA_LOSS is over. A loss-based window goes on growing. */
export function congestionOnLossExit(tcb: Tcb): void {
  const window = take(tcb);
  switch (tcb.congestion) {
    case <u8>CONGESTION_VEGAS:
      vegasOn(window);
      break;
    case <u8>CONGESTION_BBR:
      bbrOnRecoveryExit(window);
      break;
    case <u8>CONGESTION_BBR1:
      bbr1OnRecoveryExit(window);
      break;
  }
  give(tcb, window);
}

/** The recovery or time-out was spurious: back to where it began, or further if the window has grown since (RFC 4015 3.2). */
export function congestionOnUndo(tcb: Tcb, priorCwnd: u32, priorSsthresh: u32): void {
  const window = take(tcb);
  switch (tcb.congestion) {
    case <u8>CONGESTION_VEGAS:
      renoOnUndo(window, priorCwnd, priorSsthresh);
      vegasOn(window);
      break;
    case <u8>CONGESTION_BBR:
      bbrOnUndo(window);
      break;
    case <u8>CONGESTION_BBR1:
      bbr1OnUndo(window);
      break;
    default:
      renoOnUndo(window, priorCwnd, priorSsthresh);
      break;
  }
  give(tcb, window);
}

/**
 * Data is about to leave and nothing is in flight.
 * @param idleUs since data left last; 0 = it never did
 */
export function congestionOnTransmitStart(tcb: Tcb, idleUs: u64): void {
  const window = take(tcb);
  switch (tcb.congestion) {
    case <u8>CONGESTION_CUBIC:
      cubicOnTransmitStart(window, idleUs);
      break;
    case <u8>CONGESTION_VEGAS:
      if (idleUs !== 0) vegasStart(window);
      break;
    case <u8>CONGESTION_BBR:
      bbrOnTransmitStart(window);
      break;
    case <u8>CONGESTION_BBR1:
      bbr1OnTransmitStart(window);
      break;
  }
  give(tcb, window);
}

/** The window was shrunk because it was idle for long (restartAfterIdle). */
export function congestionOnIdleRestart(tcb: Tcb): void {
  if (tcb.congestion !== <u8>CONGESTION_VEGAS) return;
  const window = take(tcb);
  vegasStart(window);
  give(tcb, window);
}

// Bytes of state of an algorithm that needs more than CONGESTION_STATE_BYTES: it then gets a block of the heap; 0 = none
function blockBytes(algorithm: u8): u32 {
  if (algorithm === <u8>CONGESTION_BBR) return BBR_STATE_BYTES;
  return algorithm === <u8>CONGESTION_BBR1 ? BBR1_STATE_BYTES : 0;
}

// A connection whose block the heap cannot give uses Reno: it needs none
function initialise(tcb: Tcb): void {
  congestionRelease(tcb);
  tcb.pacingRate = 0;
  memory.fill(changetype<usize>(tcb) + offsetof<Tcb>("congestionState0"), 0, CONGESTION_STATE_BYTES);
  const bytes = blockBytes(tcb.congestion);
  if (bytes !== 0) {
    const block = heapAlloc(bytes);
    if (block === 0) {
      tcb.congestion = <u8>CONGESTION_RENO;
    } else {
      memory.fill(block, 0, bytes);
      tcb.congestionState0 = <u64>block;
      tcb.set(TCB_FLAG_CONGESTION_BLOCK);
    }
  }
  const window = take(tcb);
  switch (tcb.congestion) {
    case <u8>CONGESTION_CUBIC:
      cubicStart(window);
      break;
    case <u8>CONGESTION_VEGAS:
      vegasStart(window);
      break;
    case <u8>CONGESTION_BBR:
      bbrStart(window, initialWindow());
      break;
    case <u8>CONGESTION_BBR1:
      bbr1Start(window, initialWindow());
      break;
  }
  give(tcb, window);
}

/** Where the algorithm's state of a connection with a sender lies. */
export function congestionStatePtr(tcb: Tcb): usize {
  const inline = changetype<usize>(tcb) + offsetof<Tcb>("congestionState0");
  return tcb.has(TCB_FLAG_CONGESTION_BLOCK) ? <usize>tcb.congestionState0 : inline;
}

function take(tcb: Tcb): CongestionWindow {
  const window = congestionWindow();
  window.nowUs = clockUs;
  window.cwnd = tcb.cwnd;
  window.ssthresh = tcb.ssthresh;
  window.pacingRate = tcb.pacingRate;
  window.inflight = inFlight(tcb);
  window.mss = tcb.sndMss;
  window.srttUs = tcb.srttUs;
  window.una = tcb.sndUna;
  window.nxt = tcb.sndNxt;
  window.delivered = tcb.delivered;
  window.appLimited = tcb.appLimited;
  window.statePtr = congestionStatePtr(tcb);
  return window;
}

function give(tcb: Tcb, window: CongestionWindow): void {
  tcb.cwnd = max<u32>(1, min<u32>(window.cwnd, CWND_MAX));
  tcb.ssthresh = max<u32>(1, window.ssthresh);
  tcb.appLimited = window.appLimited;
  tcb.pacingRate = cappedPacingRate(tcb, congestionOwnsWindow(tcb) ? window.pacingRate : 0);
}

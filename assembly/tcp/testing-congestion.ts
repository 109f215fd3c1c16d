// What the unit tests of round trips, congestion control, delivery rate and pacing call.
import { SCRATCH } from "../layout";
import { AckSample, ackSample } from "./congestion/ack-sample";
import { BbrState, bbrCwndGain, bbrPacingGain } from "./congestion/bbr-state";
import { Bbr1State, bbr1CwndGain, bbr1PacingGain } from "./congestion/bbr1-state";
import {
  congestionChoose,
  congestionClock,
  congestionOnAck,
  congestionOnLoss,
  congestionOnRecoveryExit,
  congestionOnTimeout,
  congestionOnTransmitStart,
  congestionOnUndo,
  congestionStart,
  congestionStatePtr,
} from "./congestion/control";
import { MAX_FILTER_BYTES, maxFilterUpdate } from "./congestion/max-filter";
import { backOffRto, rttReset, rttSample } from "./rtt";
import { Tcb } from "./tcb";

const MAX_FILTER: usize = SCRATCH + 65536;

export function rttTestSample(index: u32, us: u32): void {
  rttSample(Tcb.at(index), us);
}

export function rttTestReset(index: u32): void {
  rttReset(Tcb.at(index));
}

export function rttTestBackOff(index: u32): void {
  backOffRto(Tcb.at(index));
}

export function congestionTestStart(index: u32): void {
  congestionStart(Tcb.at(index));
}

export function congestionTestSet(index: u32, cwnd: u32, ssthresh: u32): void {
  Tcb.at(index).cwnd = cwnd;
  Tcb.at(index).ssthresh = ssthresh;
}

export function congestionTestAck(index: u32, segments: u32, isLimited: bool): void {
  const sample: AckSample = ackSample();
  sample.clear();
  sample.ackedSegments = segments;
  sample.ackedBytes = segments * 1460;
  sample.mss = 1460;
  sample.cwndLimited = isLimited ? 1 : 0;
  sample.mayGrow = 1;
  sample.una = Tcb.at(index).sndUna;
  sample.nxt = Tcb.at(index).sndNxt;
  congestionOnAck(Tcb.at(index), sample);
}

/** An ACK of a window that was the limit, with its time and round trip; `una` and `nxt` are bytes of sequence space. */
export function congestionTestTimedAck(index: u32, segments: u32, rttUs: u32, una: u32, nxt: u32, nowUs: f64): void {
  const tcb = Tcb.at(index);
  tcb.sndUna = una;
  tcb.sndNxt = nxt;
  if (tcb.minRttUs === 0 || rttUs < tcb.minRttUs) tcb.minRttUs = rttUs;
  tcb.srttUs = rttUs;
  tcb.sndMss = 1460;
  const sample: AckSample = ackSample();
  sample.clear();
  sample.nowUs = <u64>nowUs;
  sample.ackedSegments = segments;
  sample.deliveredSegments = segments;
  sample.ackedBytes = segments * 1460;
  sample.mss = 1460;
  sample.rttUs = rttUs;
  sample.srttUs = tcb.srttUs;
  sample.minRttUs = tcb.minRttUs;
  sample.una = una;
  sample.nxt = nxt;
  sample.cwndLimited = 1;
  sample.cwndFull = 1;
  sample.mayGrow = 1;
  congestionClock(<u64>nowUs);
  congestionOnAck(tcb, sample);
}

/** Sets SND.UNA and SND.NXT. */
export function congestionTestSequence(index: u32, una: u32, nxt: u32): void {
  Tcb.at(index).sndUna = una;
  Tcb.at(index).sndNxt = nxt;
}

/** Data leaves after a pause. */
export function congestionTestTransmitStart(index: u32, idleUs: f64, nowUs: f64): void {
  congestionClock(<u64>nowUs);
  congestionOnTransmitStart(Tcb.at(index), <u64>idleUs);
}

/** Gives a connection an algorithm by its code. */
export function congestionTestChoose(index: u32, algorithm: u32): bool {
  return congestionChoose(Tcb.at(index), algorithm);
}

export function congestionTestUndo(index: u32, priorCwnd: u32, priorSsthresh: u32): void {
  congestionOnUndo(Tcb.at(index), priorCwnd, priorSsthresh);
}

export function congestionTestLoss(index: u32, flight: u32): void {
  congestionOnLoss(Tcb.at(index), flight);
}

export function congestionTestTimeout(index: u32, flight: u32, isFirst: bool): void {
  congestionOnTimeout(Tcb.at(index), flight, isFirst);
}

export function congestionTestExit(index: u32): void {
  congestionOnRecoveryExit(Tcb.at(index));
}

/**
 * A number of a BBR connection's: 0 state, 1 bw, 2 min_rtt, 3 inflight_longterm, 4 inflight_shortterm, 5 rounds, 6 pacing rate, 7 extra_acked,
 * 8 max_bw, 9 bits: full_bw_reached, full_bw_now, idle_restart, 10 in recovery.
 */
export function bbrTestField(index: u32, field: u32): f64 {
  const tcb = Tcb.at(index);
  const bbr = BbrState.at(congestionStatePtr(tcb));
  switch (field) {
    case 0:
      return bbr.state;
    case 1:
      return <f64>bbr.bw;
    case 2:
      return bbr.minRttUs;
    case 3:
      return bbr.inflightLongterm;
    case 4:
      return bbr.inflightShortterm;
    case 5:
      return bbr.roundCount;
    case 6:
      return <f64>tcb.pacingRate;
    case 7:
      return bbr.extraAcked;
    case 8:
      return <f64>bbr.maxBw;
    case 9:
      return <f64>(bbr.fullBwReached | (bbr.fullBwNow << 1) | (bbr.idleRestart << 2));
    case 10:
      return bbr.inRecovery;
    default:
      return -1;
  }
}

/** A number of a BBR version 1 connection's: 0 state, 1 bw, 2 min_rtt, 3 phase of the cycle, 4 rounds, 5 pacing rate, 6 packet conservation. */
export function bbr1TestField(index: u32, field: u32): f64 {
  const tcb = Tcb.at(index);
  const bbr = Bbr1State.at(congestionStatePtr(tcb));
  switch (field) {
    case 0:
      return bbr.state;
    case 1:
      return <f64>bbr.bw;
    case 2:
      return bbr.minRttUs;
    case 3:
      return bbr.cycleIndex;
    case 4:
      return bbr.roundCount;
    case 5:
      return <f64>tcb.pacingRate;
    case 6:
      return bbr.isConserving;
    default:
      return -1;
  }
}

/** BBR version 1's gains in a state and a phase of the cycle, 256ths. */
export function bbr1TestPacingGain(state: u32, phase: u32): u32 {
  return bbr1PacingGain(<u8>state, <u8>phase);
}

export function bbr1TestCwndGain(state: u32): u32 {
  return bbr1CwndGain(<u8>state);
}

/** An empty filter, in scratch memory that congestion control does not use. */
export function maxFilterTestReset(): void {
  memory.fill(MAX_FILTER, 0, MAX_FILTER_BYTES);
}

export function maxFilterTestUpdate(value: u32, time: u32, length: u32): u32 {
  return maxFilterUpdate(MAX_FILTER, value, time, length);
}

/** BBR's gains in a state, per cent. */
export function bbrTestPacingGain(phase: u32): u32 {
  return bbrPacingGain(<u8>phase);
}

export function bbrTestCwndGain(phase: u32): u32 {
  return bbrCwndGain(<u8>phase);
}

/** Delivery rate that the last ACK gave, bytes/s; 0 = none. */
export function rateTestLast(): f64 {
  return <f64>ackSample().deliveryRate;
}

/** Whether that was the application's rate rather than the path's. */
export function rateTestIsAppLimited(): bool {
  return ackSample().appLimited !== 0;
}

/** Sets the pacing rate and its limit, bytes/s. */
export function pacingTestSet(index: u32, rate: f64): void {
  Tcb.at(index).pacingRate = <u64>rate;
  Tcb.at(index).maxPacingRate = <u64>rate;
}

// What the unit tests of round trips, congestion control, delivery rate and pacing call.
import { AckSample, ackSample } from "./congestion/ack-sample";
import {
  congestionOnAck,
  congestionOnLoss,
  congestionOnRecoveryExit,
  congestionOnTimeout,
  congestionStart,
} from "./congestion/control";
import { backOffRto, rttReset, rttSample } from "./rtt";
import { Tcb } from "./tcb";

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
  congestionOnAck(Tcb.at(index), sample);
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

/** Delivery rate that the last ACK gave, bytes/s; 0 = none. */
export function rateTestLast(): f64 {
  return <f64>ackSample().deliveryRate;
}

/** Whether that was the application's rate rather than the path's. */
export function rateTestIsAppLimited(): bool {
  return ackSample().appLimited !== 0;
}

/** Sets the pacing rate, bytes/s. */
export function pacingTestSet(index: u32, rate: f64): void {
  Tcb.at(index).pacingRate = <u64>rate;
}

// Vegas congestion control (Brakmo and Peterson 1995), with Linux's numbers: keeps between ALPHA and BETA segments waiting in the queues
// of the path, which it finds once per round trip from how much longer that was than the shortest ever seen. Loses like Reno. Sees
// numbers only.
import { seqGt } from "../seq";
import { AckSample, CongestionWindow } from "./ack-sample";
import { slowStart } from "./growth";
import { renoOnAck } from "./reno";

/** Fewer segments queued: the window grows by one. */
const ALPHA: u32 = 2;
/** More: it shrinks by one. */
const BETA: u32 = 4;
/** More, in slow start: slow start is over. */
const GAMMA: u32 = 1;
/** With fewer round trips measured, delayed ACKs may be all that was seen. */
const SAMPLES_MIN: u32 = 3;
const WINDOW_MIN: u32 = 2;

/** 64 bytes in the TCB; the first word is Reno's count. */
@unmanaged
@final
class VegasState {
  acked: u32; // as renoOnAck has it
  roundEnd: u32; // SND.NXT when this round began
  baseRttUs: u32; // smallest round trip ever, 0 = none
  roundRttUs: u32; // smallest of this round, U32.MAX_VALUE = none
  samples: u32; // round trips measured in this round
  isOn: u32; // 0: a recovery goes on or has just ended, Reno's rules hold
}

/** The connection starts, or is sent on after a pause: rounds and round trips begin anew. */
export function vegasStart(window: CongestionWindow): void {
  const state = changetype<VegasState>(window.statePtr);
  state.baseRttUs = 0;
  beginRound(state, window.nxt);
  state.isOn = 1;
}

/** One judgement per round; between them slow start grows by what is acknowledged. */
export function vegasOnAck(window: CongestionWindow, sample: AckSample): void {
  const state = changetype<VegasState>(window.statePtr);
  if (sample.rttUs !== 0) {
    if (state.baseRttUs === 0 || sample.rttUs < state.baseRttUs) state.baseRttUs = sample.rttUs;
    state.roundRttUs = min(state.roundRttUs, sample.rttUs);
    state.samples += 1;
  }
  if (sample.mayGrow === 0) return;
  if (state.isOn === 0) {
    renoOnAck(window, sample);
    return;
  }
  if (!seqGt(sample.una, state.roundEnd)) {
    if (window.cwnd < window.ssthresh && sample.cwndLimited !== 0) slowStart(window, sample.ackedSegments);
    return;
  }
  if (state.samples < SAMPLES_MIN) renoOnAck(window, sample);
  else judge(window, state, sample);
  beginRound(state, sample.nxt);
}

/** A recovery or the loss state begins: the round trips that follow are not of a path in balance. */
export function vegasOff(window: CongestionWindow): void {
  changetype<VegasState>(window.statePtr).isOn = 0;
}

/** It is over. */
export function vegasOn(window: CongestionWindow): void {
  const state = changetype<VegasState>(window.statePtr);
  beginRound(state, window.nxt);
  state.isOn = 1;
}

function judge(window: CongestionWindow, state: VegasState, sample: AckSample): void {
  const cwnd = <u64>window.cwnd;
  // Expected minus actual rate, times the shortest round trip: the segments that wait in queues
  const queued = <u32>((cwnd * (state.roundRttUs - state.baseRttUs)) / state.baseRttUs);
  if (window.cwnd < window.ssthresh) {
    if (queued > GAMMA) {
      // As much as the path takes without a queue, and one for the rounding
      window.cwnd = min(window.cwnd, <u32>((cwnd * state.baseRttUs) / state.roundRttUs) + 1);
      window.ssthresh = min(window.ssthresh, max<u32>(window.cwnd - 1, WINDOW_MIN));
    } else if (sample.cwndLimited !== 0) {
      slowStart(window, sample.ackedSegments);
    }
  } else if (queued > BETA) {
    window.cwnd -= 1;
    window.ssthresh = min(window.ssthresh, max<u32>(window.cwnd - 1, WINDOW_MIN));
  } else if (queued < ALPHA && sample.cwndLimited !== 0) {
    window.cwnd += 1;
  }
  window.cwnd = max(window.cwnd, WINDOW_MIN);
  // A recovery that turns out spurious should not start from far below (tcp_current_ssthresh)
  window.ssthresh = max(window.ssthresh, (window.cwnd >> 1) + (window.cwnd >> 2));
}

function beginRound(state: VegasState, nxt: u32): void {
  state.roundEnd = nxt;
  state.roundRttUs = U32.MAX_VALUE;
  state.samples = 0;
}

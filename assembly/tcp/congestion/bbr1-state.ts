// What BBR version 1 knows of a connection, and its constants: those of draft-cardwell-iccrg-bbr-congestion-control-00 and, where Linux
// differs, Linux's. Volumes are in wire segments, rates in bytes/s, `delivered` counts in bytes, gains in 256ths as in Linux.
// Decides nothing.
import { MAX_FILTER_BYTES } from "./max-filter";

export const BBR1_STARTUP: u8 = 0;
export const BBR1_DRAIN: u8 = 1;
export const BBR1_PROBE_BW: u8 = 2;
export const BBR1_PROBE_RTT: u8 = 3;

export const BBR1_UNIT: u32 = 256;
/** 2 / ln 2 = 2.885: "the minimum gain value that will allow the sending rate to double each round"; and back. */
export const BBR1_HIGH_GAIN: u32 = 739;
export const BBR1_DRAIN_GAIN: u32 = 88;
/** cwnd_gain of ProbeBW. */
export const BBR1_CWND_GAIN: u32 = 512;
/** Phases of ProbeBW; a flow begins with any but the second, which drains. */
export const BBR1_CYCLE_LENGTH: u8 = 8;
/** BtlBwFilterLen, rounds; the same for what is acknowledged in bunches (Linux: two times five). */
export const BBR1_BW_ROUNDS: u32 = 10;
export const BBR1_EXTRA_ACKED_ROUNDS: u32 = 10;
/** No more is added to the window for bunched ACKs than goes out in this time, µs. */
export const BBR1_EXTRA_ACKED_MAX_US: u64 = 100000;
/** RTpropFilterLen and ProbeRTTDuration, µs. */
export const BBR1_MIN_RTT_FILTER_US: u64 = 10000000;
export const BBR1_PROBE_RTT_US: u64 = 200000;
/** BBRMinPipeCwnd. */
export const BBR1_MIN_CWND: u32 = 4;
/** The pipe is full when three rounds brought less than a quarter more, 256ths. */
export const BBR1_FULL_BW_GROWTH: u64 = 320;
export const BBR1_FULL_BW_ROUNDS: u8 = 3;
/** What is paced at is less than the estimate by so many per cent (Linux). */
export const BBR1_PACING_MARGIN: u32 = 1;
/** No round trip yet. */
export const BBR1_NO_RTT: u32 = U32.MAX_VALUE;
/** The filter of bandwidth holds multiples of 2^4 bytes/s, so that 500 Gbit/s fit 32 bits. */
export const BBR1_BW_SHIFT: u64 = 4;

/** Bytes of a Bbr1State, one block of the heap. */
export const BBR1_STATE_BYTES: u32 = 256;

/** The pacing gain of a phase of ProbeBW: 5/4 asks for more, 3/4 drains what that queued, then six at the estimate. */
export function bbr1CycleGain(phase: u8): u32 {
  if (phase === 0) return 320;
  return phase === 1 ? 192 : BBR1_UNIT;
}

/** The pacing gain of a state. */
export function bbr1PacingGain(state: u8, phase: u8): u32 {
  if (state === BBR1_STARTUP) return BBR1_HIGH_GAIN;
  if (state === BBR1_DRAIN) return BBR1_DRAIN_GAIN;
  return state === BBR1_PROBE_BW ? bbr1CycleGain(phase) : BBR1_UNIT;
}

/** The window's gain over the bandwidth-delay product in a state. */
export function bbr1CwndGain(state: u8): u32 {
  if (state <= BBR1_DRAIN) return BBR1_HIGH_GAIN;
  return state === BBR1_PROBE_BW ? BBR1_CWND_GAIN : BBR1_UNIT;
}

@unmanaged
@final
export class Bbr1State {
  nextRoundDelivered: u64;
  minRttStampUs: u64;
  probeRttDoneUs: u64; // 0 = none
  cycleStampUs: u64;
  fullBw: u64;
  extraAckedStartUs: u64;
  extraAckedDelivered: u64; // bytes
  bwFilter0: u64; // MAX_FILTER_BYTES
  bwFilter1: u64;
  bwFilter2: u64;
  extraAckedFilter0: u64; // MAX_FILTER_BYTES
  extraAckedFilter1: u64;
  extraAckedFilter2: u64;
  extraAcked: u32;
  minRttUs: u32; // RTprop, BBR1_NO_RTT = none
  roundCount: u32;
  priorCwnd: u32;
  initialCwnd: u32;
  state: u8;
  cycleIndex: u8;
  fullBwCount: u8;
  // booleans
  filledPipe: u8;
  roundStart: u8;
  idleRestart: u8;
  probeRttRoundDone: u8;
  inRecovery: u8; // fast recovery, RTO recovery or a reduction for a mark goes on
  recoveryBegins: u8; // and no ACK has come since
  isConserving: u8; // packet_conservation: the first round of a recovery
  hasSeenRtt: u8;

  static at(ptr: usize): Bbr1State {
    return changetype<Bbr1State>(ptr);
  }

  /** BtlBw. */
  get bw(): u64 {
    return (<u64>load<u32>(this.bwFilter)) << BBR1_BW_SHIFT;
  }

  get bwFilter(): usize {
    return changetype<usize>(this) + offsetof<Bbr1State>("bwFilter0");
  }

  get extraAckedFilter(): usize {
    return changetype<usize>(this) + offsetof<Bbr1State>("extraAckedFilter0");
  }
}

if (offsetof<Bbr1State>() > <usize>BBR1_STATE_BYTES) ERROR("a Bbr1State does not fit BBR1_STATE_BYTES");
if (offsetof<Bbr1State>("extraAckedFilter0") - offsetof<Bbr1State>("bwFilter0") !== <usize>MAX_FILTER_BYTES) {
  ERROR("the filter of bandwidth has another size");
}

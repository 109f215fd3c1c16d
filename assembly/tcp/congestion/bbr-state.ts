// What BBR knows of a connection, under the names of draft-ietf-ccwg-bbr-06 section 2, and that draft's constants. Volumes are in wire
// segments (the draft has bytes), rates in bytes/s, `delivered` counts in bytes. Decides nothing.
import { MAX_FILTER_BYTES } from "./max-filter";

export const BBR_STARTUP: u8 = 0;
export const BBR_DRAIN: u8 = 1;
export const BBR_PROBE_BW_DOWN: u8 = 2;
export const BBR_PROBE_BW_CRUISE: u8 = 3;
export const BBR_PROBE_BW_REFILL: u8 = 4;
export const BBR_PROBE_BW_UP: u8 = 5;
export const BBR_PROBE_RTT: u8 = 6;
/** BBR.undo_state = None. */
export const BBR_NONE: u8 = 255;

export const ACKS_INIT: u8 = 0; // not probing bandwidth; not getting probe feedback
export const ACKS_REFILLING: u8 = 1; // sending at estimated bandwidth to fill pipe
export const ACKS_PROBE_STARTING: u8 = 2; // inflight rising to probe bandwidth
export const ACKS_PROBE_FEEDBACK: u8 = 3; // getting feedback from bandwidth probing
export const ACKS_PROBE_STOPPING: u8 = 4; // stopped bandwidth probing; still getting feedback

/** "Infinity" of a volume and of a rate. */
export const NO_LIMIT: u32 = U32.MAX_VALUE;
export const NO_BW_LIMIT: u64 = U64.MAX_VALUE;

/** BBR.LossThresh, BBR.Beta, BBR.Headroom, BBR.PacingMarginPercent, in per cent. */
export const LOSS_THRESH: u32 = 2;
export const BETA: u32 = 70;
export const HEADROOM: u32 = 15;
export const PACING_MARGIN: u32 = 1;
/** BBR.MinPipeCwnd: "4 * C.SMSS". */
export const MIN_PIPE_CWND: u32 = 4;
/** BBR.MinRTTFilterLen, BBR.ProbeRTTInterval, BBR.ProbeRTTDuration, µs. */
export const MIN_RTT_FILTER_US: u64 = 10000000;
export const PROBE_RTT_INTERVAL_US: u64 = 5000000;
export const PROBE_RTT_DURATION_US: u64 = 200000;
/** BBR.ExtraAckedFilterLen, rounds. */
export const EXTRA_ACKED_ROUNDS: u32 = 10;
/** "attempts to significantly increase the delivery rate actually result in little increase (less than 25 percent)", three times. */
export const FULL_BW_GROWTH: u32 = 125;
export const FULL_BW_ROUNDS: u8 = 3;
/** BBRStartupFullLossCnt. */
export const STARTUP_FULL_LOSS_COUNT: u8 = 6;
/** BBR.DrainPacingGain is in effect for at most this many rounds. */
export const DRAIN_ROUNDS: u32 = 3;
/** "min(reno_rounds, 63)", and 2 to 3 s of wall clock, µs. */
export const RENO_ROUNDS_MAX: u32 = 63;
export const PROBE_WAIT_US: u64 = 2000000;
export const PROBE_WAIT_RANDOM_US: u32 = 1000000;

/** BBR.pacing_gain of a state, per cent (draft 5.6.1, the table). */
export function bbrPacingGain(phase: u8): u32 {
  switch (phase) {
    case BBR_STARTUP:
      return 277; // 4 * ln(2)
    case BBR_DRAIN:
      return 50;
    case BBR_PROBE_BW_DOWN:
      return 90;
    case BBR_PROBE_BW_UP:
      return 125;
    default:
      return 100;
  }
}

/** BBR.cwnd_gain of a state, per cent. */
export function bbrCwndGain(phase: u8): u32 {
  switch (phase) {
    case BBR_PROBE_BW_UP:
      return 225;
    case BBR_PROBE_RTT:
      return 50;
    default:
      return 200;
  }
}

/** Bytes of a BbrState, one block of the heap. */
export const BBR_STATE_BYTES: u32 = 512;

@unmanaged
@final
export class BbrState {
  bw: u64;
  bwShortterm: u64;
  maxBwBefore: u64; // BBR.max_bw_filter: the largest sample of the cycle before this one,
  maxBwNow: u64; // and of this one
  bwLatest: u64;
  fullBw: u64;
  undoBwShortterm: u64;
  nextRoundDelivered: u64;
  lossRoundDelivered: u64;
  extraAckedStartUs: u64;
  extraAckedDelivered: u64; // bytes
  minRttStampUs: u64;
  probeRttMinStampUs: u64;
  probeRttDoneUs: u64; // 0 = none
  cycleStampUs: u64;
  probeWaitUs: u64; // BBR.bw_probe_wait
  minRttUs: u32; // NO_LIMIT = none
  probeRttMinUs: u32; // BBR.probe_rtt_min_delay
  roundCount: u32;
  roundsSinceProbeUp: u32;
  drainStartRound: u32;
  inflightLongterm: u32;
  inflightShortterm: u32;
  undoInflightShortterm: u32;
  undoInflightLongterm: u32;
  inflightLatest: u32;
  extraAcked: u32;
  extraAckedFilter0: u64; // MAX_FILTER_BYTES
  extraAckedFilter1: u64;
  extraAckedFilter2: u64;
  probeUpAckedPerInc: u32; // BBR.probe_up_acked_per_inc
  probeUpAcked: u32; // BBR.bw_probe_up_acked
  priorCwnd: u32;
  initialCwnd: u32; // C.InitialCwnd
  lastLostEnd: u32; // sequence number after the range lost last
  state: u8; // BBR.state
  undoState: u8;
  ackPhase: u8;
  probeUpRounds: u8; // BBR.bw_probe_up_rounds
  fullBwCount: u8;
  lossRanges: u8; // discontiguous ranges lost in this loss round
  // booleans
  fullBwReached: u8;
  fullBwNow: u8;
  roundStart: u8;
  lossRoundStart: u8;
  isLossInRound: u8;
  isBwProbeSample: u8;
  prevProbeTooHigh: u8;
  prevProbePrecautionary: u8;
  probeRttExpired: u8;
  probeRttRoundDone: u8;
  idleRestart: u8;
  inRecovery: u8; // fast recovery, RTO recovery or a reduction for a mark goes on
  hasSeenRtt: u8;

  static at(ptr: usize): BbrState {
    return changetype<BbrState>(ptr);
  }

  /** BBR.max_bw. */
  get maxBw(): u64 {
    return max(this.maxBwBefore, this.maxBwNow);
  }

  get isInProbeBw(): bool {
    return this.state >= BBR_PROBE_BW_DOWN && this.state <= BBR_PROBE_BW_UP;
  }

  get extraAckedFilter(): usize {
    return changetype<usize>(this) + offsetof<BbrState>("extraAckedFilter0");
  }
}

if (offsetof<BbrState>() > <usize>BBR_STATE_BYTES) ERROR("a BbrState does not fit BBR_STATE_BYTES");
if (offsetof<BbrState>("probeUpAckedPerInc") - offsetof<BbrState>("extraAckedFilter0") !== <usize>MAX_FILTER_BYTES) {
  ERROR("the filter of extra_acked has another size");
}

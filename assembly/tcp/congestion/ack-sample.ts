// What congestion control is told and what it answers: numbers, wide enough for loss-based and model-based algorithms alike, and
// never the TCB. Both records lie at fixed places in SCRATCH and are valid during one call.
import { ACK_SAMPLE, CONGESTION_WINDOW } from "../scratch";

/** One ACK, as a record of numbers. Segments are wire segments. */
@unmanaged
@final
export class AckSample {
  nowUs: u64;
  deliveryRate: u64; // bytes/s; 0 = this ACK gave no valid sample
  rttUs: u32; // of the newest data acknowledged, 0 = none
  minRttUs: u32; // smallest of the connection, 0 = none
  srttUs: u32; // 0 = none
  mss: u32; // bytes
  ackedBytes: u32; // newly acknowledged payload
  ackedSegments: u32; // newly acknowledged
  lostSegments: u32; // newly taken for lost
  priorInflight: u32; // segments, before this ACK
  inflight: u32; // segments, after it
  appLimited: u32; // 1: deliveryRate says more about the application than about the path
  cwndLimited: u32; // 1: the congestion window was what held data back
  ecnEcho: u32; // 1: the peer reported a congestion mark (RFC 3168)

  clear(): void {
    memory.fill(changetype<usize>(this), 0, offsetof<AckSample>());
  }
}

/** What a congestion control reads and answers. */
@unmanaged
@final
export class CongestionWindow {
  pacingRate: u64; // bytes/s, 0 = not paced
  statePtr: usize; // -> 64 bytes of the algorithm's own, zero at the start of the connection
  cwnd: u32; // segments, at least 1
  ssthresh: u32; // segments, SSTHRESH_NONE = none yet
}

/** The sample of the ACK in hand. */
export function ackSample(): AckSample {
  return changetype<AckSample>(ACK_SAMPLE);
}

/** The window in hand. */
export function congestionWindow(): CongestionWindow {
  return changetype<CongestionWindow>(CONGESTION_WINDOW);
}

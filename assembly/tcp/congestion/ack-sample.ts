// What congestion control is told and what it answers: numbers, wide enough for loss-based and model-based algorithms alike, and
// never the TCB. The names in the rate sample are those of draft-ietf-ccwg-bbr-06 2.3 and 4.1.2. All three records lie at fixed
// places in SCRATCH and are valid during one call.
import { ACK_SAMPLE, CONGESTION_WINDOW, LOST_SAMPLE } from "../scratch";

/** One ACK, as a record of numbers. Segments are wire segments. */
@unmanaged
@final
export class AckSample {
  nowUs: u64;
  // the rate sample of the newest transmission that this ACK delivers
  rateBytes: u64; // delivered in rateIntervalUs
  rateIntervalUs: u64; // 0 = this ACK gave no valid sample
  rate: u64; // deliveryRate once somebody has asked
  delivered: u64; // bytes delivered in the connection's life, C.delivered
  priorDelivered: u64; // of these, delivered when that transmission left, P.delivered; valid with intervalUs or deliveredSegments
  intervalUs: u32; // the time it stands for, 0 = none
  txInFlight: u32; // segments in flight just after it left
  lostSince: u32; // segments taken for lost since it left
  appLimited: u32; // 1: deliveryRate says more about the application than about the path
  rttUs: u32; // of the newest data acknowledged, 0 = none
  minRttUs: u32; // smallest of the connection, 0 = none
  srttUs: u32; // 0 = none
  mss: u32; // bytes
  ackedBytes: u32; // newly acknowledged payload
  ackedSegments: u32; // a window may grow by so many: newly acknowledged or SACKed, as Linux counts
  deliveredSegments: u32; // newly acknowledged or SACKed: DeliveredData of RFC 6937, in segments
  lostSegments: u32; // newly taken for lost
  priorInflight: u32; // segments, before this ACK
  inflight: u32; // segments, after it
  una: u32; // SND.UNA after it
  nxt: u32; // SND.NXT
  cwndLimited: u32; // 1: the congestion window was what held data back, or slow start uses more than half of it
  cwndFull: u32; // 1: the congestion window was what held data back
  mayGrow: u32; // 1: new data is acknowledged and no recovery shapes the window: a loss-based algorithm may open it
  inRecovery: u32; // 1: fast recovery (CA_RECOVERY) goes on
  ecnEcho: u32; // 1: the peer reported a congestion mark (RFC 3168)
  hasSack: u32; // 1: SACK was negotiated

  /** Bytes/s; 0 = this ACK gave no valid sample. A division, and not every algorithm asks. */
  get deliveryRate(): u64 {
    // At most 4 GiB are outstanding, so that the product fits
    if (this.rate === 0 && this.rateIntervalUs !== 0) this.rate = (this.rateBytes * 1000000) / this.rateIntervalUs;
    return this.rate;
  }

  clear(): void {
    // With each ACK: written out, the last store over the one before it, it is half of what a loop takes
    const ptr = changetype<usize>(this);
    const none = i64x2.splat(0);
    v128.store(ptr, none);
    v128.store(ptr, none, 16);
    v128.store(ptr, none, 32);
    v128.store(ptr, none, 48);
    v128.store(ptr, none, 64);
    v128.store(ptr, none, 80);
    v128.store(ptr, none, 96);
    v128.store(ptr, none, 112);
    v128.store(ptr, none, 120);
  }
}

if (offsetof<AckSample>() !== 136) ERROR("AckSample.clear() writes other bytes than there are");

/** A transmission that was taken for lost. */
@unmanaged
@final
export class LostSample {
  nowUs: u64;
  delivered: u64; // bytes delivered in the connection's life
  seq: u32; // its first sequence number
  end: u32; // the one after its last
  segments: u32; // it was
  txInFlight: u32; // segments in flight just after it left, itself included
  lostSince: u32; // segments taken for lost since it left, itself included
  appLimited: u32; // 1: the application had no more to send then
  hasSack: u32;
}

/** What a congestion control reads and answers. */
@unmanaged
@final
export class CongestionWindow {
  nowUs: u64;
  pacingRate: u64; // bytes/s, 0 = not paced
  statePtr: usize; // -> 64 bytes of the algorithm's own (or its block, see blockBytes() in control.ts), zero at the start
  cwnd: u32; // segments, at least 1
  ssthresh: u32; // segments, SSTHRESH_NONE = none yet
  inflight: u32; // segments
  mss: u32; // bytes
  srttUs: u32; // 0 = none
  una: u32; // SND.UNA
  nxt: u32; // SND.NXT
  delivered: u64; // bytes delivered in the connection's life
  appLimited: u64; // `delivered` at which the application limit ends, 0 = not limited; an algorithm may set it
}

/** The sample of the ACK in hand. */
export function ackSample(): AckSample {
  return changetype<AckSample>(ACK_SAMPLE);
}

/** The loss in hand. */
export function lostSample(): LostSample {
  return changetype<LostSample>(LOST_SAMPLE);
}

/** The window in hand. */
export function congestionWindow(): CongestionWindow {
  return changetype<CongestionWindow>(CONGESTION_WINDOW);
}

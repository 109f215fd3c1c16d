// Round-trip time and retransmission time-out, RFC 6298, in µs. The smallest time-out is Linux's 200 ms on the variance term
// instead of one second on the sum (RFC 6298 2.4 is a SHOULD; docs/conformance.md). Knows no timers.
import { SYSCTL_TCP_RTO_MAX_MS, SYSCTL_TCP_RTO_MIN_US } from "../layout";
import { Tcb } from "./tcb";

/** RFC 6298 2.1: "Until a round-trip time (RTT) measurement has been made [...] the sender SHOULD set RTO <- 1 second". */
const RTO_INITIAL_US: u32 = 1000000;
/** RFC 6298 5.7: after a SYN was retransmitted the time-out for data starts at three seconds. */
export const RTO_AFTER_LOST_SYN_US: u32 = 3000000;
/** No time-out is shorter than this, whatever the sysctls say: a timer must move forward. */
const RTO_FLOOR_US: u32 = 1000;

/** Upper bound of the time-out, µs (RFC 6298 2.5 wants 60 s at least; ours is Linux's 120 s). */
export function rtoMaxUs(): u32 {
  const us = <u64>load<u32>(SYSCTL_TCP_RTO_MAX_MS) * 1000;
  return <u32>max<u64>(RTO_INITIAL_US, min<u64>(us, 0x7fffffff));
}

/** Forgets all measurements. */
export function rttReset(tcb: Tcb): void {
  tcb.srttUs = 0;
  tcb.rttvarUs = 0;
  tcb.minRttUs = 0;
  tcb.backoff = 0;
  tcb.rtoUs = RTO_INITIAL_US;
}

/**
 * Takes a measurement of a segment that was sent once (Karn) or came with a timestamp, and undoes the back-off.
 * @param rttUs µs; 0 counts as 1, because SRTT 0 means that there is none
 */
export function rttSample(tcb: Tcb, rttUs: u32): void {
  const r = <u64>max<u32>(rttUs, 1);
  if (tcb.srttUs === 0) {
    // RFC 6298 2.2: SRTT <- R, RTTVAR <- R/2
    tcb.srttUs = <u32>r;
    tcb.rttvarUs = <u32>(r >> 1);
  } else {
    // RFC 6298 2.3, alpha = 1/8, beta = 1/4: RTTVAR first, from the old SRTT. Rounded, or small values would never rise
    const srtt = <u64>tcb.srttUs;
    const error = srtt > r ? srtt - r : r - srtt;
    tcb.rttvarUs = <u32>((3 * <u64>tcb.rttvarUs + error + 2) >> 2);
    tcb.srttUs = <u32>max<u64>((7 * srtt + r + 4) >> 3, 1);
  }
  if (tcb.minRttUs === 0 || <u32>r < tcb.minRttUs) tcb.minRttUs = <u32>r;
  tcb.backoff = 0;
  tcb.rtoUs = rtoOfEstimate(tcb);
}

/** RTO without back-off, µs (RFC 6298 2.3, 2.4, 2.5). */
function rtoOfEstimate(tcb: Tcb): u32 {
  if (tcb.srttUs === 0) return RTO_INITIAL_US;
  const variance = max<u64>(4 * <u64>tcb.rttvarUs, load<u32>(SYSCTL_TCP_RTO_MIN_US));
  const rto = max<u64>(<u64>tcb.srttUs + variance, RTO_FLOOR_US);
  return <u32>min<u64>(rto, rtoMaxUs());
}

/** Takes the back-off back: what held the segments up was not the network (RFC 6069 1). */
export function undoBackOff(tcb: Tcb): void {
  tcb.backoff = 0;
  tcb.rtoUs = rtoOfEstimate(tcb);
}

/** RFC 6298 5.5: RTO <- RTO * 2, up to the bound. */
export function backOffRto(tcb: Tcb): void {
  if (tcb.backoff !== 0xff) tcb.backoff += 1;
  tcb.rtoUs = <u32>min<u64>((<u64>tcb.rtoUs) << 1, rtoMaxUs());
}

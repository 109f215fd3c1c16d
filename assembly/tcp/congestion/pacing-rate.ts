// The rate a connection is paced at: what a model-based algorithm answers, else window over round trip with Linux's headroom and
// only if a limit was asked for, because an unpaced connection is what Linux has without fq. Spreading is ../pacing.ts's business.
import { SYSCTL_TCP_PACING_CA_RATIO, SYSCTL_TCP_PACING_SS_RATIO } from "../../layout";
import { Tcb } from "../tcb";

/**
 * @param modelRate bytes/s that the algorithm answered with, 0 = it has no opinion
 * @returns bytes/s, 0 = not paced
 */
export function cappedPacingRate(tcb: Tcb, modelRate: u64): u64 {
  const limit = tcb.maxPacingRate;
  if (modelRate !== 0) return limit !== 0 ? min(modelRate, limit) : modelRate;
  if (limit === 0) return 0;
  const rate = windowRate(tcb, tcb.sndMss);
  return rate !== 0 ? min(rate, limit) : limit; // without a round trip as fast as the limit allows
}

/**
 * Window over round trip, times tcp_pacing_ss_ratio while the window may double (below half of ssthresh), else tcp_pacing_ca_ratio,
 * in percent: faster than the window would go by itself, so that the window and not the pace is the limit.
 * @param mss bytes of payload per segment
 * @returns bytes/s, at least 1; 0 = no round trip was measured yet
 */
export function windowRate(tcb: Tcb, mss: u32): u64 {
  if (tcb.srttUs === 0) return 0;
  const isDoubling = tcb.cwnd < tcb.ssthresh >> 1;
  const percent = load<u32>(isDoubling ? SYSCTL_TCP_PACING_SS_RATIO : SYSCTL_TCP_PACING_CA_RATIO);
  // 2^24 segments of 2^16 bytes, 1000 % and 10^4: the product stays below 2^64
  const bytes = <u64>max(tcb.cwnd, tcb.packetsOut) * <u64>mss;
  return max<u64>((bytes * percent * 10000) / tcb.srttUs, 1);
}

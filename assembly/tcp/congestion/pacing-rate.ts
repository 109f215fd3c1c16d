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
  return limit !== 0 ? max<u64>(1, min(windowRate(tcb), limit)) : 0;
}

/**
 * Window over round trip, times tcp_pacing_ss_ratio while the window may double (below half of ssthresh), else tcp_pacing_ca_ratio,
 * in percent: faster than the window would go by itself, so that the window and not the pace is the limit.
 * @returns bytes/s; without a round trip as fast as can be
 */
export function windowRate(tcb: Tcb): u64 {
  if (tcb.srttUs === 0) return U64.MAX_VALUE;
  const isDoubling = tcb.cwnd < tcb.ssthresh >> 1;
  const percent = load<u32>(isDoubling ? SYSCTL_TCP_PACING_SS_RATIO : SYSCTL_TCP_PACING_CA_RATIO);
  // 2^24 segments of 2^16 bytes and 1000 %: the product stays below 2^57
  const bytes = <u64>max(tcb.cwnd, tcb.packetsOut) * <u64>tcb.sndMss;
  return ((bytes * percent * 100) / tcb.srttUs) * 100;
}

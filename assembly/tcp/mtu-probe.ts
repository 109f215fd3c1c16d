// Finding the path MTU without the network's help (RFC 4821), as Linux does it: after a black hole (tcp_mtu_probing 1), or always (2),
// segments start at tcp_base_mss, and now and then one of a size half-way up is sent as data. If it is acknowledged, segments
// grow to it; if it alone is lost, it was too big, and that is no congestion. Must not know ICMP: that is path-mtu.ts.
//
//    mtuSearchLow                  probe                  mtuSearchHigh
//    ───┼────────────────────────────┼───────────────────────────┼───      bytes of packet, until closer than tcp_probe_threshold

import { count } from "../count";
import { COUNTER_TCP_MTUP_FAIL, COUNTER_TCP_MTUP_SUCCESS } from "../counters";
import {
  CA_DISORDER,
  CA_OPEN,
  SYSCTL_TCP_BASE_MSS,
  SYSCTL_TCP_MIN_SND_MSS,
  SYSCTL_TCP_MTU_PROBE_FLOOR,
  SYSCTL_TCP_MTU_PROBING,
  SYSCTL_TCP_PROBE_INTERVAL,
  SYSCTL_TCP_PROBE_THRESHOLD,
  SYSCTL_TCP_REORDERING,
} from "../layout";
import { unsentBytes } from "./new-data";
import { resendTooBig } from "./path-mtu";
import { inFlight } from "./rtx-queue";
import { bytesToBoundary } from "./send-marks";
import { syncMss, usableWindow } from "./send-window";
import { seqGte } from "./seq";
import { FIXED_HEADERS, headerBytes, sentOffset } from "./sizes";
import { TCB_FLAG_MTU_SEARCHED, Tcb } from "./tcb";

/** No probe is due. */
export const PROBE_NONE: u32 = 0;
/** One is, once more of what is in flight has arrived: nothing else may leave meanwhile. */
export const PROBE_WAIT: u32 = 0xffffffff;

/** A smaller congestion window would not show a single loss for what it is (Linux). */
const CWND_MIN: u32 = 11;

const MODE_ALWAYS: u32 = 2;

function baseMtu(tcb: Tcb): u32 {
  return min<u32>(load<u32>(SYSCTL_TCP_BASE_MSS) + headerBytes(tcb), 0xffff);
}

/** Starts a connection whose segment size is known: it searches from the beginning if tcp_mtu_probing is 2. */
export function startMtuSearch(tcb: Tcb, nowUs: u64): void {
  beginSearch(tcb, baseMtu(tcb), nowUs);
  if (load<u32>(SYSCTL_TCP_MTU_PROBING) === MODE_ALWAYS) tcb.set(TCB_FLAG_MTU_SEARCHED);
  else tcb.clear(TCB_FLAG_MTU_SEARCHED);
}

function beginSearch(tcb: Tcb, low: u32, nowUs: u64): void {
  tcb.mtuProbeBytes = 0;
  tcb.mtuSearchLow = <u16>low;
  tcb.mtuSearchHigh = <u16>min<u32>(min<u32>(tcb.peerMss + FIXED_HEADERS, tcb.pmtu), 0xffff);
  tcb.mtuSearchUs = nowUs;
}

/**
 * Retransmissions have gone unanswered for as long as tcp_retries1 says: maybe only small packets get through.
 *
 *   RFC 4821 7.7: "If the full-stop timeout [...] the path may have become a black hole: the Packetization Layer SHOULD reduce the
 *   Path MTU".
 */
export function blackHoleSuspected(tcb: Tcb, nowUs: u64): void {
  if (load<u32>(SYSCTL_TCP_MTU_PROBING) === 0) return;
  tcb.mtuProbeBytes = 0;
  if (!tcb.has(TCB_FLAG_MTU_SEARCHED)) {
    tcb.set(TCB_FLAG_MTU_SEARCHED);
    tcb.mtuSearchUs = nowUs;
  } else {
    const now = <u32>tcb.mtuSearchLow > headerBytes(tcb) ? <u32>tcb.mtuSearchLow - headerBytes(tcb) : 0;
    let mss = min<u32>(now >> 1, load<u32>(SYSCTL_TCP_BASE_MSS));
    mss = max<u32>(max<u32>(mss, load<u32>(SYSCTL_TCP_MTU_PROBE_FLOOR)), load<u32>(SYSCTL_TCP_MIN_SND_MSS));
    tcb.mtuSearchLow = <u16>min<u32>(mss + headerBytes(tcb), 0xffff);
  }
  syncMss(tcb);
}

/** Payload bytes of the probe that should leave now, PROBE_NONE or PROBE_WAIT. */
export function mtuProbeDue(tcb: Tcb, nowUs: u64): u32 {
  if (!tcb.has(TCB_FLAG_MTU_SEARCHED) || tcb.mtuProbeBytes !== 0 || tcb.caState !== <u8>CA_OPEN) return PROBE_NONE;
  if (tcb.cwnd < CWND_MIN || tcb.sackBlocks !== 0 || tcb.dsackDue !== 0) return PROBE_NONE;
  const low: u32 = tcb.mtuSearchLow;
  const high: u32 = tcb.mtuSearchHigh;
  if (high < low || high - low < load<u32>(SYSCTL_TCP_PROBE_THRESHOLD)) {
    searchAgain(tcb, nowUs);
    return PROBE_NONE;
  }
  const bytes = ((high + low) >> 1) - headerBytes(tcb);
  if (bytes <= tcb.sndMss) return PROBE_NONE;
  // What follows the probe must be enough to show its loss
  const needed = bytes + (load<u32>(SYSCTL_TCP_REORDERING) + 1) * tcb.sndMss;
  if (unsentBytes(tcb) < needed || tcb.sndWnd < needed) return PROBE_NONE;
  if (bytesToBoundary(tcb, sentOffset(tcb)) < bytes) return PROBE_NONE;
  if (usableWindow(tcb) < needed) return PROBE_WAIT;
  const flight = inFlight(tcb);
  if (flight + 2 > tcb.cwnd) return flight === 0 ? PROBE_NONE : PROBE_WAIT;
  return bytes;
}

// RFC 4821 7.2: the path may have become wider since the search ended
function searchAgain(tcb: Tcb, nowUs: u64): void {
  if (nowUs - tcb.mtuSearchUs < <u64>load<u32>(SYSCTL_TCP_PROBE_INTERVAL) * 1000000) return;
  beginSearch(tcb, tcb.sndMss + headerBytes(tcb), nowUs);
}

/** The probe leaves: it takes the place of two segments in the congestion window. */
export function mtuProbeSent(tcb: Tcb, seq: u32, bytes: u32): void {
  tcb.mtuProbeStart = seq;
  tcb.mtuProbeBytes = <u16>bytes;
  tcb.cwnd -= 1;
}

/** SND.UNA has moved: if the probe has arrived, segments may be as large as it was. */
export function mtuProbeOnAck(tcb: Tcb): void {
  if (tcb.mtuProbeBytes === 0 || !seqGte(tcb.sndUna, tcb.mtuProbeStart + tcb.mtuProbeBytes)) return;
  const packet = <u32>tcb.mtuProbeBytes + headerBytes(tcb);
  count(COUNTER_TCP_MTUP_SUCCESS);
  // The window is counted in segments, and these are larger now (RFC 4821 7.6.1: bytes in flight stay)
  tcb.cwnd = max<u32>(1, <u32>((<u64>tcb.cwnd * (tcb.sndMss + headerBytes(tcb))) / packet));
  tcb.mtuSearchLow = <u16>packet;
  tcb.mtuProbeBytes = 0;
  syncMss(tcb);
}

/**
 * Something is lost, and no recovery has begun yet. If it is the probe, it was too big.
 *
 *   RFC 4821 7.6.2: "when a probe fails [...] the congestion window is not reduced"
 * @returns whether that is so: the data of the probe is sent again in smaller segments, and nothing else is to be done
 */
export function mtuProbeFailed(tcb: Tcb): bool {
  if (tcb.mtuProbeBytes === 0 || tcb.caState > <u8>CA_DISORDER || tcb.sndUna !== tcb.mtuProbeStart) return false;
  count(COUNTER_TCP_MTUP_FAIL);
  tcb.mtuSearchHigh = <u16>(<u32>tcb.mtuProbeBytes + headerBytes(tcb) - 1);
  tcb.mtuProbeBytes = 0;
  tcb.cwnd += 1;
  resendTooBig(tcb);
  return true;
}

/** Something is sent again: whether the probe arrives says nothing any more. */
export function mtuProbeInconclusive(tcb: Tcb): void {
  tcb.mtuProbeBytes = 0;
}

// What the peer lets us send: SND.WND and its bookkeeping (RFC 9293 3.10.7.4, "fifth"), the usable window, and the segment size
// that suits both path and window. How much of it we use is new-data.ts's business.
import { STATE_SYN_RECEIVED, STATE_SYN_SENT, SYSCTL_TCP_MIN_SND_MSS } from "../layout";
import { NONE } from "../storage/none";
import { SYN } from "../wire/tcp";
import { wantOutput } from "./connections";
import { rtxAt, rtxMarkLost } from "./rtx-queue";
import { RTX_RETRANSMITTED } from "./rtx-record";
import { sackBytesBeside } from "./sack-blocks";
import { Segment } from "./segment";
import { seqLt, seqLte } from "./seq";
import { constantOptions, FIXED_HEADERS, MSS_DEFAULT, OPTIONS_MAX } from "./sizes";
import { TCB_FLAG_MTU_SEARCHED, Tcb } from "./tcb";
import { cancelRetransmitTimer, TIMER_PERSIST } from "./timers";

/** Payload of a path with the smallest MTU IPv4 knows (68 bytes). */
const SMALLEST_PAYLOAD: u32 = 28;

/**
 * Takes the window of an acceptable segment, unless it is older than the one we know:
 *
 *   RFC 9293 3.10.7.4: If (SND.WL1 < SEG.SEQ or (SND.WL1 = SEG.SEQ and SND.WL2 =< SEG.ACK)), set SND.WND <- SEG.WND,
 *   set SND.WL1 <- SEG.SEQ, and set SND.WL2 <- SEG.ACK.
 *
 * A segment that acknowledges more than the one the window came from is newer whatever its SEG.SEQ: a retransmission between
 * segments that came out of order. Without its window SND.UNA would carry the old one's edge along, beyond what was promised.
 * The first window of a connection is taken as it is, and that of a segment with SYN is not scaled (RFC 7323 2.2).
 */
export function updateSendWindow(tcb: Tcb, seg: Segment): void {
  const isSyn = (seg.flags & SYN) !== 0;
  const isFirst = isSyn || tcb.maxSndWnd === 0;
  const isNewer = seqLt(tcb.sndWl1, seg.seq) || (tcb.sndWl1 === seg.seq && seqLte(tcb.sndWl2, seg.ack));
  if (!isFirst && !isNewer && !seqLt(tcb.sndWl2, seg.ack)) return;
  tcb.sndWl1 = seg.seq;
  tcb.sndWl2 = seg.ack;
  const window = isSyn ? seg.wnd : seg.wnd << tcb.sndWscale;
  if (window === tcb.sndWnd) return;
  const isLarger = window > tcb.sndWnd;
  const wasTooSmall = tcb.rtxHead !== NONE && rtxAt(tcb.rtxHead).end - tcb.sndUna > tcb.sndWnd;
  tcb.sndWnd = window;
  if (window > tcb.maxSndWnd) tcb.maxSndWnd = window;
  if (!isLarger) return;
  // Retransmitted into a window that had been taken back, it was a probe: what opens the window did not take it
  if (wasTooSmall && rtxAt(tcb.rtxHead).has(RTX_RETRANSMITTED)) rtxMarkLost(tcb, tcb.rtxHead);
  // What was held back may go now; if it may not, output() starts the persist timer anew
  tcb.persistProbes = 0;
  cancelRetransmitTimer(tcb, TIMER_PERSIST);
  wantOutput(tcb);
}

/** Whether segment size and congestion window are set (startSender): from ESTABLISHED on, with Fast Open before it. */
export function hasSender(tcb: Tcb): bool {
  return tcb.sndMss !== 0 && tcb.state !== <u8>STATE_SYN_SENT; // there it is a guess of what the server takes
}

/**
 * U of RFC 9293 3.8.6.2.1: SND.UNA + SND.WND - SND.NXT; 0 if the peer shrank its window below what is in flight. Our SYN-ACK, which the
 * early data of Fast Open follows, is not of the window that the peer's SYN offered.
 */
export function usableWindow(tcb: Tcb): u32 {
  const used = tcb.sndNxt - tcb.sndUna - (tcb.state === <u8>STATE_SYN_RECEIVED ? 1 : 0);
  return tcb.sndWnd > used ? tcb.sndWnd - used : 0;
}

/**
 * Sets SND.MSS: payload bytes per wire segment, from the peer's MSS, the path MTU and the options every segment carries.
 *
 *   RFC 9293 3.7.1: Eff.snd.MSS = min(SendMSS+20, MMS_S) - TCPhdrsize - IPoptionsize
 *
 * A tiny MSS is honoured (MUST-14) down to what tcp_min_snd_mss leaves beside 40 bytes of options: 8 bytes by default.
 */
export function syncMss(tcb: Tcb): void {
  const announced = tcb.peerMss === 0 ? MSS_DEFAULT : tcb.peerMss;
  if (<u32>tcb.mtuSearchHigh > tcb.pmtu) tcb.mtuSearchHigh = <u16>tcb.pmtu;
  const packet = tcb.has(TCB_FLAG_MTU_SEARCHED) ? min<u32>(tcb.pmtu, tcb.mtuSearchLow) : tcb.pmtu;
  const path = packet > FIXED_HEADERS ? packet - FIXED_HEADERS : SMALLEST_PAYLOAD;
  const options = constantOptions(tcb);
  const leastMss = load<u32>(SYSCTL_TCP_MIN_SND_MSS);
  const least = leastMss > OPTIONS_MAX ? leastMss - OPTIONS_MAX : 1;
  const mss = min(announced, path);
  tcb.sndMss = mss > options + least ? mss - options : least;
}

/**
 * The segment size to cut data into: SND.MSS, or half the largest window the peer ever offered if that is less (the whole of
 * a window that never passed 536 bytes), so that a peer with a small buffer is not sent one segment at a time.
 */
export function segmentSize(tcb: Tcb): u32 {
  const largest = tcb.maxSndWnd;
  const cutoff = largest > MSS_DEFAULT ? largest >> 1 : largest;
  if (cutoff === 0 || tcb.sndMss <= cutoff) return tcb.sndMss;
  return min(tcb.sndMss, max(cutoff, SMALLEST_PAYLOAD));
}

/** segmentSize() of a segment that leaves now: SACK blocks that it carries take their room from its payload. */
export function segmentSizeNow(tcb: Tcb): u32 {
  const size = segmentSize(tcb);
  const sackBytes = sackBytesBeside(tcb);
  return sackBytes === 0 ? size : min(size, tcb.sndMss - sackBytes);
}

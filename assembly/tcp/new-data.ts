// How much new data may leave now: the window, the congestion window, whole segments and the largest super-segment bound it;
// Nagle (RFC 9293 3.7.4, with Minshall's rule), the sender's silly-window avoidance (3.8.6.2.1) and the wish for full
// super-segments may hold it back. Decides; output.ts builds.
import {
  CA_RECOVERY,
  STATE_ESTABLISHED,
  STATE_SYN_RECEIVED,
  STATE_TIME_WAIT,
  SYSCTL_TCP_MIN_TSO_SEGS,
  SYSCTL_TCP_TSO_RTT_LOG,
} from "../layout";
import { NONE } from "../storage/none";
import { IPV4_MAX_PACKET } from "../wire/ipv4";
import { ackRoom } from "./ack-slots";
import { windowRate } from "./congestion/pacing-rate";
import { noteWindowUse } from "./congestion/window-validation";
import { mayAnswerEarly } from "./fast-open";
import { linkGsoMax } from "./link-limits";
import { holdsSmall } from "./nagle";
import { inFlight, rtxAt } from "./rtx-queue";
import { sackBytesBeside } from "./sack-blocks";
import { bytesToBlockEnd, withinHalfWindow } from "./send-blocks";
import { bytesToBoundary } from "./send-marks";
import { segmentSizeNow, usableWindow } from "./send-window";
import { headerBytes, sentOffset } from "./sizes";
import { TCB_FLAG_FIN_QUEUED, TCB_FLAG_FIN_SENT, Tcb } from "./tcb";

/** Wire segments of one super-segment: what 64 KiB make at the default MSS of 536 bytes. Bounds the work a tiny MSS makes. */
const SUPER_SEGMENTS_MAX: u32 = 128;
/** A sender that paused longer than this is not waiting for ACKs to fill a super-segment. */
const DEFER_RECENT_US: u64 = 1000;
/** When paced: super-segments of about one millisecond. */
const PACED_SEGMENTS_PER_SECOND: u64 = 1024;

/** Whether data or FIN may be sent for the first time in this state. */
export function maySendNew(tcb: Tcb): bool {
  if (tcb.state < <u8>STATE_ESTABLISHED) return mayAnswerEarly(tcb);
  return tcb.state !== <u8>STATE_TIME_WAIT && !tcb.has(TCB_FLAG_FIN_SENT);
}

/** Bytes in the send ring that were never sent: D of RFC 9293 3.8.6.2.1. Only before the FIN was sent. */
export function unsentBytes(tcb: Tcb): u32 {
  return tcb.sndTail - sentOffset(tcb);
}

/** Whether a FIN waits for its turn. */
export function isFinWaiting(tcb: Tcb): bool {
  if (tcb.state < <u8>STATE_ESTABLISHED) return false; // CLOSE came before the handshake was over: after it
  return (tcb.flags & (TCB_FLAG_FIN_QUEUED | TCB_FLAG_FIN_SENT)) === TCB_FLAG_FIN_QUEUED;
}

/** Whether there is anything to retransmit or to send for the first time, allowed or not. */
export function hasOutput(tcb: Tcb): bool {
  if (tcb.state < <u8>STATE_ESTABLISHED) return false;
  if (tcb.rtxLost !== NONE) return true;
  return maySendNew(tcb) && (unsentBytes(tcb) !== 0 || isFinWaiting(tcb));
}

/** Segments that the congestion window has room for. */
export function congestionRoom(tcb: Tcb): u32 {
  let flight = inFlight(tcb);
  // Fast Open, before the handshake is complete: the window is the data's, our SYN-ACK does not count (Linux)
  if (tcb.state === <u8>STATE_SYN_RECEIVED && flight !== 0) flight -= 1;
  return tcb.cwnd > flight ? tcb.cwnd - flight : 0;
}

/** Payload bytes of the largest segment the interface takes, a multiple of `mss`, at least one. */
export function largestPayload(tcb: Tcb, mss: u32): u32 {
  const gsoMax = linkGsoMax(tcb.interfaceIndex);
  const headers = headerBytes(tcb) + sackBytesBeside(tcb);
  const packet = min(gsoMax, IPV4_MAX_PACKET);
  if (packet < headers + 2 * mss) return mss;
  // No larger than half of what the peer can take at most, so that one is under way while the other is read (Linux)
  let bytes = withinHalfWindow(tcb, packet - headers);
  // Not paced: the rate at which the window leaves, which sizes bursts even if nothing spreads them (Linux)
  const rate = tcb.pacingRate !== 0 ? tcb.pacingRate : windowRate(tcb, mss);
  if (rate !== 0) bytes = min(bytes, pacedPayload(tcb, rate, gsoMax, mss));
  return max<u32>(1, min<u32>(bytes / mss, SUPER_SEGMENTS_MAX)) * mss;
}

// A super-segment is a burst: one millisecond's worth of the rate, and the more beyond it the shorter the path, where bursts do no
// harm and many small frames cost much (Linux's tcp_tso_autosize)
function pacedPayload(tcb: Tcb, rate: u64, gsoMax: u32, mss: u32): u32 {
  let bytes = rate / PACED_SEGMENTS_PER_SECOND;
  const rttLog = load<u32>(SYSCTL_TCP_TSO_RTT_LOG);
  const halvings = rttLog !== 0 && tcb.minRttUs !== 0 ? tcb.minRttUs >> rttLog : 32;
  if (halvings < 32) bytes += gsoMax >> halvings;
  return <u32>min<u64>(max<u64>(bytes, <u64>load<u32>(SYSCTL_TCP_MIN_TSO_SEGS) * mss), IPV4_MAX_PACKET);
}

// Two super-segments at least in a window, so that ACKs of the first clock out more while the second is under way (Linux)
function halfWindow(tcb: Tcb, mss: u32): u32 {
  return <u32>min<u64>(<u64>max<u32>(tcb.cwnd >> 1, 1) * mss, IPV4_MAX_PACKET);
}

/**
 * Payload bytes of new data to send now in one segment; 0 = none, or not yet.
 * @param isOverride the override timer of RFC 9293 3.8.6.2.1 expired: send what the window takes
 */
export function sendableBytes(tcb: Tcb, isOverride: bool, nowUs: u64): u32 {
  const bytes = allowedBytes(tcb, isOverride, nowUs);
  return bytes <= tcb.sndMss ? bytes : min(bytes, halfWindow(tcb, segmentSizeNow(tcb)));
}

function allowedBytes(tcb: Tcb, isOverride: bool, nowUs: u64): u32 {
  const unsent = unsentBytes(tcb);
  if (unsent === 0) return 0;
  const mss = segmentSizeNow(tcb);
  const window = usableWindow(tcb);
  const congestion = congestionRoom(tcb);
  if (congestion === 0) {
    noteWindowUse(tcb, true);
    return 0;
  }
  const room = <u64>min(congestion, ackRoom(tcb)) * mss;
  const most = largestPayload(tcb, mss);
  const record = min(unsent, bytesToBoundary(tcb, sentOffset(tcb)));
  const block = most > mss ? min(record, bytesToBlockEnd(tcb, mss)) : record;
  const limit = <u32>min<u64>(min<u32>(min<u32>(block, window), most), room);
  if (isOverride) return min(limit, mss);
  const whole = limit - (limit % mss);
  // What ends a record cannot grow while other bytes follow it: it waits for nothing
  if (limit === record && record !== unsent) return limit;
  const isAll = limit === unsent;
  if (whole === 0) return mayBeSmall(tcb, limit, isAll) ? limit : 0;
  if (!isAll && limit < most && limit !== block && isWorthWaiting(tcb, limit, mss, nowUs)) {
    if (<u64>congestion * mss < window) noteWindowUse(tcb, true);
    return 0;
  }
  return isAll && whole !== limit && mayBeSmall(tcb, limit, true) ? limit : whole;
}

/**
 * Whether a segment below one MSS may leave.
 *
 *   RFC 9293 3.8.6.2.1: (2) if [...] all queued data can be sent now; (3) if at least a fraction Fs of the maximum window can
 *   be sent [and SND.NXT = SND.UNA]; Fs = 1/2. Rule (4), the time-out, is the persist timer.
 *
 * Nagle, as Minshall changed it, and TCP_CORK and MSG_MORE restrict (2): nagle.ts.
 */
export function mayBeSmall(tcb: Tcb, bytes: u32, isAll: bool): bool {
  if (bytes === 0) return false;
  if (!isAll) return tcb.packetsOut === 0 && bytes >= (tcb.maxSndWnd + 1) >> 1;
  return !holdsSmall(tcb);
}

// A frame costs the same whatever it holds: with more data queued than may leave, and ACKs about to come that allow more, wait
// for them. Not if a third of the window can go, or the next ACK is half a round trip away (Linux's rule)
function isWorthWaiting(tcb: Tcb, limit: u32, mss: u32, nowUs: u64): bool {
  if (tcb.rtxHead === NONE || tcb.caState >= <u8>CA_RECOVERY || nowUs > tcb.lastSentUs + DEFER_RECENT_US) return false;
  const window = min<u64>(tcb.sndWnd, <u64>tcb.cwnd * mss);
  if (limit >= window / 3) return false;
  return nowUs - rtxAt(tcb.rtxHead).sentUs >= <u64>(tcb.srttUs >> 1);
}

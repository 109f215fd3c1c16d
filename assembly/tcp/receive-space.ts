// How much a connection could promise its peer now: the room in the receive ring, less what rounding needs, within what a user fixed
// (SO_RCVBUF, TCP_WINDOW_CLAMP) and what the link's receive slots hold. RFC 9293 3.8.6.2.2 (RCV.BUFF), RFC 7323 2. What of it is
// told, and when, is receive-window.ts's business.
import { SYSCTL_RMEM_MAX, SYSCTL_TCP_RMEM_MAX } from "../layout";
import { WINDOW_SCALE_MAX } from "../wire/tcp-options";
import { bulkReceivers, receiveShare } from "./bulk-share";
import { linkReceiveSlots } from "./link-limits";
import { receiveCapacityFixed, receiveCapacityInitial } from "./receive-ring";
import { Tcb } from "./tcb";

/** Frames that a link holds for us never bound the window below this: small frames are no measure of what bulk data will be. */
const FRAME_BOUND_MIN: u32 = 65536;
/** Frames of so many segments on average are super-segments. */
const SUPER_FRAME_SEGMENTS: u32 = 4;
const NO_LIMIT: u32 = 0xffffffff;

/** Bytes a user wants us to hold at most: half of SO_RCVBUF as it reads back, which is what was asked for. */
function userBytes(tcb: Tcb): u32 {
  return tcb.rcvBuf === 0 ? NO_LIMIT : tcb.rcvBuf / 2;
}

function clampBytes(tcb: Tcb): u32 {
  return tcb.windowClamp === 0 ? NO_LIMIT : tcb.windowClamp;
}

/**
 * Our window scale: what makes the largest window fit the window field -- of tcp_rmem's maximum (7 for 6 MiB) or rmem_max, but not
 * more than a user allows, as Linux. RFC 7323 2.3: at most 14.
 */
export function receiveWindowScale(tcb: Tcb): u32 {
  const most = max(load<u32>(SYSCTL_TCP_RMEM_MAX), load<u32>(SYSCTL_RMEM_MAX));
  const space = min(most, min(userBytes(tcb), clampBytes(tcb)));
  const bits: u32 = space === 0 ? 0 : 31 - <u32>clz(space);
  return bits <= 15 ? 0 : min<u32>(bits - 15, WINDOW_SCALE_MAX);
}

/** Sets how large the ring of a new connection will be, before its first SYN leaves. */
export function initialiseReceiveSpace(tcb: Tcb): void {
  const bytes = tcb.rcvBuf === 0 ? receiveCapacityInitial() : receiveCapacityFixed(userBytes(tcb));
  // Four units of the window scale at least: less could not be told in the window field
  tcb.rcvBufferCapacity = max<u32>(bytes, 4 << receiveWindowScale(tcb));
  tcb.rcvFrameBytes = tcb.advMss;
}

/** Bytes of one unit of the window field. */
export function windowUnit(tcb: Tcb): u32 {
  return 1 << (<u32>tcb.rcvWscale);
}

// A window is told in units of 2^rcvWscale. Between two reads the edge stands still while RCV.NXT moves, so what is left of the
// promise is hardly ever a multiple of the unit: rounded down it would look taken back (SHLD-14), so it is rounded up, and each
// ACK may move the edge by a unit less one. The room for that is never promised: 1/16 of the ring, which is enough for
// segments of all common sizes. If it is used up, the promise is rounded down after all (RFC 7323 2.4 knows that case)
function roundingReserve(tcb: Tcb): u32 {
  return tcb.rcvWscale === 0 ? 0 : max(tcb.rcvBufferCapacity >> 4, windowUnit(tcb) - 1);
}

/** Bytes that may lie in the ring, unread and promised together. */
export function promisedAtMost(tcb: Tcb): u32 {
  const reserve = roundingReserve(tcb);
  const ring = tcb.rcvBufferCapacity > reserve ? tcb.rcvBufferCapacity - reserve : 0;
  return min(ring, userBytes(tcb));
}

/** Bytes beyond RCV.NXT that the ring has room for. */
export function ringSpace(tcb: Tcb): u32 {
  const used = tcb.rcvTail - tcb.rcvHead;
  return used < tcb.rcvBufferCapacity ? tcb.rcvBufferCapacity - used : 0;
}

/** Bytes beyond RCV.NXT that we would promise now. */
export function promisable(tcb: Tcb): u32 {
  return min(promisableAlone(tcb), linkBound(tcb));
}

/** The same if nobody shared the link: for a given ring that only reading and receiving change. */
export function promisableAlone(tcb: Tcb): u32 {
  const used = tcb.rcvTail - tcb.rcvHead;
  const most = promisedAtMost(tcb);
  return min(used < most ? most - used : 0, clampBytes(tcb));
}

// What the link's slots hold, and the share in what all that receive in bulk are promised together
function linkBound(tcb: Tcb): u32 {
  return min(frameBound(tcb), receiveShare(tcb));
}

// Bytes that half of the link's receive slots hold, if frames go on to be as large as they were: a drop there would be our fault. The
// other half is for frames in hand, whose slots go back a turn later, and for connections that receive little; with all of them promised to
// one flow of 1448-byte frames, 422 of 740,000 frames were lost. Connections in bulk transfer share it (bulk-share.ts)
function frameBound(tcb: Tcb): u32 {
  const slots = linkReceiveSlots(tcb.interfaceIndex);
  if (slots === 0) return NO_LIMIT;
  const sharing = bulkReceivers(tcb.interfaceIndex);
  const bytes = (<u64>(slots >> 1) * tcb.rcvFrameBytes) / sharing;
  return max(<u32>min<u64>(bytes, NO_LIMIT), leastFrameBound(tcb, slots >> 1, sharing));
}

// What a connection is promised whatever its frames were like, or small frames would be followed by a small window, and that by small frames.
// Where super-segments do arrive that is a share of slots full of them, else two segments; and two units of the window field, as less than one
// is a closed window
function leastFrameBound(tcb: Tcb, slots: u32, sharing: u32): u32 {
  if (sharing === 1) return FRAME_BOUND_MIN;
  const least = min(2 * max<u32>(tcb.advMss, windowUnit(tcb)), FRAME_BOUND_MIN);
  if (tcb.rcvFrameBytes < SUPER_FRAME_SEGMENTS * tcb.advMss) return least;
  return max(min(FRAME_BOUND_MIN, <u32>((<u64>slots * FRAME_BOUND_MIN) / sharing)), least);
}

/**
 * Whether a promise that is no multiple of the unit may be rounded up though the link's slots bound it. Where a unit is more than a segment
 * that would add to the promise what has just arrived, for ever: then it is rounded down (RFC 7323 2.4).
 */
export function mayRoundUp(tcb: Tcb, promised: u32): bool {
  return windowUnit(tcb) <= tcb.rcvMss || promised < linkBound(tcb);
}

/** Whether a ring larger than this one could be promised: twice of what the link's slots hold, as main may lag behind, but no more than a share. */
export function mayPromiseMore(tcb: Tcb): bool {
  return tcb.rcvBufferCapacity >> 1 < frameBound(tcb) && tcb.rcvBufferCapacity < receiveShare(tcb);
}

/** The widest window that we would promise: a ring may have grown far beyond what the link's slots let us promise at once. */
export function reach(tcb: Tcb): u32 {
  return min(min(tcb.rcvBufferCapacity, userBytes(tcb)), min(clampBytes(tcb), linkBound(tcb)));
}

/** Whether a user fixed a buffer that is larger than the ring: then it need not wait for a reason to grow. */
export function isRingBelowUser(tcb: Tcb): bool {
  return tcb.rcvBuf !== 0 && tcb.rcvBufferCapacity < userBytes(tcb);
}

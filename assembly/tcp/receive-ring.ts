// The receive ring of a connection: allocated when the first byte arrives, written here, read by main, moved by us (the producer) to
// a larger one, and freed when it has been empty for a while (idle-rings.ts). What arrives first may be all there is: for a little
// of it the ring is small, and of the promised size once that does not do. Offsets are free-running u32; byte p of the stream lies at p & (capacity - 1). RFC 9293 3.3.1.
// Knows no sequence numbers and no windows: what may be written where is decided in reassembly.ts and receive-window.ts.
//
//        rcvHead (main read so far)     rcvTail (in order)         rcvAdvertised
//    ──────────┼────────────────────────────┼───────░░░░░──░░░────────────┼─────
//              │        readable            │     out of order, in place  │
//              └──────────────────── at most rcvBufferCapacity ───────────┘
import { count } from "../count";
import { COUNTER_RING_INDEX_INVALID, COUNTER_TCP_RCV_RING_GROWN, COUNTER_TCP_RCV_RING_REDUCED } from "../counters";
import { heapBytesFree, heapFree } from "../heap";
import {
  READY_READABLE,
  SYSCTL_TCP_RMEM_DEFAULT,
  SYSCTL_TCP_RMEM_MAX,
  SYSCTL_TCP_RMEM_MIN,
  TCB_RCV_EPOCH,
  TCB_RCV_RING,
} from "../layout";
import { byteRingCopyAcross, byteRingCopyIn } from "../storage/byte-ring";
import { raise, tcbsInUse } from "./connections";
import { allocGrowth, allocLeast, allocNeeded, isMemoryTight } from "./memory";
import { Tcb } from "./tcb";
import { watchRings } from "./timers";

// A ring of 2^30 bytes is the most that a window of 14 bits' shift can promise (RFC 7323 2.3)
const CAPACITY_MAX: u32 = 1 << 30;

// Eighths of the heap up to which a ring may grow: a first ring, which is promised already, must find room
const GROWN_SHARE: u32 = 5;
/** A first ring of SMALL_RING bytes takes what needs up to SMALL_NEED of them. */
const SMALL_RING: u32 = 1024;
const SMALL_NEED: u32 = 512;
// With many connections a new one promises at most this part of what each could have of the free heap
const PROMISE_PART: u32 = 4;

function powerOfTwoBelow(bytes: u32): u32 {
  return bytes === 0 ? 0 : 1 << (31 - <u32>clz(bytes));
}

// Bytes that a connection has in any case: the power of two at or below tcp_rmem's minimum
function receiveCapacityLeast(): u32 {
  return max<u32>(powerOfTwoBelow(load<u32>(SYSCTL_TCP_RMEM_MIN)), 256);
}

/** Bytes that the receive ring of a connection may grow to: the power of two at or below tcp_rmem's maximum. */
function receiveCapacityMax(): u32 {
  return min(max(powerOfTwoBelow(load<u32>(SYSCTL_TCP_RMEM_MAX)), receiveCapacityLeast()), CAPACITY_MAX);
}

/**
 * Bytes that a new connection promises its peer: the power of two at or below tcp_rmem's default, less when the heap could not
 * keep that promise to all, but tcp_rmem's minimum at least.
 */
export function receiveCapacityInitial(): u32 {
  const lowest = receiveCapacityLeast();
  if (isMemoryTight()) return min(lowest, receiveCapacityMax());
  const share = heapBytesFree() / (PROMISE_PART * max<u32>(tcbsInUse(), 1));
  const wanted = powerOfTwoBelow(min(load<u32>(SYSCTL_TCP_RMEM_DEFAULT), share));
  return min(max(wanted, lowest), receiveCapacityMax());
}

/** Bytes of the ring for a buffer that a user fixed (SO_RCVBUF): the next power of two, as far as the heap has a share for it. */
export function receiveCapacityFixed(bytes: u32): u32 {
  const least = receiveCapacityLeast();
  if (bytes <= least) return least;
  const wanted: u32 = bytes > CAPACITY_MAX / 2 ? CAPACITY_MAX : 1 << (32 - <u32>clz(bytes - 1));
  return min(wanted, max(powerOfTwoBelow(heapBytesFree() / PROMISE_PART), least));
}

// Shows main a ring, a block of `bytes` that is as large. Main looks at the word after it saw an epoch it does not know; should the ring
// have moved again meanwhile, it has the newer one already
function publishRing(tcb: Tcb, ptr: usize, bytes: u32): void {
  tcb.rcvBufferPtr = <u32>ptr;
  tcb.rcvRingCapacity = bytes;
  atomic.store<u32>(tcb.ptr, <u32>ptr | <u32>ctz(bytes), TCB_RCV_RING);
  atomic.store<u32>(tcb.ptr, tcb.rcvEpoch + 1, TCB_RCV_EPOCH);
}

// A block for the ring: rcvBufferCapacity bytes if possible, else less, but more than `beyond`. Leaves its size in grantedBytes
let grantedBytes: u32 = 0;
function allocRing(tcb: Tcb, beyond: u32): usize {
  const least = min(receiveCapacityLeast(), tcb.rcvBufferCapacity);
  for (let bytes = tcb.rcvBufferCapacity; bytes > max(least, beyond); bytes >>= 1) {
    grantedBytes = bytes;
    const ptr = allocNeeded(bytes);
    if (ptr !== 0) return ptr;
  }
  if (least <= beyond) return 0;
  grantedBytes = least;
  return allocLeast(least);
}

// The ring is what the connection has from now on, less than promised perhaps
function limitTo(tcb: Tcb, bytes: u32): void {
  if (bytes < tcb.rcvBufferCapacity) count(COUNTER_TCP_RCV_RING_REDUCED);
  tcb.rcvBufferCapacity = bytes;
}

/**
 * Makes sure that there is a ring, of rcvBufferCapacity bytes if what is to lie in it needs more than a small one. If memory is short it
 * becomes a smaller one, less than what was promised perhaps: what does not fit is dropped then, and sent again.
 * @param end offset after the last byte in the ring, out-of-order bytes included
 * @param to offset up to which it is to reach
 * @returns false if the heap has none at all
 */
export function ensureReceiveRing(tcb: Tcb, end: u32, to: u32): bool {
  if (tcb.rcvBufferPtr !== 0) {
    if (tcb.ringsUs === 0) watchRings(tcb);
    if (tcb.rcvRingCapacity < tcb.rcvBufferCapacity && to - tcb.rcvHead > tcb.rcvRingCapacity) widenSmall(tcb, end, to);
    return true;
  }
  if (to - tcb.rcvHead <= SMALL_NEED && tcb.rcvBufferCapacity > SMALL_RING) {
    const small = allocLeast(SMALL_RING);
    if (small !== 0) publishRing(tcb, small, SMALL_RING);
  } else {
    const ptr = allocRing(tcb, 0);
    if (ptr !== 0) {
      limitTo(tcb, grantedBytes);
      publishRing(tcb, ptr, grantedBytes);
    }
  }
  watchRings(tcb);
  return tcb.rcvBufferPtr !== 0;
}

// The small ring does not do any more. Main may not have looked at it yet: then it skips that epoch
function widenSmall(tcb: Tcb, end: u32, to: u32): void {
  updateReceiveHead(tcb);
  if (to - tcb.rcvHead <= tcb.rcvRingCapacity) return;
  reclaimOldReceiveRing(tcb);
  const ptr = tcb.rcvOldBufferPtr === 0 ? allocRing(tcb, tcb.rcvRingCapacity) : 0;
  if (ptr === 0) {
    limitTo(tcb, tcb.rcvRingCapacity);
    return;
  }
  limitTo(tcb, grantedBytes);
  moveRing(tcb, end, ptr, grantedBytes);
}

function moveRing(tcb: Tcb, end: u32, ptr: usize, bytes: u32): void {
  byteRingCopyAcross(tcb.rcvBufferPtr, tcb.rcvRingCapacity, ptr, bytes, tcb.rcvHead, end - tcb.rcvHead);
  tcb.rcvOldBufferPtr = tcb.rcvBufferPtr;
  publishRing(tcb, ptr, bytes);
}

/**
 * Frees a ring in which nothing lies. Main looks into a ring only for bytes before rcvTail, of which there are none until the next ring is
 * there: it need not be asked.
 */
export function releaseIdleReceiveRing(tcb: Tcb): void {
  if (tcb.rcvBufferPtr === 0) return;
  updateReceiveHead(tcb);
  if (tcb.oooBlock === 0 && tcb.rcvHead === tcb.rcvTail) releaseReceiveRing(tcb);
}

/** Copies payload to its place. `offset`, `length`: within [rcvHead, rcvHead + rcvBufferCapacity) */
export function placeReceived(tcb: Tcb, offset: u32, sourcePtr: usize, length: u32): void {
  byteRingCopyIn(tcb.rcvBufferPtr, tcb.rcvRingCapacity, offset, sourcePtr, length);
}

/** Hands main all bytes before `tail`, and wakes it if it waits for them. */
export function publishReceived(tcb: Tcb, tail: u32): void {
  tcb.publishRcvTail(tail); // and tcb.rcvTail, the same word: a plain store of it could be seen before the bytes are
  if (tcb.loadWaits() === 0) return;
  if (tcb.takeWaits(READY_READABLE) !== 0) raise(tcb, READY_READABLE);
}

/** Takes over how far main has read. An offset that goes back, or beyond what was published, is counted and ignored. */
export function updateReceiveHead(tcb: Tcb): void {
  const head = tcb.loadRcvHead();
  if (head === tcb.rcvHead) return;
  if (head - tcb.rcvHead > tcb.rcvTail - tcb.rcvHead) {
    count(COUNTER_RING_INDEX_INVALID);
    return;
  }
  tcb.rcvHead = head;
}

/** Bytes in order that main has not read. */
export function unreadBytes(tcb: Tcb): u32 {
  return tcb.rcvTail - tcb.rcvHead;
}

/** Frees the ring before this one once main has stored that it does not use it any more. */
export function reclaimOldReceiveRing(tcb: Tcb): void {
  if (tcb.rcvOldBufferPtr === 0 || tcb.loadRcvEpochTaken() !== tcb.rcvEpoch) return;
  heapFree(tcb.rcvOldBufferPtr);
  tcb.rcvOldBufferPtr = 0;
}

/**
 * Moves the connection to a ring of twice the capacity. Not while main has yet to take the present one: there is one old ring
 * at most.
 * @param end offset after the last byte in the ring, out-of-order bytes included
 * @returns false, with nothing changed, if that is so, if it would exceed tcp_rmem's maximum (which SO_RCVBUF is not bound by), or if the heap has no room
 */
export function growReceiveRing(tcb: Tcb, end: u32): bool {
  reclaimOldReceiveRing(tcb);
  if (tcb.rcvOldBufferPtr !== 0 || tcb.loadRcvEpochTaken() !== tcb.rcvEpoch) return false;
  const capacity = tcb.rcvBufferCapacity;
  if (capacity > (tcb.rcvBuf !== 0 ? CAPACITY_MAX : receiveCapacityMax()) / 2) return false;
  // A ring that is absent or small becomes as large as is promised when that is needed
  if (tcb.rcvBufferPtr !== 0 && tcb.rcvRingCapacity === capacity) {
    const ptr = allocGrowth(capacity * 2, GROWN_SHARE);
    if (ptr === 0) return false;
    moveRing(tcb, end, ptr, capacity * 2);
  }
  tcb.rcvBufferCapacity = capacity * 2;
  count(COUNTER_TCP_RCV_RING_GROWN);
  return true;
}

/** Frees the rings. Only once main has forgotten the socket. */
export function releaseReceiveRing(tcb: Tcb): void {
  if (tcb.rcvOldBufferPtr !== 0) heapFree(tcb.rcvOldBufferPtr);
  if (tcb.rcvBufferPtr !== 0) heapFree(tcb.rcvBufferPtr);
  if (tcb.oooBlock !== 0) heapFree(tcb.oooBlock);
  tcb.rcvOldBufferPtr = 0;
  tcb.rcvBufferPtr = 0;
  tcb.rcvRingCapacity = 0;
  tcb.rcvRing = 0;
  tcb.oooBlock = 0;
  tcb.sackBlocks = 0; // they lay in it
  tcb.sackUntold = 0;
}

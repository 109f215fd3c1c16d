// The send ring of a socket: the bytes main wrote and the peer has not acknowledged, [sndHead, sndTail) as free-running offsets
// (sequence number = ISS + 1 + offset). Main produces, so main moves it to a larger ring; the core offers that one:
//
//   core: allocate, write sndRingPtr and sndRingCapacity, then sndEpoch + 1; READY_WRITABLE
//   main: copy [sndHead, sndTail) to the same offsets, store TCB_SND_EPOCH_TAKEN, kick
//   core: use the new ring; free the old one once no frame in a TX ring points into it
//
// A ring in which nothing lies goes back in the same way: the offer is of none. Main takes it, and asks anew when it writes; or it has
// written meanwhile: then it takes it too, but keeps its ring, and the tail, which has moved, says so.
//
// One offer at a time. Nothing that main writes is believed before it is bounded.

import { count } from "../count";
import { COUNTER_RING_INDEX_INVALID, COUNTER_TCP_SND_RING_GROWN } from "../counters";
import { heapAllocWithin, heapBytesFree, heapFree } from "../heap";
import {
  READY_RINGS,
  READY_WRITABLE,
  SYSCTL_TCP_NOTSENT_LOWAT,
  SYSCTL_TCP_WMEM_DEFAULT,
  SYSCTL_TCP_WMEM_MAX,
  SYSCTL_TCP_WMEM_MIN,
  TCB_SND_EPOCH,
} from "../layout";
import { sendShare } from "./bulk-share";
import { freeIfDone, raise, tcbsInUse, wantOutput } from "./connections";
import { allocGrowth } from "./memory";
import { onTailMoved } from "./nagle";
import { hasOutput } from "./new-data";
import { blocksOnWrite } from "./send-blocks";
import { releaseMarks } from "./send-marks";
import { segmentSizeNow } from "./send-window";
import { sentOffset } from "./sizes";
import { TCB_FLAG_FIN_QUEUED, TCB_FLAG_OWNED, TCB_FLAG_RING_WANTED, Tcb } from "./tcb";
import { watchRings } from "./timers";

/** The first ring is not larger than this, whatever the first window is: most connections send little. */
const FIRST_RING_MAX: u32 = 65536;
/** Smallest and largest ring, whatever the sysctls say: offsets must stay comparable. */
const RING_MIN: u32 = 1024;
const RING_MAX: u32 = 1 << 30;
/** Eighths of the heap up to which a larger, a first and a smallest ring are granted; the rest is for receiving. */
const GROWN_SHARE: u32 = 4;
const FIRST_SHARE: u32 = 5;
const SMALL_SHARE: u32 = 6;
/** With many connections a first ring has at most this part of what each could have of the free heap. */
const FIRST_PART: u32 = 4;

/**
 * Main wants its first ring, or a larger one (OP_RING_WANTED). If the heap has no room for a first one the wish stays, and the timer
 * repeats it: main waits.
 * @param bytes that it is to hold at least, within tcp_wmem; 0 = as many as usual
 */
export function offerSendRing(tcb: Tcb, bytes: u32): void {
  if (tcb.sndRingPtr !== 0) {
    // Offered already: main may have missed it
    if (!offerLarger(tcb, ringBytes(bytes))) raise(tcb, READY_WRITABLE);
    return;
  }
  tcb.clear(TCB_FLAG_RING_WANTED);
  if (tcb.sndBufferEpoch !== tcb.sndEpoch) {
    tcb.set(TCB_FLAG_RING_WANTED); // main has yet to give the old one back
    return;
  }
  const share = heapBytesFree() / (FIRST_PART * max<u32>(tcbsInUse(), 1));
  const most = min<u32>(FIRST_RING_MAX, max<u32>(share, RING_MIN));
  const usual = min<u64>(max<u64>(load<u32>(SYSCTL_TCP_WMEM_DEFAULT), windowBytes(tcb)), powerOfTwoWithin(most));
  const wanted = max<u64>(tcb.sndBuf !== 0 ? fixedBytes(tcb) : usual, bytes);
  if (offer(tcb, ringBytes(wanted), FIRST_SHARE)) return;
  if (offer(tcb, ringBytes(load<u32>(SYSCTL_TCP_WMEM_MIN)), SMALL_SHARE)) return;
  tcb.set(TCB_FLAG_RING_WANTED);
  watchRings(tcb);
}

/**
 * Asks main to give back a ring in which nothing lies.
 */
export function takeBackSendRing(tcb: Tcb): void {
  if (!tcb.has(TCB_FLAG_OWNED) || (tcb.sndBufferPtr === 0 && tcb.sndRingPtr === 0)) return;
  if (tcb.sndBufferEpoch !== tcb.sndEpoch) {
    if (tcb.sndRingPtr !== 0) raise(tcb, READY_RINGS); // it shall take the larger one first: one offer at a time
    return;
  }
  if (tcb.sndOldBufferPtr !== 0 || tcb.packetsOut !== 0 || tcb.loadSndMarks() !== tcb.marksTaken) return;
  if (!isRingEmpty(tcb) || (tcb.loadWaits() & READY_WRITABLE) !== 0) return;
  tcb.sndRingPtr = 0;
  tcb.sndRingCapacity = 0;
  atomic.store<u32>(tcb.ptr, tcb.sndEpoch + 1, TCB_SND_EPOCH);
  raise(tcb, READY_RINGS);
}

/** Main kicked: it wrote, or moved to the ring offered. Takes note of both. */
export function adoptSendRing(tcb: Tcb): void {
  // The order matters: main moves first and writes then, so that a tail read before the epoch is never ahead of the ring
  const tail = tcb.loadSndTail();
  const taken = tcb.loadSndEpochTaken();
  if (taken !== tcb.sndBufferEpoch) {
    if (taken === tcb.sndEpoch) switchRing(tcb);
    else count(COUNTER_RING_INDEX_INVALID);
  }
  if (tail === tcb.sndTail) return;
  // A mark is under way that may be about these bytes: it comes in an op of its own, and then we look again. Read after the tail
  if (tcb.loadSndMarks() !== tcb.marksTaken) return;
  // What follows a FIN cannot be sent any more; beyond the ring, or behind what it has written, main cannot be
  const used = tail - tcb.sndHeadShared;
  if (tcb.has(TCB_FLAG_FIN_QUEUED) || used > tcb.sndBufferCapacity || used < tcb.sndTail - tcb.sndHeadShared) {
    count(COUNTER_RING_INDEX_INVALID);
    return;
  }
  if (tcb.sndMss !== 0) blocksOnWrite(tcb, segmentSizeNow(tcb));
  tcb.sndTail = tail;
  onTailMoved(tcb);
  wantOutput(tcb);
}

/**
 * Send autotuning, at an ACK and without SO_SNDBUF: offers a larger ring if this one, not the network, limits the connection. It is to hold two
 * congestion windows, one in flight and one being written (four in slow start, where the next round trip doubles it).
 */
export function growSendRing(tcb: Tcb): void {
  const capacity = tcb.sndBufferCapacity;
  const used = tcb.loadSndTail() - tcb.sndHeadShared;
  if (used < capacity >> 1 && (tcb.loadWaits() & READY_WRITABLE) === 0) return;
  const wanted = tcb.sndBuf !== 0 ? fixedBytes(tcb) : ringBytes(windowBytes(tcb));
  if (wanted > capacity) offerLarger(tcb, wanted);
}

// One offer at a time, and none while an older ring is still in use
function offerLarger(tcb: Tcb, bytes: u32): bool {
  const capacity = tcb.sndBufferCapacity;
  if (capacity === 0 || bytes <= capacity || tcb.sndBufferEpoch !== tcb.sndEpoch) return false;
  if (tcb.sndOldBufferPtr !== 0 || tcb.has(TCB_FLAG_FIN_QUEUED)) return false;
  if (!offer(tcb, bytes, GROWN_SHARE)) return false;
  count(COUNTER_TCP_SND_RING_GROWN);
  return true;
}

function powerOfTwoWithin(bytes: u32): u32 {
  return 1 << (31 - <u32>clz<u32>(bytes));
}

// SO_SNDBUF, which is told doubled: the power of two within it
function fixedBytes(tcb: Tcb): u32 {
  return min<u32>(max<u32>(powerOfTwoWithin(tcb.sndBuf), RING_MIN), RING_MAX);
}

/** TCP_NOTSENT_LOWAT of a connection, bytes, or the sysctl's. */
function notsentLowat(tcb: Tcb): u32 {
  const bytes = tcb.notsentLowat !== 0 ? tcb.notsentLowat : load<u32>(SYSCTL_TCP_NOTSENT_LOWAT);
  return bytes !== 0 ? bytes : U32.MAX_VALUE;
}

/**
 * Wakes main if it waits for room and a third of the ring is free: fewer, larger writes. With TCP_NOTSENT_LOWAT only once less than
 * half of that is unsent (Linux).
 */
export function wakeWriter(tcb: Tcb): void {
  if ((tcb.loadWaits() & READY_WRITABLE) === 0) return;
  const capacity = tcb.sndRingCapacity;
  const used = tcb.loadSndTail() - tcb.sndHeadShared;
  if (used > capacity - capacity / 3) return;
  const unsent = <i32>(tcb.loadSndTail() - sentOffset(tcb));
  if (unsent > 0 && (<u64>unsent) << 1 >= <u64>notsentLowat(tcb)) return;
  if (tcb.takeWaits(READY_WRITABLE) !== 0) raise(tcb, READY_WRITABLE);
}

/** Frees all rings; the TCB is being freed, and no frame points into them (txQueuedFrames === 0). */
export function releaseSendRing(tcb: Tcb): void {
  assert(tcb.txQueuedFrames === 0); // a link would read what the next owner writes
  if (tcb.sndRingPtr !== 0 && tcb.sndRingPtr !== tcb.sndBufferPtr) heapFree(tcb.sndRingPtr);
  if (tcb.sndBufferPtr !== 0) heapFree(tcb.sndBufferPtr);
  if (tcb.sndOldBufferPtr !== 0) heapFree(tcb.sndOldBufferPtr);
  releaseMarks(tcb);
  tcb.sndRingPtr = 0;
  tcb.sndRingCapacity = 0;
  tcb.sndBufferPtr = 0;
  tcb.sndBufferCapacity = 0;
  tcb.sndOldBufferPtr = 0;
}

/** A frame of this connection entered a TX ring. `bytes`: its payload, which may lie in the send ring */
export function segmentQueued(tcb: Tcb, bytes: u32): void {
  tcb.txQueuedFrames += 1;
  tcb.txQueuedBytes += bytes;
}

/** The link has taken a frame that segmentQueued() counted. The TCB may be free afterwards. */
export function segmentSent(tcb: Tcb, bytes: u32): void {
  assert(tcb.txQueuedFrames !== 0 && tcb.txQueuedBytes >= bytes); // each frame is counted once in and once out
  tcb.txQueuedFrames -= 1;
  tcb.txQueuedBytes -= bytes;
  if (bytes !== 0 && hasOutput(tcb)) wantOutput(tcb);
  if (tcb.txQueuedFrames !== 0) return;
  if (tcb.sndOldBufferPtr !== 0) {
    heapFree(tcb.sndOldBufferPtr);
    tcb.sndOldBufferPtr = 0;
    watchRings(tcb);
  }
  freeIfDone(tcb);
}

function offer(tcb: Tcb, bytes: u32, share: u32): bool {
  const ptr = share === GROWN_SHARE ? allocGrowth(bytes, share) : heapAllocWithin(bytes, share);
  if (ptr === 0) return false;
  tcb.sndRingPtr = <u32>ptr;
  tcb.sndRingCapacity = bytes;
  // Publishes the two words above
  atomic.store<u32>(tcb.ptr, tcb.sndEpoch + 1, TCB_SND_EPOCH);
  if (tcb.takeWaits(READY_WRITABLE) !== 0 || tcb.sndBufferPtr === 0) raise(tcb, READY_WRITABLE);
  watchRings(tcb);
  return true;
}

// For us, and as far as main has said
function isRingEmpty(tcb: Tcb): bool {
  return tcb.sndTail === tcb.sndHeadShared && tcb.loadSndTail() === tcb.sndHeadShared;
}

function switchRing(tcb: Tcb): void {
  const old = tcb.sndBufferPtr;
  // The tail is read after the epoch: what main wrote before it took this offer is seen
  if (tcb.sndRingPtr === 0 && !isRingEmpty(tcb)) {
    tcb.sndRingPtr = old;
    tcb.sndRingCapacity = tcb.sndBufferCapacity;
    tcb.sndBufferEpoch = tcb.sndEpoch;
    tcb.clear(TCB_FLAG_RING_WANTED);
    watchRings(tcb);
    return;
  }
  tcb.sndBufferPtr = tcb.sndRingPtr;
  tcb.sndBufferCapacity = tcb.sndRingCapacity;
  tcb.sndBufferEpoch = tcb.sndEpoch;
  if (old === 0) return;
  if (tcb.txQueuedFrames === 0) heapFree(old);
  else tcb.sndOldBufferPtr = old;
  if (tcb.has(TCB_FLAG_RING_WANTED)) offerSendRing(tcb, 0);
}

// Bytes the ring should hold for the congestion window as it is, or the peer's if that is less and no small one; not more than twice its share
// beside others that send in bulk (bulk-share.ts)
function windowBytes(tcb: Tcb): u64 {
  const windows: u64 = tcb.cwnd < tcb.ssthresh ? 4 : 2;
  const window = <u64>tcb.cwnd * tcb.sndMss;
  return min<u64>(windows * min(window, <u64>max(tcb.maxSndWnd, FIRST_RING_MAX)), (<u64>sendShare(tcb)) << 1);
}

// The next power of two, within the sysctl's bound
function ringBytes(wanted: u64): u32 {
  const most = max<u32>(RING_MIN, min<u32>(load<u32>(SYSCTL_TCP_WMEM_MAX), RING_MAX));
  const bytes = max<u32>(RING_MIN, <u32>min<u64>(wanted, RING_MAX));
  const power: u32 = 1 << (32 - clz<u32>(bytes - 1));
  return min<u32>(power, 1 << (31 - clz<u32>(most)));
}

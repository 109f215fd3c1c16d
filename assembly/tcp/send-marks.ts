// What main says about places in the send stream (OP_MARK): more will follow (MSG_MORE), a record ends (MSG_EOR), a byte is urgent
// (MSG_OOB). A mark is sent before the bytes it speaks of are published, and main counts marks in TCB_SND_MARKS: bytes behind a
// mark that has not arrived are not looked at (send-ring.ts), so that none is sent against it. The ends of records that were not
// sent yet lie in a heap block, made on demand and bounded; what they mean is new-data.ts's.
//
//   block: [count u32 | first u32 | offsets u32 ...] in ascending order; `first` is the earliest that counts
import { count } from "../count";
import { COUNTER_RING_INDEX_INVALID, COUNTER_TCP_MARKS_DROPPED } from "../counters";
import { heapAlloc, heapFree } from "../heap";
import { SEND_MARK_END_OF_RECORD, SEND_MARK_MORE, SEND_MARK_URGENT } from "../layout";
import { seqGt, seqLte } from "./seq";
import { TCB_FLAG_CHILD, TCB_FLAG_MORE, TCB_FLAG_MORE_HELD, Tcb } from "./tcb";
import { markUrgent } from "./urgent-out";

const COUNT: usize = 0;
const FIRST: usize = 4;
const OFFSETS: usize = 8;
/** Offsets in the first and in the largest block; a block is 8 bytes more. */
const CAPACITY_FIRST: u32 = 62;
const CAPACITY_MAX: u32 = 4094;

/** What bytesToBoundary() says when no record ends. */
const NO_BOUNDARY: u32 = 0xffffffff;

/**
 * Takes note of a mark.
 * @param flags SEND_MARK_ bits
 * @param offset of the stream, after the last byte of the write that it belongs to
 */
export function takeMark(tcb: Tcb, flags: u32, offset: u32): void {
  tcb.marksTaken += 1;
  // Who has not taken a child has no send ring to write into
  if (offset - tcb.sndTail > tcb.sndBufferCapacity || tcb.has(TCB_FLAG_CHILD)) {
    count(COUNTER_RING_INDEX_INVALID);
    return;
  }
  if ((flags & SEND_MARK_MORE) !== 0) {
    tcb.moreAt = offset;
    tcb.set(TCB_FLAG_MORE | TCB_FLAG_MORE_HELD);
  }
  if ((flags & SEND_MARK_END_OF_RECORD) !== 0) addBoundary(tcb, offset);
  if ((flags & SEND_MARK_URGENT) !== 0) markUrgent(tcb, offset);
}

/** Bytes from `offset`, which is SND.NXT's, to the next end of a record; NO_BOUNDARY if none is known. Forgets those before it. */
export function bytesToBoundary(tcb: Tcb, offset: u32): u32 {
  const block: usize = tcb.markBlock;
  if (block === 0) return NO_BOUNDARY;
  const end = load<u32>(block, COUNT);
  let first = load<u32>(block, FIRST);
  while (first !== end && seqLte(offsetAt(block, first), offset)) first += 1;
  store<u32>(block, first, FIRST);
  if (first !== end) return offsetAt(block, first) - offset;
  releaseMarks(tcb);
  return NO_BOUNDARY;
}

/** Frees the block. */
export function releaseMarks(tcb: Tcb): void {
  if (tcb.markBlock !== 0) heapFree(tcb.markBlock);
  tcb.markBlock = 0;
  tcb.markCapacity = 0;
}

function offsetAt(block: usize, index: u32): u32 {
  return load<u32>(block + ((<usize>index) << 2), OFFSETS);
}

function addBoundary(tcb: Tcb, offset: u32): void {
  if (!makeRoom(tcb)) {
    count(COUNTER_TCP_MARKS_DROPPED); // the record is sent, only not apart from the next one
    return;
  }
  const block: usize = tcb.markBlock;
  const end = load<u32>(block, COUNT);
  if (end !== 0 && !seqGt(offset, offsetAt(block, end - 1))) return;
  store<u32>(block + ((<usize>end) << 2), offset, OFFSETS);
  store<u32>(block, end + 1, COUNT);
}

// A place for one more: in the block as it is, in its part that is done with, or in one of four times the size
function makeRoom(tcb: Tcb): bool {
  if (tcb.markBlock !== 0) {
    const block: usize = tcb.markBlock;
    const end = load<u32>(block, COUNT);
    if (end < tcb.markCapacity) return true;
    const first = load<u32>(block, FIRST);
    if (first >= tcb.markCapacity >> 1) {
      move(block, block, first, end - first);
      return true;
    }
  }
  const capacity: u32 = tcb.markBlock === 0 ? CAPACITY_FIRST : (tcb.markCapacity + 2) * 4 - 2;
  if (capacity > CAPACITY_MAX) return false;
  const larger = heapAlloc((capacity + 2) << 2);
  if (larger === 0) return false;
  if (tcb.markBlock === 0) {
    store<u64>(larger, 0);
  } else {
    const block: usize = tcb.markBlock;
    const first = load<u32>(block, FIRST);
    move(larger, block, first, load<u32>(block, COUNT) - first);
    heapFree(block);
  }
  tcb.markBlock = <u32>larger;
  tcb.markCapacity = <u16>capacity;
  return true;
}

function move(to: usize, from: usize, first: u32, entries: u32): void {
  memory.copy(to + OFFSETS, from + OFFSETS + ((<usize>first) << 2), (<usize>entries) << 2);
  store<u32>(to, entries, COUNT);
  store<u32>(to, 0, FIRST);
}

// What the unit tests of the retransmission queue call. Records by index, times as f64 µs.
import { NONE } from "../storage/none";
import { rtxFind } from "./rtx-index";
import {
  inFlight,
  rtxAppend,
  rtxAt,
  rtxClearLost,
  rtxInUse,
  rtxMarkLost,
  rtxMarkRetransmitted,
  rtxNextLost,
  rtxPurge,
  rtxRecount,
  rtxRemoveHead,
  rtxSplit,
  rtxTrimHead,
  wireSegments,
} from "./rtx-queue";
import { Tcb } from "./tcb";

export { rtxInUse, wireSegments };

/** @returns index of the record or -1 */
export function rtxTestAppend(index: u32, seq: u32, end: u32, flags: u32, segments: u32, nowUs: f64): i32 {
  return <i32>rtxAppend(Tcb.at(index), seq, end, <u8>flags, segments, <u64>nowUs);
}

export function rtxTestSplit(index: u32, record: u32, atSeq: u32, mss: u32): bool {
  return rtxSplit(Tcb.at(index), record, atSeq, mss);
}

export function rtxTestTrimHead(index: u32, ack: u32, mss: u32): u32 {
  return rtxTrimHead(Tcb.at(index), ack, mss);
}

export function rtxTestRemoveHead(index: u32): void {
  rtxRemoveHead(Tcb.at(index));
}

export function rtxTestPurge(index: u32): void {
  rtxPurge(Tcb.at(index));
}

export function rtxTestMarkLost(index: u32, record: u32): void {
  rtxMarkLost(Tcb.at(index), record);
}

/** Marks every record as a time-out without RACK does. */
export function rtxTestMarkAllLost(index: u32): void {
  const tcb = Tcb.at(index);
  for (let at = tcb.rtxHead; at !== NONE; at = rtxAt(at).next) rtxMarkLost(tcb, at);
}

/** @returns index of the record that holds `seq` or else of the first one after it, or -1 */
export function rtxTestFind(index: u32, seq: u32): i32 {
  return <i32>rtxFind(Tcb.at(index), seq);
}

export function rtxTestClearLost(index: u32): void {
  rtxClearLost(Tcb.at(index));
}

export function rtxTestRetransmit(index: u32, record: u32, nowUs: f64): void {
  rtxMarkRetransmitted(Tcb.at(index), record, <u64>nowUs);
}

export function rtxTestRecount(index: u32, record: u32, mss: u32): void {
  rtxRecount(Tcb.at(index), record, mss);
}

/** @returns index of the record or -1 */
export function rtxTestNextLost(index: u32): i32 {
  return <i32>rtxNextLost(Tcb.at(index));
}

export function rtxTestInFlight(index: u32): u32 {
  return inFlight(Tcb.at(index));
}

/**
 * Writes the queue from its head on: per record u32 index, seq, end, flags, segments, transmissions, prev.
 * @returns records, or -1 if the links or the count are wrong
 */
export function rtxTestDump(index: u32, ptr: usize): i32 {
  const tcb = Tcb.at(index);
  let count: i32 = 0;
  let previous = NONE;
  for (let at = tcb.rtxHead; at !== NONE; at = rtxAt(at).next) {
    const record = rtxAt(at);
    if (record.prev !== previous || <u32>count > tcb.rtxCount) return -1;
    store<u32>(ptr, at);
    store<u32>(ptr, record.seq, 4);
    store<u32>(ptr, record.end, 8);
    store<u32>(ptr, <u32>record.flags, 12);
    store<u32>(ptr, record.segments, 16);
    store<u32>(ptr, <u32>record.transmissions, 20);
    ptr += 24;
    previous = at;
    count += 1;
  }
  return tcb.rtxTail === previous && tcb.rtxCount === <u32>count ? count : -1;
}

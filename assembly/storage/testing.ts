// What the unit tests and micro-benchmarks call: the storage structures as plain functions, the first argument being the
// address of the structure. u64 is BigInt on the other side.

import { BitSet, bitSetBytes } from "./bit-set";
import {
  byteRingCopyAcross,
  byteRingCopyIn,
  byteRingCopyOut,
  byteRingPieces,
  piece1Bytes,
  piece1Ptr,
  piece2Bytes,
  piece2Ptr,
} from "./byte-ring";
import { IntervalSet, intervalSetBytes } from "./interval-set";
import { PowerOfTwoAllocator, powerOfTwoAllocatorBytes } from "./power-of-two-allocator";
import { sipHash24 } from "./siphash";
import { Slab, slabBytes } from "./slab";
import { SpscRing } from "./spsc-ring";
import { TimerWheel, timerWheelBytes } from "./timer-wheel";
import { TupleTable, tupleTableBytes } from "./tuple-table";

export * from "./bench";
export {
  bitSetBytes,
  byteRingCopyAcross,
  byteRingCopyIn,
  byteRingCopyOut,
  byteRingPieces,
  intervalSetBytes,
  powerOfTwoAllocatorBytes,
  sipHash24,
  slabBytes,
  timerWheelBytes,
  tupleTableBytes,
};

export function bitSetInit(ptr: usize, capacity: u32): void {
  BitSet.at(ptr).init(capacity);
}

export function bitSetHas(ptr: usize, member: u32): bool {
  return BitSet.at(ptr).has(member);
}

export function bitSetAdd(ptr: usize, member: u32): void {
  BitSet.at(ptr).add(member);
}

export function bitSetRemove(ptr: usize, member: u32): void {
  BitSet.at(ptr).remove(member);
}

export function bitSetFirst(ptr: usize): u32 {
  return BitSet.at(ptr).first();
}

export function slabInit(ptr: usize, recordsPtr: usize, recordBytes: u32, capacity: u32): void {
  Slab.at(ptr).init(recordsPtr, recordBytes, capacity);
}

export function slabAlloc(ptr: usize): u32 {
  return Slab.at(ptr).alloc();
}

export function slabFree(ptr: usize, index: u32): bool {
  return Slab.at(ptr).free(index);
}

export function slabAddress(ptr: usize, index: u32): usize {
  return Slab.at(ptr).address(index);
}

export function slabHandleOf(ptr: usize, index: u32): u32 {
  return Slab.at(ptr).handleOf(index);
}

export function slabIndexOf(ptr: usize, handle: u32): u32 {
  return Slab.at(ptr).indexOf(handle);
}

export function slabInUse(ptr: usize): u32 {
  return Slab.at(ptr).inUse;
}

export function slabCapacity(ptr: usize): u32 {
  return Slab.at(ptr).capacity;
}

export function slabHighWater(ptr: usize): u32 {
  return Slab.at(ptr).highWater;
}

export function powerOfTwoAllocatorInit(ptr: usize, regionPtr: usize, regionBytes: u32, minBlockBytes: u32): bool {
  return PowerOfTwoAllocator.at(ptr).init(regionPtr, regionBytes, minBlockBytes);
}

export function powerOfTwoAllocatorAlloc(ptr: usize, bytes: u32): usize {
  return PowerOfTwoAllocator.at(ptr).alloc(bytes);
}

export function powerOfTwoAllocatorFree(ptr: usize, blockPtr: usize): bool {
  return PowerOfTwoAllocator.at(ptr).free(blockPtr);
}

export function powerOfTwoAllocatorBlockBytes(ptr: usize, blockPtr: usize): u32 {
  return PowerOfTwoAllocator.at(ptr).blockBytes(blockPtr);
}

export function powerOfTwoAllocatorBytesFree(ptr: usize): u32 {
  return PowerOfTwoAllocator.at(ptr).bytesFree;
}

export function powerOfTwoAllocatorBytesInUse(ptr: usize): u32 {
  return PowerOfTwoAllocator.at(ptr).bytesInUse;
}

export function powerOfTwoAllocatorLargestFree(ptr: usize): u32 {
  return PowerOfTwoAllocator.at(ptr).largestFree;
}

// The pieces that byteRingPieces found last
export function byteRingPiece1Ptr(): usize {
  return piece1Ptr;
}

export function byteRingPiece1Bytes(): u32 {
  return piece1Bytes;
}

export function byteRingPiece2Ptr(): usize {
  return piece2Ptr;
}

export function byteRingPiece2Bytes(): u32 {
  return piece2Bytes;
}

export function spscRingInit(ptr: usize): void {
  SpscRing.at(ptr).init();
}

export function spscRingFree(ptr: usize, capacity: u32): u32 {
  return SpscRing.at(ptr).free(capacity);
}

export function spscRingReserve(ptr: usize, slotBytes: u32, capacity: u32, ahead: u32): usize {
  return SpscRing.at(ptr).reserve(slotBytes, capacity, ahead);
}

export function spscRingPublish(ptr: usize, count: u32): void {
  SpscRing.at(ptr).publish(count);
}

export function spscRingUsed(ptr: usize, capacity: u32): u32 {
  return SpscRing.at(ptr).used(capacity);
}

export function spscRingPeek(ptr: usize, slotBytes: u32, capacity: u32, ahead: u32): usize {
  return SpscRing.at(ptr).peek(slotBytes, capacity, ahead);
}

export function spscRingRelease(ptr: usize, count: u32): void {
  SpscRing.at(ptr).release(count);
}

export function spscRingCorrupt(ptr: usize): u32 {
  return SpscRing.at(ptr).corrupt;
}

export function intervalSetInit(ptr: usize, base: u32, capacity: u32): void {
  IntervalSet.at(ptr).init(base, capacity);
}

export function intervalSetClear(ptr: usize, base: u32): void {
  IntervalSet.at(ptr).clear(base);
}

export function intervalSetStartAt(ptr: usize, index: u32): u32 {
  return IntervalSet.at(ptr).startAt(index);
}

export function intervalSetEndAt(ptr: usize, index: u32): u32 {
  return IntervalSet.at(ptr).endAt(index);
}

export function intervalSetInsert(ptr: usize, start: u32, end: u32): u32 {
  return IntervalSet.at(ptr).insert(start, end);
}

export function intervalSetRemoveBelow(ptr: usize, base: u32): u32 {
  return IntervalSet.at(ptr).removeBelow(base);
}

export function intervalSetCoveredFrom(ptr: usize, position: u32): u32 {
  return IntervalSet.at(ptr).coveredFrom(position);
}

export function intervalSetContains(ptr: usize, start: u32, end: u32): bool {
  return IntervalSet.at(ptr).contains(start, end);
}

export function intervalSetFirstEndingAfter(ptr: usize, position: u32): u32 {
  return IntervalSet.at(ptr).firstEndingAfter(position);
}

export function intervalSetBase(ptr: usize): u32 {
  return IntervalSet.at(ptr).base;
}

export function intervalSetCount(ptr: usize): u32 {
  return IntervalSet.at(ptr).count;
}

export function intervalSetTotalBytes(ptr: usize): u32 {
  return IntervalSet.at(ptr).totalBytes;
}

export function intervalSetDropLast(ptr: usize): u32 {
  return IntervalSet.at(ptr).dropLast();
}

export function intervalSetMoveTo(ptr: usize, to: usize, capacity: u32): void {
  IntervalSet.at(ptr).moveTo(to, capacity);
}

export function intervalSetRefused(ptr: usize): u32 {
  return IntervalSet.at(ptr).refused;
}

export function timerWheelInit(ptr: usize, capacity: u32): void {
  TimerWheel.at(ptr).init(capacity);
}

export function timerWheelSet(ptr: usize, id: u32, deadlineUs: u64): void {
  TimerWheel.at(ptr).set(id, deadlineUs);
}

export function timerWheelCancel(ptr: usize, id: u32): bool {
  return TimerWheel.at(ptr).cancel(id);
}

export function timerWheelIsArmed(ptr: usize, id: u32): bool {
  return TimerWheel.at(ptr).isArmed(id);
}

export function timerWheelDeadlineOf(ptr: usize, id: u32): u64 {
  return TimerWheel.at(ptr).deadlineOf(id);
}

export function timerWheelNext(ptr: usize): u64 {
  return TimerWheel.at(ptr).next();
}

export function timerWheelPop(ptr: usize, nowUs: u64): u32 {
  return TimerWheel.at(ptr).pop(nowUs);
}

export function timerWheelArmed(ptr: usize): u32 {
  return TimerWheel.at(ptr).armed;
}

export function tupleTableInit(
  ptr: usize,
  capacity: u32,
  secretPtr: usize,
  recordsPtr: usize,
  recordBytes: u32,
  keyOffset: u32,
): void {
  TupleTable.at(ptr).init(capacity, secretPtr, recordsPtr, recordBytes, keyOffset);
}

export function tupleTableInsert(ptr: usize, id: u32): bool {
  return TupleTable.at(ptr).insert(id);
}

export function tupleTableLookup(ptr: usize, keyPtr: usize): u32 {
  return TupleTable.at(ptr).lookup(keyPtr);
}

export function tupleTableRemove(ptr: usize, id: u32): bool {
  return TupleTable.at(ptr).remove(id);
}

export function tupleTableCount(ptr: usize): u32 {
  return TupleTable.at(ptr).count;
}

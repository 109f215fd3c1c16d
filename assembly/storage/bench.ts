// Loops for the micro-benchmarks (bench/micro/ring.ts, storage.ts): each does its operation `iterations` times inside WASM, so
// that the cost of the call disappears. They return something made of the results, so that nothing is optimised away.

import { byteRingCopyIn, byteRingCopyOut } from "./byte-ring";
import { IntervalSet } from "./interval-set";
import { PowerOfTwoAllocator } from "./power-of-two-allocator";
import { sipHash24 } from "./siphash";
import { Slab } from "./slab";
import { SpscRing } from "./spsc-ring";
import { TimerWheel } from "./timer-wheel";
import { TupleTable } from "./tuple-table";

// The slots that the rings of this stack have
const SLOT_BYTES: u32 = 64;
const SLOTS: u32 = 256;

/** One slot at a time: reserve, fill one word, publish, peek, read it, release. */
export function benchSpscRing(ptr: usize, iterations: u32): u32 {
  const ring = SpscRing.at(ptr);
  let sum: u32 = 0;
  for (let i: u32 = 0; i < iterations; i++) {
    store<u32>(ring.reserve(SLOT_BYTES, SLOTS), i);
    ring.publish(1);
    sum += load<u32>(ring.peek(SLOT_BYTES, SLOTS));
    ring.release(1);
  }
  return sum;
}

/** The same with one publish and one release for every `batch` slots; one iteration is one slot. */
export function benchSpscRingBatch(ptr: usize, batch: u32, iterations: u32): u32 {
  const ring = SpscRing.at(ptr);
  let sum: u32 = 0;
  for (let done: u32 = 0; done < iterations; done += batch) {
    for (let i: u32 = 0; i < batch; i++) store<u32>(ring.reserve(SLOT_BYTES, SLOTS, i), i);
    ring.publish(batch);
    for (let i: u32 = 0; i < batch; i++) sum += load<u32>(ring.peek(SLOT_BYTES, SLOTS, i));
    ring.release(batch);
  }
  return sum;
}

/** Writes `length` bytes into a byte ring, where the write before ended. */
export function benchByteRingCopyIn(ringPtr: usize, capacity: u32, dataPtr: usize, length: u32, iterations: u32): u32 {
  let position: u32 = 0;
  for (let i: u32 = 0; i < iterations; i++) position += byteRingCopyIn(ringPtr, capacity, position, dataPtr, length);
  return position;
}

/** Reads `length` bytes out of a byte ring, where the read before ended. */
export function benchByteRingCopyOut(ringPtr: usize, capacity: u32, dataPtr: usize, length: u32, iterations: u32): u32 {
  let position: u32 = 0;
  for (let i: u32 = 0; i < iterations; i++) position += byteRingCopyOut(ringPtr, capacity, position, dataPtr, length);
  return position;
}

/** Takes a record and gives it back. */
export function benchSlab(ptr: usize, iterations: u32): u32 {
  const slab = Slab.at(ptr);
  let sum: u32 = 0;
  for (let i: u32 = 0; i < iterations; i++) {
    const index = slab.alloc();
    sum += index;
    slab.free(index);
  }
  return sum;
}

/** Takes a block and gives it back. */
export function benchPowerOfTwoAllocator(ptr: usize, bytes: u32, iterations: u32): u32 {
  const allocator = PowerOfTwoAllocator.at(ptr);
  let sum: u32 = 0;
  for (let i: u32 = 0; i < iterations; i++) {
    const block = allocator.alloc(bytes);
    sum += <u32>block;
    allocator.free(block);
  }
  return sum;
}

/** An ACK of each connection in turn: its timer moves to `timeoutUs` from now, the loop asks for the next deadline. */
export function benchTimerRearm(ptr: usize, timers: u32, stepUs: u32, timeoutUs: u32, iterations: u32): u64 {
  const wheel = TimerWheel.at(ptr);
  let nowUs: u64 = 0;
  let sum: u64 = 0;
  let id: u32 = 0;
  for (let i: u32 = 0; i < iterations; i++) {
    nowUs += stepUs;
    wheel.set(id, nowUs + timeoutUs);
    sum += wheel.next();
    id = id + 1 === timers ? 0 : id + 1;
  }
  for (let i: u32 = 0; i < timers; i++) wheel.cancel(i);
  return sum;
}

/** A timer that fires and is set again, out of `timers`. */
export function benchTimerFire(ptr: usize, timers: u32, stepUs: u32, iterations: u32): u64 {
  const wheel = TimerWheel.at(ptr);
  const periodUs = <u64>timers * stepUs;
  for (let i: u32 = 0; i < timers; i++) wheel.set(i, <u64>i * stepUs);
  let nowUs: u64 = 0;
  for (let i: u32 = 0; i < iterations; i++) {
    nowUs = wheel.next();
    wheel.set(wheel.pop(nowUs), nowUs + periodUs);
  }
  for (let i: u32 = 0; i < timers; i++) wheel.cancel(i);
  return nowUs;
}

/** Looks up the keys of the ids 0..ids-1, in an order that a prefetcher does not guess. */
export function benchTupleLookup(ptr: usize, ids: u32, iterations: u32): u32 {
  const table = TupleTable.at(ptr);
  let sum: u32 = 0;
  for (let i: u32 = 0; i < iterations; i++) {
    const id = <u32>((<u64>(i * 2654435761) * ids) >> 32);
    sum += table.lookup(table.keyPtr(id));
  }
  return sum;
}

export function benchSipHash(keyPtr: usize, dataPtr: usize, length: u32, iterations: u32): u64 {
  let sum: u64 = 0;
  for (let i: u32 = 0; i < iterations; i++) sum += sipHash24(keyPtr, dataPtr, length);
  return sum;
}

/** Segments behind a row of `holes` losses: one insert each, then the base passes them all. One iteration is one insert. */
export function benchIntervalSet(ptr: usize, holes: u32, segmentBytes: u32, iterations: u32): u32 {
  const set = IntervalSet.at(ptr);
  let sum: u32 = 0;
  let base: u32 = 0;
  set.init(base, holes);
  for (let done: u32 = 0; done < iterations; done += holes) {
    for (let i: u32 = 0; i < holes; i++) {
      const start = base + segmentBytes * (2 * i + 1);
      sum += set.insert(start, start + segmentBytes);
    }
    base += segmentBytes * 2 * holes;
    set.removeBelow(base);
  }
  return sum;
}

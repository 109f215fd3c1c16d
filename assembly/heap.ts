// The one heap of a core: power-of-two blocks for socket rings, out-of-order sets, queued frames and the links' receive
// regions, at HEAP. Its state lies in TABLES, beside the blocks, because main can write into those. Knows no owner: who holds
// a block frees it.

import { count } from "./count";
import { COUNTER_HEAP_EXHAUSTED } from "./counters";
import { CONFIG_HEAP_BYTES, HEAP } from "./layout";
import { PowerOfTwoAllocator, powerOfTwoAllocatorBytes } from "./storage/power-of-two-allocator";

/** Bytes of the smallest block. */
const HEAP_MIN_BLOCK_BYTES: u32 = 256;

let allocator: usize = 0;
// Bytes that links hold, of heapReserve(): no share of anybody's
let reserved: u32 = 0;

/**
 * Lays out the heap's state and makes CONFIG_HEAP_BYTES at HEAP one free block.
 * @param tablesPtr where the state may lie, zeroed
 * @returns the end of the state, or 0 if CONFIG_HEAP_BYTES is not a power of two that the memory holds
 */
export function heapInitialise(tablesPtr: usize): usize {
  const bytes = load<u32>(CONFIG_HEAP_BYTES);
  if (popcnt(bytes) !== 1 || bytes < HEAP_MIN_BLOCK_BYTES) return 0;
  if (<u64>HEAP + <u64>bytes > (<u64>memory.size()) << 16) return 0;
  allocator = (tablesPtr + 63) & ~63;
  reserved = 0;
  if (!PowerOfTwoAllocator.at(allocator).init(HEAP, bytes, HEAP_MIN_BLOCK_BYTES)) return 0;
  return allocator + powerOfTwoAllocatorBytes(bytes, HEAP_MIN_BLOCK_BYTES);
}

/**
 * Takes a block; its bytes are what the owner before left there.
 * @param bytes wanted; the block has the next power of two, HEAP_MIN_BLOCK_BYTES at least
 * @returns its address, a multiple of its size, or 0 if no such block is free (counted)
 */
export function heapAlloc(bytes: u32): usize {
  const ptr = PowerOfTwoAllocator.at(allocator).alloc(bytes);
  if (ptr === 0) count(COUNTER_HEAP_EXHAUSTED);
  return ptr;
}

/**
 * Takes a block only if at most `eighths` of the heap, less what links hold, are in use then. What can wait leaves room to what cannot: a heap full of
 * bytes to send would have none for the bytes that must be received before those are acknowledged.
 * @returns as heapAlloc(); a refusal for lack of share is not counted
 */
export function heapAllocWithin(bytes: u32, eighths: u32): usize {
  const heap = PowerOfTwoAllocator.at(allocator);
  const limit = (<u64>(heap.regionBytes - reserved) >> 3) * <u64>eighths;
  if (<u64>(heap.bytesInUse - reserved) + <u64>bytes > limit) return 0;
  return heapAlloc(bytes);
}

/** Takes a block for as long as the core lives, for a link: what sockets share is the rest. @returns as heapAlloc() */
export function heapReserve(bytes: u32): usize {
  const ptr = heapAlloc(bytes);
  if (ptr !== 0) reserved += heapBlockBytes(ptr);
  return ptr;
}

/** Bytes that are not handed out, in however small blocks. */
export function heapBytesFree(): u32 {
  return PowerOfTwoAllocator.at(allocator).bytesFree;
}

/** Gives a block back. @returns false, with nothing changed, if no block in use starts there */
export function heapFree(ptr: usize): bool {
  return PowerOfTwoAllocator.at(allocator).free(ptr);
}

/** Size of the block in use that starts at `ptr`, 0 if none does. */
function heapBlockBytes(ptr: usize): u32 {
  return PowerOfTwoAllocator.at(allocator).blockBytes(ptr);
}

/** Bytes handed out, less those that links hold. */
export function heapBytesShared(): u32 {
  return PowerOfTwoAllocator.at(allocator).bytesInUse - reserved;
}

/** Bytes that links hold. */
export function heapBytesReserved(): u32 {
  return reserved;
}

/** Sum of the blocks handed out, bytes. */
export function heapBytesInUse(): u32 {
  return PowerOfTwoAllocator.at(allocator).bytesInUse;
}

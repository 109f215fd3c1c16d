// A buddy allocator: blocks of a power of two bytes out of one region (socket rings live here). All it knows lies beside
// the region, never in a free block: blocks are shared with another thread, and a late write into a freed one must not be
// able to damage the allocator. Takes the smallest block that fits, the lowest address first: pages that were never needed
// are never touched. O(log n) in the number of smallest blocks. Read Knuth, TAOCP 1, section 2.5 first.
//
//   order 3 │               0               │   a block is (order, index): address = region + index * (min << order)
//   order 2 │       0       │       1       │   its buddy is index ^ 1, its parent index >> 1
//   order 1 │   0   │   1   │   2   │   3   │   free blocks: one BitSet per order
//   order 0 │ 0 │ 1 │ 2 │ 3 │ 4 │ 5 │ 6 │ 7 │   blocks in use: one byte per smallest block, order + 1 where one starts

import { BitSet, bitSetBytes } from "./bit-set";
import { NONE } from "./none";

const MAX_ORDERS: u32 = 24;

function isPowerOfTwo(value: u32): bool {
  return popcnt(value) === 1;
}

/**
 * Bytes of the allocator's state for a region.
 * @param regionBytes power of two, up to 2^31
 * @param minBlockBytes power of two, >= 16, region / 2^23 or more
 */
export function powerOfTwoAllocatorBytes(regionBytes: u32, minBlockBytes: u32): u32 {
  let blocks = regionBytes / minBlockBytes;
  let bytes = <u32>offsetof<PowerOfTwoAllocator>() + MAX_ORDERS * 4 + ((blocks + 7) & ~7);
  for (; blocks > 0; blocks >>= 1) bytes += bitSetBytes(blocks);
  return bytes;
}

/**
 * ptr -> powerOfTwoAllocatorBytes(regionBytes, minBlockBytes), 8-byte aligned and all zero (as fresh memory is).
 * The region's own bytes are neither read nor written, and blocks are handed out as they are, not zeroed.
 */
@unmanaged
@final
export class PowerOfTwoAllocator {
  regionPtr: usize;
  regionBytes: u32;
  /** Sum of the blocks handed out, bytes. */
  bytesInUse: u32;
  minShift: u32;
  maxOrder: u32;
  freeOrders: u32; // bit n: there is a free block of order n
  blockOrders: u32; // offset of the byte per smallest block

  static at(ptr: usize): PowerOfTwoAllocator {
    return changetype<PowerOfTwoAllocator>(ptr);
  }

  /**
   * Makes the whole region one free block.
   * @param regionPtr not 0
   * @param regionBytes power of two, up to 2^31
   * @param minBlockBytes power of two, >= 16; region / 2^23 or more
   * @returns false, with nothing written, if one of them is not so
   */
  init(regionPtr: usize, regionBytes: u32, minBlockBytes: u32): bool {
    if (regionPtr === 0 || !isPowerOfTwo(regionBytes) || !isPowerOfTwo(minBlockBytes)) return false;
    if (minBlockBytes < 16 || minBlockBytes > regionBytes) return false;
    if (<u64>regionPtr + regionBytes > 0x100000000) return false;
    const minShift = <u32>ctz(minBlockBytes);
    const maxOrder = <u32>ctz(regionBytes) - minShift;
    if (maxOrder >= MAX_ORDERS) return false;
    this.regionPtr = regionPtr;
    this.regionBytes = regionBytes;
    this.bytesInUse = 0;
    this.minShift = minShift;
    this.maxOrder = maxOrder;
    this.freeOrders = 0;
    this.blockOrders = <u32>offsetof<PowerOfTwoAllocator>() + MAX_ORDERS * 4;
    let offset = this.blockOrders + (((1 << maxOrder) + 7) & ~7);
    for (let order: u32 = 0; order <= maxOrder; order++) {
      store<u32>(changetype<usize>(this) + order * 4, offset, offsetof<PowerOfTwoAllocator>());
      this.freeBlocks(order).init(1 << (maxOrder - order));
      offset += bitSetBytes(1 << (maxOrder - order));
    }
    this.give(maxOrder, 0);
    return true;
  }

  get bytesFree(): u32 {
    return this.regionBytes - this.bytesInUse;
  }

  /** Bytes of the largest block that alloc() could give now, 0 if none. */
  get largestFree(): u32 {
    if (this.freeOrders === 0) return 0;
    return 1 << (31 - <u32>clz(this.freeOrders) + this.minShift);
  }

  /**
   * Takes the block of the next power of two.
   * @param bytes 1..regionBytes
   * @returns its address, a multiple of its size from the region's start, or 0: no such block free, or bytes out of range
   */
  alloc(bytes: u32): usize {
    if (bytes === 0 || bytes > this.regionBytes) return 0;
    const bits: u32 = bytes === 1 ? 0 : 32 - <u32>clz(bytes - 1);
    const order = bits > this.minShift ? bits - this.minShift : 0;
    const candidates = this.freeOrders >> order;
    if (candidates === 0) return 0;
    let from = order + <u32>ctz(candidates);
    let index = this.freeBlocks(from).first();
    this.take(from, index);
    while (from > order) {
      from -= 1;
      index <<= 1;
      this.give(from, index | 1); // keep the lower half, free the upper
    }
    store<u8>(this.orderPtr(index << order), <u8>(order + 1));
    this.bytesInUse += 1 << (order + this.minShift);
    return this.regionPtr + ((<usize>index) << (order + this.minShift));
  }

  /**
   * Gives a block back and joins it with its free buddies.
   * @returns false, with nothing changed, if no block in use starts at blockPtr
   */
  free(blockPtr: usize): bool {
    let order = this.orderInUse(blockPtr);
    if (order < 0) return false;
    let index = <u32>(blockPtr - this.regionPtr) >> this.minShift;
    store<u8>(this.orderPtr(index), 0);
    index >>= order;
    this.bytesInUse -= 1 << (order + this.minShift);
    while (<u32>order < this.maxOrder && this.freeBlocks(order).has(index ^ 1)) {
      this.take(order, index ^ 1);
      index >>= 1;
      order += 1;
    }
    this.give(order, index);
    return true;
  }

  /** @returns the size of the block in use that starts at blockPtr, or 0 if none does. */
  blockBytes(blockPtr: usize): u32 {
    const order = this.orderInUse(blockPtr);
    return order < 0 ? 0 : 1 << (order + this.minShift);
  }

  orderInUse(blockPtr: usize): i32 {
    const offset = <u32>(blockPtr - this.regionPtr); // an address below the region wraps to a large offset
    if (offset >= this.regionBytes || (offset & ((1 << this.minShift) - 1)) !== 0) return -1;
    return <i32>load<u8>(this.orderPtr(offset >> this.minShift)) - 1;
  }

  orderPtr(smallestBlock: u32): usize {
    return changetype<usize>(this) + this.blockOrders + smallestBlock;
  }

  freeBlocks(order: u32): BitSet {
    const offset = load<u32>(changetype<usize>(this) + order * 4, offsetof<PowerOfTwoAllocator>());
    return BitSet.at(changetype<usize>(this) + offset);
  }

  give(order: u32, index: u32): void {
    this.freeBlocks(order).add(index);
    this.freeOrders |= 1 << order;
  }

  take(order: u32, index: u32): void {
    const blocks = this.freeBlocks(order);
    blocks.remove(index);
    if (blocks.first() === NONE) this.freeOrders &= ~(1 << order);
  }
}

// Memory of all connections together: tcp_mem (Linux: low, pressure, high, in pages of 4 KiB) over the heap. Above `pressure` nothing
// grows until less than `low` is in use; above `high` a connection gets no more than the least (tcp_rmem's minimum). Nobody is
// asked to give back what it has: bytes that were promised room keep it. Must not know what the blocks are for.
import { count } from "../count";
import { COUNTER_TCP_MEMORY_PRESSURES } from "../counters";
import { heapAlloc, heapAllocWithin, heapBytesShared } from "../heap";
import { SYSCTL_TCP_MEM_HIGH, SYSCTL_TCP_MEM_LOW, SYSCTL_TCP_MEM_PRESSURE } from "../layout";

/** Linux's unit of tcp_mem, bytes as a shift. */
const PAGE_SHIFT: u64 = 12;

let underPressure: bool = false;

// A limit of 0 is none
function bytesOf(sysctl: usize): u64 {
  const pages: u64 = load<u32>(sysctl);
  return pages === 0 ? U64.MAX_VALUE : pages << PAGE_SHIFT;
}

/** No connection holds memory yet. */
export function memoryInitialise(): void {
  underPressure = false;
}

/** Whether nothing shall grow now. With hysteresis: it begins above tcp_mem[1] and ends below tcp_mem[0]. */
export function isMemoryTight(): bool {
  const used = <u64>heapBytesShared();
  if (underPressure) underPressure = used >= bytesOf(SYSCTL_TCP_MEM_LOW);
  else if (used > bytesOf(SYSCTL_TCP_MEM_PRESSURE)) {
    underPressure = true;
    count(COUNTER_TCP_MEMORY_PRESSURES);
  }
  return underPressure;
}

/**
 * A block that makes a connection faster, not one that it needs.
 * @param eighths of the heap that may be in use then
 * @returns its address, or 0
 */
export function allocGrowth(bytes: u32, eighths: u32): usize {
  if (isMemoryTight() || <u64>heapBytesShared() + bytes > bytesOf(SYSCTL_TCP_MEM_PRESSURE)) return 0;
  return heapAllocWithin(bytes, eighths);
}

/** A block that a connection should have. @returns its address, or 0: above tcp_mem[2], or the heap has none */
export function allocNeeded(bytes: u32): usize {
  if (<u64>heapBytesShared() + bytes > bytesOf(SYSCTL_TCP_MEM_HIGH)) {
    isMemoryTight(); // so that it is counted
    return 0;
  }
  return heapAlloc(bytes);
}

/** A block without which a connection stands still: the least it may have. @returns its address, or 0: the heap has none */
export function allocLeast(bytes: u32): usize {
  return heapAlloc(bytes);
}

// Arithmetic of a ring of bytes whose capacity is a power of two. A position is a free-running u32 offset into the
// stream: byte p lies at buffer + (p & (capacity - 1)), and used = tail - head is right across 2^32. Who owns head and tail
// is not known here: the functions take the numbers. They may come from another thread; whatever they are, nothing outside
// the buffer is touched.
//
//             head            tail                        head = 14, tail = 18, capacity = 16:
//   ┌──────────┬───────────────┬──────────┐               piece 1 = buffer + 14, 2 bytes
//   │   free   │     used      │   free   │               piece 2 = buffer + 0,  2 bytes
//   └──────────┴───────────────┴──────────┘

// The result of byteRingPieces: where the bytes lie. Piece 2 is empty unless the range wraps
export let piece1Ptr: usize = 0;
export let piece1Bytes: u32 = 0;
export let piece2Ptr: usize = 0;
export let piece2Bytes: u32 = 0;

/**
 * Finds the one or two contiguous pieces of [position, position + length) and leaves them in piece1Ptr, piece1Bytes,
 * piece2Ptr and piece2Bytes.
 * @param capacity bytes, a power of two
 * @param length bytes; cut to capacity
 * @returns the sum of the pieces
 */
export function byteRingPieces(bufferPtr: usize, capacity: u32, position: u32, length: u32): u32 {
  const bytes = min(length, capacity);
  const offset = position & (capacity - 1);
  const first = min(bytes, capacity - offset);
  piece1Ptr = bufferPtr + offset;
  piece1Bytes = first;
  piece2Ptr = bufferPtr;
  piece2Bytes = bytes - first;
  return bytes;
}

/**
 * Copies into the ring.
 * @param sourcePtr length bytes outside the ring
 * @param length bytes; cut to capacity
 * @returns bytes copied
 */
export function byteRingCopyIn(bufferPtr: usize, capacity: u32, position: u32, sourcePtr: usize, length: u32): u32 {
  const bytes = min(length, capacity);
  const offset = position & (capacity - 1);
  const first = min(bytes, capacity - offset);
  memory.copy(bufferPtr + offset, sourcePtr, first);
  if (bytes > first) memory.copy(bufferPtr, sourcePtr + first, bytes - first);
  return bytes;
}

/**
 * Copies out of the ring.
 * @param targetPtr length bytes outside the ring
 * @param length bytes; cut to capacity
 * @returns bytes copied
 */
export function byteRingCopyOut(bufferPtr: usize, capacity: u32, position: u32, targetPtr: usize, length: u32): u32 {
  const bytes = min(length, capacity);
  const offset = position & (capacity - 1);
  const first = min(bytes, capacity - offset);
  memory.copy(targetPtr, bufferPtr + offset, first);
  if (bytes > first) memory.copy(targetPtr + first, bufferPtr, bytes - first);
  return bytes;
}

/**
 * Copies [position, position + length) from one ring to the same positions of another: how a ring changes its size.
 * @param length bytes; cut to the smaller capacity
 * @returns bytes copied
 */
export function byteRingCopyAcross(
  sourceBufferPtr: usize,
  sourceCapacity: u32,
  targetBufferPtr: usize,
  targetCapacity: u32,
  position: u32,
  length: u32,
): u32 {
  const bytes = min(length, targetCapacity);
  const offset = position & (sourceCapacity - 1);
  const copied = min(bytes, sourceCapacity);
  const first = min(copied, sourceCapacity - offset);
  byteRingCopyIn(targetBufferPtr, targetCapacity, position, sourceBufferPtr + offset, first);
  if (copied > first) {
    byteRingCopyIn(targetBufferPtr, targetCapacity, position + first, sourceBufferPtr, copied - first);
  }
  return copied;
}

// Copies between the shared memory and other buffers, those of users and of links, the fastest way for each size. The engine copies to
// and from shared memory by single atomic words; memmove of the addon, where a packet link has loaded it, carries a tenth more of one flow
// (docs/performance.md).
import { loadedAddon } from "./native.ts";

/** Up to so many bytes a loop is faster than making a view for a bulk copy, and allocates nothing. */
const LOOP_BYTES = 192;
/** From so many bytes on the call into the addon is worth it. */
const NATIVE_BYTES = 4096;

/** Copies `source[from..from + count]` to `target[to..]`; both have room. */
export function copyBytes(target: Uint8Array, to: number, source: Uint8Array, from: number, count: number): void {
  if (count <= LOOP_BYTES) {
    for (let i = 0; i < count; i++) target[to + i] = source[from + i]!;
    return;
  }
  const native = count >= NATIVE_BYTES ? loadedAddon()?.copyBytes : undefined;
  if (native !== undefined) native(target, to, source, from, count);
  else if (from === 0 && count === source.length) target.set(source, to);
  else target.set(source.subarray(from, from + count), to);
}

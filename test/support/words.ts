// Reads and writes runs of u32 words and bytes in WASM memory, for tests of functions that take and fill records.

/** The `count` little-endian u32 words at `ptr`. */
export function readWords(view: DataView, ptr: number, count: number): number[] {
  return Array.from({ length: count }, (_, i) => view.getUint32(ptr + 4 * i, true));
}

/** Writes little-endian u32 words to `ptr`. */
export function writeWords(view: DataView, ptr: number, words: readonly number[]): void {
  words.forEach((word, i) => {
    view.setUint32(ptr + 4 * i, word >>> 0, true);
  });
}

/** `"01 02ff"` as bytes; blanks are for the reader. */
export function bytesOf(hex: string): Uint8Array {
  return Uint8Array.from(hex.replace(/\s+/g, "").match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
}

/** Bytes as lower-case hex without blanks. */
export function hexOf(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

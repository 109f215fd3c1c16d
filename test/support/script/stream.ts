// The bytes that go either way in a script: a fixed function of the position, so that every byte that arrives tells where it belongs.
// Position 1 is the first byte after the SYN, as in a script's relative sequence numbers.

const PERIOD = 8191; // a prime: no power of two shifts the stream onto itself
const bytes = Uint8Array.from({ length: PERIOD }, (_, i) => (i * 167 + (i >>> 5) * 59 + 13) & 255);

/** `length` bytes of the stream from `position` on. */
export function streamBytes(position: number, length: number): Uint8Array {
  const result = new Uint8Array(length);
  let at = ((position % PERIOD) + PERIOD) % PERIOD;
  for (let i = 0; i < length; i++) {
    result[i] = bytes[at]!;
    at = at + 1 === PERIOD ? 0 : at + 1;
  }
  return result;
}

/** Index of the first byte that is not the stream's, or -1. */
export function firstWrong(data: Uint8Array, position: number): number {
  const expected = streamBytes(position, data.length);
  return data.findIndex((byte, i) => byte !== expected[i]);
}

// Fragments as frames, for tests: an honest cut of a payload, and what comes out of one put together again.
import { ipv4, type PacketFields } from "./frames.ts";

export const MORE = 0x2000;

/** One fragment: `bytes` of payload at `offset`, which counts bytes. */
export function fragment(
  bytes: ArrayLike<number>,
  offset: number,
  more: boolean,
  fields: PacketFields = {},
): Uint8Array {
  return ipv4(bytes, { id: 7, ...fields, fragment: (more ? MORE : 0) | (offset / 8) });
}

/** The fragments of a payload, in order. `part`: bytes of each but the last, a multiple of 8 */
export function cut(payload: ArrayLike<number>, part: number, fields: PacketFields = {}): Uint8Array[] {
  const bytes = Array.from(payload);
  const frames: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; at += part) {
    frames.push(fragment(bytes.slice(at, at + part), at, at + part < bytes.length, fields));
  }
  return frames;
}

/** The payload that fragments in frames make, whatever their order; their identifications must be the same. */
export function joined(frames: Uint8Array[]): Uint8Array {
  const ids = new Set(frames.map((frame) => (frame[18]! << 8) | frame[19]!));
  if (ids.size !== 1) throw new Error(`${ids.size} identifications`);
  const pieces = frames.map((frame) => {
    const word = (frame[20]! << 8) | frame[21]!;
    return { offset: (word & 0x1fff) * 8, more: (word & MORE) !== 0, bytes: frame.slice(34) };
  });
  pieces.sort((a, b) => a.offset - b.offset);
  let end = 0;
  for (const { offset, more, bytes } of pieces) {
    if (offset !== end) throw new Error(`a fragment at ${offset} after one that ends at ${end}`);
    end += bytes.length;
    if (more !== (bytes !== pieces.at(-1)!.bytes)) throw new Error("the flag for more is wrong");
  }
  return Uint8Array.from(pieces.flatMap(({ bytes }) => [...bytes]));
}

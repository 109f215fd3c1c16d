// Runs a plain and an impaired passage over sides made up here and prints what each frame cost on the heap. A process of its own: what other
// tests taught the compiler must not count. Needs --expose-gc. Arguments: bytes that are few enough for a plain
// and for an impaired passage.
import { getHeapStatistics } from "node:v8";
import { FRAME_CSUM_PARTIAL, HEAP } from "../../../assembly/layout.ts";
import { createMemory } from "../../../src/memory.ts";
import { PASSAGE_HEAP_BYTES, SIDES_HEAP_BYTES } from "../../../src/wire-task.ts";
import { ImpairedPassage, type Passage, PlainPassage } from "../../../workers/wire/passage.ts";
import { noFrame, type WireSide } from "../../../workers/wire/wire-side.ts";
import { anyFrame, pattern } from "../../src/links/build-frame.ts";

const [PLAIN_BYTES = 0, IMPAIRED_BYTES = 0] = process.argv.slice(2).map(Number);
const BATCH = 32;
const CHUNK_TURNS = 300;
const CHUNK_FRAMES = CHUNK_TURNS * BATCH;
/** Until the compiler is through with the code, which on a busy machine takes a while. */
const MAX_CHUNKS = 80;

const views = createMemory(SIDES_HEAP_BYTES + PASSAGE_HEAP_BYTES);
const SUPER_SEGMENT = anyFrame(
  { version: 6, protocol: 6, tags: 1, id: 0, options: new Uint8Array(0), seq: 1, flags: 16, payload: pattern(4000) },
  { partial: true },
);

/** A side where BATCH times the same frame has arrived, and one that takes all. */
function sides(frame: Uint8Array, gsoSize: number): { from: WireSide; to: WireSide; lengths: number[] } {
  const ptr = HEAP + 4;
  views.u8.set(frame, ptr);
  const transport = frame.length - 4000 - 32;
  const info = {
    ...noFrame(),
    ptr,
    length: frame.length,
    flags: FRAME_CSUM_PARTIAL,
    gsoSize,
    gsoType: gsoSize === 0 ? 0 : 4,
  };
  Object.assign(info, { headerBytes: frame.length - 4000, csumStart: transport, csumOffset: 16 });
  const lengths = [0, 0, 0];
  let queued = 0;
  const from = { receive: () => BATCH, describe: () => info };
  const to = {
    room: 256,
    blocked: false,
    queueCopy: ({ length }: { length: number }) => {
      views.u8.copyWithin(HEAP + 1024 * 1024 + 4, ptr, ptr + length);
      queued++;
    },
    queueBytes: (bytes: Uint8Array) => {
      lengths[queued % 3] = bytes.length;
      queued++;
    },
    transmit: () => {
      const sent = queued;
      queued = 0;
      return sent;
    },
  };
  return { from: from as unknown as WireSide, to: to as unknown as WireSide, lengths };
}

/**
 * Bytes that a frame costs on the heap: the least of several chunks, so that what the compiler does meanwhile does not count.
 * @param enough - looks no further when a chunk cost less
 */
function garbagePerFrame(subject: Passage, enough: number): { bytes: number; frames: number } {
  let least = Number.POSITIVE_INFINITY;
  let nowUs = 0;
  let frames = 0;
  while (frames < MAX_CHUNKS * CHUNK_FRAMES && least >= enough * CHUNK_FRAMES) {
    globalThis.gc!();
    const before = getHeapStatistics().used_heap_size;
    for (let turn = 0; turn < CHUNK_TURNS; turn++, nowUs += 100) subject.turn(nowUs);
    least = Math.min(least, getHeapStatistics().used_heap_size - before);
    frames += CHUNK_FRAMES;
  }
  return { bytes: least / CHUNK_FRAMES, frames };
}

const whole = sides(SUPER_SEGMENT, 1208);
const plain = new PlainPassage(whole.from, whole.to);
const split = sides(SUPER_SEGMENT, 1400);
const impairments = { delayMs: 1, jitterMs: 0.5, loss: 0.01, duplicate: 0.01, corrupt: 0.01, rateBps: 1e11 };
const impaired = new ImpairedPassage(split.from, split.to, views.u8, impairments, 0, HEAP + SIDES_HEAP_BYTES);
console.log(
  JSON.stringify({
    headers: SUPER_SEGMENT.length - 4000,
    plain: { ...garbagePerFrame(plain, PLAIN_BYTES), ...plain.counters },
    impaired: { ...garbagePerFrame(impaired, IMPAIRED_BYTES), lengths: split.lengths, ...impaired.counters },
  }),
);

// What the main thread and the worker of a wire share: the task, and the counters, of which the worker writes a copy and main reads it.
// Data never travels in messages.
import type { MessagePort } from "node:worker_threads";
import { COUNTERS } from "../assembly/layout.ts";
import type { ImpairmentCounters, Impairments } from "./links/impairment.ts";

/** Bytes of the heap for the two interfaces: rings, and slots for what leaves. */
export const SIDES_HEAP_BYTES = 256 * 1024 * 1024;
/** And for the frames of each direction, if one is impaired: what an Impairment may hold, and room for other sizes. */
export const PASSAGE_HEAP_BYTES = 384 * 1024 * 1024;

/** The worker's task. */
export interface WireTask {
  memory: WebAssembly.Memory;
  /** Names of the two interfaces. */
  interfaces: readonly [string, string];
  /** Address of the heap, which is all the wire's. */
  heap: number;
  /** An eventfd that wakes the worker. */
  wakeFd: number;
  /** Says "open" once both interfaces are. */
  ready: MessagePort;
  /** What happens to packets on their way; null = frames pass as they are. */
  aToB: Impairments | null;
  bToA: Impairments | null;
}

/** Where each counter of a passage lies: f64 by these numbers, a passage after the other. */
const PLACES: Readonly<Record<keyof ImpairmentCounters, number>> = {
  received: 0,
  forwarded: 1,
  lost: 2,
  burstLost: 3,
  duplicated: 4,
  reordered: 5,
  corrupted: 6,
  ecnMarked: 7,
  queueDropped: 8,
  unsplittable: 9,
};
const NAMES = Object.keys(PLACES) as (keyof ImpairmentCounters)[];
const PASSAGE_WORDS = 16;

function wordOf(passage: number, name: keyof ImpairmentCounters): number {
  return (COUNTERS >>> 3) + passage * PASSAGE_WORDS + PLACES[name];
}

/** Publishes the counters of a passage; what it does not count stays 0. */
export function writePassageCounters(f64: Float64Array, passage: number, counters: Partial<ImpairmentCounters>): void {
  for (const name of NAMES) {
    const value = counters[name];
    if (value !== undefined) f64[wordOf(passage, name)] = value;
  }
}

/** The counters of a passage as last published. */
export function readPassageCounters(f64: Float64Array, passage: number): ImpairmentCounters {
  const entries = NAMES.map((name) => [name, f64[wordOf(passage, name)]!]);
  return Object.fromEntries(entries) as unknown as ImpairmentCounters;
}

// What the main thread and the worker of a wire share: the task, and where the counters lie. Data never travels in messages.
import type { MessagePort } from "node:worker_threads";
import { COUNTERS } from "../assembly/layout.ts";
import type { Impairments } from "./links/impairment.ts";

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

/** Counters of a passage as f64, in the order of ImpairmentCounters, a passage after the other. */
export const WIRE_COUNTERS = COUNTERS;
export const WIRE_COUNTERS_PER_PASSAGE = 16;

// Where the first shard of a stack leaves copies of the frames that concern all (workers/ports/shard-port.ts): one ring of frames
// for each other shard and interface.
import { frameRingBytes } from "../links/frame-ring.ts";

/** Bytes of frames that may wait for a shard; with more it lags so much that some are lost. */
export const RELAY_BYTES = 4 * 1024 * 1024;

/** A ring and who reads it. */
export interface ShardRelay {
  ring: SharedArrayBuffer;
  /** Memory of the shard that reads it, which holds its doorbell. */
  memory: SharedArrayBuffer;
}

/** @param memory - of the shard that reads it */
export function createRelay(memory: SharedArrayBuffer): ShardRelay {
  return { ring: new SharedArrayBuffer(frameRingBytes(RELAY_BYTES)), memory };
}

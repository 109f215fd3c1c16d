// Where the first shard of a stack leaves what concerns all (workers/ports/shard-port.ts): copies of frames, and what has become of its
// claim of the address. One for each other shard and interface.
import { frameRingBytes } from "../links/frame-ring.ts";

/** Bytes of frames that may wait for a shard; with more it lags so much that some are lost. */
export const RELAY_BYTES = 4 * 1024 * 1024;

/** What one shard reads of one interface. */
export interface ShardRelay {
  ring: SharedArrayBuffer;
  /** One word: INTERFACE_CLAIM of the first shard. */
  claim: SharedArrayBuffer;
  /** Memory of the shard that reads it, which holds its doorbell. */
  memory: SharedArrayBuffer;
}

/**
 * @param memory - of the shard that reads it
 * @param claim - CLAIM_, until the first shard says otherwise
 */
export function createRelay(memory: SharedArrayBuffer, claim: number): ShardRelay {
  const word = new SharedArrayBuffer(4);
  new Int32Array(word)[0] = claim;
  return { ring: new SharedArrayBuffer(frameRingBytes(RELAY_BYTES)), claim: word, memory };
}

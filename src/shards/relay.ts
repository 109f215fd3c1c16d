// Where the first shard of a stack leaves what concerns all: copies of frames, a ring for each other shard and interface
// (workers/ports/shard-port.ts), and for each interface some words that all read.
import { frameRingBytes } from "../links/frame-ring.ts";

/** Bytes of frames that may wait for a shard; with more it lags so much that some are lost. */
export const RELAY_BYTES = 4 * 1024 * 1024;

/** Of the words of an interface: the kernel's number of the group of sockets that share what comes in, once the first has made it. */
export const COMMON_GROUP = 0;
/** INTERFACE_CLAIM of the first shard. */
export const COMMON_CLAIM = 1;
const COMMON_COUNT = 2;

/** What one shard reads of one interface. */
export interface ShardRelay {
  ring: SharedArrayBuffer;
  /** Memory of the shard that reads it, which holds its doorbell. */
  memory: SharedArrayBuffer;
}

/** @param memory - of the shard that reads it */
export function createRelay(memory: SharedArrayBuffer): ShardRelay {
  return { ring: new SharedArrayBuffer(frameRingBytes(RELAY_BYTES)), memory };
}

/**
 * The words of one interface (COMMON_), written by the first shard.
 * @param claim - CLAIM_, until it says otherwise
 */
export function createCommon(claim: number): Int32Array<SharedArrayBuffer> {
  const common = new Int32Array(new SharedArrayBuffer(COMMON_COUNT * 4));
  common[COMMON_CLAIM] = claim;
  return common;
}

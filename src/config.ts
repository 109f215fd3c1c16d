// Writes the CONFIG block, once, before the core starts: version, heap, secrets, settings.
import { randomFillSync } from "node:crypto";
import {
  CONFIG_HEAP_BYTES,
  CONFIG_SECRETS,
  CONFIG_SHARD_COUNT,
  CONFIG_SHARD_INDEX,
  CONFIG_SHARD_SALT,
  CONFIG_TRACE_STATES,
  CONFIG_VERSION,
  HEAP_BYTES_DEFAULT,
  LAYOUT_VERSION,
  SECRETS_BYTES,
  WAKE_FD,
} from "../assembly/layout.ts";
import type { SharedViews } from "./memory.ts";
import type { ShardPlace } from "./shards/shard-of.ts";
import type { SysctlWords } from "./sysctl.ts";

/** What else there is to write. */
export interface ConfigOptions {
  /** Bytes of the heap, a power of two. Default `HEAP_BYTES_DEFAULT`. */
  heapBytes?: number;
  /** 64 bytes for the core's keys; fresh ones from the system's generator unless a simulation gives its own. */
  secrets?: Uint8Array;
  /** Which of several shards this is. */
  shard?: ShardPlace;
}

/** Fills the CONFIG block of a fresh memory. */
export function writeConfig(views: SharedViews, sysctl: SysctlWords, options: ConfigOptions = {}): void {
  const { shard, heapBytes = HEAP_BYTES_DEFAULT, secrets = randomFillSync(new Uint8Array(SECRETS_BYTES)) } = options;
  views.u32[CONFIG_VERSION >>> 2] = LAYOUT_VERSION;
  views.u32[CONFIG_HEAP_BYTES >>> 2] = heapBytes;
  views.u32[CONFIG_TRACE_STATES >>> 2] = 0;
  views.u8.set(secrets.subarray(0, SECRETS_BYTES), CONFIG_SECRETS);
  if (shard !== undefined) {
    views.u32[CONFIG_SHARD_INDEX >>> 2] = shard.index;
    views.u32[CONFIG_SHARD_COUNT >>> 2] = shard.count;
    views.u32[CONFIG_SHARD_SALT >>> 2] = shard.salt;
  }
  for (const [address, value] of sysctl) views.u32[address >>> 2] = value;
  views.i32[WAKE_FD >>> 2] = -1;
}

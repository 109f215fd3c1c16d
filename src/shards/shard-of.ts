// Which shard a connection belongs to, as main sees it. The kernel's program (native/fanout.cc) and the core (assembly/tcp/shard.ts)
// compute the same.
import {
  SHARD_HASH_MULTIPLIER_1,
  SHARD_HASH_MULTIPLIER_2,
  SHARD_HASH_MULTIPLIER_3,
  SHARD_HASH_SHIFT_1,
  SHARD_HASH_SHIFT_2,
} from "../../assembly/layout.ts";

/** What decides, the same in all shards of a stack. */
export interface Steering {
  /** Number of shards. */
  count: number;
  /** u32, random: nobody outside knows which connections meet. */
  salt: number;
}

/** The place of one shard among the others. */
export interface ShardPlace extends Steering {
  /** 0..count - 1; 0 speaks for the host. */
  index: number;
}

/** @param remoteAddress - u32, host order */
export function shardOf(
  { count, salt }: Steering,
  remoteAddress: number,
  remotePort: number,
  localPort: number,
): number {
  const ports = (remotePort << 16) | localPort;
  let hash = Math.imul(ports ^ salt, SHARD_HASH_MULTIPLIER_1) ^ remoteAddress;
  hash = Math.imul(hash ^ (hash >>> SHARD_HASH_SHIFT_1), SHARD_HASH_MULTIPLIER_2);
  hash = Math.imul(hash ^ (hash >>> SHARD_HASH_SHIFT_2), SHARD_HASH_MULTIPLIER_3);
  return ((hash >>> 16) * count) >>> 16;
}

// Which shard a connection belongs to, as main sees it. The kernel's program (native/fanout.cc) and the core (assembly/tcp/shard.ts)
// compute the same.

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
  let hash = Math.imul(ports ^ salt, 0x9e3779b1) ^ remoteAddress;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return ((hash >>> 16) * count) >>> 16;
}

// Which shard of a stack a connection belongs to. Shards are cores that know nothing of each other; who steers frames between them
// (native/fanout.cc) computes the same from the same numbers, and so does main (src/shards/shard-of.ts) before it connects.
import { CONFIG_SHARD_COUNT, CONFIG_SHARD_INDEX, CONFIG_SHARD_SALT } from "../layout";

/** Whether this shard speaks for the host: answers ARP, pings and what belongs to no connection. */
export function isFirstShard(): bool {
  return load<u32>(CONFIG_SHARD_INDEX) === 0;
}

// Whether there are others
function hasShards(): bool {
  return load<u32>(CONFIG_SHARD_COUNT) > 1;
}

/**
 * Whether a connection is one of this shard's. Our own address plays no part, so that main can tell without knowing the route.
 * @param remoteLow the peer's address, lower half of the 16 bytes
 */
export function isOfThisShard(remoteLow: u64, remotePort: u32, localPort: u32): bool {
  return (
    !hasShards() || shardOf(bswap<u32>(<u32>(remoteLow >> 32)), remotePort, localPort) === load<u32>(CONFIG_SHARD_INDEX)
  );
}

/** 0 to the number of shards - 1. `remoteAddress`: IPv4, host order */
export function shardOf(remoteAddress: u32, remotePort: u32, localPort: u32): u32 {
  let hash = (((remotePort << 16) | localPort) ^ load<u32>(CONFIG_SHARD_SALT)) * 0x9e3779b1;
  hash ^= remoteAddress;
  hash = (hash ^ (hash >> 16)) * 0x85ebca6b;
  hash = (hash ^ (hash >> 13)) * 0xc2b2ae35;
  return ((hash >> 16) * load<u32>(CONFIG_SHARD_COUNT)) >> 16;
}

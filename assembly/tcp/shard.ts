// Which shard of a stack a connection belongs to. Shards are cores that know nothing of each other; who steers frames between them
// (native/fanout.cc) computes the same from the same numbers, and so does main (src/shards/shard-of.ts) before it connects.
import { countMany } from "../count";
import { COUNTER_TCP_IN_OTHER_SHARD } from "../counters";
import {
  CONFIG_SHARD_COUNT,
  CONFIG_SHARD_INDEX,
  CONFIG_SHARD_SALT,
  SHARD_HASH_MULTIPLIER_1,
  SHARD_HASH_MULTIPLIER_2,
  SHARD_HASH_MULTIPLIER_3,
  SHARD_HASH_SHIFT_1,
  SHARD_HASH_SHIFT_2,
} from "../layout";
import { Segment } from "./segment";

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

/**
 * Whether a segment that no connection of ours takes belongs to another shard; it is counted then. Few come here, while shards start and
 * end: they are for the peer to send again, not for us to reset. The loopback has no other shards.
 */
export function isForeign(seg: Segment): bool {
  if (seg.interfaceIndex === 0 || isOfThisShard(seg.remoteAddressLow, seg.remotePort, seg.localPort)) return false;
  countMany(COUNTER_TCP_IN_OTHER_SHARD, seg.segments);
  return true;
}

/** 0 to the number of shards - 1. `remoteAddress`: IPv4, host order */
export function shardOf(remoteAddress: u32, remotePort: u32, localPort: u32): u32 {
  let hash = (((remotePort << 16) | localPort) ^ load<u32>(CONFIG_SHARD_SALT)) * <u32>SHARD_HASH_MULTIPLIER_1;
  hash ^= remoteAddress;
  hash = (hash ^ (hash >> SHARD_HASH_SHIFT_1)) * <u32>SHARD_HASH_MULTIPLIER_2;
  hash = (hash ^ (hash >> SHARD_HASH_SHIFT_2)) * <u32>SHARD_HASH_MULTIPLIER_3;
  return ((hash >> 16) * load<u32>(CONFIG_SHARD_COUNT)) >> 16;
}

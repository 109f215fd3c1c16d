// The numbers of several shards as those of one stack. Counts add up, also of what each shard gets a copy of (ARP, fragments) and so
// counts; how a link is all shards see alike.
import type { Usage } from "../protocol.ts";
import type { InterfaceStats, Stats } from "../stats.ts";

/** @param all - at least one, of the same interfaces */
export function mergeStats(all: readonly Stats[]): Stats {
  const first = all[0]!;
  return {
    counters: sum(all.map(({ counters }) => counters)),
    statesEntered: sum(all.map(({ statesEntered }) => statesEntered)),
    interfaces: first.interfaces.map((_, index) => mergeInterfaces(all.map(({ interfaces }) => interfaces[index]!))),
  };
}

/** @param all - at least one */
export function sumUsage(all: readonly Usage[]): Usage {
  return sum(all.map((usage) => ({ ...usage })));
}

function mergeInterfaces(all: readonly InterfaceStats[]): InterfaceStats {
  const { name, state, mtu, carrierChanges } = all[0]!;
  const counts = sum(all.map(({ name, state, mtu, carrierChanges, ...rest }) => rest));
  return { name, state, mtu, carrierChanges, ...counts };
}

function sum<Counts extends Record<string, number>>(all: readonly Counts[]): Counts {
  const total: Record<string, number> = { ...all[0]! };
  for (const counts of all.slice(1)) for (const [name, count] of Object.entries(counts)) total[name]! += count;
  return total as Counts;
}

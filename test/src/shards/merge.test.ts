// The numbers of several shards as those of one stack.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { createMemory } from "../../../src/memory.ts";
import type { Usage } from "../../../src/protocol.ts";
import { mergeStats, sumUsage } from "../../../src/shards/merge.ts";
import { readStats, type Stats } from "../../../src/stats.ts";

const merge = suite("src/shards/merge");

function stats(tcpInSegs: number, rxFrames: number, carrierChanges: number): Stats {
  const all = readStats(createMemory(), ["lo", "if1"]);
  const second = { ...all.interfaces[1]!, state: "up" as const, mtu: 1500, rxFrames, carrierChanges };
  return { ...all, counters: { ...all.counters, tcpInSegs }, interfaces: [all.interfaces[0]!, second] };
}

merge("counts add up, how a link is does not", () => {
  const { counters, statesEntered, interfaces } = mergeStats([stats(5, 10, 2), stats(7, 20, 2), stats(0, 0, 2)]);
  assert.is(counters.tcpInSegs, 12);
  assert.is(counters.tcpOutSegs, 0);
  assert.is(statesEntered.ESTABLISHED, 0);
  assert.is(interfaces.length, 2);
  const { name, state, mtu, rxFrames, carrierChanges } = interfaces[1]!;
  assert.equal(
    { name, state, mtu, rxFrames, carrierChanges },
    { name: "if1", state: "up", mtu: 1500, rxFrames: 30, carrierChanges: 2 },
  );
});

merge("what is in use adds up, and the parts stay as they were", () => {
  const one: Usage = {
    tcbs: 1,
    orphans: 2,
    retransmissionRecords: 3,
    timers: 4,
    txFrames: 5,
    heapBytes: 6,
    linkBytes: 7,
  };
  const total = sumUsage([one, one]);
  assert.equal(Object.values(total), [2, 4, 6, 8, 10, 12, 14]);
  assert.equal(Object.values(one), [1, 2, 3, 4, 5, 6, 7]);
});

merge.run();

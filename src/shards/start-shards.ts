// Starts a stack with several shards: cores that share their keys and a hash, each in a worker, with a packet socket per interface. The
// threads start together, the links open in order of the shards: the kernel counts the sockets of a group as they come.
import { randomBytes, randomFillSync } from "node:crypto";
import {
  CLAIM_DONE,
  CLAIM_PROBING,
  CONFIG_SECRETS,
  SECRET_TUPLES,
  SECRETS_BYTES,
  SYSCTL_ARP_PROBE,
  SYSCTL_IPFRAG_HIGH_THRESH,
  SYSCTL_TCP_MAX_ORPHANS,
  SYSCTL_TCP_MAX_TW_BUCKETS,
  SYSCTL_TCP_MEM_HIGH,
  SYSCTL_TCP_MEM_LOW,
  SYSCTL_TCP_MEM_PRESSURE,
} from "../../assembly/layout.ts";
import { createMemory } from "../memory.ts";
import type { ResolvedStack } from "../options.ts";
import type { InterfaceSetup } from "../protocol.ts";
import type { CoreStack } from "../stack.ts";
import type { Stack } from "../stack-api.ts";
import { startCore } from "../start-core.ts";
import type { SysctlWords } from "../sysctl.ts";
import { createCommon, createRelay, type ShardRelay } from "./relay.ts";
import type { Steering } from "./shard-of.ts";
import { ShardedStack } from "./sharded-stack.ts";

const KEY_BYTES = 16;

/** What a host has once, however many cores share it. */
const TOTALS = [
  SYSCTL_TCP_MEM_LOW,
  SYSCTL_TCP_MEM_PRESSURE,
  SYSCTL_TCP_MEM_HIGH,
  SYSCTL_TCP_MAX_ORPHANS,
  SYSCTL_TCP_MAX_TW_BUCKETS,
];
/** Room for the longest datagram in parts, its record included: each shard puts together what concerns it. */
const LEAST_FRAGMENT_BYTES = 128 * 1024;

/** Starts all shards. @throws (rejects) what the first one that fails does; none is left */
export async function startShards(resolved: ResolvedStack, interfaces: InterfaceSetup[]): Promise<Stack> {
  const count = resolved.shards;
  const steering: Steering = { count, salt: randomBytes(4).readUInt32LE() };
  const secrets = randomFillSync(new Uint8Array(SECRETS_BYTES));
  const memories = Array.from({ length: count }, createMemory);
  const claim = resolved.sysctl.get(SYSCTL_ARP_PROBE) === 0 ? CLAIM_DONE : CLAIM_PROBING;
  const links = interfaces.map(() => ({
    common: createCommon(claim),
    relays: memories.slice(1).map(({ buffer }) => createRelay(buffer)),
  }));
  const shares = { ...resolved, sysctl: sharesOf(resolved.sysctl, count) };
  let before: Promise<unknown> = Promise.resolve();
  const starting: Promise<CoreStack>[] = [];
  for (const [index, views] of memories.entries()) {
    const place = { ...steering, index };
    const setup = before.then(() =>
      interfaces.map((one, at) => {
        const { common, relays } = links[at]!;
        return { ...one, shard: { ...place, common, relays: relaysOf(index, relays) } };
      }),
    );
    setup.catch(() => {}); // whoever waits for it is told; the thread may fail first
    const core = startCore(shares, setup, { place, views, secrets: secretsOf(secrets) });
    starting.push(core);
    before = core;
  }
  const started = await Promise.allSettled(starting);
  const failed = started.find((one) => one.status === "rejected");
  const shards = started.flatMap((one) => (one.status === "fulfilled" ? [one.value] : []));
  if (failed === undefined) return new ShardedStack(shards, steering);
  await Promise.all(shards.map((shard) => shard.close({ lingerMs: 0 })));
  throw failed.reason;
}

/** The first shard writes to all others, which read what is theirs. */
function relaysOf(index: number, relays: ShardRelay[]): ShardRelay[] {
  return index === 0 ? relays : [relays[index - 1]!];
}

/** What peers see (sequence numbers, cookies, timestamps) is one host's; identifications must differ, so each shard hashes them its way. */
function secretsOf(common: Uint8Array): Uint8Array {
  const secrets = common.slice();
  const own = SECRET_TUPLES - CONFIG_SECRETS;
  randomFillSync(secrets.subarray(own, own + KEY_BYTES));
  return secrets;
}

/** Settings of one shard of `count`. */
export function sharesOf(sysctl: SysctlWords, count: number): SysctlWords {
  const shares: SysctlWords = new Map(sysctl);
  for (const word of TOTALS) shares.set(word, Math.ceil(shares.get(word)! / count));
  const fragments = shares.get(SYSCTL_IPFRAG_HIGH_THRESH)!;
  const share = Math.max(Math.ceil(fragments / count), LEAST_FRAGMENT_BYTES);
  shares.set(SYSCTL_IPFRAG_HIGH_THRESH, Math.min(fragments, share));
  return shares;
}

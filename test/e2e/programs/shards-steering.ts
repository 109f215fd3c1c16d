// Runs inside a network namespace with interface h1-eth0: a stack with three shards gets frames that another namespace (arguments: its name, its
// interface) injects. Prints one line of JSON: what each shard took of each kind, and what shard-of.ts says that it should.
import { execFile } from "node:child_process";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { CONFIG_SHARD_SALT } from "../../../assembly/layout.ts";
import { createStack, packetLink } from "../../../src/index.ts";
import { shardOf } from "../../../src/shards/shard-of.ts";
import { shardsOf } from "../../../src/shards/sharded-stack.ts";
import { internalsOf } from "../../../src/stack.ts";
import { cut } from "../../support/fragments.ts";
import { icmp, ipv4, tcp } from "../../support/frames.ts";

const [namespace, peerInterface] = process.argv.slice(2) as [string, string];
const PEER = fileURLToPath(new URL("../../support/peers/kernel_peer.py", import.meta.url));
const OURS = 0x0a4d000b; // 10.77.0.11
const MAC = [0x02, 0x77, 10, 77, 0, 11];
const COUNT = 3;
const EACH = 24;
const ERRORS = [3, 11, 12];
const RST = 4;
/** Four bytes and twelve of IP options that do nothing. */
const OPTIONS = [[], [1, 1, 1, 0], Array<number>(11).fill(1).concat(0)];

type Kind = "tcp" | "errors" | "echos";

const stack = await createStack({
  interfaces: [{ link: packetLink({ interface: "h1-eth0" }), address: "10.77.0.11/24" }],
  shards: COUNT,
});
const shards = shardsOf(stack);
const salt = internalsOf(shards[0]!).views.u32[CONFIG_SHARD_SALT >>> 2]!;
const frames: Uint8Array[] = [];
const expected: Record<Kind, number[]> = { tcp: [0, 0, 0], errors: [0, 0, 0], echos: [0, 0, 0] };

function add(kind: Kind, shard: number, ...parts: Uint8Array[]): void {
  frames.push(...parts);
  expected[kind][shard]!++;
}

const counted = (): Record<Kind, number[]> => {
  const all = shards.map((shard) => shard.stats().counters);
  return {
    tcp: all.map(({ tcpInSegs = 0 }) => tcpInSegs),
    errors: all.map(({ icmpInNoMatch = 0 }) => icmpInNoMatch),
    echos: all.map(({ icmpInEchos = 0 }) => icmpInEchos),
  };
};
const total = (numbers: Record<Kind, number[]>): number =>
  Object.values(numbers).reduce((sum, each) => sum + each.reduce((a, b) => a + b), 0);

/** Sends what was added and waits for it: less than a ring of received frames at a time. */
async function flush(): Promise<void> {
  const inject = ["netns", "exec", namespace, "python3", PEER, "inject", peerInterface];
  const words = frames.splice(0).map((frame) => `x${Buffer.from(frame).toString("hex")}`);
  await promisify(execFile)("ip", [...inject, ...words]);
  for (let tries = 0; tries < 500 && total(counted()) < total(expected); tries++) await sleep(10);
}

for (let index = 0; index < EACH; index++) {
  const [theirs, srcPort, dstPort] = [0x0a4d0064 + (index % 7), 1000 + 77 * index, 40_000 + index];
  const owner = shardOf({ count: COUNT, salt }, theirs, srcPort, dstPort);
  const addresses = { src: theirs, dst: OURS, to: MAC };
  for (const options of OPTIONS) {
    add("tcp", owner, tcp({ ...addresses, srcPort, dstPort, flags: RST, options }));
    const sent = { src: OURS, dst: theirs, srcPort: dstPort, dstPort: srcPort, options: OPTIONS[index % 3]! };
    const quoted = [...tcp(sent).slice(14)];
    for (const type of ERRORS) add("errors", owner, ipv4(icmp(type, 0, 0, quoted), { ...addresses, options }));
    // What quotes no ports is the first shard's
    const part = [...tcp({ ...sent, fragment: 64 }).slice(14)];
    add("errors", 0, ipv4(icmp(3, 1, 0, part), { ...addresses, options }));
    const echo = [...ipv4(icmp(0, 0, 1), { src: OURS, dst: theirs }).slice(14)];
    add("errors", 0, ipv4(icmp(11, 0, 0, echo), { ...addresses, options }));
    add("echos", 0, ipv4(icmp(8, 0, index), { ...addresses, options }));
  }
  const whole = tcp({ ...addresses, srcPort, dstPort, flags: RST, payload: Array<number>(100).fill(index) });
  add("tcp", owner, ...cut(whole.slice(34), 40, { ...addresses, protocol: 6, id: index }));
  if (index % 4 === 3) await flush();
}

const got = counted();
const { tcpInOtherShard } = stack.stats().counters;
await stack.close({ lingerMs: 0 });
console.log(JSON.stringify({ got, expected, tcpInOtherShard }));

// Runs inside a network namespace with interface eth0 and a gateway (argument) that knows of no way to 10.99.0.0/24: eight connects on a stack
// with two shards fail; then it answers pings until it is told to end. Prints READY, and at the end one line of JSON: the codes of the
// connects, and how many of the gateway's messages came to each shard.
import { createStack, packetLink } from "../../../src/index.ts";
import { shardsOf } from "../../../src/shards/sharded-stack.ts";
import { rejection } from "../../support/stack-pair.ts";

const link = packetLink({ interface: "eth0" });
const stack = await createStack({
  interfaces: [{ link, address: "10.77.0.11/24", gateway: process.argv[2]! }],
  shards: 2,
});
const failures = await Promise.all(
  Array.from({ length: 8 }, () => rejection(stack.connect({ hostname: "10.99.0.5", port: 1, timeoutMs: 20_000 }))),
);
const codes = [...new Set(failures.map((error) => (error as { code?: string }).code))];
const shards = shardsOf(stack).map((shard) => shard.stats().counters.icmpInDestUnreachs);
process.stdout.write("READY\n");
const awake = setInterval(() => {}, 1000); // nothing else waits
await new Promise((resolve) => process.once("SIGTERM", resolve));
clearInterval(awake);
await stack.close();
console.log(JSON.stringify({ codes, shards }));

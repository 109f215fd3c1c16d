// Echo requests: replies, and an address that nobody has.
import { createStack, memoryLinkPair } from "wasmtcp";

const [left, right] = memoryLinkPair();
await using server = await createStack({ interfaces: [{ link: left, address: "10.0.0.1/24" }] });
await using client = await createStack({ interfaces: [{ link: right, address: "10.0.0.2/24" }] });
console.log("two stacks, the first with", server.connections().length, "connections");

for await (const reply of client.ping("10.0.0.1", { count: 2, intervalMs: 10, size: 100 })) {
  if (reply.ok) console.log(reply.sequence, reply.bytes, "bytes, ttl", reply.ttl, "took", reply.roundTripUs > 0);
}
for await (const reply of client.ping("10.0.0.99", { count: 1, timeoutMs: 4000 })) {
  if (!reply.ok) console.log(reply.sequence, reply.error.code, "says", reply.address);
}

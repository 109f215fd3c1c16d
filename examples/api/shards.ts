// A server on two processors. Needs CAP_NET_RAW in the namespace of `left` and `right`.
import { createStack, packetLink } from "wasmtcp";

await using server = await createStack({
  interfaces: [{ link: packetLink({ interface: "left" }), address: "10.0.0.1/24" }],
  shards: 2,
});
await using client = await createStack({
  interfaces: [{ link: packetLink({ interface: "right" }), address: "10.0.0.2/24" }],
});
const listener = await server.listen({ port: 7 });
const dialling = Promise.all(Array.from({ length: 16 }, () => client.connect({ hostname: "10.0.0.1", port: 7 })));
for (let accepted = 0; accepted < 16; accepted++) await listener.accept();
await dialling;
console.log("connections:", server.stats().statesEntered.ESTABLISHED);
console.log("listeners:", server.connections().filter(({ state }) => state === "LISTEN").length);

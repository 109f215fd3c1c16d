// Joins the interfaces `middle1` and `middle2` by a wire with 10 ms of delay, and pings through it.
import { createStack, createWire, packetLink } from "wasmtcp";

await using wire = await createWire({
  interfaces: ["middle1", "middle2"],
  aToB: { delayMs: 10 },
  bToA: { delayMs: 10 },
});
await using near = await createStack({
  interfaces: [{ link: packetLink({ interface: "left" }), address: "10.0.0.1/24" }],
});
await using far = await createStack({
  interfaces: [{ link: packetLink({ interface: "right" }), address: "10.0.0.2/24" }],
});
const names = far.stats().interfaces.map(({ name }) => name);
console.log("at the far end:", names.join(", "));

for await (const reply of near.ping("10.0.0.2", { count: 3, intervalMs: 50 })) {
  console.log(reply.sequence, reply.ok && reply.roundTripUs >= 20_000 ? "20 ms and more" : reply);
}
const { aToB, bToA } = wire.counters();
console.log("packets passed both ways:", aToB.forwarded > 0 && bToA.forwarded > 0, "- lost:", aToB.lost + bToA.lost);

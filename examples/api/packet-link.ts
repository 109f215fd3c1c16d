// A stack at each end of a veth pair, raw frames in between. Needs CAP_NET_RAW in the namespace of `left` and `right`.
import { createStack, packetLink } from "wasmtcp";

await using server = await createStack({
  interfaces: [{ link: packetLink({ interface: "left" }), address: "10.0.0.1/24" }],
});
await using client = await createStack({
  interfaces: [{ link: packetLink({ interface: "right" }), address: "10.0.0.2/24" }],
});
const listener = await server.listen({ port: 7 });
const connection = await client.connect({ hostname: "10.0.0.1", port: 7 });
const peer = await listener.accept();
await connection.write(new TextEncoder().encode("over a real interface"));
const buffer = new Uint8Array(64);
const length = await peer.read(buffer);
console.log(new TextDecoder().decode(buffer.subarray(0, length ?? 0)));

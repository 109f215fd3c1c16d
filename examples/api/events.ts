// The life of a connection as state changes of the client's stack.
import { createStack, memoryLinkPair, type StateEvent } from "wasmtcp";

const [left, right] = memoryLinkPair();
await using server = await createStack({ interfaces: [{ link: left, address: "10.0.0.1/24" }] });
await using client = await createStack({ interfaces: [{ link: right, address: "10.0.0.2/24" }] });

client.on("state", ({ from, to, remoteAddr }: StateEvent) => {
  console.log(`${from} -> ${to} (${remoteAddr.hostname}:${remoteAddr.port})`);
});
client.on("link", (event) => console.log(event.interface, "is", event.state)); // "up", "down", "gone"
client.on("mtu", (event) => console.log(event.interface, "has an MTU of", event.mtu));
client.on("neighbor", (event) => console.log(event.address, "does not answer ARP any more"));
client.on("conflict", (event) => console.log("another host uses", event.address));

const listener = await server.listen({ port: 7 });
const connection = await client.connect({ hostname: "10.0.0.1", port: 7 });
const peer = await listener.accept();
await connection.closeWrite(); // our FIN,
await peer.read(new Uint8Array(1)); // null for the peer,
await peer.close(); // its FIN,
await connection.read(new Uint8Array(1)); // null for us

// The life of a connection as state changes of the client's stack.
import { createStack, memoryLinkPair, type StateEvent } from "wasmtcp";

const [left, right] = memoryLinkPair();
await using server = await createStack({ interfaces: [{ link: left, address: "10.0.0.1/24" }] });
await using client = await createStack({ interfaces: [{ link: right, address: "10.0.0.2/24" }] });

client.on("state", ({ from, to, remoteAddr }: StateEvent) => {
  console.log(`${from} -> ${to} (${remoteAddr.hostname}:${remoteAddr.port})`);
});
client.on("conflict", (event) => console.log("another host uses the address of", event.interface));

const listener = await server.listen({ port: 7 });
const connection = await client.connect({ hostname: "10.0.0.1", port: 7 });
const peer = await listener.accept();
await connection.closeWrite(); // our FIN,
await peer.read(new Uint8Array(1)); // null for the peer,
await peer.close(); // its FIN,
await connection.read(new Uint8Array(1)); // null for us

// What a connection, and a stack, knows of itself.
import { createStack, memoryLinkPair } from "wasmtcp";

const [left, right] = memoryLinkPair();
await using server = await createStack({ interfaces: [{ link: left, address: "10.0.0.1/24" }] });
await using client = await createStack({ interfaces: [{ link: right, address: "10.0.0.2/24", name: "lan0" }] });
const listener = await server.listen({ port: 7 });
const connection = await client.connect({ hostname: "10.0.0.1", port: 7 });
const peer = await listener.accept();
await connection.write(new Uint8Array(5000));
for (let left = 5000; left > 0; ) left -= (await peer.read(new Uint8Array(left))) ?? left;

const { state, sndMss, bytesReceived, congestionControl, options } = peer.info();
console.log({ state, sndMss, bytesReceived, congestionControl, sack: options.sack });

for (const one of server.connections()) console.log(one.state, one.localAddr.port, one.remoteAddr.hostname);

const { counters, interfaces } = client.stats();
console.log("active opens", counters.tcpActiveOpens, "- resets sent", counters.tcpOutRsts);
console.log(interfaces.map(({ name, txFrames }) => `${name}: ${txFrames > 0 ? "has sent" : "silent"}`));
console.log("records of connections in the core:", (await client.usage()).tcbs);

// Settings of a stack (Linux's sysctls), of a listener, and of a connection before and after it exists.
import { createStack, memoryLinkPair } from "wasmtcp";

const [left, right] = memoryLinkPair({ mtu: 9000 });
await using server = await createStack({
  interfaces: [{ link: left, address: "10.0.0.1/24", name: "lan0", mtu: 1500 }],
  sysctl: { tcp_congestion_control: "bbr", tcp_rmem: [4096, 65536, 1_048_576] },
});
await using client = await createStack({
  interfaces: [{ link: right, address: "10.0.0.2/24", gateway: "10.0.0.1" }],
  routes: [{ destination: "10.1.0.0/16", gateway: "10.0.0.1" }],
  lookup: async (name) => (name === "server.lab" ? "10.0.0.1" : ""),
});

const listener = await server.listen({ port: 80, backlog: 16, noDelay: true }); // its connections inherit noDelay
const connection = await client.connect({
  hostname: "server.lab",
  port: 80,
  localPort: 40000,
  timeoutMs: 5000,
  maxSegment: 1000,
  congestionControl: "reno",
});
const peer = await listener.accept();

connection.setKeepAlive(true, { idleMs: 30_000, intervalMs: 5_000, count: 3 });
connection.setOptions({ userTimeoutMs: 60_000, linger: 5 });

console.log("client:", connection.info().congestionControl, "from port", connection.localPort);
console.log("server:", peer.info().congestionControl, "sends segments of", peer.info().sndMss);

// Two stacks on a memory link: a connection that ends in order, one that is refused, a stack that cannot start.
import { createStack, memoryLinkPair } from "../../../src/index.ts";

const [left, right] = memoryLinkPair();
const server = await createStack({ interfaces: [{ link: left, address: "10.0.0.1/24", name: "here" }] });
const client = await createStack({
  interfaces: [{ link: right, address: "10.0.0.2/24", mac: "02:00:00:00:00:02", gateway: "10.0.0.1" }],
});
await createStack({ interfaces: [{ link: left, address: "10.0.0.3/24" }] }).catch(() => {});
const listener = await server.listen({ port: 7 });
const connection = await client.connect({ hostname: "10.0.0.1", port: 7 });
const accepted = await listener.accept();
await Promise.all([connection.close(), accepted.close()]);
await client.connect({ hostname: "10.0.0.1", port: 8 }).catch(() => {});
await client.close();
await server.close();

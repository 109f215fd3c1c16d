// A stack whose worker dies while the stack closes: its connection has more to send than the peer reads.
import { createStack, memoryLinkPair } from "../../../src/index.ts";
import { internalsOf } from "../../../src/stack.ts";

const [left, right] = memoryLinkPair();
const server = await createStack({ interfaces: [{ link: left, address: "10.0.0.1/24" }] });
const client = await createStack({ interfaces: [{ link: right, address: "10.0.0.2/24" }] });
const listener = await server.listen({ port: 7 });
const connection = await client.connect({ hostname: "10.0.0.1", port: 7 });
connection.write(new Uint8Array(100_000_000)).catch(() => {});
const closed = client.close({ lingerMs: 600_000 });
await internalsOf(client).host.thread!.terminate();
await closed;
await listener.close();
await server.close();

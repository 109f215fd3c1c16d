// Two stacks in one process say hello over a link in memory. Run after `npm run build`: npx tsx examples/hello.ts
import { createStack, memoryLinkPair } from "wasmtcp";

const [left, right] = memoryLinkPair();
await using server = await createStack({ interfaces: [{ link: left, address: "10.0.0.1/24" }] });
await using client = await createStack({ interfaces: [{ link: right, address: "10.0.0.2/24" }] });

const listener = await server.listen({ port: 7 });
const connection = await client.connect({ hostname: "10.0.0.1", port: 7 });
const peer = await listener.accept();
await connection.write(new TextEncoder().encode("hello"));
const buffer = new Uint8Array(64);
const length = await peer.read(buffer);
console.log(new TextDecoder().decode(buffer.subarray(0, length ?? 0)));

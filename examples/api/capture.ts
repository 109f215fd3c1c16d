// Every frame of a link into a pcapng file that Wireshark opens.
import { mkdtemp, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { captureLink, createStack, memoryLinkPair } from "wasmtcp";

const folder = await mkdtemp(join(tmpdir(), "wasmtcp-capture-"));
const path = join(folder, "client.pcapng");

const [left, right] = memoryLinkPair();
await using server = await createStack({ interfaces: [{ link: left, address: "10.0.0.1/24" }] });
const client = await createStack({ interfaces: [{ link: captureLink(right, path), address: "10.0.0.2/24" }] });
const listener = await server.listen({ port: 7 });
const connection = await client.connect({ hostname: "10.0.0.1", port: 7 });
await connection.write(new TextEncoder().encode("hello"));
await (await listener.accept()).read(new Uint8Array(5));

const [capture] = await client.captures(); // writes what is buffered first
console.log("frames so far:", capture!.frames >= 5, "lost:", capture!.lostFrames);
await client.close();
console.log("the file is there:", (await stat(path)).size > 500);
await rm(folder, { recursive: true });

// A file from one stack to another, and the same bytes at the other end.
import { createHash, randomBytes } from "node:crypto";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createStack, memoryLinkPair } from "wasmtcp";

const folder = await mkdtemp(join(tmpdir(), "wasmtcp-files-"));
const source = join(folder, "source.bin");
const copy = join(folder, "copy.bin");
await writeFile(source, randomBytes(5_000_000));

const [left, right] = memoryLinkPair();
await using server = await createStack({ interfaces: [{ link: left, address: "10.0.0.1/24" }] });
await using client = await createStack({ interfaces: [{ link: right, address: "10.0.0.2/24" }] });
const listener = await server.listen({ port: 10001 });
const connection = await client.connect({ hostname: "10.0.0.1", port: 10001 });
const peer = await listener.accept();

let reports = 0;
const received = peer.receiveFile(copy);
await connection.sendFile(source, { onProgress: () => reports++, signal: AbortSignal.timeout(30_000) });
await connection.closeWrite(); // or the receiver waits for more
console.log("received", await received, "bytes");

const md5 = async (path: string): Promise<string> =>
  createHash("md5")
    .update(await readFile(path))
    .digest("hex");
console.log("equal:", (await md5(source)) === (await md5(copy)), "- progress was told:", reports > 1);
await rm(folder, { recursive: true });

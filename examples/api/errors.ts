// What fails, and how it says so: Node's codes, classes to tell apart, and AbortSignal.
import { ConnectionRefusedError, createStack, memoryLinkPair, NetstackError, type Stack } from "wasmtcp";

const [left, right] = memoryLinkPair();
await using server = await createStack({ interfaces: [{ link: left, address: "10.0.0.1/24" }] });
await using client = await createStack({ interfaces: [{ link: right, address: "10.0.0.2/24" }] });

async function attempt(stack: Stack, hostname: string, port: number, signal?: AbortSignal): Promise<void> {
  try {
    const connection = await stack.connect({ hostname, port, signal });
    await connection.close();
  } catch (error) {
    if (error instanceof ConnectionRefusedError) console.log("refused:", error.message);
    else if (error instanceof NetstackError) console.log(`${error.code} at ${error.address}: ${error.message}`);
    else console.log((error as Error).name, (error as { code?: string }).code);
  }
}

await attempt(client, "10.0.0.1", 9); // nobody listens there
await attempt(client, "192.0.2.1", 80); // no route leads there
await attempt(client, "10.0.0.99", 80); // nobody answers ARP for it
await attempt(client, "somewhere.example", 80); // a name, and no `lookup`
await attempt(client, "10.0.0.1", 70_000); // a RangeError
await attempt(client, "10.0.0.99", 80, AbortSignal.timeout(50)); // given up

const listener = await server.listen({ port: 7 });
const connection = await client.connect({ hostname: "10.0.0.1", port: 7 });
const peer = await listener.accept();
peer.abort(); // a reset
await connection.closed.catch((error) => console.log(error.message));
await connection.write(new Uint8Array(1)).catch((error) => console.log(error.code));

// An echo server on Web Streams, connections by `for await`, and a client that reads text.
import { createStack, memoryLinkPair } from "wasmtcp";

const [left, right] = memoryLinkPair();
await using server = await createStack({ interfaces: [{ link: left, address: "10.0.0.1/24" }] });
await using client = await createStack({ interfaces: [{ link: right, address: "10.0.0.2/24" }] });

const listener = await server.listen({ port: 7 });
void (async () => {
  for await (const connection of listener) {
    // The end of the readable side ends the writable one: closeWrite().
    connection.readable.pipeTo(connection.writable).catch((error) => console.error(error.code));
  }
})();

const connection = await client.connect({ hostname: "10.0.0.1", port: 7 });
const writer = connection.writable.getWriter();
await writer.write(new TextEncoder().encode("one, two, "));
await writer.write(new TextEncoder().encode("three"));
await writer.close();

const decoder = new TextDecoder();
let text = "";
for await (const part of connection.readable) text += decoder.decode(part, { stream: true });
console.log(text);

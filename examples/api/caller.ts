// Both stacks on this thread, driven by its event loop: no worker, and no hand-over for each message.
import { createStack, memoryLinkPair } from "wasmtcp";

const [left, right] = memoryLinkPair();
const thread = "caller";
await using server = await createStack({ thread, interfaces: [{ link: left, address: "10.0.0.1/24" }] });
await using client = await createStack({ thread, interfaces: [{ link: right, address: "10.0.0.2/24" }] });
const listener = await server.listen({ port: 7 });
const connection = await client.connect({ hostname: "10.0.0.1", port: 7 });
const peer = await listener.accept();

const ball = new Uint8Array(1);
for (let turn = 0; turn < 1000; turn++) {
  await connection.write(ball);
  await peer.read(ball);
  await peer.write(ball);
  await connection.read(ball);
}
console.log("there and back:", peer.info().bytesReceived, "times");

// A cable with delay and loss: 200 KiB through 5 ms and 2 % loss each way.
import { createStack, emulatedLink, memoryLinkPair, parseEmulation } from "wasmtcp";

const [left, right] = memoryLinkPair();
const there = emulatedLink(left, { delayMs: 5, loss: 0.02, seed: 1 }); // as an object,
const back = emulatedLink(right, parseEmulation("delay=5ms,loss=2%,seed=2")); // or as text
await using server = await createStack({ interfaces: [{ link: there, address: "10.0.0.1/24" }] });
await using client = await createStack({ interfaces: [{ link: back, address: "10.0.0.2/24" }] });
const listener = await server.listen({ port: 7 });
const connection = await client.connect({ hostname: "10.0.0.1", port: 7 });
const peer = await listener.accept();

const sent = connection.write(new Uint8Array(200 * 1024)).then(() => connection.closeWrite());
let received = 0;
const buffer = new Uint8Array(65536);
for (let count = await peer.read(buffer); count !== null; count = await peer.read(buffer)) received += count;
await sent;

const { minRttUs, totalRetrans } = connection.info();
console.log(received, "bytes arrived; at least 10 ms there and back:", minRttUs >= 10_000);
console.log("some were sent again:", totalRetrans > 0);

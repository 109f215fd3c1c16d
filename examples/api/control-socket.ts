// A running stack shows itself to `wasmtcp ss`, or to a program of yours.
import { createStack, memoryLinkPair, openControlSocket, readReport } from "wasmtcp";

const [link] = memoryLinkPair();
await using stack = await createStack({ interfaces: [{ link, address: "10.0.0.1/24" }] });
await stack.listen({ port: 7 });
const control = await openControlSocket(stack); // a unix socket that only this user can open

const report = await readReport(control.path);
for (const { state, localAddr } of report.connections) console.log(state, localAddr.port);
console.log("of this process:", report.pid === process.pid);
await control.close();

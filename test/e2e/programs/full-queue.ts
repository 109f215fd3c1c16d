// Runs inside a network namespace with interface h1-eth0: writes to a listener of 10.77.0.2, has the kernel's queue refuse frames, closes the
// stack in the middle and prints the interface's counters before and after as one line of JSON. Arguments: thread, port, the queue for tc(8).
import { execFileSync } from "node:child_process";
import { setTimeout as sleep } from "node:timers/promises";
import { createStack } from "../../../src/create-stack.ts";
import { packetLink } from "../../../src/links/packet.ts";

const [thread, port, ...queue] = process.argv.slice(2);
const stack = await createStack({
  interfaces: [{ name: "h1-eth0", link: packetLink({ interface: "h1-eth0" }), address: "10.77.0.11/24" }],
  thread: thread as "worker" | "caller",
});
const connection = await stack.connect({ hostname: "10.77.0.2", port: Number(port) });
await connection.write(Buffer.alloc(1000));
while (connection.info().bytesAcked < 1000) await sleep(1);
execFileSync("tc", ["qdisc", "add", "dev", "h1-eth0", "root", ...queue]);
connection.write(Buffer.alloc(1 << 18)).catch(() => {}); // ends with the stack, if not before
const link = () => stack.stats().interfaces.find(({ name }) => name === "h1-eth0")!;
while (link().txQueueFull === 0) await sleep(1); // bounded by the test
const before = link().linkErrors;
await stack.close({ lingerMs: 0 });
console.log(JSON.stringify({ before, after: link().linkErrors }));

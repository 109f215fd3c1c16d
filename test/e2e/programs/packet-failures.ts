// Runs inside a network namespace with interface h1-eth0 and a kernel that owns the address 10.77.0.1; prints what createStack and
// a killed worker do as one line of JSON.
import { execFileSync } from "node:child_process";
import { createStack } from "../../../src/create-stack.ts";
import { packetLink } from "../../../src/links/packet.ts";
import { internalsOf } from "../../../src/stack.ts";
import type { Stack } from "../../../src/stack-api.ts";
import { descriptors } from "../../support/descriptors.ts";
import { rejection } from "../../support/stack-pair.ts";

const ADDRESS = "10.77.0.11/24";

function open(address = ADDRESS, name = "h1-eth0", mtu?: number): Promise<Stack> {
  return createStack({ interfaces: [{ link: packetLink({ interface: name }), address, mtu }] });
}

async function refusal(stack: Promise<Stack>): Promise<{ code: unknown; message: string }> {
  const { code, message } = await rejection(stack);
  return { code, message };
}

/** The codes of everything that waits on a stack whose worker sleeps in poll when it is terminated. */
async function terminated(): Promise<unknown[]> {
  const stack = await open();
  const listener = await stack.listen({ port: 80 });
  const pending = [
    rejection(listener.accept()),
    rejection(stack.connect({ hostname: "10.77.0.99", port: 1 })),
    rejection(internalsOf(stack).host.crashed),
  ];
  await internalsOf(stack).host.thread!.terminate();
  const codes = (await Promise.all(pending)).map(({ code }) => code);
  await stack.close();
  return codes;
}

await (await open()).close(); // what the process opens once
const before = descriptors();
const crashed = await terminated();
await (await open()).close();
// Descriptors of a thread that was killed are closed when it is gone.
const leaked = descriptors() - before;
const owned = await refusal(open("10.77.0.1/24"));
const missing = await refusal(open(ADDRESS, "nothing0"));
const tooLong = await refusal(open(ADDRESS, "h1-eth0", 1501));
execFileSync("ip", ["link", "set", "h1-eth0", "down"]);
const down = await refusal(open());
console.log(JSON.stringify({ owned, missing, tooLong, down, crashed, leaked }));

// Runs inside a network namespace with interface h1-eth0 whose neighbour 10.77.0.2 listens on port 7 and sends back what comes; prints as one line
// of JSON what calls on a stack with two shards do, and what is left when one of its workers has been killed.
import { execFileSync } from "node:child_process";
import { type Connection, createStack, packetLink, type Stack } from "../../../src/index.ts";
import { shardsOf } from "../../../src/shards/sharded-stack.ts";
import { internalsOf } from "../../../src/stack.ts";
import { descriptors } from "../../support/descriptors.ts";
import { rejection } from "../../support/stack-pair.ts";

const PEER = { hostname: "10.77.0.2", port: 7 };

function open(): Promise<Stack> {
  const link = packetLink({ interface: "h1-eth0" });
  return createStack({ interfaces: [{ link, address: "10.77.0.11/24" }], shards: 2 });
}

async function code(promise: Promise<unknown>): Promise<unknown> {
  return ((await rejection(promise)) as { code?: unknown }).code;
}

/** What comes back for one byte. */
async function bounce(connection: Connection): Promise<number> {
  await connection.write(Uint8Array.of(42));
  const answer = new Uint8Array(1);
  await connection.read(answer);
  await connection.close();
  return answer[0]!;
}

/** Connections that name their port, a port that is taken, and which shard had them. */
async function ports(stack: Stack): Promise<object> {
  const before = shardsOf(stack).map((shard) => shard.stats().statesEntered.ESTABLISHED);
  const answers: number[] = [];
  for (let port = 5000; port < 5016; port++) {
    const connection = await stack.connect({ ...PEER, localPort: port });
    if (port === 5000) answers.push((await code(stack.connect({ ...PEER, localPort: port }))) === "EADDRINUSE" ? 1 : 0);
    answers.push(await bounce(connection));
  }
  const used = shardsOf(stack).map((shard, at) => shard.stats().statesEntered.ESTABLISHED - before[at]!);
  return { answers, used };
}

/** Listeners: one a call, on one port in all shards; within the stack too. */
async function listeners(stack: Stack): Promise<object> {
  const listener = await stack.listen({ port: 0 });
  const { port } = listener.addr;
  const again = await code(stack.listen({ port }));
  const rows = stack.connections().filter(({ localAddr }) => localAddr.port === port).length;
  const inside: number[] = [];
  for (let round = 0; round < 4; round++) {
    const [ours, accepted] = await Promise.all([
      stack.connect({ hostname: "localhost", port }),
      listener.accept({ signal: AbortSignal.timeout(10_000) }),
    ]);
    await accepted.write(Uint8Array.of(round));
    const got = new Uint8Array(1);
    await ours.read(got);
    inside.push(got[0]!);
    await Promise.all([ours.close(), accepted.close()]);
  }
  const waiting = code(listener.accept());
  await listener.close();
  const free = await stack.listen({ port }); // in all shards again
  await free.close();
  return { again, rows, inside, waiting: await waiting };
}

async function pings(stack: Stack): Promise<boolean[]> {
  const answers: boolean[] = [];
  for await (const reply of stack.ping(PEER.hostname, { count: 3, intervalMs: 10, size: 4000 })) answers.push(reply.ok);
  return answers;
}

/** How often a link that goes and comes is told of, and whether the shards still get what is theirs. */
async function linkEvents(stack: Stack): Promise<object> {
  const told: string[] = [];
  stack.on("link", ({ state }) => told.push(state));
  for (const state of ["down", "up"]) {
    execFileSync("ip", ["link", "set", "h1-eth0", state]);
    while (told.at(-1) !== state) await new Promise((resolve) => setTimeout(resolve, 5));
  }
  const answers = await Promise.all(Array.from({ length: 8 }, async () => bounce(await stack.connect(PEER))));
  return { told, answers };
}

/** The codes of everything that waits on a stack one of whose workers is killed. */
async function crash(stack: Stack): Promise<unknown[]> {
  const listener = await stack.listen({ port: 80 });
  const connections = await Promise.all([stack.connect(PEER), stack.connect(PEER)]);
  const pending = [listener.accept(), ...connections.map((one) => one.read(new Uint8Array(1)))].map(code);
  await internalsOf(shardsOf(stack)[1]!).host.thread!.terminate();
  const codes = await Promise.all(pending);
  codes.push(await code(stack.connect(PEER)), await code(stack.usage()));
  await stack.close();
  return codes;
}

await (await open()).close(); // what the process opens once
const before = descriptors();
const stack = await open();
const states = new Set<string>();
stack.on("state", ({ to }) => states.add(to));
const report = {
  ports: await ports(stack),
  listeners: await listeners(stack),
  pings: await pings(stack),
  link: await linkEvents(stack),
  strays: stack.stats().counters.tcpInOtherShard,
};
await stack.close();
const closed = [await code(stack.connect(PEER)), await code(stack.listen({ port: 1 })), await code(stack.usage())];
const crashed = await crash(await open());
await (await open()).close();
// Descriptors of a thread that was killed are closed when it is gone.
const leaked = descriptors() - before;
console.log(JSON.stringify({ ...report, states: states.size, closed, crashed, leaked }));
process.exit();

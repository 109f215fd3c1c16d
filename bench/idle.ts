// Idle connections between two stacks of this process over a memory link: real handshakes, every `Connection` object kept, then one byte
// echoed on each. Prints one line of JSON: bytes per connection and end in the core's tables, in V8's heap and of resident memory, while
// they idle and after the echo. `npx tsx --expose-gc bench/idle.ts [COUNT [IN_FLIGHT]]`.
import { setTimeout as sleep } from "node:timers/promises";
import { type Connection, createStack, type Listener, memoryLinkPair } from "wasmtcp";

const count = Number(process.argv[2] ?? 100_000);
const inFlight = Number(process.argv[3] ?? 64);
const gc = (globalThis as { gc?: () => void }).gc;
if (gc === undefined) throw new Error("run it with --expose-gc");

/** One listener takes as many connections from one address as there are ephemeral ports. */
const PER_PORT = 25_000;
const CLIENT = "10.1.0.1";
const SERVER = "10.1.0.2";

const [left, right] = memoryLinkPair();
const [client, server] = await Promise.all([
  createStack({ interfaces: [{ link: left, address: `${CLIENT}/24` }] }),
  createStack({ interfaces: [{ link: right, address: `${SERVER}/24` }] }),
]);
const ports = Array.from({ length: Math.ceil(count / PER_PORT) }, (_, index) => 7000 + index);
const accepted: Connection[] = [];
const connected: Connection[] = [];

type Memory = { heap: number; rss: number };

async function memory(): Promise<Memory> {
  for (let round = 0; round < 3; round++) {
    gc!();
    await sleep(50);
  }
  const { heapUsed, rss } = process.memoryUsage();
  return { heap: heapUsed, rss };
}

/** Calls `one` for 0..count-1, at most `inFlight` at a time. */
async function inTurn(one: (index: number) => Promise<void>): Promise<number> {
  const started = performance.now();
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < count) await one(next++);
  };
  await Promise.all(Array.from({ length: Math.min(inFlight, count) }, worker));
  return (performance.now() - started) / 1000;
}

async function acceptAll(listener: Listener): Promise<void> {
  for await (const connection of listener) accepted.push(connection);
}

const listeners = await Promise.all(ports.map((port) => server.listen({ port, backlog: 4096 })));
const accepting = listeners.map(acceptAll);
const before = await memory();
const connectSeconds = await inTurn(async (index) => {
  const port = ports[index % ports.length]!;
  connected.push(await client.connect({ hostname: SERVER, port }));
});
while (accepted.length < count) await sleep(1);
const idle = await memory();
const heapIdle = [(await client.usage()).heapBytes, (await server.usage()).heapBytes];

const echoing = accepted.map(async (connection) => {
  const byte = new Uint8Array(1);
  if ((await connection.read(byte)) === 1) await connection.write(byte);
});
let echoed = 0;
const echoSeconds = await inTurn(async (index) => {
  const connection = connected[index]!;
  const byte = Uint8Array.of(index & 255);
  await connection.write(byte);
  const back = new Uint8Array(1);
  if ((await connection.read(back)) === 1 && back[0] === byte[0]) echoed += 1;
});
await Promise.all(echoing);
const heapEcho = [(await client.usage()).heapBytes, (await server.usage()).heapBytes];
await sleep(3000);
const after = await memory();
const heapAfter = [(await client.usage()).heapBytes, (await server.usage()).heapBytes];
const each = (now: Memory, key: keyof Memory): number => Math.round((now[key] - before[key]) / (2 * count));
console.log(
  JSON.stringify({
    connections: count,
    echoed,
    connectsPerSecond: Math.round(count / connectSeconds),
    echoesPerSecond: Math.round(count / echoSeconds),
    idle: { jsHeap: each(idle, "heap"), rss: each(idle, "rss") },
    afterEcho: { jsHeap: each(after, "heap"), rss: each(after, "rss") },
    wasmHeap: { idle: heapIdle, echo: heapEcho, after: heapAfter },
  }),
);
for (const listener of listeners) await listener.close();
await Promise.all(accepting);
await Promise.all([client.close({ lingerMs: 0 }), server.close({ lingerMs: 0 })]);

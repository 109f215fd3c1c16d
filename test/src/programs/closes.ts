// Opens and closes everything; then what is left of threads, descriptors and handles is printed. It must end by itself.
import { readdirSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { connected, echo, stackPair } from "../../support/stack-pair.ts";

async function useAndClose(): Promise<void> {
  const pair = await stackPair({ impairments: { delayMs: 1 } });
  const { ours, theirs } = await connected(pair);
  const served = echo(theirs);
  await ours.write(new Uint8Array(1000));
  await ours.close().catch(() => {});
  await served.catch(() => {});
  await pair.client.listen({ port: 1 });
  await Promise.all([pair.client.close(), pair.server.close()]);
}

function left(): { threads: number; descriptors: number; resources: string[] } {
  return {
    threads: readdirSync("/proc/self/task").length,
    descriptors: readdirSync("/proc/self/fd").length,
    resources: process.getActiveResourcesInfo().filter((name) => !/Pipe|TTY|FSReq|Timeout|File/.test(name)),
  };
}

await useAndClose(); // what the process makes once and keeps
await sleep(50);
const before = left();
await useAndClose();
await sleep(50);
console.log(JSON.stringify({ before, after: left() }));

// Where the thread of a worker runs (`StackOptions.affinity`). Frames of an interface with receive packet steering (RPS, rps_cpus in sysfs) are
// received on the processors named there, in softirq, which has the processor before any thread. docs/performance.md, "Placement", tells
// when keeping off them pays and when it costs.
import { readdirSync, readFileSync } from "node:fs";
import { type Affinity, cpusBeside, parseCpuMask } from "../src/cpu-set.ts";
import { wireOf } from "../src/links/link.ts";
import { loadAddon } from "../src/native.ts";
import type { InterfaceSetup } from "../src/protocol.ts";

/**
 * Gives the calling thread, which must be a worker of its own for the one stack, its processors. Read once.
 * @returns the processors it now has, or undefined if nothing was changed
 * @throws for a list only. AddonError; Error with code, errno and syscall: `EINVAL`, the process may not use all of them
 */
export function placeThread(affinity: Affinity, interfaces: readonly InterfaceSetup[]): readonly number[] | undefined {
  if (affinity === "none") return undefined;
  if (affinity === "auto") return placeBesideReceiving(interfaces);
  const cpus = affinity.toSorted((a, b) => a - b);
  loadAddon().setThreadAffinity(cpus);
  return cpus;
}

function placeBesideReceiving(interfaces: readonly InterfaceSetup[]): number[] | undefined {
  const receiving = new Set(interfaces.flatMap(({ link }) => receivingCpus(link)));
  if (receiving.size === 0) return undefined;
  const shards = interfaces[0]?.shard?.count ?? 1;
  const { threadAffinity, setThreadAffinity } = loadAddon();
  try {
    const cpus = cpusBeside(threadAffinity(), receiving, shards);
    if (cpus !== undefined) setThreadAffinity(cpus);
    return cpus;
  } catch {
    // Nobody asked for it by name: where the system forbids it (seccomp), the stack runs all the same.
    return undefined;
  }
}

/** The processors that receive the frames of an interface for others (RPS): none if it has none, is in memory, or sysfs does not tell. */
function receivingCpus(link: InterfaceSetup["link"]): number[] {
  const wire = wireOf(link);
  if (wire.kind !== "packet") return [];
  const folder = `/sys/class/net/${wire.interface}`;
  try {
    if (!isOurs(wire.interface, folder)) return [];
    const queues = readdirSync(`${folder}/queues`).filter((name) => name.startsWith("rx-"));
    return queues.flatMap((queue) => parseCpuMask(read(`${folder}/queues/${queue}/rps_cpus`)) ?? []);
  } catch {
    return [];
  }
}

/** sysfs shows the network namespace in which it was mounted, which may be another one with an interface of this name. */
function isOurs(name: string, folder: string): boolean {
  const info = loadAddon().interfaceInfo(name);
  return read(`${folder}/ifindex`) === `${info?.index}` && read(`${folder}/address`) === info?.mac;
}

function read(path: string): string {
  return readFileSync(path, "utf8").trim();
}

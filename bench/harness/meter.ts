// What the machine does during a run: busy processor time against bytes that cross the link, and frames that the kernel's backlog refused.
import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";

const TICKS_PER_SECOND = 100; // USER_HZ, the same on all of Linux
const EVERY_MS = 40;
/** The ends of a transfer, when one side starts or stops, do not count. */
const SETTLE_SAMPLES = 3;

type Sample = { busy: number; bytes: number };

/** Processor seconds of all processors since the machine started that were not idle. */
function busySeconds(): number {
  const [user = 0, nice = 0, system = 0, , , irq = 0, softirq = 0, steal = 0] = readFileSync("/proc/stat", "utf8")
    .split("\n", 1)[0]!
    .trim()
    .split(/\s+/)
    .slice(1)
    .map(Number);
  return (user + nice + system + irq + softirq + steal) / TICKS_PER_SECOND;
}

/** Frames that the backlogs of all processors refused since the machine started. */
export function softnetDrops(): number {
  const lines = readFileSync("/proc/net/softnet_stat", "utf8").trim().split("\n");
  return lines.reduce((sum, line) => sum + Number.parseInt(line.split(" ")[1] ?? "0", 16), 0);
}

/**
 * Watches a run until `result` settles.
 * @param pid - of a process in the namespace of the receiver, through which its interfaces are read
 * @returns what `result` gives, and processor seconds of the whole machine for 10⁹ bytes on the link, from the middle of the transfer; 0 if it
 * was too short
 */
export async function metered<Result>(
  pid: number,
  result: Promise<Result>,
): Promise<{ result: Result; cpuPerGb: number }> {
  const samples: Sample[] = [];
  let isOver = false;
  const over = (): void => {
    isOver = true;
  };
  result.then(over, over);
  while (!isOver) {
    const bytes = receivedBytes(pid);
    if (bytes !== undefined) samples.push({ busy: busySeconds(), bytes });
    await sleep(EVERY_MS);
  }
  return { result: await result, cpuPerGb: costOf(samples) };
}

function costOf(samples: Sample[]): number {
  const moving = samples.filter((sample, index) => sample.bytes - (samples[index - 1]?.bytes ?? sample.bytes) > 1e6);
  const [first, last] = [moving[SETTLE_SAMPLES], moving.at(-SETTLE_SAMPLES)];
  if (first === undefined || last === undefined || last.bytes <= first.bytes) return 0;
  return ((last.busy - first.busy) / (last.bytes - first.bytes)) * 1e9;
}

/** Bytes that the interfaces of the process's namespace received, or undefined when it is gone. */
function receivedBytes(pid: number): number | undefined {
  try {
    const lines = readFileSync(`/proc/${pid}/net/dev`, "utf8").trim().split("\n").slice(2);
    return lines.reduce((sum, line) => sum + Number(line.split(":")[1]?.trim().split(/\s+/)[0] ?? 0), 0);
  } catch {
    return undefined;
  }
}

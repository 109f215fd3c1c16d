// Sets of processors as the kernel writes them: masks (sysfs, cpumask_print_to_pagebuf) and lists (cpuset(7), "List format"); and which of
// them a stack's worker takes. Pure: who reads the files and asks the kernel is workers/placement.ts.

/** Where the worker of a stack may run, see `StackOptions.affinity`. */
export type Affinity = "auto" | "none" | readonly number[];

/** The highest number a processor can have: Linux is built for 8192 at most (CONFIG_NR_CPUS). */
export const HIGHEST_CPU = 8191;

/**
 * The processors of a mask such as `rps_cpus` holds: hexadecimal words of 32 bits with commas between them, the highest first.
 * @returns their numbers, ascending; undefined if the text is no mask
 */
export function parseCpuMask(text: string): number[] | undefined {
  const words = text.trim().split(",");
  if (!words.every((word) => /^[0-9a-f]{1,8}$/i.test(word))) return undefined;
  return words.reverse().flatMap((word, at) => {
    const bits = Number.parseInt(word, 16);
    return Array.from({ length: 32 }, (_, bit) => bit)
      .filter((bit) => ((bits >>> bit) & 1) === 1)
      .map((bit) => at * 32 + bit);
  });
}

/** As taskset(1) and /proc/PID/status write a set: `0,2-3`. @param cpus - ascending */
export function formatCpuList(cpus: readonly number[]): string {
  const parts: string[] = [];
  for (let first = 0; first < cpus.length; ) {
    let last = first;
    while (last + 1 < cpus.length && cpus[last + 1] === cpus[last]! + 1) last++;
    parts.push(first === last ? `${cpus[first]}` : `${cpus[first]}-${cpus[last]}`);
    first = last + 1;
  }
  return parts.join(",");
}

/**
 * The processors left to a worker beside those that receive for its interfaces.
 * @param allowed - where it may run, ascending
 * @param receiving - where frames are received
 * @param workers - how many threads share what is left
 * @returns ascending; undefined if nothing is to change: none of them receives, or too few would be left
 */
export function cpusBeside(
  allowed: readonly number[],
  receiving: ReadonlySet<number>,
  workers: number,
): number[] | undefined {
  const left = allowed.filter((cpu) => !receiving.has(cpu));
  return left.length === allowed.length || left.length < workers ? undefined : left;
}

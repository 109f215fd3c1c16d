// Two hosts as the benchmarks want them: CUBIC by route, frames received on a processor of each host's own (RPS), and runs that are bounded in time.
import { availableParallelism } from "node:os";
import { type Running, type Side, TwoHosts } from "../../test/support/namespaces.ts";

/** Options of ours that run the stack on the thread of the command. */
export const ON_CALLER = ["--thread", "caller"];

const READY_MS = 15_000;

/** A process that ended badly, or did not end. */
export class RunFailed extends Error {}

export class BenchHosts extends TwoHosts {
  constructor(options: { offloads?: boolean } = {}) {
    super(options);
    const several = availableParallelism() > 1;
    for (const side of ["a", "b"] as const) {
      const name = this.interfaceName[side];
      const route = ["10.77.0.0/24", "dev", name, "proto", "kernel", "scope", "link", "src", this.kernelAddress[side]];
      this.exec(side, "ip", "route", "replace", ...route, "congctl", "cubic");
      const mask = side === "a" && several ? "2" : "1";
      this.exec(side, "sh", "-c", `echo ${mask} > /sys/class/net/${name}/queues/rx-0/rps_cpus`);
      for (const setting of SYSCTLS) this.exec(side, "sysctl", "-qw", setting);
    }
  }

  /** An end of `wasmtcp perf` or another command of ours. */
  ours(side: Side, ...args: string[]): Running {
    return this.wasmtcp(side, ...args);
  }

  /** A JavaScript file in a process of its own. */
  node(side: Side, file: string, ...args: (string | number)[]): Running {
    return this.start(side, process.execPath, file, ...args.map(String));
  }
}

/** What a host with many connections would set. */
const SYSCTLS = [
  "net.ipv4.tcp_no_metrics_save=1",
  "net.ipv4.ip_local_port_range=1024 65000",
  "net.core.somaxconn=8192",
  "net.ipv4.tcp_max_syn_backlog=8192",
];

/** Resolves when a process printed `text`. @throws RunFailed when it ends before, or takes too long */
export async function ready(what: string, running: Running, text: string): Promise<void> {
  await within(what, running, READY_MS, running.saw(text));
}

/** The standard output of a process that ends well within a time; otherwise it is killed. @throws RunFailed */
export async function output(what: string, running: Running, ms: number): Promise<string> {
  const { code, stdout, stderr } = await within(what, running, ms, running.finished);
  if (code !== 0) throw new RunFailed(`${what} ended with ${code ?? "a signal"}: ${short(stderr || stdout)}`);
  return stdout;
}

/** As `output`, the last line that is JSON. @throws RunFailed */
export async function json<Shape = Record<string, number>>(what: string, running: Running, ms: number): Promise<Shape> {
  const text = await output(what, running, ms);
  const line = text
    .trim()
    .split("\n")
    .findLast((one) => one.startsWith("{"));
  if (line === undefined) throw new RunFailed(`${what} ended with 0 and no line of JSON: ${short(text) || "nothing"}`);
  return JSON.parse(line) as Shape;
}

async function within<Result>(what: string, running: Running, ms: number, result: Promise<Result>): Promise<Result> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      running.child.kill("SIGKILL");
      void running.finished.then(({ stdout, stderr }) =>
        reject(
          new RunFailed(`${what} was killed after ${ms / 1000} s: ${short(stderr + stdout) || "it said nothing"}`),
        ),
      );
    }, ms);
  });
  try {
    return await Promise.race([result, late]);
  } catch (error) {
    throw error instanceof RunFailed ? error : new RunFailed(`${what}: ${(error as Error).message}`);
  } finally {
    clearTimeout(timer);
  }
}

function short(text: string): string {
  return text.trim().replaceAll("\n", " | ").slice(-400);
}

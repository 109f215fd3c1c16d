// Question: what is the most that packet sockets leave of the kernel's speed? Super-segments from one program's buffer to another's without a
// TCP (rivals/frames.c), with the five copies of a byte that our way has, with fewer, and out of the pages of a TX ring; iperf3 and
// `wasmtcp perf` in the same turns. Needs root and a build. Run: npx tsx bench/frames.ts [--rounds 5] [--seconds 1] [--pinned]
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { BenchHosts, json, ON_CALLER, ready } from "./harness/hosts.ts";
import { compileRival } from "./harness/programs.ts";

const { values } = parseArgs({
  options: {
    rounds: { type: "string", default: "5" },
    seconds: { type: "string", default: "1" },
    pinned: { type: "boolean", default: false },
  },
});
const LIMIT_MS = (Number(values.seconds) + 15) * 1000;
const program = compileRival("frames");
if (program === null) throw new Error("needs a C compiler (cc)");

type Contender = { name: string; gbps: (hosts: BenchHosts) => Promise<number> };

/** Pinned: receiver on the processor where the frames of ACKs come in, sender where those of data do. */
function pinned(side: "a" | "b", command: string[]): [string, ...string[]] {
  const [first, ...rest] = values.pinned ? ["taskset", "-c", side === "a" ? "0" : "1", ...command] : command;
  return [first!, ...rest];
}

function frames(name: string, slotsMib: number, receives: string, sends: string): Contender {
  const gbps = async (hosts: BenchHosts): Promise<number> => {
    const folder = mkdtempSync(join(tmpdir(), "wasmtcp-frames-"));
    const file = join(folder, "shared");
    try {
      const sink = [program!, "sink", file, hosts.interfaceName.a, `${slotsMib}`, receives];
      const source = [program!, "source", file, hosts.interfaceName.b, values.seconds, sends];
      const sinking = hosts.start("a", ...pinned("a", sink));
      const sent = hosts.start("b", ...pinned("b", source));
      const { gbps, drops } = await json(name, sinking, LIMIT_MS);
      const { code, stderr } = await sent.finished;
      if (code !== 0 || drops !== 0) throw new Error(`${name}: ${stderr}${drops} frames lost`);
      return gbps!;
    } finally {
      rmSync(folder, { recursive: true });
    }
  };
  return { name, gbps };
}

function ours(name: string, thread: string[]): Contender {
  const gbps = async (hosts: BenchHosts): Promise<number> => {
    const common = (side: "a" | "b") => [
      ...["--interface", hosts.interfaceName[side], "--address", `${hosts.stackAddress[side]}/24`],
      ...thread,
    ];
    const cli = [process.execPath, "dist/src/cli/main.js", "perf"];
    const sink = hosts.start("a", ...pinned("a", [...cli, "sink", "5001", ...common("a")]));
    await ready(name, sink, "listening");
    const source = [...cli, "source", hosts.stackAddress.a, "5001", values.seconds, "1MiB", ...common("b")];
    hosts.start("b", ...pinned("b", source));
    return (await json(name, sink, LIMIT_MS)).gbps!;
  };
  return { name, gbps };
}

const iperf3: Contender = {
  name: "kernel TCP (iperf3)",
  gbps: async (hosts) => {
    const server = hosts.start("a", ...pinned("a", ["iperf3", "-s", "-1", "--forceflush"]));
    await ready("iperf3", server, "listening");
    const client = ["iperf3", "-c", hosts.kernelAddress.a, "-t", values.seconds, "-l", "128K", "-J"];
    const { stdout } = await hosts.start("b", ...pinned("b", client)).finished;
    return JSON.parse(stdout).end.sum_received.bits_per_second / 1e9;
  },
};

const CONTENDERS: Contender[] = [
  iperf3,
  frames("frames, 5 copies, slots of 64 MiB", 64, "ring", "ring"),
  frames("frames, 5 copies, slots of 8 MiB", 8, "ring", "ring"),
  frames("4 copies: no receive ring", 8, "direct", "ring"),
  frames("4 copies: no send ring", 8, "ring", "direct"),
  frames("3 copies: neither", 8, "direct", "direct"),
  frames("4 copies: sent from the pages of a TX ring", 8, "ring", "pages"),
  ours("wasmtcp, worker", []),
  ours("wasmtcp, caller", ON_CALLER),
];

const results = new Map<string, number[]>(CONTENDERS.map(({ name }) => [name, []]));
for (let round = 0; round < Number(values.rounds); round++) {
  for (const { name, gbps } of CONTENDERS) {
    using hosts = new BenchHosts();
    results.get(name)!.push(await gbps(hosts));
  }
}
for (const [name, runs] of results) {
  runs.sort((a, b) => a - b);
  const median = runs[runs.length >> 1]!;
  console.log(
    `${name.padEnd(44)} ${median.toFixed(1).padStart(5)} Gbit/s (${runs[0]!.toFixed(1)} to ${runs.at(-1)!.toFixed(1)})`,
  );
}

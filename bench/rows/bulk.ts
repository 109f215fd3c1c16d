// One flow from memory to memory, with offloads and at the wire's MTU: ours to ours, ours to the kernel and back; what it costs the machine. The goals
// are against iperf3, which does something with a stream as a program would; a C program that only moves bytes is shown beside it.
import { availableParallelism } from "node:os";
import type { Running } from "../../test/support/namespaces.ts";
import { BenchHosts, json, ON_CALLER, ready } from "../harness/hosts.ts";
import { metered } from "../harness/meter.ts";
import { compileRival, isInstalled } from "../harness/programs.ts";
import type { Contender, Effort, Figures, Group, Row } from "../harness/types.ts";

const PORT = "5001";
const SLACK_MS = 20_000;
/** The sender works on the processor on which the other host receives (hosts.ts), where the frames it sends into a veth go on; the receiver on another. */
const PLACED = { sink: ["--affinity", "0"], source: ["--affinity", "1"], iperf: ["-A", "1,0"] };
/** Where there is one processor, there is nothing to place. */
const CAN_PLACE = availableParallelism() > 1;

type End = {
  name: string;
  sink: (hosts: BenchHosts) => Running;
  ready: string;
  address: (hosts: BenchHosts) => string;
};
type Report = { gbps: number; retrans?: number; drops?: number };

/** A throughput run from host b to host a: the sink's rate, the losses of both, processor time of the machine. */
async function throughput(sink: Running, listening: string, source: () => Running, ms: number): Promise<Figures> {
  await ready("the sink", sink, listening);
  const ends = Promise.all([json<Report>("the sink", sink, ms), json<Report>("the source", source(), ms)]);
  const { result, cpuPerGb } = await metered(sink.child.pid!, ends);
  const sum = (name: "drops" | "retrans"): number => result.reduce((total, end) => total + (end[name] ?? 0), 0);
  return { gbps: result[0].gbps, cpuPerGb, drops: sum("drops"), retrans: sum("retrans") };
}

/** A contender of its own on new hosts each time. */
function pair(
  name: string,
  offloads: boolean,
  seconds: number,
  sink: End,
  source: (hosts: BenchHosts, host: string) => Running,
): Contender {
  const run = async (): Promise<Figures> => {
    using hosts = new BenchHosts({ offloads });
    const ms = seconds * 1000 + SLACK_MS;
    return await throughput(sink.sink(hosts), sink.ready, () => source(hosts, sink.address(hosts)), ms);
  };
  return { name, run };
}

async function iperf(offloads: boolean, seconds: number, ...options: string[]): Promise<Figures> {
  using hosts = new BenchHosts({ offloads });
  const server = hosts.start("a", "iperf3", "-s", "-1", "--forceflush");
  await ready("iperf3 -s", server, "listening");
  const args = [
    "-c",
    hosts.kernelAddress.a,
    "-t",
    `${Math.max(1, Math.round(seconds))}`,
    "-l",
    "128K",
    "-J",
    ...options,
  ];
  const client = hosts.start("b", "iperf3", ...args);
  const ms = seconds * 1000 + SLACK_MS;
  const whole = client.finished.then(({ stdout }) => {
    const { end, error } = JSON.parse(stdout || '{"error":"no output"}');
    if (error !== undefined) throw new Error(`iperf3: ${error}`);
    return end;
  });
  const timer = setTimeout(() => client.child.kill("SIGKILL"), ms);
  try {
    const { result, cpuPerGb } = await metered(server.child.pid!, whole);
    return { gbps: result.sum_received.bits_per_second / 1e9, cpuPerGb, retrans: result.sum_sent.retransmits };
  } finally {
    clearTimeout(timer);
  }
}

const ours = (...options: string[]): End => ({
  name: "ours",
  sink: (hosts) => hosts.ours("a", "perf", "sink", PORT, ...options),
  ready: "listening on port",
  address: (hosts) => hosts.stackAddress.a,
});

function contendersOf(offloads: boolean, seconds: number): Contender[] {
  const from =
    (...options: string[]) =>
    (hosts: BenchHosts, host: string): Running =>
      hosts.ours("b", "perf", "source", host, PORT, `${seconds}`, "1MiB", ...options);
  const contenders = [
    pair("ours to ours", offloads, seconds, ours(), from()),
    pair("ours to ours, caller", offloads, seconds, ours(...ON_CALLER), from(...ON_CALLER)),
  ];
  const program = compileRival("kernel");
  if (isInstalled("iperf3")) contenders.push({ name: "kernel, iperf3", run: () => iperf(offloads, seconds) });
  if (CAN_PLACE) {
    contenders.push(pair("ours to ours, placed", offloads, seconds, ours(...PLACED.sink), from(...PLACED.source)));
    const run = (): Promise<Figures> => iperf(offloads, seconds, ...PLACED.iperf);
    if (isInstalled("iperf3")) contenders.push({ name: "kernel, iperf3 -A", run });
  }
  if (program === null) return contenders;
  const kernel: End = {
    name: "kernel",
    sink: (hosts) => hosts.start("a", program, "sink", PORT),
    ready: "READY",
    address: (hosts) => hosts.kernelAddress.a,
  };
  const source = (hosts: BenchHosts, host: string): Running =>
    hosts.start("b", program, "source", host, PORT, `${seconds}`);
  contenders.push(pair("kernel, C", offloads, seconds, kernel, source));
  contenders.push(pair("ours to kernel", offloads, seconds, kernel, from()));
  contenders.push(pair("kernel to ours", offloads, seconds, ours(), source));
  return contenders;
}

/** The groups `bulk` and `wire`. */
export function bulk({ seconds }: Effort): Group[] {
  const program = compileRival("kernel") === null ? [] : ["kernel, C"];
  const rivals = isInstalled("iperf3") ? ["kernel, iperf3"] : program;
  const placedRivals = isInstalled("iperf3") ? ["kernel, iperf3 -A"] : [];
  const row = (title: string, contender: string, goal?: Row["goal"], against = rivals): Row => ({
    title,
    unit: "Gbit/s",
    figure: "gbps",
    ours: contender,
    rivals: against,
    goal,
  });
  const cost = (title: string, contender: string, goal?: Row["goal"]): Row => ({
    ...row(title, contender, goal),
    unit: "s/GB",
    figure: "cpuPerGb",
    isLessBetter: true,
  });
  const placed = (): Row[] =>
    CAN_PLACE ? [row("the same, both ends placed", "ours to ours, placed", undefined, placedRivals)] : [];
  const skipped = [
    ...(isInstalled("iperf3") ? [] : ["iperf3 is not installed: the rival is the kernel by a C program"]),
    ...(program.length > 0 ? [] : ["no C compiler (cc): no flows between ours and the kernel"]),
  ];
  return [
    {
      id: "bulk",
      contenders: contendersOf(true, seconds),
      rows: [
        row("memory to memory, one flow, offloads on", "ours to ours", { atLeast: 1 }),
        row("the same, stack on the caller's thread", "ours to ours, caller"),
        ...placed(),
        row("the same, kernel by a C program", "ours to ours", undefined, program),
        row("ours to the kernel, offloads on", "ours to kernel", { atLeast: 0.9 }),
        row("the kernel to ours, offloads on", "kernel to ours", { atLeast: 0.9 }),
        cost("processor time of the whole machine, offloads on", "ours to ours", { atMost: 1 }),
        cost("the same, stack on the caller's thread", "ours to ours, caller"),
      ],
      skipped,
    },
    {
      id: "wire",
      contenders: contendersOf(false, seconds),
      rows: [
        row("memory to memory, one flow, wire MTU", "ours to ours", { atLeast: 1.2 }),
        row("the same, stack on the caller's thread", "ours to ours, caller"),
        ...placed(),
        cost("processor time of the whole machine, wire MTU", "ours to ours"),
      ],
      skipped,
    },
  ];
}

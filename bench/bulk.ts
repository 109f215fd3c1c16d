// One flow from memory to memory over a veth pair between two namespaces of its own: kernel to kernel (iperf3, cubic), ours to ours,
// ours to the kernel, in turn. Needs root, iperf3, ethtool and a build. `npm run bench:bulk [-- --rounds N] [--json]`.
import { availableParallelism, cpus, release } from "node:os";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { TwoHosts } from "../test/support/namespaces.ts";

const END = fileURLToPath(new URL("bulk-end.ts", import.meta.url));
const BYTES = 1024 ** 3;
const { values } = parseArgs({ options: { rounds: { type: "string", default: "5" }, json: { type: "boolean" } } });

type Figure = { gbitPerSecond: number; retransSegs: number; linkDrops: number };

function end(hosts: TwoHosts, side: "a" | "b", role: string, ...args: (string | number)[]) {
  const own = [hosts.interfaceName[side], `${hosts.stackAddress[side]}/24`];
  return hosts.start(side, process.execPath, "--import", "tsx", END, role, ...own, ...args.map(String));
}

async function kernelToKernel(hosts: TwoHosts): Promise<Figure> {
  const server = hosts.start("a", "iperf3", "-s", "-1", "--forceflush");
  await server.saw("listening");
  const client = await hosts.start("b", "iperf3", "-c", hosts.kernelAddress.a, "-n", `${BYTES}`, "-C", "cubic", "-J")
    .finished;
  await server.finished;
  const { sum_received, sum_sent } = JSON.parse(client.stdout).end;
  return { gbitPerSecond: sum_received.bits_per_second / 1e9, retransSegs: sum_sent.retransmits, linkDrops: 0 };
}

async function oursToOurs(hosts: TwoHosts): Promise<Figure> {
  const sink = end(hosts, "a", "sink", 10001);
  await sink.saw("READY");
  const source = await end(hosts, "b", "source", hosts.stackAddress.a, 10001, BYTES).finished;
  const sent = JSON.parse(source.stdout) as Figure;
  const received = JSON.parse((await sink.finished).stdout) as Figure;
  return { ...received, retransSegs: sent.retransSegs, linkDrops: sent.linkDrops + received.linkDrops };
}

async function oursToKernel(hosts: TwoHosts): Promise<Figure> {
  const sink = hosts.peer("a", "receive", "10001", "/dev/null");
  await sink.saw("READY");
  const source = await end(hosts, "b", "source", hosts.kernelAddress.a, 10001, BYTES).finished;
  await sink.finished;
  return JSON.parse(source.stdout) as Figure;
}

const cases = { "kernel to kernel": kernelToKernel, "ours to ours": oursToOurs, "ours to kernel": oursToKernel };
const rows: Record<string, Figure[]> = {};
for (let round = 0; round < Number(values.rounds); round++) {
  for (const offloads of [true, false]) {
    for (const [name, run] of Object.entries(cases)) {
      using hosts = new TwoHosts({ offloads });
      const row = `${name}, offloads ${offloads ? "on" : "off"}`;
      rows[row] = [...(rows[row] ?? []), await run(hosts)];
    }
  }
}

const table = Object.entries(rows).map(([row, figures]) => {
  const speeds = figures.map((figure) => figure.gbitPerSecond).sort((a, b) => a - b);
  const sum = (key: "retransSegs" | "linkDrops"): number => figures.reduce((total, figure) => total + figure[key], 0);
  const [min, median, max] = [speeds[0], speeds[speeds.length >> 1], speeds.at(-1)].map((speed) =>
    Number(speed?.toFixed(2)),
  );
  return { row, min, median, max, retransSegs: sum("retransSegs"), linkDrops: sum("linkDrops") };
});
const machine = `${cpus()[0]?.model}, ${availableParallelism()} CPUs, Linux ${release()}, Node ${process.version}`;
if (values.json) console.log(JSON.stringify({ machine, unit: "Gbit/s", table }));
else {
  console.log(`${machine}; Gbit/s, ${values.rounds} rounds of 1 GiB`);
  console.table(table);
}

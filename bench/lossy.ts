// One flow through `wasmtcp wire` with 20 ms of round trip, 100 Mbit/s, a queue of one bandwidth-delay product and random loss: the kernel's
// TCP and ours in turn through the same wire, for each of `--congestion cubic,bbr,bbr1`: what Linux calls bbr is version 1, ours is version 3, and
// our bbr1 is what Linux has. Needs root, Python and a build. `npm run bench:lossy [-- --rounds N] [--seconds S] [--loss 0.1,1] [--json]`.
import { availableParallelism, cpus, release } from "node:os";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { WiredHosts } from "../test/support/namespaces.ts";

const END = fileURLToPath(new URL("clocked-end.ts", import.meta.url));
const PEER = fileURLToPath(new URL("clocked-peer.py", import.meta.url));
/** One way 10 ms; 250,000 bytes are 20 ms at 100 Mbit/s. */
const PATH = "delay=10ms,rate=100mbit,queue=250000";
const PORT = "9100";
/** What the kernel calls one of our algorithms, if not the same. */
const KERNEL_NAMES = new Map([["bbr1", "bbr"]]);
const { values } = parseArgs({
  options: {
    rounds: { type: "string", default: "5" },
    seconds: { type: "string", default: "10" },
    loss: { type: "string", default: "0.1,1" },
    congestion: { type: "string", default: "cubic,bbr,bbr1" },
    json: { type: "boolean" },
  },
});

/** Mbit/s of payload that arrived. */
async function flow(isOurs: boolean, loss: string, congestion: string, seed: number): Promise<number> {
  using hosts = new WiredHosts();
  // Data goes from a to b; ACKs come back through the same delay, unharmed.
  const wire = await hosts.plug("--emulate", `${PATH},loss=${loss}%,seed=${seed}`, "--emulate-back", PATH);
  const ours = (side: "a" | "b", role: string, ...rest: string[]) => {
    const own = [hosts.interfaceName, `${hosts.stackAddress[side]}/24`];
    return hosts.start(side, process.execPath, "--import", "tsx", END, role, ...own, ...rest);
  };
  const sink = isOurs
    ? ours("b", "sink", PORT, values.seconds)
    : hosts.start("b", "python3", PEER, "sink", PORT, values.seconds);
  await sink.saw("READY");
  const source = isOurs
    ? ours("a", "source", hosts.stackAddress.b, PORT, congestion)
    : hosts.start(
        "a",
        "python3",
        PEER,
        "source",
        hosts.kernelAddress.b,
        PORT,
        KERNEL_NAMES.get(congestion) ?? congestion,
      );
  const { stdout, stderr } = await sink.finished;
  source.child.kill("SIGTERM");
  await source.finished;
  wire.child.kill("SIGINT");
  await wire.finished;
  if (stdout === "") throw new Error(`the sink said: ${stderr}`);
  const { bytes, seconds } = JSON.parse(stdout) as { bytes: number; seconds: number };
  return (bytes * 8) / seconds / 1e6;
}

const rows = new Map<string, { kernel: number[]; ours: number[] }>();
for (let round = 1; round <= Number(values.rounds); round++) {
  for (const loss of values.loss.split(",")) {
    for (const congestion of values.congestion.split(",")) {
      const name = `${congestion}, ${loss} % loss`;
      const row = rows.get(name) ?? { kernel: [], ours: [] };
      rows.set(name, row);
      row.kernel.push(await flow(false, loss, congestion, round));
      row.ours.push(await flow(true, loss, congestion, round));
      if (!values.json)
        console.error(`${name}: kernel ${row.kernel.at(-1)?.toFixed(1)}, ours ${row.ours.at(-1)?.toFixed(1)}`);
    }
  }
}

const summary = (speeds: number[]): string => {
  const sorted = speeds.toSorted((a, b) => a - b);
  return `${sorted[sorted.length >> 1]!.toFixed(1)} (${sorted[0]!.toFixed(1)}-${sorted.at(-1)!.toFixed(1)})`;
};
const median = (speeds: number[]): number => speeds.toSorted((a, b) => a - b)[speeds.length >> 1]!;
const table = [...rows].map(([row, { kernel, ours }]) => ({
  row,
  kernel: summary(kernel),
  ours: summary(ours),
  ratio: Number((median(ours) / median(kernel)).toFixed(3)),
}));
const machine = `${cpus()[0]?.model}, ${availableParallelism()} CPUs, Linux ${release()}, Node ${process.version}`;
if (values.json)
  console.log(JSON.stringify({ machine, unit: "Mbit/s", rounds: values.rounds, seconds: values.seconds, table }));
else {
  console.log(
    `${machine}; Mbit/s of payload, median (min-max) of ${values.rounds} rounds of ${values.seconds} s; 20 ms, 100 Mbit/s, queue 1 BDP`,
  );
  console.table(table);
}

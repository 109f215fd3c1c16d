// `wasmtcp wire` between two kernels, measured with the kernels' own ping and iperf3: what it was told to do, and what they saw. Delay as the
// median of round trips less that of a bare veth pair; loss, order and jitter of UDP; rate of UDP and TCP as bytes on the wire; throughput
// without impairment; what the garbage collector did meanwhile. Needs root, ping, iperf3, ethtool and a build.
// `npm run bench:wire [-- --only delay,loss,rate,order,plain,garbage] [--json]`.
import { availableParallelism, cpus, release } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { type Running, TwoHosts, WiredHosts } from "../test/support/namespaces.ts";

const CLI = "dist/src/cli/main.js";
/** Bytes of a full frame and of the TCP (with timestamps) and UDP payload in it. */
const FRAME = 1514;
const TCP_PAYLOAD = 1448;
const UDP_PAYLOAD = 1472;
const PINGS = 300;
const LOSS_PACKETS = 100_000;

type Row = { what: string; configured: string; measured: string; bound: string; holds: boolean };
type Passage = { received: number; forwarded: number; lost: number; reordered: number; linkDrops: number };
type Report = { aToB: Passage; bToA: Passage };

const { values } = parseArgs({
  options: {
    only: { type: "string", default: "delay,loss,rate,order,plain,garbage" },
    json: { type: "boolean" },
  },
});
const parts = values.only.split(",");
const rows: Row[] = [];

function add(what: string, configured: string, measured: string, bound: string, holds: boolean): void {
  rows.push({ what, configured, measured, bound, holds });
  if (!values.json) console.error(`${holds ? "ok  " : "MISS"} ${what}, ${configured}: ${measured} (${bound})`);
}

async function unplug(wire: Running): Promise<Report> {
  wire.child.kill("SIGINT");
  const { stdout, stderr, code } = await wire.finished;
  if (code !== 0) throw new Error(`the wire ended with ${code}: ${stderr}`);
  return JSON.parse(stdout) as Report;
}

/** Median round trip of pings from a to b, ms. */
function roundTripMs(hosts: TwoHosts | WiredHosts, intervalMs: number): number {
  const out = hosts.exec("a", "ping", "-n", "-c", `${PINGS}`, "-i", `${intervalMs / 1000}`, hosts.kernelAddress.b);
  const times = [...out.matchAll(/time=([\d.]+) ms/g)].map((match) => Number(match[1])).slice(PINGS / 10);
  if (times.length < PINGS / 2) throw new Error(`too few replies:\n${out}`);
  return times.sort((a, b) => a - b)[times.length >> 1]!;
}

function bareRoundTripMs(): number {
  using hosts = new TwoHosts();
  return roundTripMs(hosts, 10);
}

async function delays(): Promise<void> {
  const bareMs = bareRoundTripMs();
  for (const delayMs of [0, 0.5, 2, 20]) {
    using hosts = new WiredHosts();
    const wire = await hosts.plug("--emulate", `delay=${delayMs}ms`);
    const addedMs = roundTripMs(hosts, 10) - bareMs;
    await unplug(wire);
    const error = addedMs / 2 - delayMs;
    const measured = `${(addedMs / 2).toFixed(3)} ms`;
    add("delay, one way (ping, median)", `${delayMs} ms`, measured, "± 0.3 ms", Math.abs(error) <= 0.3);
  }
}

type UdpEnd = { packets: number; lost_packets: number };
type UdpReport = {
  intervals: { sum: { bits_per_second: number } }[];
  end: { sum: UdpEnd; streams: { udp: { out_of_order: number } }[] };
};
type Udp = { received: number; lost: number; late: number; bps: number };

/** Datagrams that arrived at a host and found their socket full: the receiver's loss, not the wire's. */
function socketDrops(hosts: WiredHosts): number {
  const [names, figures] = hosts
    .exec("b", "grep", "^Udp:", "/proc/net/snmp")
    .split("\n")
    .map((line) => line.split(" "));
  return Number(figures![names!.indexOf("RcvbufErrors")]);
}

/** UDP from a to b, as the receiver saw it. */
async function udp(hosts: WiredHosts, ...options: string[]): Promise<Udp> {
  const server = hosts.start("b", "iperf3", "-s", "-1", "-J");
  // With -J it says nothing before the end.
  while (hosts.exec("b", "ss", "-Hltn", "sport = :5201") === "") await sleep(20);
  const client = await hosts.startOn(0, "a", "iperf3", "-c", hosts.kernelAddress.b, "-u", "-J", ...options).finished;
  if (client.code !== 0) throw new Error(client.stdout);
  const { intervals, end } = JSON.parse((await server.finished).stdout) as UdpReport;
  const { packets, lost_packets: lost } = end.sum;
  // Seconds in the middle: the first fills the queue, the last empties it
  const seconds = intervals.slice(1, -1).map(({ sum }) => sum.bits_per_second);
  const bps = seconds.reduce((sum, each) => sum + each, 0) / seconds.length;
  const drops = socketDrops(hosts);
  return { received: packets - lost + drops, lost: lost - drops, late: end.streams[0]!.udp.out_of_order, bps };
}

/** TCP from a to b: bit/s of payload at the receiver, after the first second. */
async function tcp(hosts: WiredHosts, ...options: string[]): Promise<number> {
  const server = hosts.start("b", "iperf3", "-s", "-1", "--forceflush");
  await server.saw("listening");
  const client = await hosts.start("a", "iperf3", "-c", hosts.kernelAddress.b, "-J", "-O", "1", ...options).finished;
  await server.finished;
  return JSON.parse(client.stdout).end.sum_received.bits_per_second as number;
}

async function losses(): Promise<void> {
  for (const percent of [0.1, 1, 10]) {
    using hosts = new WiredHosts();
    const wire = await hosts.plug("--emulate", `loss=${percent}%`, "--emulate-back", "none");
    // 1000 B at 80 Mbit/s are 10,000 packets a second
    const { lost, received, late } = await udp(hosts, "-b", "80M", "-l", "1000", "-k", `${LOSS_PACKETS}`);
    const { aToB } = await unplug(wire);
    const share = (100 * lost) / (lost + received);
    const measured = `${share.toFixed(3)} % of ${lost + received} (wire: ${aToB.lost}, ring: ${aToB.linkDrops})`;
    add("loss (UDP)", `${percent} %`, measured, "± 10 % of it", Math.abs(share - percent) <= percent / 10);
    add("reordered of these", "none", `${late}`, "0", late === 0 && aToB.reordered === 0);
  }
}

async function rates(): Promise<void> {
  for (const [text, bps] of [
    ["1mbit", 1e6],
    ["10mbit", 10e6],
    ["100mbit", 100e6],
    ["1gbit", 1e9],
  ] as const) {
    using hosts = new WiredHosts();
    // A queue of 20 ms, but not less than ten frames
    const queue = Math.max(15140, Math.round((bps * 0.02) / 8));
    const wire = await hosts.plug("--emulate", `rate=${text},queue=${queue}`, "--emulate-back", "none");
    const sent = await udp(hosts, "-b", `${bps * 1.2}`, "-l", `${UDP_PAYLOAD}`, "-t", "4");
    const udpBps = sent.bps * (FRAME / UDP_PAYLOAD);
    const tcpBps = (await tcp(hosts, "-t", "4")) * (FRAME / TCP_PAYLOAD);
    await unplug(wire);
    const near = (measured: number): boolean => Math.abs(measured - bps) <= bps * 0.02;
    add("rate, UDP at 1.2 times it", text, `${(udpBps / 1e6).toFixed(3)} Mbit/s`, "± 2 %", near(udpBps));
    add("rate, TCP", text, `${(tcpBps / 1e6).toFixed(3)} Mbit/s`, "± 2 %", near(tcpBps));
  }
}

async function orders(): Promise<void> {
  for (const [options, isAsked] of [
    ["delay=5ms,jitter=4ms", false],
    ["delay=5ms,rate=500mbit", false],
    ["delay=5ms,reorder=1%", true],
  ] as const) {
    using hosts = new WiredHosts();
    const wire = await hosts.plug("--emulate", options, "--emulate-back", "none");
    const { late, received } = await udp(hosts, "-b", "160M", "-l", "1000", "-k", "50000");
    await unplug(wire);
    add("out of order (UDP)", options, `${late} of ${received}`, isAsked ? "some" : "0", late > 0 === isAsked);
  }
}

async function plain(): Promise<void> {
  for (const offloads of ["on", "off"]) {
    using hosts = new WiredHosts();
    if (offloads === "off")
      for (const side of ["a", "b"] as const)
        hosts.exec(side, "ethtool", "-K", "eth0", "tso", "off", "gso", "off", "gro", "off", "tx", "off");
    const wire = await hosts.plug();
    const gbit = (await tcp(hosts, "-t", "5")) / 1e9;
    const { aToB, bToA } = await unplug(wire);
    const drops = aToB.linkDrops + bToA.linkDrops;
    const frames = `${aToB.forwarded + bToA.forwarded} frames, ${drops} lost in the ring`;
    add(`plain wire, TCP, offloads ${offloads}`, "-", `${gbit.toFixed(2)} Gbit/s (${frames})`, "≥ 2 Gbit/s", gbit >= 2);
  }
  using hosts = new WiredHosts();
  const wire = await hosts.plug("--emulate", "delay=0.1ms");
  const gbit = (await tcp(hosts, "-t", "5")) / 1e9;
  await unplug(wire);
  add("impaired wire (delay=0.1ms), TCP, offloads on", "-", `${gbit.toFixed(2)} Gbit/s`, "no goal", true);
}

/** Bytes that a thread allocated, by what the collector says it found more than it had left behind. */
function allocated(trace: string): { bytes: number; collections: number } {
  const left = new Map<string, number>();
  let bytes = 0;
  let collections = 0;
  for (const [, isolate, before, after] of trace.matchAll(
    /^\[\d+:(0x[0-9a-f]+)\].*? ([\d.]+) \([\d.]+\) -> ([\d.]+) \(/gm,
  )) {
    const last = left.get(isolate!);
    if (last !== undefined) {
      bytes += (Number(before) - last) * 1024 * 1024;
      collections++;
    }
    left.set(isolate!, Number(after));
  }
  return { bytes, collections };
}

async function garbage(): Promise<void> {
  for (const [what, options] of [
    ["plain wire, TCP, offloads on", []],
    ["impaired wire (delay=2ms,loss=0.01%), TCP, offloads on", ["--emulate", "delay=2ms,loss=0.01%"]],
  ] as const) {
    using hosts = new WiredHosts();
    const wire = hosts.startOn(
      1,
      "wire",
      process.execPath,
      "--trace-gc",
      CLI,
      "wire",
      "left",
      "right",
      "--json",
      ...options,
    );
    await wire.saw("joined");
    await tcp(hosts, "-t", "8");
    wire.child.kill("SIGINT");
    const { stdout } = await wire.finished;
    const { aToB, bToA } = JSON.parse(stdout.replace(/^\[\d+:0x.*$/gm, "")) as Report;
    const frames = aToB.forwarded + bToA.forwarded;
    const { bytes, collections } = allocated(stdout);
    const each = bytes / frames;
    const measured = `${each.toFixed(2)} B a frame (${frames} frames, ${collections} collections)`;
    // What is left is the clock's, a turn of the loop each; test/workers/passage.test.ts holds that of frames to nothing.
    add(`garbage, ${what}`, "-", measured, "no goal", true);
  }
}

const measurements = { delay: delays, loss: losses, rate: rates, order: orders, plain, garbage };
for (const [name, measure] of Object.entries(measurements)) if (parts.includes(name)) await measure();
const machine = `${cpus()[0]?.model}, ${availableParallelism()} CPUs, Linux ${release()}, Node ${process.version}`;
if (values.json) console.log(JSON.stringify({ machine, rows }));
else {
  console.log(machine);
  console.table(rows);
}
process.exitCode = rows.every(({ holds }) => holds) ? 0 : 1;

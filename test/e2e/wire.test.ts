// `wasmtcp wire` between two kernels, measured with the kernels' own sockets: what it is told to do is what they see.
import { fileURLToPath } from "node:url";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { hasPrivileges, type Running, WiredHosts } from "../support/namespaces.ts";

const PROBE = fileURLToPath(new URL("../support/peers/udp_probe.py", import.meta.url));
/** Ethernet, IPv4 and UDP headers. */
const HEADERS = 42;

const wire = suite("e2e/wire");

type Sunk = { received: number; bytes: number; late: number; seconds: number };
type Passage = { received: number; forwarded: number; lost: number; reordered: number; queueDropped: number };
type Report = { aToB: Passage; bToA: Passage };

/** Floods from a to b. `rate`: datagrams a second, 0 = as fast as possible */
async function flood(hosts: WiredHosts, count: number, bytes: number, rate: number): Promise<Sunk> {
  const sink = hosts.start("b", "python3", PROBE, "sink", "9000");
  await sink.saw("ready");
  const how = [`${count}`, `${bytes}`, `${rate}`];
  await hosts.startOn(0, "a", "python3", PROBE, "flood", hosts.kernelAddress.b, "9000", ...how).finished;
  return JSON.parse((await sink.finished).stdout) as Sunk;
}

async function fastestRoundTrip(hosts: WiredHosts): Promise<number> {
  const echo = hosts.start("b", "python3", PROBE, "echo", "9001");
  await echo.saw("ready");
  const ping = await hosts.start("a", "python3", PROBE, "ping", hosts.kernelAddress.b, "9001", "41").finished;
  echo.child.kill("SIGKILL");
  return (JSON.parse(ping.stdout) as { minMs: number }).minMs;
}

async function unplug(running: Running): Promise<Report> {
  running.child.kill("SIGINT");
  const { code, stdout, stderr } = await running.finished;
  assert.is(code, 0, stderr);
  return JSON.parse(stdout) as Report;
}

if (hasPrivileges()) {
  wire("a plain wire passes frames of any kind as they are, and its counters say so", async () => {
    using hosts = new WiredHosts();
    const running = await hosts.plug();
    const sunk = await flood(hosts, 20_000, 1000, 20_000);
    assert.equal([sunk.received, sunk.late], [20_000, 0]);
    const { aToB, bToA } = await unplug(running);
    assert.ok(aToB.received >= 20_000 && aToB.forwarded === aToB.received, JSON.stringify(aToB));
    assert.ok(bToA.received >= 1, "the ARP reply");
  });

  wire("a round trip takes the configured delay, twice, and never less", async () => {
    using hosts = new WiredHosts();
    const running = await hosts.plug("--emulate", "delay=10ms");
    const fastestMs = await fastestRoundTrip(hosts);
    await unplug(running);
    assert.ok(fastestMs >= 20, `${fastestMs} ms`);
  });

  wire("of 100,000 packets the configured share is lost, to a tenth of it, and none is reordered", async () => {
    using hosts = new WiredHosts();
    const running = await hosts.plug("--emulate", "loss=2%", "--emulate-back", "none");
    const { received, late } = await flood(hosts, 100_000, 64, 25_000);
    const { aToB } = await unplug(running);
    assert.ok(Math.abs(aToB.lost - aToB.received * 0.02) <= aToB.received * 0.002, `${aToB.lost} of ${aToB.received}`);
    // On a busy machine the kernel's own queues may lose some more of a flood that nothing holds back.
    assert.ok(
      received <= aToB.forwarded && received >= 0.97 * 0.98 * 100_000,
      `${received} of ${aToB.forwarded} arrived`,
    );
    assert.equal([late, aToB.reordered], [0, 0]);
  });

  wire("a flood passes no faster than the configured rate, and what the queue cannot hold is dropped", async () => {
    using hosts = new WiredHosts();
    const running = await hosts.plug("--emulate", "rate=50mbit,queue=100k", "--emulate-back", "none");
    const sunk = await flood(hosts, 20_000, 1400, 10_000);
    const { aToB } = await unplug(running);
    const bps = ((sunk.bytes + (sunk.received - 1) * HEADERS) * 8) / sunk.seconds;
    assert.ok(bps <= 1.02 * 50e6, `${bps} bit/s`);
    assert.ok(aToB.queueDropped > 0, "20,000 packets in 2 s are more than it passes");
    assert.is(sunk.late, 0);
  });

  wire("reordering happens when asked for, and only then", async () => {
    using hosts = new WiredHosts();
    const running = await hosts.plug("--emulate", "delay=5ms,reorder=5%", "--emulate-back", "none");
    const { received, late } = await flood(hosts, 10_000, 64, 10_000);
    const { aToB } = await unplug(running);
    assert.is(received, 10_000);
    assert.ok(late > 0 && aToB.reordered > 0, `${late} late, ${aToB.reordered} reordered`);
  });

  wire("a wire whose interface is deleted ends with a message that names it", async () => {
    using hosts = new WiredHosts();
    const running = await hosts.plug();
    hosts.exec("wire", "ip", "link", "del", "left");
    const { code, stderr } = await running.finished;
    assert.is(code, 1);
    assert.match(stderr, /left is gone \(ENODEV\)/);
  });

  wire("an unknown interface is an error that names it", async () => {
    using hosts = new WiredHosts();
    const running = hosts.start("wire", process.execPath, "dist/src/cli/main.js", "wire", "left", "nowhere0");
    const { code, stderr } = await running.finished;
    assert.is(code, 1);
    assert.match(stderr, /nowhere0/);
  });
}

wire.run();

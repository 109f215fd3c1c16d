// `wasmtcp wire` between two kernels, measured with the kernels' own sockets: what it is told to do is what they see.
import { fileURLToPath } from "node:url";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { hasPrivileges, type Running, WiredHosts } from "../support/namespaces.ts";

const PROBE = fileURLToPath(new URL("../support/peers/udp_probe.py", import.meta.url));
/** Ethernet, IPv4 and UDP headers. */
const HEADERS = 42;

const wire = suite("e2e/wire");

/** `seconds`: from before the first datagram was sent to when the last one was taken. */
type Sunk = { received: number; bytes: number; late: number; seconds: number };
type Passage = {
  received: number;
  forwarded: number;
  lost: number;
  reordered: number;
  queueDropped: number;
  unsplittable: number;
};
type Report = { aToB: Passage; bToA: Passage };

/** What a sink counted of the datagrams that a program sends to it, and the moment of the last one. */
async function sunkOf(hosts: WiredHosts, send: () => Running): Promise<{ sunk: Sunk; last: number; printed: string }> {
  const sink = hosts.start("b", "python3", PROBE, "sink", "9000");
  await sink.saw("ready");
  const { stdout, stderr } = await send().finished;
  assert.is(stderr, "");
  const { last, ...sunk } = JSON.parse((await sink.finished).stdout);
  return { sunk, last, printed: stdout };
}

/** Floods from a to b. `rate`: datagrams a second, 0 = as fast as possible */
async function flood(hosts: WiredHosts, count: number, bytes: number, rate: number): Promise<Sunk> {
  const how = [hosts.kernelAddress.b, "9000", `${count}`, `${bytes}`, `${rate}`];
  const { sunk, last, printed } = await sunkOf(hosts, () => hosts.startOn(0, "a", "python3", PROBE, "flood", ...how));
  return { ...sunk, seconds: last - JSON.parse(printed).start };
}

async function fastestRoundTrip(hosts: WiredHosts): Promise<number> {
  const echo = hosts.start("b", "python3", PROBE, "echo", "9001");
  await echo.saw("ready");
  const ping = await hosts.start("a", "python3", PROBE, "ping", hosts.kernelAddress.b, "9001", "41").finished;
  echo.child.kill("SIGKILL");
  return (JSON.parse(ping.stdout) as { minMs: number }).minMs;
}

/** Gives both hosts an IPv6 address; the kernel does not probe for duplicates. */
function enableIpv6(hosts: WiredHosts): Record<"a" | "b", string> {
  const addresses = { a: "fd77::1", b: "fd77::2" };
  for (const side of ["a", "b"] as const) {
    hosts.exec(side, "sysctl", "-qw", "net.ipv6.conf.eth0.disable_ipv6=0");
    hosts.exec(side, "ip", "addr", "add", `${addresses[side]}/64`, "dev", "eth0", "nodad");
  }
  return addresses;
}

type Iperf = { end: { sum_received: { bytes: number }; sum_sent: { retransmits: number } } };

/** 16 MiB of TCP from a to b; with wrong checksums in what was split nothing would arrive. */
async function iperf(hosts: WiredHosts, address: string, ...options: string[]): Promise<Iperf["end"]> {
  const server = hosts.start("b", "iperf3", "-s", "-1", "--forceflush");
  await server.saw("listening");
  const client = await hosts.start("a", "iperf3", "-c", address, "-n", "16M", "-w", "512K", "-J", ...options).finished;
  assert.is(client.code, 0, client.stdout);
  await server.finished;
  return (JSON.parse(client.stdout) as Iperf).end;
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
    const bps = ((sunk.bytes + sunk.received * HEADERS) * 8) / sunk.seconds;
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

  wire("IPv6 is delayed as well: a round trip of ping takes the delay, twice, and never less", async () => {
    using hosts = new WiredHosts();
    const { b } = enableIpv6(hosts);
    const running = await hosts.plug("--emulate", "delay=10ms");
    const ping = hosts.exec("a", "ping", "-6", "-n", "-c", "5", "-i", "0.1", b);
    await unplug(running);
    const times = [...ping.matchAll(/time=([\d.]+) ms/g)].map((match) => Number(match[1]));
    assert.is(times.length, 5, ping);
    assert.ok(
      times.every((ms) => ms >= 20),
      ping,
    );
  });

  for (const family of ["IPv4", "IPv6"]) {
    wire(
      `super-segments of TCP over ${family} are split before packets are lost, and the kernels carry on`,
      async () => {
        using hosts = new WiredHosts();
        const { b } = family === "IPv4" ? hosts.kernelAddress : enableIpv6(hosts);
        const running = await hosts.plug("--emulate", "delay=1ms,loss=0.2%", "--emulate-back", "none");
        const { sum_received, sum_sent } = await iperf(hosts, b);
        const { aToB } = await unplug(running);
        // iperf3 stops counting with what is in the socket under way
        assert.ok(sum_received.bytes >= 15 * 1024 * 1024, `${sum_received.bytes} bytes`);
        // 16 MiB are 11,600 packets: had super-segments passed whole, there were some 300
        assert.ok(aToB.received > 11_000, `${aToB.received} packets`);
        assert.ok(aToB.lost > 0 && sum_sent.retransmits > 0, `${aToB.lost} lost, ${sum_sent.retransmits} sent again`);
        assert.is(aToB.unsplittable, 0);
      },
    );
  }

  for (const family of ["IPv4", "IPv6"]) {
    wire(`super-segments of UDP over ${family} are split into their datagrams`, async () => {
      using hosts = new WiredHosts();
      const addresses = family === "IPv4" ? hosts.kernelAddress : enableIpv6(hosts);
      const running = await hosts.plug("--emulate", "delay=1ms", "--emulate-back", "none");
      const how = [addresses.b, "9000", "200", "20", "1000"];
      const { sunk } = await sunkOf(hosts, () => hosts.startOn(0, "a", "python3", PROBE, "flood-gso", ...how));
      const { aToB } = await unplug(running);
      assert.equal([sunk.received, sunk.bytes, sunk.late], [4000, 4_000_000, 0]);
      assert.ok(aToB.received >= 4000, `${aToB.received} packets`);
      assert.is(aToB.unsplittable, 0);
    });
  }

  wire("a wire whose interface is deleted ends with a message that names it", async () => {
    using hosts = new WiredHosts();
    const running = await hosts.plug();
    hosts.exec("wire", "ip", "link", "del", "left");
    const { code, stderr } = await running.finished;
    assert.is(code, 1);
    assert.match(stderr, /left is gone \(ENODEV\)/);
  });

  wire("a wire whose interface is switched off, renamed and on again carries on", async () => {
    using hosts = new WiredHosts();
    const running = await hosts.plug();
    // It shall see all of it at once
    running.child.kill("SIGSTOP");
    for (const change of [
      ["left", "down"],
      ["left", "name", "other"],
      ["other", "up"],
    ]) {
      hosts.exec("wire", "ip", "link", "set", ...change);
    }
    running.child.kill("SIGCONT");
    // Fails if not one comes back
    hosts.exec("a", "ping", "-n", "-c", "20", "-i", "0.2", hosts.kernelAddress.b);
    await unplug(running);
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

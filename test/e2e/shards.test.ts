// Stacks with several shards over packet links: connections in both roles meet their shard, with the kernel and with each other.
import { fileURLToPath } from "node:url";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { type Finished, hasPrivileges, RoutedHosts, type Running, type Side, TwoHosts } from "../support/namespaces.ts";

const program = (name: string): string => fileURLToPath(new URL(`programs/${name}.ts`, import.meta.url));
const CROWD = program("crowd");
const API = program("shards-api");
const UNREACHABLE = program("shards-unreachable");
const STEERING = fileURLToPath(new URL("programs/shards-steering.ts", import.meta.url));
const COUNT = 100;
const FEW = 20;
const BYTES = 100_000;
const PORT = 7;

type End = number | "kernel";

function crowd(hosts: TwoHosts, side: Side, role: "serve" | "dial", shards: number, ...rest: string[]): Running {
  const place = [hosts.interfaceName[side], `${hosts.stackAddress[side]}/24`, `${shards}`, `${PORT}`, `${COUNT}`];
  return hosts.start(side, process.execPath, "--import", "tsx", CROWD, role, ...place, ...rest);
}

function serve(hosts: TwoHosts, end: End): Running {
  if (end === "kernel") return hosts.peer("a", "crowd-server", `${PORT}`, `${COUNT}`);
  return crowd(hosts, "a", "serve", end);
}

function dial(hosts: TwoHosts, end: End, host: string): Running {
  if (end === "kernel") return hosts.peer("b", "crowd-client", host, `${PORT}`, `${COUNT}`, `${BYTES}`);
  return crowd(hosts, "b", "dial", end, host, `${BYTES}`);
}

function checkShards({ stdout }: Finished, shards: number, count = COUNT): void {
  const report = JSON.parse(stdout.trim().split("\n").at(-1)!);
  assert.is(report.opened.length, shards);
  assert.is(
    report.opened.reduce((sum: number, one: number) => sum + one, 0),
    count,
  );
  for (const opened of report.opened) assert.ok(opened > 0, `each shard has some: ${report.opened}`);
  assert.is(report.tcpInOtherShard, 0);
}

const shards = suite("e2e/shards");

const PAIRS: [dialler: End, server: End][] = [
  ["kernel", 2],
  [2, "kernel"],
  [2, 2],
  [3, 4],
];

if (hasPrivileges()) {
  for (const [dialler, server] of PAIRS) {
    const name = (end: End): string => (end === "kernel" ? "the kernel" : `${end} shards`);
    shards(`${COUNT} connections from ${name(dialler)} to ${name(server)} meet their shards, intact`, async () => {
      using hosts = new TwoHosts();
      const serving = serve(hosts, server);
      await serving.saw("READY");
      const dialling = dial(hosts, dialler, server === "kernel" ? hosts.kernelAddress.a : hosts.stackAddress.a);
      const [served, dialled] = await Promise.all([serving.finished, dialling.finished]);
      assert.is(dialled.code, 0, dialled.stderr);
      assert.is(served.code, 0, served.stderr);
      if (server !== "kernel") checkShards(served, server);
      if (dialler !== "kernel") checkShards(dialled, dialler);
    });
  }
}

if (hasPrivileges()) {
  shards(
    "behind a narrow path each shard learns its MTU and gets its segments though they come in fragments",
    async () => {
      using hosts = new RoutedHosts();
      const serving = hosts.peer("b", "crowd-server", `${PORT}`, `${FEW}`);
      await serving.saw("READY");
      const place = [hosts.interfaceName, `${hosts.stackAddress}/24`, "2", `${PORT}`, `${FEW}`];
      const rest = [hosts.kernelAddress, `${BYTES}`, hosts.gateway];
      const dialling = hosts.start("a", process.execPath, "--import", "tsx", CROWD, "dial", ...place, ...rest);
      const [served, dialled] = await Promise.all([serving.finished, dialling.finished]);
      assert.is(dialled.code, 0, dialled.stderr);
      assert.is(served.code, 0, served.stderr);
      checkShards(dialled, 2, FEW);
      const { reassembled, narrowed } = JSON.parse(dialled.stdout.trim());
      for (const index of [0, 1]) {
        assert.ok(reassembled[index] > 0, `shard ${index} put segments together`);
        assert.ok(narrowed[index] > 0, `shard ${index} was told of the MTU`);
      }
    },
  );

  shards("calls on a stack with two shards do what they do on one, and a dead worker takes all with it", async () => {
    using hosts = new TwoHosts();
    const serving = hosts.peer("b", "crowd-server", `${PORT}`, "26");
    await serving.saw("READY");
    const { code, stdout, stderr } = await hosts.start("a", process.execPath, "--import", "tsx", API).finished;
    assert.is(code, 0, stderr);
    const report = JSON.parse(stdout.trim());
    assert.equal(report.ports.answers, [1, ...Array(16).fill(42)]);
    assert.is(report.ports.used[0] + report.ports.used[1], 16);
    assert.ok(Math.min(...report.ports.used) > 0, `${report.ports.used}`);
    assert.equal(report.listeners, {
      again: "EADDRINUSE",
      rows: 2,
      inside: [0, 1, 2, 3],
      waiting: "ERR_SOCKET_CLOSED",
    });
    assert.equal(report.pings, [true, true, true]);
    assert.equal(report.link, { told: ["down", "up"], answers: Array(8).fill(42) });
    assert.is(report.strays, 0);
    assert.ok(report.states >= 5);
    assert.equal(report.closed, Array(3).fill("ERR_STACK_CLOSED"));
    assert.equal(report.crashed, Array(5).fill("ERR_STACK_CRASHED"));
    assert.is(report.leaked, 0);
  });

  shards(
    "the kernel's pings in fragments are answered once each, errors of a router come to who connects",
    async () => {
      using hosts = new RoutedHosts();
      const serving = hosts.start("a", process.execPath, "--import", "tsx", UNREACHABLE, hosts.gateway);
      await serving.saw("READY");
      const pings = hosts.exec("b", "ping", "-n", "-c", "3", "-i", "0.2", "-s", "4000", hosts.stackAddress);
      assert.match(pings, /3 packets transmitted, 3 received,/);
      assert.not.match(pings, /DUP|duplicates/);
      serving.child.kill("SIGTERM");
      const { stdout } = await serving.finished;
      assert.equal(JSON.parse(stdout.trim().split("\n").at(-1)!), { codes: ["EHOSTUNREACH"], shards: [4, 4] });
    },
  );

  shards(
    "segments, ICMP errors that quote them, IP options and fragments come to the shard that all compute",
    async () => {
      using hosts = new TwoHosts();
      const { namespace, interfaceName } = hosts;
      const place = [namespace.b, interfaceName.b];
      const { code, stdout, stderr } = await hosts.start("a", process.execPath, "--import", "tsx", STEERING, ...place)
        .finished;
      assert.is(code, 0, stderr);
      const { got, expected, tcpInOtherShard } = JSON.parse(stdout.trim());
      assert.equal(got, expected);
      assert.is(tcpInOtherShard, 0);
      assert.ok(Math.min(...expected.tcp) > 0, `${expected.tcp}`);
    },
  );
}

if (hasPrivileges()) {
  shards(
    "the command line takes --shards: eight flows from two shards to two, and says where it cannot be",
    async () => {
      using hosts = new TwoHosts();
      const many = ["--flows", "8", "--shards", "2"];
      const sink = hosts.wasmtcp("a", "perf", "sink", "5001", ...many);
      await sink.saw("listening");
      const sent = await hosts.wasmtcp("b", "perf", "source", hosts.stackAddress.a, "5001", "500ms", "1MiB", ...many)
        .finished;
      const received = await sink.finished;
      assert.is(sent.code, 0, sent.stderr);
      assert.is(received.code, 0, received.stderr);
      const [out, got] = [sent, received].map(({ stdout }) => JSON.parse(stdout.trim().split("\n").at(-1)!));
      assert.is(got.bytes, out.bytes);
      assert.ok(got.bytes > 0);
      const refused = await hosts.wasmtcp("a", "perf", "sink", "5001", "--shards", "2", "--thread", "caller").finished;
      assert.is(refused.code, 1);
      assert.match(refused.stderr, /`shards` to be 1 with thread 'caller'/);
    },
  );
}

shards.run();

// Stacks with several shards over packet links: connections in both roles meet their shard, with the kernel and with each other.
import { fileURLToPath } from "node:url";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { type Finished, hasPrivileges, type Running, type Side, TwoHosts } from "../support/namespaces.ts";

const CROWD = fileURLToPath(new URL("programs/crowd.ts", import.meta.url));
const COUNT = 100;
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

function checkShards({ stdout }: Finished, shards: number): void {
  const report = JSON.parse(stdout.trim().split("\n").at(-1)!);
  assert.is(report.opened.length, shards);
  assert.is(
    report.opened.reduce((sum: number, one: number) => sum + one, 0),
    COUNT,
  );
  for (const opened of report.opened) assert.ok(opened > 0, `each shard has some: ${report.opened}`);
  assert.equal([report.tcpInOtherShard, report.linkDrops], [0, 0]);
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

shards.run();

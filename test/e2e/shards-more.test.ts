// Stacks with several shards where there is more than one: two interfaces of a stack, two stacks on an interface. Each is a group of
// sockets of the kernel's by itself.
import { fileURLToPath } from "node:url";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { type Finished, hasPrivileges, type Running, TwoHosts } from "../support/namespaces.ts";

const CROWD = fileURLToPath(new URL("programs/crowd.ts", import.meta.url));
const COUNT = 40;
const BYTES = 20_000;
const PORT = 7;
const SECOND = { name: "second", stack: "10.78.0.11", kernel: "10.78.0.2" };

/** A crowd of connections on host a. */
function crowd(hosts: TwoHosts, role: "serve" | "dial", place: string[], shards: number, ...rest: string[]): Running {
  const options = [role, ...place, `${shards}`, `${PORT}`, ...rest];
  return hosts.start("a", process.execPath, "--import", "tsx", CROWD, ...options);
}

function kernelDials(hosts: TwoHosts, host: string): Promise<Finished> {
  return hosts.peer("b", "crowd-client", host, `${PORT}`, `${COUNT}`, `${BYTES}`).finished;
}

/** A second cable between the hosts. */
function addSecond(hosts: TwoHosts): void {
  const far = ["peer", "name", SECOND.name, "netns", hosts.namespace.b];
  hosts.exec("a", "ip", "link", "add", SECOND.name, "type", "veth", ...far);
  hosts.exec("b", "ip", "addr", "add", `${SECOND.kernel}/24`, "dev", SECOND.name);
  for (const side of ["a", "b"] as const) hosts.exec(side, "ip", "link", "set", SECOND.name, "up");
}

/** More than the ARP that all shards get. */
const LEAST_FRAMES = 20;

/** All ended well, and each shard had connections and none of another's. @returns what each received on each interface */
function check(ours: Finished, count: number, shards: number): number[][] {
  assert.is(ours.code, 0, ours.stderr);
  const report = JSON.parse(ours.stdout.trim().split("\n").at(-1)!);
  const sum = (numbers: number[]): number => numbers.reduce((total, one) => total + one, 0);
  assert.is(report.opened.length, shards);
  assert.is(sum(report.opened), count);
  assert.ok(Math.min(...report.opened) > 0, `each shard has some: ${report.opened}`);
  assert.is(report.tcpInOtherShard, 0);
  return report.received;
}

/** As `check`, of two shards and two interfaces. */
function checkBoth(ours: Finished): void {
  const received = check(ours, 2 * COUNT, 2);
  assert.equal(
    received.map(({ length }) => length),
    [2, 2],
  );
  assert.ok(Math.min(...received.flat()) > LEAST_FRAMES, `each shard has its part of each interface: ${received}`);
}

const shards = suite("e2e/shards-more");

if (hasPrivileges()) {
  shards("two interfaces: connections of both roles meet their shard on each", async () => {
    using hosts = new TwoHosts();
    addSecond(hosts);
    const place = [`${hosts.interfaceName.a},${SECOND.name}`, `${hosts.stackAddress.a}/24,${SECOND.stack}/24`];
    const serving = crowd(hosts, "serve", place, 2, `${2 * COUNT}`);
    await serving.saw("READY");
    const dialled = await Promise.all([hosts.stackAddress.a, SECOND.stack].map((host) => kernelDials(hosts, host)));
    for (const { code, stderr } of dialled) assert.is(code, 0, stderr);
    checkBoth(await serving.finished);

    const kernel = hosts.peer("b", "crowd-server", `${PORT}`, `${2 * COUNT}`);
    await kernel.saw("READY");
    const peers = `${hosts.kernelAddress.b},${SECOND.kernel}`;
    const dialling = crowd(hosts, "dial", place, 2, `${COUNT}`, peers, `${BYTES}`);
    const [served, ours] = await Promise.all([kernel.finished, dialling.finished]);
    assert.is(served.code, 0, served.stderr);
    checkBoth(ours);
  });

  shards("two stacks on one interface, of two shards and of three, serve at the same time", async () => {
    using hosts = new TwoHosts();
    const name = hosts.interfaceName.a;
    const addresses = [hosts.stackAddress.a, "10.77.0.13"] as const;
    const serving = addresses.map((one, at) => crowd(hosts, "serve", [name, `${one}/24`], 2 + at, `${COUNT}`));
    await Promise.all(serving.map((one) => one.saw("READY")));
    const dialled = await Promise.all(addresses.map((host) => kernelDials(hosts, host)));
    for (const { code, stderr } of dialled) assert.is(code, 0, stderr);
    for (const [at, one] of serving.entries()) check(await one.finished, COUNT, 2 + at);
  });
}

shards.run();

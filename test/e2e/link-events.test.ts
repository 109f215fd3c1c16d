// Links that change under a transfer: two of ours, a veth pair, and ip(8) in between. Both commands must say what happened; what can be
// finished is, and is compared by SHA-256.
import { createHash, randomFillSync } from "node:crypto";
import { createReadStream, mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { hasPrivileges, type Running, type Side, TwoHosts } from "../support/namespaces.ts";

const MIB = 1024 * 1024;
const SIZE = 96 * MIB;
/** So that a transfer takes some four seconds, whatever the machine. */
const PACE = ["--emulate", "rate=200mbit"];

const test = suite("e2e/link-events");
const folder = mkdtempSync(join(tmpdir(), "wasmtcp-link-events-"));
const source = join(folder, "source.bin");
const copy = join(folder, "copy.bin");

async function sha256(path: string): Promise<string> {
  const hash = createHash("sha256");
  await pipeline(createReadStream(path, { highWaterMark: MIB }), hash);
  return hash.digest("hex");
}

/** Starts a transfer from b to a. */
async function start(hosts: TwoHosts, ...options: string[]): Promise<Record<Side, Running>> {
  for (const path of [copy, `${copy}.part`]) rmSync(path, { force: true });
  const a = hosts.wasmtcp("a", "receive", "10001", copy, "--debug");
  await a.saw("from CLOSED to LISTEN");
  return { a, b: hosts.wasmtcp("b", "send", hosts.stackAddress.a, "10001", source, ...options) };
}

/** Resolves when so many bytes have arrived. */
async function arrived(bytes: number): Promise<void> {
  for (let waits = 0; waits < 2000; waits++) {
    if ((statSync(`${copy}.part`, { throwIfNoEntry: false })?.size ?? 0) >= bytes) return;
    await sleep(10);
  }
  throw new Error(`no ${bytes} bytes in 20 s`);
}

function setLink(hosts: TwoHosts, side: Side, ...change: string[]): void {
  hosts.exec(side, "ip", "link", "set", hosts.interfaceName[side], ...change);
}

async function sawBoth(hosts: TwoHosts, running: Record<Side, Running>, text: string): Promise<void> {
  await Promise.all((["a", "b"] as const).map((side) => running[side].saw(`${hosts.interfaceName[side]}: ${text}`)));
}

async function finishedWell(running: Record<Side, Running>): Promise<void> {
  for (const side of ["a", "b"] as const) {
    const { code, stderr } = await running[side].finished;
    assert.is(code, 0, stderr);
  }
  assert.is(await sha256(copy), await sha256(source));
}

if (hasPrivileges()) {
  test.before(() => writeFileSync(source, randomFillSync(new Uint8Array(SIZE))));

  for (const side of ["a", "b"] as const) {
    test(`a link that is switched off at ${side === "a" ? "the receiver" : "the sender"} and on again: both say so, the transfer goes on`, async () => {
      using hosts = new TwoHosts();
      const running = await start(hosts, ...PACE);
      await arrived(10 * MIB);
      setLink(hosts, side, "down");
      await sawBoth(hosts, running, "link down");
      await sleep(3000);
      setLink(hosts, side, "up");
      await sawBoth(hosts, running, "link up");
      await finishedWell(running);
    });
  }

  for (const [name, options] of [
    ["at full speed", []],
    ["paced", PACE],
  ] as const) {
    test(`an MTU that is lowered at both ends, and raised again, in mid-transfer ${name}`, async () => {
      using hosts = new TwoHosts();
      const running = await start(hosts, ...options);
      await arrived(5 * MIB);
      for (const mtu of ["1000", "1500"]) {
        for (const side of ["a", "b"] as const) setLink(hosts, side, "mtu", mtu);
        await sawBoth(hosts, running, `MTU ${mtu}`);
        await sleep(200);
      }
      await finishedWell(running);
    });
  }

  test("an MTU that the user gave is the most it gets, whatever the interface's becomes", async () => {
    using hosts = new TwoHosts();
    const server = hosts.wasmtcp("a", "receive", "10001", copy, "--debug", "--mtu", "1200");
    await server.saw("from CLOSED to LISTEN");
    for (const [set, used] of [
      ["1000", "1000"],
      ["1500", "1200"],
    ] as const) {
      setLink(hosts, "a", "mtu", set);
      await server.saw(`MTU ${used}`);
    }
    server.child.kill("SIGINT");
    assert.is((await server.finished).code, 130);
  });

  test("a peer that is stopped for a while answers no more, and the transfer goes on when it does", async () => {
    using hosts = new TwoHosts();
    const running = await start(hosts, ...PACE);
    await arrived(10 * MIB);
    running.a.child.kill("SIGSTOP");
    await running.b.saw(`${hosts.interfaceName.b}: ${hosts.stackAddress.a} does not answer ARP any more`);
    running.a.child.kill("SIGCONT");
    await finishedWell(running);
  });

  test("an interface that is deleted in mid-transfer: both commands end and name it", async () => {
    using hosts = new TwoHosts();
    const running = await start(hosts, ...PACE);
    await arrived(10 * MIB);
    hosts.exec("a", "ip", "link", "del", hosts.interfaceName.a);
    for (const side of ["a", "b"] as const) {
      const { code, stderr } = await running[side].finished;
      assert.is(code, 1);
      assert.match(stderr, `wasmtcp: ${hosts.interfaceName[side]}: gone`);
      assert.match(stderr, new RegExp(`ENODEV.* interface ${hosts.interfaceName[side]} is gone`));
    }
  });

  test("a server whose interface is moved to another namespace ends and says why", async () => {
    using hosts = new TwoHosts();
    const server = hosts.wasmtcp("a", "receive", "10001", copy, "--debug");
    await server.saw("from CLOSED to LISTEN");
    hosts.exec("a", "ip", "link", "set", hosts.interfaceName.a, "netns", hosts.namespace.b);
    const { code, stderr } = await server.finished;
    assert.is(code, 1);
    assert.match(stderr, /accept ENODEV .*interface h1-eth0 is gone/);
  });

  test("a connect while the link has no carrier fails at once", async () => {
    using hosts = new TwoHosts();
    setLink(hosts, "a", "down");
    const { code, stderr } = await hosts.wasmtcp("b", "send", hosts.stackAddress.a, "10001", source).finished;
    assert.is(code, 1);
    assert.match(stderr, /connect ENETDOWN .*interface h2-eth0 is down/);
  });
}

test.after(() => rmSync(folder, { recursive: true, force: true }));
test.run();

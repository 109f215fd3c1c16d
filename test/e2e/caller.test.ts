// Stacks on the thread of their process (`--thread caller`) over packet links: files and ping-pong, between two of them, with a worker's
// stack and with the kernel, and what happens when the link goes.
import { createHash, randomBytes } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { hasPrivileges, type Running, type Side, TwoHosts } from "../support/namespaces.ts";

const BYTES = 64 * 1024 * 1024;
const folder = mkdtempSync(join(tmpdir(), "wasmtcp-caller-"));
const source = join(folder, "source.bin");
const copy = join(folder, "copy.bin");

type End = "caller" | "worker" | "kernel";

function start(hosts: TwoHosts, end: End, side: Side, ...args: string[]): Running {
  if (end === "kernel") return hosts.peer(side, ...args);
  return hosts.wasmtcp(side, ...args, "--thread", end, "--json", "--debug");
}

/** Moves the file from b to a, and tells what our ends reported. */
async function move(hosts: TwoHosts, sender: End, receiver: End): Promise<Record<string, number>[]> {
  rmSync(copy, { force: true });
  const receiving = start(hosts, receiver, "a", "receive", "10001", copy);
  await receiving.saw(receiver === "kernel" ? "READY" : "from CLOSED to LISTEN");
  const host = receiver === "kernel" ? hosts.kernelAddress.a : hosts.stackAddress.a;
  const sending = start(hosts, sender, "b", "send", host, "10001", source);
  const ended = await Promise.all([sending.finished, receiving.finished]);
  for (const { code, stderr } of ended) assert.is(code, 0, stderr);
  const reports = ended.filter((_, at) => [sender, receiver][at] !== "kernel");
  return reports.map(({ stdout }) => JSON.parse(stdout.trim().split("\n").at(-1)!));
}

function sha256(path: string): string {
  return createHash("sha256").update(readFileSync(path)).digest("hex");
}

const caller = suite("e2e/caller");
caller.before(() => writeFileSync(source, randomBytes(BYTES)));
caller.after(() => rmSync(folder, { recursive: true }));

const PAIRS: [End, End][] = [
  ["caller", "caller"],
  ["caller", "worker"],
  ["worker", "caller"],
  ["caller", "kernel"],
  ["kernel", "caller"],
];

if (hasPrivileges()) {
  for (const offloads of [true, false]) {
    for (const [sender, receiver] of PAIRS) {
      caller(`${sender} to ${receiver}: a file arrives intact, offloads ${offloads ? "on" : "off"}`, async () => {
        using hosts = new TwoHosts({ offloads });
        const reports = await move(hosts, sender, receiver);
        assert.is(sha256(copy), sha256(source));
        for (const { linkDrops, linkErrors } of reports) assert.equal([linkDrops, linkErrors], [0, 0]);
      });
    }
  }

  for (const [pinger, echoer] of PAIRS.slice(0, 3)) {
    caller(`a byte goes from a ${pinger} to a ${echoer} and back, 2000 times`, async () => {
      using hosts = new TwoHosts();
      const echo = hosts.wasmtcp("a", "perf", "echo", "7", "--thread", echoer);
      await echo.saw("listening");
      const ping = hosts.wasmtcp("b", "perf", "ping", hosts.stackAddress.a, "7", "2000", "--thread", pinger);
      const [pinged, echoed] = await Promise.all([ping.finished, echo.finished]);
      assert.is(pinged.code, 0, pinged.stderr);
      assert.is(echoed.code, 0, echoed.stderr);
      assert.is(JSON.parse(pinged.stdout).n, 2000);
    });
  }

  caller("a connection outlives its interface being down for a while", async () => {
    using hosts = new TwoHosts();
    const echo = hosts.wasmtcp("a", "server", "7", "--thread", "caller", "--debug");
    await echo.saw("from CLOSED to LISTEN");
    const client = hosts.wasmtcp(
      "b",
      ...["client", hosts.stackAddress.a, "7", "--messages", "3", "--thread", "caller", "--debug"],
    );
    await client.saw("to ESTABLISHED");
    hosts.exec("b", "ip", "link", "set", hosts.interfaceName.b, "down");
    hosts.exec("b", "ip", "link", "set", hosts.interfaceName.b, "up");
    const { code, stderr } = await client.finished;
    assert.is(code, 0, stderr);
  });

  caller("ends at once, without the other end, when it is told to", async () => {
    using hosts = new TwoHosts();
    const server = hosts.wasmtcp("a", "server", "7", "--thread", "caller", "--debug");
    await server.saw("from CLOSED to LISTEN");
    server.child.kill("SIGINT");
    const { code } = await server.finished;
    assert.ok(code === 0 || code === 130, `${code}`);
  });
}

caller.run();

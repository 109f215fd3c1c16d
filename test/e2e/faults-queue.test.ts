// The kernel's queue below the packet socket is full all the time (ENOBUFS): the sender holds back and goes on, without burning its
// processor. docs/faults.md.
import { fileURLToPath } from "node:url";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { findControlSockets, readReport } from "../../src/control-socket.ts";
import { cpuSeconds, FaultyTransfer } from "../support/faulty-transfer.ts";
import { type Finished, hasPrivileges, type Running, TwoHosts } from "../support/namespaces.ts";

const MIB = 1024 * 1024;
const PROGRAM = fileURLToPath(new URL("programs/full-queue.ts", import.meta.url));
const faults = suite("e2e/faults-queue");

/** Queues of the kernel that refuse most of what they are given. */
const QUEUES: [name: string, words: string[]][] = [
  ["a token bucket with room for two super-segments", ["tbf", "rate", "100mbit", "burst", "70000", "limit", "140000"]],
  ["a token bucket with room for some packets", ["tbf", "rate", "50mbit", "burst", "4000", "limit", "6000"]],
];

/** How often the queue refused frames, as the running sender counts it. */
async function refusals({ child }: Running): Promise<number> {
  const reports = await Promise.all((await findControlSockets()).map(readReport));
  const { stats } = reports.find(({ pid }) => pid === child.pid)!;
  return stats.interfaces.find(({ name }) => name === "h2-eth0")!.txQueueFull;
}

/** Runs the program that closes its stack over such a queue. */
async function closedOver(hosts: TwoHosts, thread: string, queue: string[]): Promise<Finished> {
  const command = [...process.execArgv, PROGRAM, thread, "10001", ...queue];
  const finished = await hosts.start("a", process.execPath, ...command).finished;
  assert.is(finished.code, 0, finished.stderr);
  return finished;
}

if (hasPrivileges()) {
  for (const [name, words] of QUEUES) {
    faults(`${name}: the file arrives, and the sender sleeps while it waits`, async () => {
      using transfer = new FaultyTransfer(16);
      const { hosts } = transfer;
      hosts.exec("b", "tc", "qdisc", "add", "dev", "h2-eth0", "root", ...words);
      const receiver = await transfer.receive();
      const sender = transfer.sendTo(hosts.stackAddress.a);
      await transfer.arrived(2 * MIB);
      const began = performance.now();
      const cpuBegan = cpuSeconds(sender);
      await transfer.arrived(6 * MIB);
      const cpu = cpuSeconds(sender) - cpuBegan;
      assert.ok((await refusals(sender)) > 0, "txQueueFull counts what was refused");
      const seconds = (performance.now() - began) / 1000;
      // A loop that asks again and again would take a whole processor or more.
      assert.ok(cpu < seconds * 0.7 + 0.1, `${cpu} s of processor in ${seconds} s`);
      await transfer.assertWhole(receiver, sender);
      const dropped = /dropped (\d+)/.exec(hosts.exec("b", "tc", "-s", "qdisc", "show", "dev", "h2-eth0"));
      process.stdout.write(`  ${name}: ${dropped?.[0]}, ${cpu.toFixed(2)} s CPU in ${seconds.toFixed(2)} s\n`);
    });
  }

  faults("a queue that takes nothing for seconds: the transfer waits and goes on", async () => {
    using transfer = new FaultyTransfer(16);
    const { hosts } = transfer;
    const receiver = await transfer.receive();
    const sender = transfer.send();
    await transfer.arrived(2 * MIB);
    const began = cpuSeconds(sender);
    hosts.exec("b", "tc", "qdisc", "add", "dev", "h2-eth0", "root", "pfifo", "limit", "0");
    await new Promise((resolve) => setTimeout(resolve, 3000));
    const cpu = cpuSeconds(sender) - began;
    assert.ok(cpu < 2, `${cpu} s of processor in 3 s`);
    hosts.exec("b", "tc", "qdisc", "del", "dev", "h2-eth0", "root");
    await transfer.assertWhole(receiver, sender);
  });

  for (const thread of ["worker", "caller"]) {
    faults(
      `a stack that is closed while the queue takes nothing ends, and counts what is lost (${thread})`,
      async () => {
        using hosts = new TwoHosts();
        const peer = hosts.peer("b", "expect-reset", "10001");
        await peer.saw("READY");
        const { stdout } = await closedOver(hosts, thread, ["pfifo", "limit", "0"]);
        const { before, after } = JSON.parse(stdout);
        assert.is(before, 0);
        assert.ok(after > 0, stdout);
      },
    );
  }
}

faults.run();

// A process is stopped in mid-transfer (SIGSTOP, Ctrl-Z) and goes on: for less and for more than the peer's patience. docs/faults.md.
import { setTimeout as sleep } from "node:timers/promises";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { FaultyTransfer } from "../support/faulty-transfer.ts";
import { hasPrivileges, type Running } from "../support/namespaces.ts";

const MIB = 1024 * 1024;
const STOP_MS = 5500;
const faults = suite("e2e/faults-stopped");

async function stopFor(running: Running, ms: number): Promise<void> {
  running.child.kill("SIGSTOP");
  await sleep(ms);
  running.child.kill("SIGCONT");
}

if (hasPrivileges()) {
  for (const stopped of ["receiver", "sender"] as const) {
    faults(`a ${stopped} that is stopped for a while goes on, though longer than its own --timeout`, async () => {
      using transfer = new FaultyTransfer();
      const impatient = ["--timeout", "2s"];
      const receiver = await transfer.receive(...(stopped === "receiver" ? impatient : []));
      const sender = transfer.send(...(stopped === "sender" ? impatient : []));
      await transfer.arrived(2 * MIB);
      await stopFor(stopped === "receiver" ? receiver : sender, STOP_MS);
      await transfer.assertWhole(receiver, sender);
    });
  }

  faults("a receiver that is stopped for longer than the sender waits: both fail, the part is kept", async () => {
    using transfer = new FaultyTransfer();
    const receiver = await transfer.receive("--timeout", "4s");
    const sender = transfer.send("--timeout", "3s");
    await transfer.arrived(2 * MIB);
    receiver.child.kill("SIGSTOP");
    await transfer.failed(sender, /when \d+ of \d+ bytes had been acknowledged: .*ETIMEDOUT/);
    receiver.child.kill("SIGCONT");
    transfer.assertPart(
      await transfer.failed(receiver, /the transfer broke after .*(ETIMEDOUT|ECONNRESET|EHOSTUNREACH)/),
    );
  });

  faults("a sender that is stopped for longer than the receiver waits: both fail, the part is kept", async () => {
    using transfer = new FaultyTransfer();
    const receiver = await transfer.receive("--timeout", "3s");
    const sender = transfer.send("--timeout", "4s");
    await transfer.arrived(2 * MIB);
    sender.child.kill("SIGSTOP");
    transfer.assertPart(await transfer.failed(receiver, /the transfer broke after .*ETIMEDOUT/));
    sender.child.kill("SIGCONT");
    await transfer.failed(sender, /had been acknowledged: .*(ETIMEDOUT|ECONNRESET|EHOSTUNREACH)/);
  });

  faults("a receiver that is stopped for longer than a kernel waits: it is told by a reset", async () => {
    using transfer = new FaultyTransfer();
    const { hosts } = transfer;
    hosts.exec("b", "sysctl", "-qw", "net.ipv4.tcp_retries2=3");
    const receiver = await transfer.receive("--timeout", "4s");
    const peer = hosts.peer("b", "trickle", hosts.stackAddress.a, "10001", transfer.source);
    await transfer.arrived(MIB);
    receiver.child.kill("SIGSTOP");
    const { code, stderr } = await peer.finished;
    assert.is(code, 1);
    assert.match(stderr, /TimeoutError|No route to host/);
    receiver.child.kill("SIGCONT");
    const message = await transfer.failed(receiver, /the transfer broke after .*read (ECONNRESET|ETIMEDOUT)/);
    assert.ok(transfer.assertPart(message) >= MIB);
  });
}

faults.run();

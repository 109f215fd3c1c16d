// The peer of a transfer goes: it resets the connection, is interrupted, or is killed without a word. docs/faults.md.
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { FaultyTransfer } from "../support/faulty-transfer.ts";
import { hasPrivileges } from "../support/namespaces.ts";

const MIB = 1024 * 1024;
const faults = suite("e2e/faults-peer");

if (hasPrivileges()) {
  faults("a kernel that resets in mid-file: the sender says what had been acknowledged", async () => {
    using transfer = new FaultyTransfer();
    const { hosts } = transfer;
    const peer = hosts.peer("a", "break-server", "10001", `${4 * MIB}`);
    await peer.saw("READY");
    const sender = transfer.sendTo(hosts.kernelAddress.a);
    const message = await transfer.failed(sender, /ECONNRESET 10\.77\.0\.1:10001: connection reset by peer/);
    const [, acknowledged, total] = /when (\d+) of (\d+) bytes had been acknowledged/.exec(message) ?? [];
    assert.is(Number(total), transfer.bytes.length);
    assert.ok(Number(acknowledged) >= MIB && Number(acknowledged) < transfer.bytes.length, acknowledged);
    assert.is((await peer.finished).code, 0);
  });

  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    faults(`${signal} to the sender: the receiver is reset and keeps the part`, async () => {
      using transfer = new FaultyTransfer();
      const receiver = await transfer.receive();
      const sender = transfer.send();
      await transfer.arrived(2 * MIB);
      sender.child.kill(signal);
      const { code, stderr } = await transfer.ended(sender);
      assert.is(code, 130);
      assert.match(stderr, /^wasmtcp: interrupted when \d+ of 33554432 bytes had been acknowledged\n$/);
      const message = await transfer.failed(receiver, /read ECONNRESET 10\.77\.0\.12:\d+: connection reset by peer/);
      assert.ok(transfer.assertPart(message) >= 2 * MIB);
    });

    faults(`${signal} to the receiver: it keeps the part and the old file, the sender is reset`, async () => {
      using transfer = new FaultyTransfer();
      const receiver = await transfer.receive();
      const sender = transfer.send();
      await transfer.arrived(2 * MIB);
      receiver.child.kill(signal);
      const { code, stderr } = await transfer.ended(receiver);
      assert.is(code, 130);
      assert.match(stderr, /interrupted after \d+ bytes, kept in .*copy\.bin\.part\n/);
      assert.ok(transfer.assertPart(stderr) >= 2 * MIB);
      await transfer.failed(sender, /ECONNRESET/);
    });
  }

  faults("an interrupted receiver that waits for its sender leaves no part", async () => {
    using transfer = new FaultyTransfer(1);
    const receiver = await transfer.receive();
    receiver.child.kill("SIGINT");
    const { code, stderr } = await transfer.ended(receiver);
    assert.is(code, 130);
    assert.match(stderr, /^wasmtcp: interrupted\n$/);
  });

  faults("a sender that is killed: the receiver gives up after --timeout and keeps the part", async () => {
    using transfer = new FaultyTransfer();
    writeFileSync(transfer.target, "old");
    const receiver = await transfer.receive("--timeout", "4s");
    const sender = transfer.send();
    await transfer.arrived(2 * MIB);
    sender.child.kill("SIGKILL");
    const message = await transfer.failed(receiver, /the transfer broke after \d+ bytes.*(ETIMEDOUT|EHOSTUNREACH)/);
    assert.is(readFileSync(transfer.target, "utf8"), "old");
    rmSync(transfer.target);
    transfer.assertPart(message);
  });

  faults("a receiver that is killed: the sender gives up after --timeout", async () => {
    using transfer = new FaultyTransfer();
    const receiver = await transfer.receive();
    const sender = transfer.send("--timeout", "4s");
    await transfer.arrived(2 * MIB);
    receiver.child.kill("SIGKILL");
    await transfer.failed(sender, /when \d+ of \d+ bytes had been acknowledged: .*(ETIMEDOUT|EHOSTUNREACH)/);
    transfer.assertPart();
  });

  faults(
    "a server that is killed: a client that holds its connection gives up after --timeout, not after --hold",
    async () => {
      using transfer = new FaultyTransfer(1);
      const { hosts } = transfer;
      const server = hosts.wasmtcp("a", "server", "10001", "--debug");
      await server.saw("listen to port 10001");
      const patience = ["--hold", "600s", "--timeout", "2s"];
      const client = hosts.wasmtcp("b", "client", hosts.stackAddress.a, "10001", "-n", "1", ...patience);
      await client.saw("server echoes");
      server.child.kill("SIGKILL");
      await transfer.failed(client, /(ETIMEDOUT|EHOSTUNREACH)/);
    },
  );

  faults("nobody at the address: --timeout ends the attempt before the address is given up", async () => {
    using transfer = new FaultyTransfer(1);
    const sender = transfer.sendTo("10.77.0.99", "--timeout", "2s");
    // The third ARP request is given up after 3 s, with EHOSTUNREACH.
    await transfer.failed(sender, /connect ETIMEDOUT 10\.77\.0\.99:10001/);
  });
}

faults.run();

// The file of a transfer fails: the disk is full, the file becomes shorter or longer, is removed, or cannot be made. docs/faults.md.
import { execFileSync } from "node:child_process";
import { mkdirSync, rmSync, truncateSync } from "node:fs";
import { join } from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { FaultyTransfer } from "../support/faulty-transfer.ts";
import { hasPrivileges } from "../support/namespaces.ts";

const MIB = 1024 * 1024;
const faults = suite("e2e/faults-file");

if (hasPrivileges()) {
  faults("a full disk at the receiver: ENOSPC with the path, the part is kept, the sender is reset", async () => {
    using transfer = new FaultyTransfer();
    const disk = join(transfer.folder, "disk");
    mkdirSync(disk);
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=4m", "none", disk]);
    try {
      transfer.target = join(disk, "copy.bin");
      const receiver = await transfer.receive();
      const sender = transfer.send();
      const message = await transfer.failed(
        receiver,
        /ENOSPC: no space left on device, write '.*disk\/copy\.bin\.part'/,
      );
      assert.is(transfer.assertPart(message), 4 * MIB);
      await transfer.failed(sender, /when \d+ of 33554432 bytes had been acknowledged: .*ECONNRESET/);
    } finally {
      execFileSync("umount", [disk]);
    }
  });

  faults("a file that becomes shorter: both fail, the receiver keeps a part", async () => {
    using transfer = new FaultyTransfer();
    const receiver = await transfer.receive();
    const sender = transfer.send();
    await transfer.arrived(2 * MIB);
    truncateSync(transfer.source, 16 * MIB);
    await transfer.failed(sender, /source\.bin was truncated: it ended after 16777216 of 33554432 bytes/);
    const message = await transfer.failed(receiver, /ECONNRESET/);
    assert.ok(transfer.assertPart(message) <= 16 * MIB);
  });

  faults("a file that becomes shorter: a kernel sees a reset, no clean end", async () => {
    using transfer = new FaultyTransfer();
    const peer = transfer.hosts.peer("a", "expect-reset", "10001");
    await peer.saw("READY");
    const sender = transfer.sendTo(transfer.hosts.kernelAddress.a, "--emulate", "rate=100mbit");
    await peer.saw("BEGUN");
    truncateSync(transfer.source, 16 * MIB);
    await transfer.failed(sender, /source\.bin was truncated/);
    const { code, stdout, stderr } = await peer.finished;
    assert.is(code, 0, stderr);
    assert.ok(Number(stdout.trim().split("\n").at(-1)) <= 16 * MIB);
  });

  faults("a file that grows is sent as large as it was", async () => {
    using transfer = new FaultyTransfer(16);
    const receiver = await transfer.receive();
    const sender = transfer.send();
    await transfer.arrived(MIB);
    truncateSync(transfer.source, 20 * MIB);
    await transfer.assertWhole(receiver, sender);
  });

  faults("a file that is removed while it is sent arrives whole", async () => {
    using transfer = new FaultyTransfer(16);
    const receiver = await transfer.receive();
    const sender = transfer.send();
    await transfer.arrived(MIB);
    rmSync(transfer.source);
    await transfer.assertWhole(receiver, sender);
  });

  faults("a place where no file can be is told before a sender comes", async () => {
    using transfer = new FaultyTransfer(1);
    const { hosts, folder } = transfer;
    const missing = hosts.wasmtcp("a", "receive", "10001", join(folder, "none", "copy.bin"));
    await transfer.failed(missing, /ENOENT.*none/);
    await transfer.failed(hosts.wasmtcp("a", "receive", "10001", folder), /is a directory/);
    await transfer.failed(hosts.wasmtcp("b", "send", "10.77.0.11", "1", folder), /is not a regular file/);
    await transfer.failed(hosts.wasmtcp("b", "send", "10.77.0.11", "1", join(folder, "none")), /ENOENT.*none/);
  });
}

faults.run();

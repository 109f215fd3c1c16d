// The link goes in mid-transfer and does not come back: down for longer than --timeout, or the interface is deleted. What comes back in
// time is link-events.test.ts's. docs/faults.md.
import { readdirSync } from "node:fs";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { FaultyTransfer } from "../support/faulty-transfer.ts";
import { hasPrivileges } from "../support/namespaces.ts";

const MIB = 1024 * 1024;
const faults = suite("e2e/faults-link");

/** Notes of --take-over that processes of this test have left. */
function takeOverNotes(pid: number | undefined): string[] {
  const folders = ["/run/wasmtcp", process.env.XDG_RUNTIME_DIR ? `${process.env.XDG_RUNTIME_DIR}/wasmtcp` : undefined];
  const names = folders.flatMap((folder) => {
    try {
      return folder === undefined ? [] : readdirSync(folder);
    } catch {
      return [];
    }
  });
  return names.filter((name) => name.startsWith("take-over-") && name.includes(`-${pid}.`));
}

if (hasPrivileges()) {
  faults("a link that stays down: both say so, give up after --timeout and keep the part", async () => {
    using transfer = new FaultyTransfer();
    const receiver = await transfer.receive("--timeout", "4s");
    const sender = transfer.send("--timeout", "4s");
    await transfer.arrived(2 * MIB);
    transfer.hosts.exec("b", "ip", "link", "set", "h2-eth0", "down");
    const sent = await transfer.failed(sender, /the transfer broke when \d+ of \d+ bytes had been acknowledged: /);
    assert.match(sent, /h2-eth0: link down/);
    assert.match(sent, /(ETIMEDOUT|ENETDOWN|EHOSTUNREACH).*interface h2-eth0 is down/);
    const received = await transfer.failed(receiver, /h1-eth0: link down/);
    assert.match(received, /(ETIMEDOUT|ENETDOWN|EHOSTUNREACH).*interface h1-eth0 is down/);
    transfer.assertPart(received);
  });

  for (const side of ["a", "b"] as const) {
    faults(
      `an interface that is deleted at ${side === "a" ? "the receiver" : "the sender"}: the part is kept`,
      async () => {
        using transfer = new FaultyTransfer();
        const receiver = await transfer.receive();
        const sender = transfer.send();
        await transfer.arrived(2 * MIB);
        transfer.hosts.exec(side, "ip", "link", "del", transfer.hosts.interfaceName[side]);
        await transfer.failed(sender, /had been acknowledged: .*ENODEV.*interface h2-eth0 is gone/);
        transfer.assertPart(await transfer.failed(receiver, /ENODEV.*interface h1-eth0 is gone/));
      },
    );
  }

  faults(
    "an interface that is deleted while its address is taken over: the run ends and leaves no note of it",
    async () => {
      using transfer = new FaultyTransfer();
      const { hosts } = transfer;
      const own = ["--interface", "h1-eth0", "--address", `${hosts.kernelAddress.a}/24`, "--take-over", "--debug"];
      const cli = new URL("../../dist/src/cli/main.js", import.meta.url).pathname;
      const receiver = hosts.start("a", process.execPath, cli, "receive", "10001", transfer.target, ...own);
      await receiver.saw("from CLOSED to LISTEN");
      const sender = transfer.sendTo(hosts.kernelAddress.a, "--emulate", "rate=100mbit");
      await transfer.arrived(2 * MIB);
      assert.is(takeOverNotes(receiver.child.pid).length, 1);
      hosts.exec("a", "ip", "link", "del", "h1-eth0");
      const message = await transfer.failed(receiver, /ENODEV.*interface h1-eth0 is gone/);
      assert.equal(takeOverNotes(receiver.child.pid), []);
      transfer.assertPart(message);
      await transfer.failed(sender, /ENODEV/);
    },
  );
}

faults.run();

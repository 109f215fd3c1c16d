// The wall clock is stepped by hours in mid-transfer: nothing of the stack may depend on it. The machine's clock stays; a library put before
// the C library's adds to what the process reads (CLOCK_REALTIME only). docs/faults.md.
import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { FaultyTransfer } from "../support/faulty-transfer.ts";
import { hasPrivileges, type Running } from "../support/namespaces.ts";

const MIB = 1024 * 1024;
const CLI = fileURLToPath(new URL("../../dist/src/cli/main.js", import.meta.url));
const SHIM = fileURLToPath(new URL("programs/stepped-clock.c", import.meta.url));
const faults = suite("e2e/faults-clock");

/** A transfer whose processes read the wall clock through the shim. */
class SteppedTransfer extends FaultyTransfer {
  readonly #library = join(this.folder, "stepped-clock.so");
  readonly #offset = join(this.folder, "offset");

  constructor() {
    super();
    execFileSync("cc", ["-O2", "-shared", "-fPIC", "-o", this.#library, SHIM, "-ldl"]);
    this.step(0);
  }

  /** The wall clock shows so many seconds more from now on. */
  step(seconds: number): void {
    writeFileSync(this.#offset, `${seconds}\n`);
  }

  /** Runs a command with the shim. */
  stepped(side: "a" | "b", ...command: string[]): Running {
    return this.hosts.start(side, "env", `LD_PRELOAD=${this.#library}`, `STEPPED_CLOCK=${this.#offset}`, ...command);
  }

  wasmtcp(side: "a" | "b", ...words: string[]): Running {
    const { interfaceName, stackAddress } = this.hosts;
    const own = ["--interface", interfaceName[side], "--address", `${stackAddress[side]}/24`];
    return this.stepped(side, process.execPath, CLI, ...words, ...own);
  }
}

if (hasPrivileges()) {
  faults("the shim moves what Date.now() says, and nothing else", async () => {
    using transfer = new SteppedTransfer();
    const program = "process.stdout.write(Date.now() / 1000 + ' ' + performance.now())";
    transfer.step(-7200);
    const [wall, monotonic] = (await transfer.stepped("a", process.execPath, "-e", program).finished).stdout.split(" ");
    assert.ok(Math.abs(Number(wall) - Date.now() / 1000 + 7200) < 60, `${wall}`);
    assert.ok(Number(monotonic) < 60_000);
  });

  for (const hours of [5, -5]) {
    faults(`a wall clock that jumps ${hours} hours in mid-transfer changes nothing`, async () => {
      using transfer = new SteppedTransfer();
      const capture = join(transfer.folder, "sender.pcapng");
      const impatient = ["--timeout", "10s", "--json"];
      const receiver = transfer.wasmtcp("a", "receive", "10001", transfer.target, "--debug", ...impatient);
      await receiver.saw("from CLOSED to LISTEN");
      const slowly = ["--emulate", "rate=100mbit", "--capture", capture];
      const to = transfer.hosts.stackAddress.a;
      const sender = transfer.wasmtcp("b", "send", to, "10001", transfer.source, ...slowly, ...impatient);
      await transfer.arrived(4 * MIB);
      transfer.step(hours * 3600);
      await transfer.assertWhole(receiver, sender);
      for (const { stdout } of [await receiver.finished, await sender.finished]) {
        const { seconds, retransSegs, lossProbes } = JSON.parse(stdout);
        assert.ok(seconds > 1 && seconds < 60, `${seconds} s`);
        assert.ok(retransSegs <= lossProbes, "no time-out that was none");
      }
      // One frame after the other, none hours away
      const times = execFileSync("tshark", ["-r", capture, "-T", "fields", "-e", "frame.time_relative"], {
        encoding: "utf8",
        stdio: ["ignore", "pipe", "ignore"],
      });
      const relative = times.trim().split("\n").map(Number);
      assert.ok(relative.length > 100);
      assert.ok(relative.every((time) => time >= 0 && time < 60));
    });
  }
}

faults.run();

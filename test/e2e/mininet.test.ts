// The mininet examples, as a user runs them.
import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { hasPrivileges } from "../support/namespaces.ts";
import { tshark } from "../support/tshark.ts";

/** Debian's mininet belongs to Debian's Python. */
const PYTHON = "/usr/bin/python3";

function hasMininet(): boolean {
  try {
    execFileSync(PYTHON, ["-c", "import mininet"], { stdio: "pipe" });
    return true;
  } catch (error) {
    if (process.env.WASMTCP_REQUIRE_PRIVILEGES) throw error;
    process.stderr.write("SKIPPED: the mininet examples need Debian's mininet and bridge-utils\n");
    return false;
  }
}

function run(script: string, ...args: string[]): string {
  const path = join("examples/mininet", script);
  const { status, stdout, stderr } = spawnSync(PYTHON, [path, ...args], { encoding: "utf8", timeout: 120_000 });
  assert.is(status, 0, `${script} ${args.join(" ")}: ${stdout}${stderr}`);
  return stdout;
}

const mininet = suite<{ folder: string }>("e2e/mininet");

mininet.before((context) => {
  context.folder = mkdtempSync(join(tmpdir(), "wasmtcp-mininet-"));
});

mininet.after((context) => {
  rmSync(context.folder, { recursive: true });
});

if (hasPrivileges() && hasMininet()) {
  mininet("two_hosts.py: echo and files in every pairing, and captures that can be read", ({ folder }) => {
    const printed = run("two_hosts.py", "--size", "16", "--captures", folder);
    for (const ends of ["ours-ours", "ours-kernel", "kernel-ours"]) {
      assert.match(printed, new RegExp(`^${ends}: echo: server echoes: 0123456789`, "m"));
      assert.is(printed.match(new RegExp(`^${ends}: .* MD5 \\w{32} equal`, "gm"))?.length, 2);
      const captures = readdirSync(join(folder, ends)).map((name) => join(folder, ends, name));
      assert.ok(captures.length >= 3);
      for (const capture of captures) assert.ok(existsSync(capture));
    }
    const packets = tshark(
      join(folder, "ours-ours", "h1-send.pcapng"),
      "-Y",
      "tcp.len > 0",
      "-T",
      "fields",
      "-e",
      "ip.src",
    );
    assert.match(packets, /^10\.0\.0\.1$/m);
  });

  mininet("two_hosts.py --link bridge: the same through a switch", () => {
    assert.match(
      run("two_hosts.py", "--size", "4", "--captures", "", "--link", "bridge", "--ends", "ours-ours"),
      /equal/,
    );
  });

  mininet("two_hosts.py --kill: after kill -9 and one restore everything is as before", () => {
    const printed = run("two_hosts.py", "--size", "256", "--captures", "", "--kill");
    assert.match(printed, /gave 10\.0\.0\.1 and \d+ route/);
    assert.match(printed, /addresses and routes are as before/);
  });

  mininet("star.py: two transfers at a time around a switch", () => {
    assert.is(run("star.py", "--size", "16", "--captures", "").match(/MD5 \w{32} equal/g)?.length, 2);
  });
}

mininet.run();

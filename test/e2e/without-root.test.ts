// The example for users without root, run as the user nobody where we may become it.
import { spawnSync } from "node:child_process";
import { suite } from "uvu";
import * as assert from "uvu/assert";

const withoutRoot = suite("e2e/without-root");

function hasUserNamespaces(): boolean {
  const { status, stderr } = spawnSync("unshare", ["-Urn", "true"], { encoding: "utf8" });
  if (status === 0) return true;
  if (process.env.WASMTCP_REQUIRE_PRIVILEGES) throw new Error(`unshare -Urn: ${stderr}`);
  process.stderr.write("SKIPPED: the example without root needs user namespaces\n");
  return false;
}

if (hasUserNamespaces()) {
  withoutRoot("a user gets two namespaces, a veth pair and a transfer", () => {
    const { status, stdout, stderr } = spawnSync("unshare", ["-Urn", "examples/without-root.sh"], {
      encoding: "utf8",
      timeout: 60_000,
    });
    assert.is(status, 0, stdout + stderr);
    assert.match(stdout, /the copy is the same/);
  });
}

withoutRoot.run();

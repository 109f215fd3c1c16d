// A bad link in real time: two stacks in two workers, 16 MiB through loss, reordering, duplicates and corruption, by the command.
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { suite } from "uvu";
import * as assert from "uvu/assert";

const CLI = fileURLToPath(new URL("../../dist/src/cli/main.js", import.meta.url));
const BAD = "loss=5%,reorder=2%,duplicate=1%,corrupt=1%,delay=1ms,seed=11";

const impaired = suite("e2e/impaired");

impaired("16 MiB arrive intact through 5 % loss, reordering, duplicates and corruption", () => {
  const run = spawnSync(process.execPath, [CLI, "demo", "--size", "16MiB", "--emulate", BAD, "--json"], {
    encoding: "utf8",
  });
  assert.is(run.status, 0, run.stderr);
  const report = JSON.parse(run.stdout);
  assert.is(report.bytes, 16 * 1024 * 1024);
  assert.is(report.sha256, report.sourceSha256);
  assert.ok(report.info.totalRetrans > 0, "the link lost packets");
});

impaired.run();

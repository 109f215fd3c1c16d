// The two directions of a wire over sides that the test makes up: what passes, and that a steady flow leaves nothing to the collector.
import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { suite } from "uvu";
import * as assert from "uvu/assert";

const PROGRAM = fileURLToPath(new URL("programs/passages.ts", import.meta.url));
const passage = suite("workers/wire/passage");
const printed = execFileSync(process.execPath, ["--expose-gc", ...process.execArgv, PROGRAM], {
  encoding: "utf8",
  timeout: 60_000,
});
const { frames, headers, plain, impaired } = JSON.parse(printed);

passage("a plain passage makes no garbage for its frames", () => {
  assert.ok(plain.bytes < 8, `${plain.bytes} bytes a frame`);
  assert.is(plain.forwarded, frames);
});

passage("an impaired passage splits, loses, delays and doubles, and makes no garbage for its packets", () => {
  assert.ok(impaired.bytes < 3 * 16, `${impaired.bytes} bytes a super-segment of three packets`);
  const { received, forwarded, lost, duplicated, corrupted, lengths } = impaired;
  assert.is(received, 3 * frames);
  assert.ok(forwarded > 0.9 * received && lost > 0 && duplicated > 0 && corrupted > 0);
  assert.ok(lengths.every((length: number) => length === headers + 1400 || length === headers + 1200));
});

passage.run();

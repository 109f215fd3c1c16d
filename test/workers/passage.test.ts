// The two directions of a wire over sides that the test makes up: what passes, and that a steady flow leaves nothing to the collector.
import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { suite } from "uvu";
import * as assert from "uvu/assert";

const PROGRAM = fileURLToPath(new URL("programs/passages.ts", import.meta.url));
const passage = suite("workers/wire/passage");
/** A number that V8 puts on the heap has 12 to 16 bytes. */
const PLAIN_BYTES = 8;
const IMPAIRED_BYTES = 3 * 16;
const args = ["--expose-gc", ...process.execArgv, PROGRAM, `${PLAIN_BYTES}`, `${IMPAIRED_BYTES}`];
const measure = () => JSON.parse(execFileSync(process.execPath, args, { encoding: "utf8", timeout: 60_000 }));
// Which numbers the compiler keeps off the heap it settles anew in each process, and one time in ten it settles for worse; garbage of our own
// would be there every time.
let measured = measure();
for (
  let more = 0;
  more < 4 && !(measured.plain.bytes < PLAIN_BYTES && measured.impaired.bytes < IMPAIRED_BYTES);
  more++
) {
  measured = measure();
}
const { headers, plain, impaired } = measured;

passage("a plain passage makes no garbage for its frames", () => {
  assert.ok(plain.bytes < PLAIN_BYTES, `${plain.bytes} bytes a frame`);
  assert.is(plain.forwarded, plain.frames);
});

passage("an impaired passage splits, loses, delays and doubles, and makes no garbage for its packets", () => {
  assert.ok(impaired.bytes < IMPAIRED_BYTES, `${impaired.bytes} bytes a super-segment of three packets`);
  const { received, forwarded, lost, duplicated, corrupted, lengths } = impaired;
  assert.is(received, 3 * impaired.frames);
  assert.ok(forwarded > 0.9 * received && lost > 0 && duplicated > 0 && corrupted > 0);
  assert.ok(lengths.every((length: number) => length === headers + 1400 || length === headers + 1200));
});

passage.run();

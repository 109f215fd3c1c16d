// How fast is the Internet checksum, by size and alignment? Looped inside WASM, data in cache.
// Run: tsx bench/micro/checksum.ts [--json]
import { HEAP } from "../../assembly/layout.ts";
import { loadCore } from "./load.ts";
import { type Operation, report } from "./report.ts";

const { exports: core, u8 } = await loadCore("testing");

for (let i = 0; i < 1 << 18; i++) u8[HEAP + i] = (Math.imul(i, 2654435761) >>> 13) & 0xff;

const CASES: [string, number, number][] = [
  ["20 B, an IPv4 header", 0, 20],
  ["32 B, a TCP header with timestamps", 0, 32],
  ["64 B", 0, 64],
  ["256 B", 0, 256],
  ["1460 B, aligned", 0, 1460],
  ["1460 B, 54 bytes into a frame", 54, 1460],
  ["1459 B, at an odd address", 1, 1459],
  ["16 KiB", 0, 16_384],
  ["64 KiB", 0, 65_536],
  ["256 KiB", 0, 262_144],
];

await report(
  "micro/checksum",
  CASES.map(([name, offset, bytes]): Operation => {
    const iterations = Math.ceil(2_000_000 / (bytes + 100));
    return { name, bytes, iterations, run: (n) => core.benchChecksum(HEAP + offset, bytes, n) };
  }),
);

// What does it cost to check and read the headers of a frame, and to build them? Looped inside WASM, headers in cache.
// Run: tsx bench/micro/wire.ts [--json]
import { HEAP } from "../../assembly/layout.ts";
import { loadCore } from "./load.ts";
import { report } from "./report.ts";

const { exports: core, u8, view } = await loadCore("testing");

const ETHERNET = 14;
const IPV4 = 20;
const TCP = 20;
const MACS = HEAP;
const RECORD = HEAP + 256;
const BLOCKS = HEAP + 512;
const BUILT = HEAP + 1024;
const ITERATIONS = 10_000;

u8.set([2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2], MACS);

/** Builds a whole frame without payload at `ptr`, its options written by `emitOptions`, and returns its length. */
function buildFrame(ptr: number, emitOptions: (optionsPtr: number) => number): number {
  const optionsLength = emitOptions(ptr + ETHERNET + IPV4 + TCP);
  const tcpLength = TCP + optionsLength;
  core.wireEthernetEmit(ptr, MACS, MACS + 6, 0x0800);
  core.wireIpv4Emit(ptr + ETHERNET, IPV4 + tcpLength, 0, 1, 0x4000, 64, 6, 0x0a000001, 0x0a000002);
  core.wireTcpEmit(ptr + ETHERNET + IPV4, 40000, 80, 1, 1, tcpLength, 0x10, 65535);
  return ETHERNET + IPV4 + tcpLength;
}

const FRAMES: [string, (optionsPtr: number) => number][] = [
  ["no options", () => 0],
  ["timestamps", (ptr) => core.wireEmitTimestamps(ptr, 1, 2)],
  [
    "timestamps and 3 SACK blocks",
    (ptr) => {
      for (let i = 0; i < 6; i++) view.setUint32(BLOCKS + 4 * i, 1000 * i, true);
      return core.wireEmitTimestamps(ptr, 1, 2) + core.wireEmitSack(ptr + 12, BLOCKS, 3);
    },
  ],
  ["the options of a SYN", (ptr) => core.wireEmitSynOptions(ptr, 1460, 1, 1, 1, 2, 7)],
];

await report("micro/wire", [
  ...FRAMES.map(([name, emitOptions], i) => {
    const ptr = HEAP + 4096 + 256 * i + 2; // IPv4 header on a 16-byte boundary, as a receive ring places it
    const bytes = buildFrame(ptr, emitOptions);
    if (core.benchParseFrame(ptr, bytes, RECORD, 1) === 0) throw new Error(`the frame with ${name} was refused`);
    const run = (n: number) => core.benchParseFrame(ptr, bytes, RECORD, n);
    return { name: `parse Ethernet + IPv4 + TCP, ${name}`, bytes, iterations: ITERATIONS, run };
  }),
  {
    name: "build Ethernet + IPv4 + TCP, timestamps, partial checksum",
    bytes: ETHERNET + IPV4 + TCP + 12,
    iterations: ITERATIONS,
    run: (n) => core.benchBuildFrame(BUILT, MACS, 1448, n),
  },
]);

// Loads a build of the core for a micro-benchmark, on a fresh shared memory.
import { readFileSync } from "node:fs";
import { HEAP, WASM_PAGE } from "../../assembly/layout.ts";

// biome-ignore lint/suspicious/noExplicitAny: what a build exports is only known to the benchmark that calls it
type Exports = Record<string, any>;

export type CoreInstance = { exports: Exports; memory: WebAssembly.Memory; u8: Uint8Array; view: DataView };

const BUILDS = { release: "../../dist/wasmtcp.wasm", testing: "../../build/testing.wasm" } as const;

/**
 * Instantiates the core.
 * @param build `release` is what ships; `testing` has the internals and the `bench...` loops, and asserts on
 * @param heapBytes bytes from HEAP to the end of memory, a power of two
 * @throws Error naming the command to run if the build is missing
 */
export async function loadCore(build: keyof typeof BUILDS, heapBytes = 64 << 20): Promise<CoreInstance> {
  const path = new URL(BUILDS[build], import.meta.url);
  let bytes: Uint8Array<ArrayBuffer>;
  try {
    bytes = new Uint8Array(readFileSync(path));
  } catch (cause) {
    throw new Error(`Cannot read ${path.pathname}: run \`npm run build:wasm\` first`, { cause });
  }
  const pages = (HEAP + heapBytes) / WASM_PAGE;
  const memory = new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true });
  const { instance } = await WebAssembly.instantiate(bytes, { env: { memory } });
  const u8 = new Uint8Array(memory.buffer);
  return { exports: instance.exports as Exports, memory, u8, view: new DataView(memory.buffer) };
}

// Loads build/testing.wasm (assembly/testing.ts, asserts on) on a fresh shared memory. One instance per memory.
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { HEAP, WASM_PAGE } from "../../assembly/layout.ts";

// biome-ignore lint/suspicious/noExplicitAny: what a test module exports is only known to its test
type Exports = Record<string, any>;

export type TestInstance = { exports: Exports; memory: WebAssembly.Memory; u8: Uint8Array; view: DataView };

/** The testing build, or another one that the environment names: `npm run test:mutation` puts a broken core here. */
export const TESTING_WASM =
  process.env.WASMTCP_TESTING_WASM ?? fileURLToPath(new URL("../../build/testing.wasm", import.meta.url));
let compiled: WebAssembly.Module | undefined;

/**
 * Instantiates the testing build.
 * @param heapBytes size of the heap region behind HEAP, a power of two; 64 MiB unless told.
 */
export async function instantiate(heapBytes = 64 << 20): Promise<TestInstance> {
  compiled ??= await WebAssembly.compile(readFileSync(TESTING_WASM));
  const pages = (HEAP + heapBytes) / WASM_PAGE;
  const memory = new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true });
  const instance = await WebAssembly.instantiate(compiled, { env: { memory } });
  const u8 = new Uint8Array(memory.buffer);
  return { exports: instance.exports as Exports, memory, u8, view: new DataView(memory.buffer) };
}

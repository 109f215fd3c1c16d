// The WASM core as the simulator drives it: an instance on a fresh memory.
import type { CoreExports } from "../core-exports.ts";
import { createMemory, type SharedViews } from "../memory.ts";

/** A core on its own memory. */
export interface Core {
  readonly exports: CoreExports;
  readonly views: SharedViews;
}

/**
 * Makes a core: one instance on one fresh memory, not initialised yet.
 * @param module - the compiled release or testing WASM
 * @param heapBytes - a power of two
 */
export function instantiateCore(module: WebAssembly.Module, heapBytes: number): Core {
  const views = createMemory(heapBytes);
  const instance = new WebAssembly.Instance(module, { env: { memory: views.memory } });
  return { exports: instance.exports as unknown as CoreExports, views };
}

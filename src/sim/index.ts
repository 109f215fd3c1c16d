// The simulator (`wasmtcp/sim`): two stacks, a cable and a virtual clock in one thread, replayable from a seed.
import { readFileSync } from "node:fs";

export type { CoreExports } from "../core-exports.ts";
export type { InterfaceEvent } from "../interface-event.ts";
export type { Frame } from "../links/frame.ts";
export type { ImpairmentCounters, Impairments } from "../links/impairment.ts";
export { SimHost, type SimHostOptions, type SimPing, type SimStateChange } from "./host.ts";
export { InvariantError } from "./invariants.ts";
export { type ConnectionRow, recordConnection } from "./recorder.ts";
export { Simulator, type SimulatorOptions } from "./simulator.ts";
export { SimListener, SimSocket } from "./socket.ts";

/**
 * Compiles a core for {@link Simulator}.
 * @param path - of the WASM file: `dist/wasmtcp.wasm`, or a testing build
 */
export function loadCore(path: string | URL): WebAssembly.Module {
  return new WebAssembly.Module(readFileSync(path));
}

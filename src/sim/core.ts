// The WASM core as the simulator drives it: its exports as types, and instantiation on a fresh memory. What each call does is in
// assembly/index.ts.
import { createMemory, type SharedViews } from "../memory.ts";

/** The production exports of the core (assembly/index.ts). Times are µs, addresses u32 in host order. */
export interface CoreExports {
  initialise(): number;
  addInterface(
    address: number,
    prefixLength: number,
    macHigh16: number,
    macLow32: number,
    mtu: number,
    gsoMax: number,
    rxSlots: number,
    flags: number,
  ): number;
  addRoute(destination: number, prefixLength: number, gateway: number, interfaceIndex: number): number;
  setInterfaceUp(index: number, up: boolean): number;
  heapAllocate(bytes: number): number;
  heapFree(ptr: number): number;
  userCalls(nowUs: number): number;
  receive(interfaceIndex: number, count: number, nowUs: number): void;
  runTimers(nowUs: number): void;
  transmit(nowUs: number): number;
  transmitted(interfaceIndex: number): void;
  flushEvents(): number;
  nextDeadline(nowUs: number): number;
  usage(kind: number): number;
}

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

// The exports of the WASM core as types, for those who drive it: the worker and the simulator. What each call does is in
// assembly/index.ts.

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
  setInterfaceUp(index: number, up: boolean, nowUs: number): number;
  setInterfaceMtu(index: number, mtu: number, gsoMax: number): number;
  removeInterface(index: number, nowUs: number): number;
  heapAllocate(bytes: number): number;
  heapFree(ptr: number): number;
  userCalls(nowUs: number): number;
  receive(interfaceIndex: number, count: number, nowUs: number): void;
  runTimers(nowUs: number): void;
  transmit(nowUs: number): number;
  transmitted(interfaceIndex: number): void;
  flushEvents(): number;
  shutdown(nowUs: number): void;
  nextDeadline(nowUs: number): number;
  usage(kind: number): number;
}

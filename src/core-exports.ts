// The exports of the WASM core as types, for those who drive it: the worker and the simulator. What each call does is in
// assembly/index.ts.

/** The production exports of the core (assembly/index.ts). Times are µs, addresses u32 in host order. */
export interface CoreExports {
  /** Once, after CONFIG was written. */
  initialise(): number;
  /** Adds an interface; its number, or a negative E* code. */
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
  /** Adds a route; 0, or a negative E* code. */
  addRoute(destination: number, prefixLength: number, gateway: number, interfaceIndex: number): number;
  /** The link came or went. */
  setInterfaceUp(index: number, up: boolean, nowUs: number): number;
  /** The link has another MTU now. */
  setInterfaceMtu(index: number, mtu: number, gsoMax: number): number;
  /** The first shard's claim of the address, in another shard. */
  setInterfaceClaim(index: number, claim: number, nowUs: number): number;
  /** The link is gone for good. */
  removeInterface(index: number, nowUs: number): number;
  /** A block of the heap for as long as the core lives, 0: none left. */
  heapAllocate(bytes: number): number;
  /** Takes operations from the op ring. */
  userCalls(nowUs: number): number;
  /** Takes received frames from the descriptors. */
  receive(interfaceIndex: number, count: number, nowUs: number): void;
  /** Does what is due. */
  runTimers(nowUs: number): void;
  /** Builds frames for the TX rings. */
  transmit(nowUs: number): number;
  /** The link has taken frames from its TX ring. */
  transmitted(interfaceIndex: number): void;
  /** Publishes events in the event ring. */
  flushEvents(): number;
  /** Resets all connections. */
  shutdown(nowUs: number): void;
  /** When `runTimers` is due next, µs. */
  nextDeadline(nowUs: number): number;
  /** One figure of what is in use, a USAGE_ code. */
  usage(kind: number): number;
}

// The counters of a stack by name, read from shared memory. The names are those of assembly/counters.ts, in lower camel case.
import * as counters from "../assembly/counters.ts";
import * as layout from "../assembly/layout.ts";
import type { SharedViews } from "./memory.ts";
import { stateName, type TcpState } from "./states.ts";

/** How the link of an interface is. */
export type LinkState = "up" | "down" | "gone";

/** How one interface is, and its counts since the stack started. */
export interface InterfaceStats {
  /** As given to `createStack`. */
  name: string;
  /** `down`: switched off or without carrier; `gone`: deleted, or moved to another network namespace. */
  state: LinkState;
  /** Bytes of an IP packet. */
  mtu: number;
  /** How often the link went up or down. */
  carrierChanges: number;
  /** Frames received, super-segments counted once. */
  rxFrames: number;
  /** Their bytes. */
  rxBytes: number;
  /** Frames sent, super-segments counted once. */
  txFrames: number;
  /** Their bytes. */
  txBytes: number;
  /** Frames the core refused; each is also under a counter that says why. */
  rxDropped: number;
  /** How often the link, or the queue of the kernel below it, took no more (back-pressure, nothing lost). */
  txQueueFull: number;
  /** Frames lost in front of us: our ring was full. */
  linkDrops: number;
  /** Frames that could not be sent, other than by back-pressure. */
  linkErrors: number;
}

/** Everything a stack counts. */
export interface Stats {
  /** By name, such as `tcpRetransSegs` or `ipInCsumErrors`; never negative, never reset. */
  counters: Record<string, number>;
  /** How often a connection entered each state. */
  statesEntered: Record<TcpState, number>;
  /** The stack's interfaces, loopback (`lo`) first. */
  interfaces: InterfaceStats[];
}

const PREFIX = "COUNTER_";

const COUNTERS: readonly (readonly [name: string, index: number])[] = Object.entries(counters)
  .filter(([name]) => name.startsWith(PREFIX) && name !== "COUNTER_COUNT" && name !== "COUNTER_TCP_STATE")
  .map(([name, index]) => [camelCase(name.slice(PREFIX.length)), index]);

/** @param names - of the interfaces, in the order of their numbers */
export function readStats(views: SharedViews, names: readonly string[]): Stats {
  const counter = (index: number): number => Number(views.u64[(layout.COUNTERS >>> 3) + index]!);
  const states = Array.from({ length: layout.STATE_COUNT }, (_, state) => [
    stateName(state),
    counter(counters.COUNTER_TCP_STATE + state),
  ]);
  return {
    counters: Object.fromEntries(COUNTERS.map(([name, index]) => [name, counter(index)])),
    statesEntered: Object.fromEntries(states) as Record<TcpState, number>,
    interfaces: names.map((name, index) => readInterface(views, name, index)),
  };
}

function readInterface(views: SharedViews, name: string, index: number): InterfaceStats {
  const record = layout.INTERFACES + index * layout.INTERFACE_BYTES;
  const u32 = (field: number): number => views.u32[(record + field) >>> 2]!;
  const flags = u32(layout.INTERFACE_FLAGS);
  const u64 = (field: number): number => Number(views.u64[(record + field) >>> 3]!);
  return {
    name,
    state: (flags & layout.IF_GONE) !== 0 ? "gone" : (flags & layout.IF_UP) !== 0 ? "up" : "down",
    mtu: u32(layout.INTERFACE_MTU),
    carrierChanges: u64(layout.INTERFACE_CARRIER_CHANGES),
    rxFrames: u64(layout.INTERFACE_RX_FRAMES),
    rxBytes: u64(layout.INTERFACE_RX_BYTES),
    txFrames: u64(layout.INTERFACE_TX_FRAMES),
    txBytes: u64(layout.INTERFACE_TX_BYTES),
    rxDropped: u64(layout.INTERFACE_RX_DROPPED),
    txQueueFull: u64(layout.INTERFACE_TX_QUEUE_FULL),
    linkDrops: u64(layout.INTERFACE_LINK_DROPS),
    linkErrors: u64(layout.INTERFACE_LINK_ERRORS),
  };
}

function camelCase(name: string): string {
  return name.toLowerCase().replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
}

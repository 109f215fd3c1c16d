// The events of a stack: their shapes, and what the core's news of interfaces become.
import {
  INTERFACE_EVENT_CONFLICT,
  INTERFACE_EVENT_DOWN,
  INTERFACE_EVENT_GONE,
  INTERFACE_EVENT_MTU,
  INTERFACE_EVENT_NEIGHBOR_FAILED,
  INTERFACE_EVENT_UP,
} from "../assembly/layout.ts";
import { formatIpv4 } from "./address.ts";
import type { Address } from "./connection.ts";
import type { InterfaceEvent } from "./interface-event.ts";
import type { TcpState } from "./states.ts";
import type { LinkState } from "./stats.ts";

/** A change of a connection's state. */
export interface StateEvent {
  /** Our end. */
  localAddr: Address;
  /** The peer's end. */
  remoteAddr: Address;
  /** The state before. */
  from: TcpState;
  /** The state now. */
  to: TcpState;
  /** ms since 1970, with a fraction. */
  timeMs: number;
}

/** Another host uses an address of ours (RFC 5227). */
export interface ConflictEvent {
  /** Name of the interface. */
  interface: string;
  /** The address that both use. */
  address: string;
}

/** The link of an interface went up or down, or the interface is gone. */
export interface LinkEvent {
  /** Name of the interface. */
  interface: string;
  /**
   * `down`: switched off, without carrier, or (memory links) with nobody at the other end: connections stay and go on when it is `up`
   * again. `gone`: deleted, or moved to another network namespace: its connections and listeners end with `ENODEV`.
   */
  state: LinkState;
  /** Bytes of an IP packet. */
  mtu: number;
}

/** An interface has another MTU from now on; its connections cut their segments to fit. */
export interface MtuEvent {
  /** Name of the interface. */
  interface: string;
  /** Bytes of an IP packet. */
  mtu: number;
}

/** A host of the link that had answered does not answer ARP any more. */
export interface NeighborEvent {
  /** Name of the interface. */
  interface: string;
  /** Who: the other end, or the gateway to it. */
  address: string;
  /** Linux's name for it (`ip neigh`). */
  state: "failed";
}

/** The events of a stack. */
export interface StackEvents {
  /** A connection or listener changed its state. */
  state: StateEvent;
  /** A link came, went, or is gone for good. */
  link: LinkEvent;
  /** A link has another MTU. */
  mtu: MtuEvent;
  /** A next hop does not answer ARP any more. */
  neighbor: NeighborEvent;
  /** Another host uses an address of ours. */
  conflict: ConflictEvent;
}

type News = ["link", LinkEvent] | ["mtu", MtuEvent] | ["neighbor", NeighborEvent] | ["conflict", ConflictEvent];

/**
 * What to tell of an interface.
 * @param name - of the interface
 * @returns undefined for a code that this does not know
 */
export function interfaceNews(name: string, { code, mtu, address }: InterfaceEvent): News | undefined {
  switch (code) {
    case INTERFACE_EVENT_UP:
      return ["link", { interface: name, state: "up", mtu }];
    case INTERFACE_EVENT_DOWN:
      return ["link", { interface: name, state: "down", mtu }];
    case INTERFACE_EVENT_GONE:
      return ["link", { interface: name, state: "gone", mtu }];
    case INTERFACE_EVENT_MTU:
      return ["mtu", { interface: name, mtu }];
    case INTERFACE_EVENT_NEIGHBOR_FAILED:
      return ["neighbor", { interface: name, address: formatIpv4(address), state: "failed" }];
    case INTERFACE_EVENT_CONFLICT:
      return ["conflict", { interface: name, address: formatIpv4(address) }];
    default:
      return undefined;
  }
}

// The core's news of an interface (EVENT_INTERFACE), read out of its slot of the event ring: for all who tell of it.
import { EVENT_REMOTE_ADDRESS, EVENT_TOKEN, EVENT_VALUE, EVENT_VALUE2 } from "../assembly/layout.ts";
import { readAddress } from "./address.ts";
import type { SharedViews } from "./memory.ts";

/** What the core told of an interface. */
export interface InterfaceEvent {
  /** Number of the interface. */
  index: number;
  /** INTERFACE_EVENT_ code. */
  code: number;
  /** Bytes of IP packet. */
  mtu: number;
  /** Ours, or a neighbour's; u32, host order. */
  address: number;
}

/** @param slot - address of an EVENT_INTERFACE */
export function readInterfaceEvent({ u8, u32 }: SharedViews, slot: number): InterfaceEvent {
  return {
    index: u32[(slot + EVENT_VALUE) >>> 2]!,
    code: u32[(slot + EVENT_VALUE2) >>> 2]!,
    mtu: u32[(slot + EVENT_TOKEN) >>> 2]!,
    address: readAddress(u8, slot + EVENT_REMOTE_ADDRESS),
  };
}

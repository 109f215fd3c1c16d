// The core's events in words, for whoever shows them: captures and NODE_DEBUG.
import {
  INTERFACE_EVENT_CONFLICT,
  INTERFACE_EVENT_DOWN,
  INTERFACE_EVENT_GONE,
  INTERFACE_EVENT_MTU,
  INTERFACE_EVENT_NEIGHBOR_FAILED,
  INTERFACE_EVENT_UP,
} from "../assembly/layout.ts";
import { formatIpv4 } from "./address.ts";
import type { InterfaceEvent } from "./interface-event.ts";
import { stateName } from "./states.ts";

/** A change of a connection's state. @param value - EVENT_VALUE of an EVENT_STATE */
export function stateChangeText(value: number): string {
  return `${stateName(value & 255)} -> ${stateName((value >>> 8) & 255)}`;
}

/** What happened to an interface. @param name - of the interface */
export function interfaceEventText(name: string, { code, mtu, address }: InterfaceEvent): string {
  switch (code) {
    case INTERFACE_EVENT_CONFLICT:
      return `${name}: another host uses our address`;
    case INTERFACE_EVENT_UP:
      return `${name}: link up`;
    case INTERFACE_EVENT_DOWN:
      return `${name}: link down`;
    case INTERFACE_EVENT_GONE:
      return `${name}: gone`;
    case INTERFACE_EVENT_MTU:
      return `${name}: MTU ${mtu}`;
    case INTERFACE_EVENT_NEIGHBOR_FAILED:
      return `${name}: neighbour ${formatIpv4(address)} does not answer`;
    default:
      return `${name}: event ${code}`;
  }
}

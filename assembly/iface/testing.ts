// What the unit tests call: routes, waiting lists and the neighbour records as plain functions. Frames are tested through the
// production exports.
import { mappedAddress, mappedLow } from "./address";
import { Neighbor, neighborFind } from "./neighbor";
import { routeInterface, routeLookup, routeNextHopLow } from "./route";
import { waitAny, waitFor, waitNoMore, waitTakeFirst } from "./wait-lists";

export { waitAny, waitFor, waitNoMore, waitTakeFirst };

/** Interface of the route to an IPv4 address, or -1. */
export function routeTo(address: u32): i32 {
  return routeLookup(0, mappedLow(address)) ? routeInterface : -1;
}

/** Next hop of the route that routeTo() found, host order. */
export function routeNextHop(): u32 {
  return mappedAddress(routeNextHopLow);
}

/** NEIGHBOR_ state of an IPv4 address on an interface, 0 if there is no record. */
export function neighborState(interfaceIndex: u32, address: u32): u32 {
  const index = neighborFind(interfaceIndex, 0, mappedLow(address));
  return index === 0xffffffff ? 0 : Neighbor.at(index).state;
}

/** The MAC address in the record of a neighbour that exists, as a number. */
export function neighborMac(interfaceIndex: u32, address: u32): u64 {
  const ptr = Neighbor.at(neighborFind(interfaceIndex, 0, mappedLow(address))).macPtr;
  return bswap<u64>(load<u64>(ptr)) >> 16;
}

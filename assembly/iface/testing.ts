// What the unit tests call: routes and waiting lists as plain functions. Frames are tested through the
// production exports.
import { mappedAddress, mappedLow } from "./address";
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

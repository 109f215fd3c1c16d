// The route table: longest matching prefix wins, of equal ones the first (RFC 1122 3.3.1). Our own addresses always go to the
// loopback, the subnet of each interface to that interface; both need no entry. No forwarding: routes are for what we send.
// Records (ROUTE_BYTES) are 16-byte addresses; the prefix length counts all 128 bits.
import { EINVAL, ENOBUFS, ROUTE_BYTES, ROUTE_CAPACITY, ROUTES } from "../layout";
import { isMapped, MAPPED_PREFIX_BITS, mappedAddress, mappedLow } from "./address";
import { Interface, interfacesCount, isOwnAddress } from "./interfaces";

@unmanaged
@final
class Route {
  destinationHigh: u64;
  destinationLow: u64;
  gatewayHigh: u64; // all zero: the destination is on the link
  gatewayLow: u64;
  prefixLength: u32; // 0..128
  interfaceIndex: u32;

  static at(index: u32): Route {
    return changetype<Route>(<usize>ROUTES + <usize>index * <usize>ROUTE_BYTES);
  }

  matches(high: u64, low: u64): bool {
    const length = this.prefixLength;
    if (length === 0) return true;
    if (length <= 64) return bswap<u64>(high ^ this.destinationHigh) >> (64 - length) === 0;
    return high === this.destinationHigh && bswap<u64>(low ^ this.destinationLow) >> (128 - length) === 0;
  }
}

if (<i32>offsetof<Route>() > ROUTE_BYTES) ERROR("a Route does not fit ROUTE_BYTES");

let routeCount: u32 = 0;

/** Result of routeLookup: the interface to send on. */
export let routeInterface: u32 = 0;
/** Result of routeLookup: whom to send to, the gateway or the destination itself. */
export let routeNextHopHigh: u64 = 0;
/** Result of routeLookup: see routeNextHopHigh. */
export let routeNextHopLow: u64 = 0;

/** Makes the table empty. */
export function routesInitialise(): void {
  memory.fill(ROUTES, 0, ROUTE_CAPACITY * ROUTE_BYTES);
  routeCount = 0;
}

/**
 * Adds an IPv4 route.
 * @param destination host order; bits beyond the prefix must be 0
 * @param prefixLength 0..32; 0 = default route
 * @param gateway host order, on the link of the interface; 0 = the destination itself is on the link
 * @param interfaceIndex not the loopback
 * @returns 0, -EINVAL, or -ENOBUFS when the table is full
 */
export function routeAdd(destination: u32, prefixLength: u32, gateway: u32, interfaceIndex: u32): i32 {
  if (interfaceIndex === 0 || interfaceIndex >= interfacesCount() || prefixLength > 32) return -EINVAL;
  const hostBits: u32 = prefixLength === 0 ? 0xffffffff : <u32>(((<u64>1) << (32 - prefixLength)) - 1);
  if ((destination & hostBits) !== 0) return -EINVAL;
  if (gateway !== 0 && (!Interface.at(interfaceIndex).isOnLink(gateway) || isOwnAddress(gateway))) return -EINVAL;
  if (routeCount === ROUTE_CAPACITY) return -ENOBUFS;
  const route = Route.at(routeCount);
  route.destinationHigh = 0;
  route.destinationLow = mappedLow(destination);
  route.gatewayHigh = 0;
  route.gatewayLow = gateway === 0 ? 0 : mappedLow(gateway);
  route.prefixLength = prefixLength + MAPPED_PREFIX_BITS;
  route.interfaceIndex = interfaceIndex;
  routeCount += 1;
  return 0;
}

/**
 * Finds the way to a destination and leaves it in routeInterface, routeNextHopHigh and routeNextHopLow. Interfaces that are gone count only
 * if no other leads there: see Interface.isUp.
 * @returns false if there is none
 */
export function routeLookup(high: u64, low: u64): bool {
  return search(high, low, false) || search(high, low, true);
}

// isGone: over an interface that is gone, so that it can be said what is missing
function search(high: u64, low: u64, isGone: bool): bool {
  routeNextHopHigh = high;
  routeNextHopLow = low;
  routeInterface = 0;
  const isIpv4 = isMapped(high, low);
  const address = isIpv4 ? mappedAddress(low) : 0;
  if (isIpv4 && isOwnAddress(address)) return true;
  let best: i32 = -1; // prefix length of the best so far
  for (let i: u32 = 1; isIpv4 && i < interfacesCount(); i++) {
    const candidate = Interface.at(i);
    const length = <i32>(candidate.prefixLength + MAPPED_PREFIX_BITS);
    if (length > best && candidate.isGone === isGone && candidate.isOnLink(address)) {
      best = length;
      routeInterface = i;
    }
  }
  for (let i: u32 = 0; i < routeCount; i++) {
    const route = Route.at(i);
    if (<i32>route.prefixLength <= best || !route.matches(high, low)) continue;
    if (Interface.at(route.interfaceIndex).isGone !== isGone) continue;
    best = <i32>route.prefixLength;
    routeInterface = route.interfaceIndex;
    const direct = (route.gatewayHigh | route.gatewayLow) === 0;
    routeNextHopHigh = direct ? high : route.gatewayHigh;
    routeNextHopLow = direct ? low : route.gatewayLow;
  }
  return best >= 0;
}

// What the link of an interface can hold and take, from its record. tcp never imports iface, so it reads the map.
import { INTERFACE_BYTES, INTERFACE_GSO_MAX, INTERFACE_MTU, INTERFACE_RX_SLOTS, INTERFACES } from "../layout";

function recordOf(interfaceIndex: u32): usize {
  return <usize>INTERFACES + <usize>interfaceIndex * <usize>INTERFACE_BYTES;
}

/** Bytes of the largest IP packet on the wire. */
export function linkMtu(interfaceIndex: u32): u32 {
  return load<u32>(recordOf(interfaceIndex), INTERFACE_MTU);
}

/** Bytes of the largest IP packet the link takes as a super-segment; 0 = none. */
export function linkGsoMax(interfaceIndex: u32): u32 {
  return load<u32>(recordOf(interfaceIndex), INTERFACE_GSO_MAX);
}

/** Frames the link can hold for us before it drops; 0 = it does not say. */
export function linkReceiveSlots(interfaceIndex: u32): u32 {
  return load<u32>(recordOf(interfaceIndex), INTERFACE_RX_SLOTS);
}

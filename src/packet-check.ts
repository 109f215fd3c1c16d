// What must be true of a network interface before a stack may use it, and what to do when it is not. Asks the kernel through the
// addon; changes nothing.
import { networkInterfaces } from "node:os";
import { EADDRINUSE, ENETDOWN } from "../assembly/layout.ts";
import { formatIpv4 } from "./address.ts";
import { ownerOf } from "./address-owner.ts";
import { NetstackError, netstackError } from "./errors.ts";
import { MOST_MTU } from "./links/mtu-range.ts";
import { loadAddon } from "./native.ts";
import type { ResolvedInterface } from "./options.ts";

/**
 * Checks the interface under a packet link.
 * @returns its MTU, bytes of IP packet
 * @throws AddonError when the addon is missing; {@link NetstackError} `ENODEV`, `ENETDOWN`, `EOPNOTSUPP`, `EADDRINUSE`
 */
export function checkPacketInterface(name: string, own: ResolvedInterface): number {
  const info = loadAddon().interfaceInfo(name);
  if (info === null) {
    const names = Object.keys(networkInterfaces()).join(", ");
    const message = `open ENODEV ${name}: this network namespace has no such interface; it has ${names || "none that is up"}`;
    throw new NetstackError("ENODEV", message, { syscall: "open" }, -19);
  }
  if (!info.ethernet) {
    const message = `open EOPNOTSUPP ${name}: the interface is not Ethernet and cannot carry ours`;
    throw new NetstackError("EOPNOTSUPP", message, { syscall: "open" }, -95);
  }
  if (!info.up) {
    throw netstackError(ENETDOWN, { syscall: "open" }, `interface ${name} is down. Cure: ip link set ${name} up`);
  }
  checkAddress(name, own, info.addresses);
  // The loopback has one byte more than an IPv4 packet can have.
  return Math.min(info.mtu, MOST_MTU);
}

function checkAddress(
  name: string,
  own: ResolvedInterface,
  addresses: { address: string; prefixLength: number }[],
): void {
  const address = formatIpv4(own.address);
  const here = addresses.find((one) => one.address === address);
  // The list of all has none of an interface that is down.
  const device = here === undefined ? ownerOf(address, networkInterfaces()) : name;
  if (device === undefined) return;
  const prefixLength = here?.prefixLength ?? own.prefixLength;
  const detail =
    `the kernel owns this address on ${device} and would answer its segments with resets. ` +
    `Cure: give the stack another address of the network, or take this one from the kernel: ` +
    `ip addr del ${address}/${prefixLength} dev ${device}`;
  throw netstackError(EADDRINUSE, { syscall: "open", address }, detail);
}

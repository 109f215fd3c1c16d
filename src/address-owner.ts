// Which device of this network namespace the kernel has an address on. Of devices that are down Node's list says nothing.
import type { NetworkInterfaceInfo } from "node:os";

/**
 * The device that owns an address, if any does.
 * @param interfaces - as `os.networkInterfaces()` has them
 */
export function ownerOf(
  address: string,
  interfaces: NodeJS.Dict<Pick<NetworkInterfaceInfo, "address">[]>,
): string | undefined {
  return Object.keys(interfaces).find((device) => interfaces[device]?.some((one) => one.address === address));
}

// The descriptor of a real network interface (AF_PACKET). Nothing is opened here.
import { invalidType, invalidValue } from "../errors.ts";
import type { PacketLink } from "./link.ts";

/** Linux's IFNAMSIZ, less the zero byte. */
const MAX_NAME_BYTES = 15;

/**
 * A network interface of the host, driven through AF_PACKET. Needs Linux, CAP_NET_RAW, and an IP address that the kernel of the
 * namespace does not own itself; `createStack` says which of them is missing.
 * @param options.interface - name, such as `eth0`
 * @throws TypeError (`ERR_INVALID_ARG_TYPE`, `ERR_INVALID_ARG_VALUE`)
 */
export function packetLink(options: { interface: string }): PacketLink {
  if (typeof options !== "object" || options === null) throw invalidType("options", "an object", options);
  const name: unknown = options.interface;
  if (typeof name !== "string") throw invalidType("interface", "the name of a network interface", name);
  if (name.length === 0 || Buffer.byteLength(name) > MAX_NAME_BYTES || /[\s/]/.test(name)) {
    throw invalidValue("interface", `a name of 1..${MAX_NAME_BYTES} bytes without spaces or slashes`, name);
  }
  return { kind: "packet", interface: name };
}

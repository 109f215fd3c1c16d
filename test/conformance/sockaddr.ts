// Linux `sockaddr` bytes to and from the endpoints of the stack. The wire is IPv4; a socket may be IPv6 with IPv4-mapped addresses
// (RFC 4291 2.5.5.2).
import type { Endpoint } from "../../src/op-queue.ts";
import { EADDRNOTAVAIL, EAFNOSUPPORT, EINVAL } from "./errno.ts";

export const AF_UNSPEC = 0;
export const AF_INET = 2;
export const AF_INET6 = 10;

const IN_BYTES = 16;
const IN6_BYTES = 28;

/** The family of an address; `AF_UNSPEC` for one that is too short to have any. */
export function familyOf(bytes: Buffer): number {
  return bytes.length < 2 ? AF_UNSPEC : bytes.readUInt16LE(0);
}

/**
 * Reads an address.
 * @param family - of the socket
 * @returns the endpoint, or a Linux errno
 */
export function readSockaddr(bytes: Buffer, family: number): Endpoint | number {
  if (bytes.length < (family === AF_INET ? IN_BYTES : 24)) return EINVAL;
  if (familyOf(bytes) !== family) return EAFNOSUPPORT;
  const port = bytes.readUInt16BE(2);
  if (family === AF_INET) return { address: bytes.readUInt32BE(4), port };
  const isAny = bytes.subarray(8, 24).every((byte) => byte === 0);
  if (isAny) return { address: 0, port };
  const isMapped = bytes.subarray(8, 18).every((byte) => byte === 0) && bytes.readUInt16BE(18) === 0xffff;
  return isMapped ? { address: bytes.readUInt32BE(20), port } : EADDRNOTAVAIL;
}

/** Writes an address for a socket of `family`. */
export function writeSockaddr(family: number, endpoint: Endpoint): Buffer {
  const bytes = Buffer.alloc(family === AF_INET ? IN_BYTES : IN6_BYTES);
  bytes.writeUInt16LE(family, 0);
  bytes.writeUInt16BE(endpoint.port, 2);
  if (family === AF_INET) {
    bytes.writeUInt32BE(endpoint.address, 4);
  } else {
    bytes.writeUInt16BE(0xffff, 18);
    bytes.writeUInt32BE(endpoint.address, 20);
  }
  return bytes;
}

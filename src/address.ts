// Addresses as text and as numbers: IPv4, CIDR, MAC, and the 16-byte form that the shared memory holds (IPv4-mapped IPv6,
// RFC 4291 2.5.5.2). Pure.
import { invalidType, invalidValue } from "./errors.ts";

/** An IPv4 network: address with its host bits, prefix length 0..32. */
export interface Cidr {
  /** u32, host order. */
  address: number;
  prefixLength: number;
}

const OCTET = "(25[0-5]|2[0-4]\\d|1\\d\\d|[1-9]?\\d)";
const IPV4 = new RegExp(`^${OCTET}\\.${OCTET}\\.${OCTET}\\.${OCTET}$`);
const MAC = /^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/i;

/** 127.0.0.1, the stack's own loopback. */
export const LOOPBACK_ADDRESS = 0x7f000001;

/**
 * Reads a dotted quad of decimal numbers without leading zeros.
 * @returns u32 in host order, or undefined if the text is something else
 */
export function parseIpv4(text: string): number | undefined {
  const match = IPV4.exec(text);
  if (match === null) return undefined;
  return ((+match[1]! << 24) | (+match[2]! << 16) | (+match[3]! << 8) | +match[4]!) >>> 0;
}

/** The dotted quad of a u32 in host order. */
export function formatIpv4(address: number): string {
  return `${address >>> 24}.${(address >>> 16) & 255}.${(address >>> 8) & 255}.${address & 255}`;
}

/**
 * Reads `a.b.c.d/length`; without a length it is 32.
 * @param name - of the option, for the message
 * @throws TypeError (`ERR_INVALID_ARG_TYPE`, `ERR_INVALID_ARG_VALUE`)
 */
export function parseCidr(name: string, text: unknown): Cidr {
  const wanted = "an IPv4 address with prefix length, such as 10.0.0.1/24";
  if (typeof text !== "string") throw invalidType(name, wanted, text);
  const [addressText, lengthText = "32", ...rest] = text.split("/");
  const address = parseIpv4(addressText!);
  const prefixLength = /^\d{1,2}$/.test(lengthText) ? Number(lengthText) : 33;
  if (address === undefined || prefixLength > 32 || rest.length > 0) throw invalidValue(name, wanted, text);
  return { address, prefixLength };
}

/** The network mask of a prefix length 0..32, u32. */
export function networkMask(prefixLength: number): number {
  return prefixLength === 0 ? 0 : (0xffffffff << (32 - prefixLength)) >>> 0;
}

/** Whether `address` lies in the network of `cidr`. */
export function inNetwork(address: number, cidr: Cidr): boolean {
  return ((address ^ cidr.address) & networkMask(cidr.prefixLength)) === 0;
}

/**
 * Reads a unicast MAC address such as `02:00:5e:10:00:01`.
 * @throws TypeError (`ERR_INVALID_ARG_TYPE`, `ERR_INVALID_ARG_VALUE`)
 * @returns 6 bytes
 */
export function parseMac(name: string, text: unknown): Uint8Array {
  const wanted = "a unicast MAC address, such as 02:00:5e:10:00:01";
  if (typeof text !== "string") throw invalidType(name, wanted, text);
  if (!MAC.test(text)) throw invalidValue(name, wanted, text);
  const bytes = Uint8Array.from(text.split(":"), (octet) => Number.parseInt(octet, 16));
  if ((bytes[0]! & 1) !== 0 || bytes.every((byte) => byte === 0)) throw invalidValue(name, wanted, text);
  return bytes;
}

/**
 * The MAC address of an interface that was given none: locally administered, with the IPv4 address in its last four bytes, so that
 * two stacks on one network differ and one stack keeps it over restarts.
 * @param address - u32, host order
 */
export function defaultMac(address: number): Uint8Array {
  return Uint8Array.of(0x02, 0x77, address >>> 24, (address >>> 16) & 255, (address >>> 8) & 255, address & 255);
}

/** Writes an IPv4 address in its 16-byte form. 0 is written as all zeros, which stands for "any". */
export function writeAddress(bytes: Uint8Array, at: number, address: number): void {
  bytes.fill(0, at, at + 16);
  if (address === 0) return;
  bytes[at + 10] = 0xff;
  bytes[at + 11] = 0xff;
  bytes[at + 12] = address >>> 24;
  bytes[at + 13] = address >>> 16;
  bytes[at + 14] = address >>> 8;
  bytes[at + 15] = address;
}

/** The u32 of an IPv4 address in its 16-byte form; all zeros is 0. */
export function readAddress(bytes: Uint8Array, at: number): number {
  return ((bytes[at + 12]! << 24) | (bytes[at + 13]! << 16) | (bytes[at + 14]! << 8) | bytes[at + 15]!) >>> 0;
}

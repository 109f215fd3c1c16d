// Where the fields of an IPv4 or IPv6 packet lie in an Ethernet frame, VLAN tags included (RFC 894, RFC 791 3.1, RFC 8200 3, RFC 9293 3.1),
// for links that must look inside as a network card with offloads does. Offsets and checks only; no protocol decisions.

export const ETHERNET_HEADER_BYTES = 14;
const ETHERTYPE = 12; // u16
const ETHERTYPE_IPV4 = 0x0800;
const ETHERTYPE_IPV6 = 0x86dd;
const ETHERTYPE_VLAN = 0x8100; // IEEE 802.1Q
const ETHERTYPE_PROVIDER_VLAN = 0x88a8; // IEEE 802.1ad
const VLAN_TAG_BYTES = 4;
/** A provider's tag and a customer's. */
const VLAN_TAGS_MAX = 2;

export const IPV4_TOTAL_LENGTH = 2; // u16
export const IPV4_ID = 4; // u16
const IPV4_FRAGMENT = 6; // u16, flags and offset
export const IPV4_PROTOCOL = 9; // u8
export const IPV4_CHECKSUM = 10; // u16
export const IPV4_ADDRESSES = 12; // source and destination, 8 bytes
const IPV4_HEADER_BYTES = 20; // without options

export const IPV6_PAYLOAD_LENGTH = 4; // u16
const IPV6_NEXT_HEADER = 6; // u8
export const IPV6_ADDRESSES = 8; // source and destination, 32 bytes
export const IPV6_HEADER_BYTES = 40;
const IPV6_HOP_BY_HOP = 0;
const IPV6_DESTINATION_OPTIONS = 60;
/** Hop-by-hop options, and destination options before and after a header that we do not know. */
const IPV6_OPTION_HEADERS_MAX = 3;

export const PROTOCOL_ICMP = 1;
export const PROTOCOL_TCP = 6;
export const PROTOCOL_UDP = 17;
export const PROTOCOL_ICMPV6 = 58;

export const TCP_SEQ = 4; // u32
export const TCP_DATA_OFFSET = 12; // u8, high half: header length in 32-bit words
export const TCP_FLAGS = 13; // u8
export const TCP_CHECKSUM = 16; // u16
export const TCP_HEADER_BYTES = 20; // without options

export const UDP_LENGTH = 4; // u16
export const UDP_CHECKSUM = 6; // u16
export const UDP_HEADER_BYTES = 8;

const MORE_FRAGMENTS_AND_OFFSET = 0x3fff;

/** Where a packet lies in its frame; offsets are of the buffer. Made once and filled in by {@link locatePacket}. */
export class PacketPlace {
  /** 4 or 6. */
  version = 4;
  /** Of the IP header. */
  ip = 0;
  /** IPv4's protocol, or the IPv6 next header that is no option header. */
  protocol = 0;
  /** Of the transport header. */
  transport = 0;
  /** After the packet's last byte; Ethernet padding starts there. */
  end = 0;
}

/** Reads a big-endian u16; the caller has checked that it lies inside. */
export function read16(bytes: Uint8Array, at: number): number {
  return (bytes[at]! << 8) | bytes[at + 1]!;
}

/** Reads a big-endian u32; the caller has checked that it lies inside. */
export function read32(bytes: Uint8Array, at: number): number {
  return ((bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!) >>> 0;
}

/** Writes the low 16 bits of `value`, big-endian. */
export function write16(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >>> 8;
  bytes[at + 1] = value;
}

/** Writes `value` modulo 2^32, big-endian. */
export function write32(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >>> 24;
  bytes[at + 1] = value >>> 16;
  bytes[at + 2] = value >>> 8;
  bytes[at + 3] = value;
}

/**
 * The IP version of a frame, by its ethertype behind at most two VLAN tags, and where its header begins.
 * @param start - offset of the Ethernet header in `bytes`
 * @param end - offset after the frame's last byte
 * @param place - gets `version` and `ip`
 * @returns false when it carries no whole IP header (options aside)
 */
export function locateHeader(bytes: Uint8Array, start: number, end: number, place: PacketPlace): boolean {
  let type = start + ETHERTYPE;
  for (let tags = 0; tags < VLAN_TAGS_MAX && type + 2 <= end; tags++, type += VLAN_TAG_BYTES) {
    const value = read16(bytes, type);
    if (value !== ETHERTYPE_VLAN && value !== ETHERTYPE_PROVIDER_VLAN) break;
  }
  const ip = type + 2;
  if (end - ip < IPV4_HEADER_BYTES) return false;
  const etherType = read16(bytes, type);
  const version = bytes[ip]! >>> 4;
  place.version = version;
  place.ip = ip;
  if (version === 4) return etherType === ETHERTYPE_IPV4;
  return version === 6 && etherType === ETHERTYPE_IPV6 && end - ip >= IPV6_HEADER_BYTES;
}

/**
 * Finds the headers of a frame that carries one whole IP packet.
 * @param start - offset of the Ethernet header in `bytes`
 * @param end - offset after the frame's last byte
 * @returns false: not IP, a bad length, a fragment (whose transport segment lies in several frames), or an IPv6 header in between that
 * changes what the transport checksum covers (routing, AH, ...)
 * @see RFC 791 3.1, RFC 8200 3, 4
 */
export function locatePacket(bytes: Uint8Array, start: number, end: number, place: PacketPlace): boolean {
  if (!locateHeader(bytes, start, end, place)) return false;
  return place.version === 4 ? locateIpv4(bytes, end, place) : locateIpv6(bytes, end, place);
}

function locateIpv4(bytes: Uint8Array, end: number, place: PacketPlace): boolean {
  const { ip } = place;
  const headerBytes = (bytes[ip]! & 15) * 4;
  const totalLength = read16(bytes, ip + IPV4_TOTAL_LENGTH);
  if (headerBytes < IPV4_HEADER_BYTES || totalLength < headerBytes || totalLength > end - ip) return false;
  if ((read16(bytes, ip + IPV4_FRAGMENT) & MORE_FRAGMENTS_AND_OFFSET) !== 0) return false;
  place.protocol = bytes[ip + IPV4_PROTOCOL]!;
  place.transport = ip + headerBytes;
  place.end = ip + totalLength;
  return true;
}

function locateIpv6(bytes: Uint8Array, end: number, place: PacketPlace): boolean {
  const { ip } = place;
  const last = ip + IPV6_HEADER_BYTES + read16(bytes, ip + IPV6_PAYLOAD_LENGTH);
  if (last > end) return false;
  let next = bytes[ip + IPV6_NEXT_HEADER]!;
  let at = ip + IPV6_HEADER_BYTES;
  for (let headers = 0; next === IPV6_HOP_BY_HOP || next === IPV6_DESTINATION_OPTIONS; headers++) {
    if (headers === IPV6_OPTION_HEADERS_MAX || last - at < 8) return false;
    next = bytes[at]!;
    at += (bytes[at + 1]! + 1) * 8;
    if (at > last) return false;
  }
  place.protocol = next;
  place.transport = at;
  place.end = last;
  return true;
}

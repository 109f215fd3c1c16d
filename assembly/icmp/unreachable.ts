// ICMP destination unreachable and its kin (RFC 792; RFC 1122 3.2.2, 4.2.3.9; RFC 5927): about which packets we may complain, what
// the complaint looks like, and what somebody else's complaint says. Acts on nothing: iface/icmp-in.ts does.
import {
  ECONNREFUSED,
  EHOSTDOWN,
  EHOSTUNREACH,
  EMSGSIZE,
  ENETUNREACH,
  ENONET,
  ENOPROTOOPT,
  EOPNOTSUPP,
  EPROTO,
} from "../layout";
import {
  ICMPV4_HEADER,
  ICMPV4_PARAMETER_PROBLEM,
  ICMPV4_TIME_EXCEEDED,
  ICMPV4_UNREACHABLE,
  Icmpv4Header,
  isIcmpv4Error,
  UNREACHABLE_ADMINISTRATIVELY,
  UNREACHABLE_FRAGMENTATION_NEEDED,
  UNREACHABLE_HOST,
  UNREACHABLE_HOST_ISOLATED,
  UNREACHABLE_HOST_PRECEDENCE,
  UNREACHABLE_HOST_PROHIBITED,
  UNREACHABLE_HOST_TOS,
  UNREACHABLE_HOST_UNKNOWN,
  UNREACHABLE_PORT,
  UNREACHABLE_PRECEDENCE_CUTOFF,
  UNREACHABLE_PROTOCOL,
  UNREACHABLE_SOURCE_ROUTE_FAILED,
} from "../wire/icmpv4";
import { Ipv4Header, PROTOCOL_ICMP } from "../wire/ipv4";

/**
 * The longest error message without its IPv4 header: as much of the packet as fits 576 bytes.
 *
 *   RFC 1812 4.3.2.3: "SHOULD contain as much of the original datagram as possible without the length of the ICMP datagram
 *   exceeding 576 bytes."
 */
export const ICMP_ERROR_BYTES_MAX: u32 = 576 - 20;

/**
 * Whether a received packet may be answered with an ICMP error as far as its header tells. That it came neither as link-layer
 * nor as IP broadcast or multicast is for the caller to know.
 *
 *   RFC 1122 3.2.2: "An ICMP error message MUST NOT be sent as the result of receiving: an ICMP error message, or [...] a
 *   non-initial fragment, or a datagram whose source address does not define a single host"
 */
export function isErrorAllowedFor(ipPtr: usize): bool {
  const header = Ipv4Header.at(ipPtr);
  if (header.fragmentOffset !== 0) return false;
  if (header.protocol !== PROTOCOL_ICMP) return true;
  return header.payloadLength >= ICMPV4_HEADER && !isIcmpv4Error(Icmpv4Header.at(header.payloadPtr).type);
}

/**
 * Writes an error about a packet.
 * @param type an ICMPV4_ type whose second header word is unused
 * @param ipPtr the valid packet, or the first fragment of one
 * @param ptr room for ICMP_ERROR_BYTES_MAX
 * @returns bytes written
 */
export function writeError(ptr: usize, type: u8, code: u8, ipPtr: usize): u32 {
  const quoted = min(Ipv4Header.at(ipPtr).totalLength, ICMP_ERROR_BYTES_MAX - ICMPV4_HEADER);
  memory.copy(ptr + ICMPV4_HEADER, ipPtr, quoted);
  Icmpv4Header.at(ptr).emit(type, code, 0, ICMPV4_HEADER + quoted);
  return ICMPV4_HEADER + quoted;
}

/** What an error message means for a socket, as Linux has it: an E* code, or 0 if it is none that we act on. */
export function errnoOfIcmp(type: u8, code: u8): u32 {
  if (type === ICMPV4_TIME_EXCEEDED) return EHOSTUNREACH;
  if (type === ICMPV4_PARAMETER_PROBLEM) return EPROTO;
  if (type !== ICMPV4_UNREACHABLE || code > UNREACHABLE_PRECEDENCE_CUTOFF) return 0;
  switch (code) {
    case UNREACHABLE_PROTOCOL:
      return ENOPROTOOPT;
    case UNREACHABLE_PORT:
      return ECONNREFUSED;
    case UNREACHABLE_FRAGMENTATION_NEEDED:
      return EMSGSIZE;
    case UNREACHABLE_SOURCE_ROUTE_FAILED:
      return EOPNOTSUPP;
    case UNREACHABLE_HOST_UNKNOWN:
      return EHOSTDOWN;
    case UNREACHABLE_HOST_ISOLATED:
      return ENONET;
    case UNREACHABLE_HOST:
    case UNREACHABLE_HOST_PROHIBITED:
    case UNREACHABLE_HOST_TOS:
    case UNREACHABLE_ADMINISTRATIVELY:
    case UNREACHABLE_HOST_PRECEDENCE:
    case UNREACHABLE_PRECEDENCE_CUTOFF:
      return EHOSTUNREACH;
    default: // the net codes
      return ENETUNREACH;
  }
}

/**
 * Whether the error ends an attempt to connect. Time exceeded and parameter problems never do, and one about the size of a packet
 * is not about reaching anybody.
 *
 *   RFC 1122 4.2.3.9: "Destination Unreachable -- codes 2-4: These are hard error conditions, so TCP SHOULD abort the connection.
 *   [...] codes 0, 1, 5: Since these Unreachable messages indicate soft error conditions, TCP MUST NOT abort the connection"
 *
 * For a SYN we take codes 0, 1 and the like as hard too, as Linux does: better an error now than in two minutes (RFC 5461 4.1).
 */
export function endsConnecting(type: u8, code: u8): bool {
  return type === ICMPV4_UNREACHABLE && code !== UNREACHABLE_FRAGMENTATION_NEEDED;
}

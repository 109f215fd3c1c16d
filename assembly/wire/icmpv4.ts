// ICMP message header for IPv4 (RFC 792; RFC 1122 3.2.2 for the codes added later; RFC 1191 4 for the next-hop MTU).
// Must not know when a message is sent or believed: that is icmp/.
//
//       0               1               2               3
//      ┌───────────────┬───────────────┬───────────────────────────────┐
//   0  │     type      │     code      │           checksum            │
//      ├───────────────┴───────────────┼───────────────────────────────┤
//   4  │  echo: identifier             │  echo: sequence number        │
//      │  unreachable: unused          │  unreachable: next-hop MTU    │
//      ├───────────────────────────────┴───────────────────────────────┤
//   8  │  echo: data        errors: IPv4 header + 8 or more bytes      │
//      └───────────────────────────────────────────────────────────────┘
import { checksum, isChecksumValid } from "./checksum";

const TYPE: usize = 0;
const CODE: usize = 1;
const CHECKSUM: usize = 2;
const REST: usize = 4;
const IDENTIFIER: usize = 4;
const SEQUENCE: usize = 6;
const NEXT_HOP_MTU: usize = 6;

/** Bytes of the header; every message has at least these. */
export const ICMPV4_HEADER: u32 = 8;

export const ICMPV4_ECHO_REPLY: u8 = 0;
export const ICMPV4_UNREACHABLE: u8 = 3;
export const ICMPV4_SOURCE_QUENCH: u8 = 4; // deprecated, ignored (RFC 6633)
export const ICMPV4_REDIRECT: u8 = 5;
export const ICMPV4_ECHO: u8 = 8;
export const ICMPV4_TIME_EXCEEDED: u8 = 11;
export const ICMPV4_PARAMETER_PROBLEM: u8 = 12;

// Codes of ICMPV4_UNREACHABLE (RFC 792, RFC 1122 3.2.2.1, RFC 1812 5.2.7.1).
export const UNREACHABLE_NET: u8 = 0;
export const UNREACHABLE_HOST: u8 = 1;
export const UNREACHABLE_PROTOCOL: u8 = 2;
export const UNREACHABLE_PORT: u8 = 3;
export const UNREACHABLE_FRAGMENTATION_NEEDED: u8 = 4;
export const UNREACHABLE_SOURCE_ROUTE_FAILED: u8 = 5;
export const UNREACHABLE_NET_UNKNOWN: u8 = 6;
export const UNREACHABLE_HOST_UNKNOWN: u8 = 7;
export const UNREACHABLE_HOST_ISOLATED: u8 = 8;
export const UNREACHABLE_NET_PROHIBITED: u8 = 9;
export const UNREACHABLE_HOST_PROHIBITED: u8 = 10;
export const UNREACHABLE_NET_TOS: u8 = 11;
export const UNREACHABLE_HOST_TOS: u8 = 12;
export const UNREACHABLE_ADMINISTRATIVELY: u8 = 13;
export const UNREACHABLE_HOST_PRECEDENCE: u8 = 14;
export const UNREACHABLE_PRECEDENCE_CUTOFF: u8 = 15;

// Codes of ICMPV4_TIME_EXCEEDED.
export const TIME_EXCEEDED_TTL: u8 = 0;
export const TIME_EXCEEDED_REASSEMBLY: u8 = 1;

@unmanaged
@final
export class Icmpv4Header {
  static at(ptr: usize): Icmpv4Header {
    return changetype<Icmpv4Header>(ptr);
  }

  /** Whether `length` bytes hold the header. Checksum and quoted packet are separate checks. */
  static isValid(_ptr: usize, length: u32): bool {
    return length >= ICMPV4_HEADER;
  }

  /** An `ICMPV4_` type, or another. */
  get type(): u8 {
    return load<u8>(changetype<usize>(this), TYPE);
  }

  get code(): u8 {
    return load<u8>(changetype<usize>(this), CODE);
  }

  get checksum(): u16 {
    return bswap<u16>(load<u16>(changetype<usize>(this), CHECKSUM));
  }

  /** The second header word, whatever it means for the type. */
  get rest(): u32 {
    return bswap<u32>(load<u32>(changetype<usize>(this), REST));
  }

  /** Echo and echo reply. */
  get identifier(): u16 {
    return bswap<u16>(load<u16>(changetype<usize>(this), IDENTIFIER));
  }

  /** Echo and echo reply. */
  get sequence(): u16 {
    return bswap<u16>(load<u16>(changetype<usize>(this), SEQUENCE));
  }

  /** Bytes, of `UNREACHABLE_FRAGMENTATION_NEEDED`; 0 from routers that predate RFC 1191. */
  get nextHopMtu(): u32 {
    return bswap<u16>(load<u16>(changetype<usize>(this), NEXT_HOP_MTU));
  }

  /** -> echo data, or the quoted packet of an error. */
  get bodyPtr(): usize {
    return changetype<usize>(this) + ICMPV4_HEADER;
  }

  /** Whether the message of `length` bytes arrived as sent. */
  isChecksumValid(length: u32): bool {
    return isChecksumValid(changetype<usize>(this), length);
  }

  /**
   * Writes the header around a body that is already in place, checksum included.
   * @param rest the second header word: {@link echoRest} for echoes, the next-hop MTU or 0 for errors
   * @param length bytes of header and body, >= 8
   */
  emit(type: u8, code: u8, rest: u32, length: u32): void {
    const ptr = changetype<usize>(this);
    store<u8>(ptr, type, TYPE);
    store<u8>(ptr, code, CODE);
    store<u16>(ptr, 0, CHECKSUM);
    store<u32>(ptr, bswap<u32>(rest), REST);
    store<u16>(ptr, bswap<u16>(checksum(ptr, length)), CHECKSUM);
  }
}

/** The second header word of an echo or echo reply. */
export function echoRest(identifier: u16, sequence: u16): u32 {
  return ((<u32>identifier) << 16) | <u32>sequence;
}

/** Whether the type is an error message, about which no other error may be sent (RFC 1122 3.2.2). */
export function isIcmpv4Error(type: u8): bool {
  return (
    type === ICMPV4_UNREACHABLE ||
    type === ICMPV4_SOURCE_QUENCH ||
    type === ICMPV4_REDIRECT ||
    type === ICMPV4_TIME_EXCEEDED ||
    type === ICMPV4_PARAMETER_PROBLEM
  );
}

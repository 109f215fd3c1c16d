// IPv4 header, its options and address classes (RFC 791; RFC 1122 3.2.1 for what a host checks).
// Addresses are host-order u32 here. Must not know which addresses are ours, routes, or what to do about a bad packet.
//
//       0               1               2               3
//      ┌───────┬───────┬───────────────┬───────────────────────────────┐
//   0  │version│  IHL  │ type of serv. │         total length          │
//      ├───────┴───────┴───────────────┼─────┬─────────────────────────┤
//   4  │        identification         │DF MF│     fragment offset     │
//      ├───────────────┬───────────────┼─────┴─────────────────────────┤
//   8  │ time to live  │   protocol    │        header checksum        │
//      ├───────────────┴───────────────┴───────────────────────────────┤
//  12  │                        source address                         │
//      ├───────────────────────────────────────────────────────────────┤
//  16  │                      destination address                      │
//      ├───────────────────────────────────────────────────────────────┤
//  20  │                     options, IHL * 4 - 20 bytes               │
//      └───────────────────────────────────────────────────────────────┘
import { checksum, finish, fold, isChecksumValid } from "./checksum";

/** Where flags and fragment offset, time to live and protocol lie, 4 bytes: for who compares headers as they stand. */
export const IPV4_FLAGS_AT: usize = 6;
/** Where source and destination address lie, 8 bytes. */
export const IPV4_ADDRESSES_AT: usize = 12;

const VERSION_IHL: usize = 0;
const TYPE_OF_SERVICE: usize = 1;
const TOTAL_LENGTH: usize = 2;
const IDENTIFICATION: usize = 4;
const FLAGS_FRAGMENT: usize = IPV4_FLAGS_AT;
const TIME_TO_LIVE: usize = 8;
const PROTOCOL: usize = 9;
const HEADER_CHECKSUM: usize = 10;
const SOURCE: usize = IPV4_ADDRESSES_AT;
const DESTINATION: usize = 16;

/** Bytes of the header without options, the only kind we send. */
export const IPV4_HEADER: u32 = 20;

/** Longest IPv4 packet: total length is 16 bits. */
export const IPV4_MAX_PACKET: u32 = 65535;

export const PROTOCOL_ICMP: u8 = 1;
export const PROTOCOL_TCP: u8 = 6;
export const PROTOCOL_UDP: u8 = 17;

// Bits of the word that holds flags and fragment offset.
export const IPV4_DF: u16 = 0x4000; // don't fragment
export const IPV4_MF: u16 = 0x2000; // more fragments
const OFFSET_MASK: u16 = 0x1fff; // in units of 8 bytes

// Option types (RFC 791 3.1).
const OPTION_END: u8 = 0;
const OPTION_NOP: u8 = 1;
const OPTION_LSRR: u8 = 131; // loose source and record route
const OPTION_SSRR: u8 = 137; // strict source and record route

/** First byte of a header of 20 bytes. */
export const VERSION_4_IHL_5: u8 = 0x45;

@unmanaged
@final
export class Ipv4Header {
  static at(ptr: usize): Ipv4Header {
    return changetype<Ipv4Header>(ptr);
  }

  /**
   * Whether `length` bytes hold a whole IPv4 packet: version 4, IHL >= 5, IHL * 4 <= total length <= length. What follows
   * the total length is link padding and not the packet's. Checksum and options are separate checks.
   * @see RFC 1122 3.2.1.1, 3.2.1.2
   */
  static isValid(ptr: usize, length: u32): bool {
    if (length < IPV4_HEADER) return false;
    const versionIhl = load<u8>(ptr, VERSION_IHL);
    const headerLength = (<u32>versionIhl & 15) << 2;
    const totalLength: u32 = bswap<u16>(load<u16>(ptr, TOTAL_LENGTH));
    return versionIhl >> 4 === 4 && headerLength >= IPV4_HEADER && headerLength <= totalLength && totalLength <= length;
  }

  /**
   * Whether `length` bytes, quoted by an ICMP error, hold an IPv4 header and at least the first 8 bytes of its payload;
   * the rest of the quoted packet may be cut off.
   * @see RFC 1122 3.2.2: "the Internet header and at least the first 8 data octets"
   */
  static isValidQuote(ptr: usize, length: u32): bool {
    if (length < IPV4_HEADER + 8) return false;
    const versionIhl = load<u8>(ptr, VERSION_IHL);
    const headerLength = (<u32>versionIhl & 15) << 2;
    const totalLength: u32 = bswap<u16>(load<u16>(ptr, TOTAL_LENGTH));
    return (
      versionIhl >> 4 === 4 &&
      headerLength >= IPV4_HEADER &&
      headerLength + 8 <= length &&
      headerLength + 8 <= totalLength
    );
  }

  /** Bytes, options included: 20..60. */
  get headerLength(): u32 {
    return (<u32>load<u8>(changetype<usize>(this), VERSION_IHL) & 15) << 2;
  }

  /** DSCP (upper six bits) and ECN (lower two): RFC 2474, RFC 3168. */
  get typeOfService(): u8 {
    return load<u8>(changetype<usize>(this), TYPE_OF_SERVICE);
  }

  /** The checksum must be computed anew after this. */
  set typeOfService(value: u8) {
    store<u8>(changetype<usize>(this), value, TYPE_OF_SERVICE);
  }

  /** Bytes of header and payload. */
  get totalLength(): u32 {
    return bswap<u16>(load<u16>(changetype<usize>(this), TOTAL_LENGTH));
  }

  get identification(): u16 {
    return bswap<u16>(load<u16>(changetype<usize>(this), IDENTIFICATION));
  }

  /** Don't fragment. */
  get df(): bool {
    return (this.flagsAndOffset & IPV4_DF) !== 0;
  }

  /** More fragments follow. */
  get mf(): bool {
    return (this.flagsAndOffset & IPV4_MF) !== 0;
  }

  /** Where this fragment's payload starts in the datagram: bytes, a multiple of 8, 0..65528. */
  get fragmentOffset(): u32 {
    return (<u32>(this.flagsAndOffset & OFFSET_MASK)) << 3;
  }

  /** Whether this is a fragment of something larger, first and last ones included. */
  get isFragment(): bool {
    return (this.flagsAndOffset & (IPV4_MF | OFFSET_MASK)) !== 0;
  }

  get flagsAndOffset(): u16 {
    return bswap<u16>(load<u16>(changetype<usize>(this), FLAGS_FRAGMENT));
  }

  get ttl(): u8 {
    return load<u8>(changetype<usize>(this), TIME_TO_LIVE);
  }

  /** A `PROTOCOL_` code, or another. */
  get protocol(): u8 {
    return load<u8>(changetype<usize>(this), PROTOCOL);
  }

  get checksum(): u16 {
    return bswap<u16>(load<u16>(changetype<usize>(this), HEADER_CHECKSUM));
  }

  /** Source and destination as they lie in memory, for comparisons. */
  get addressPair(): u64 {
    return load<u64>(changetype<usize>(this), SOURCE);
  }

  /** Host order. */
  get src(): u32 {
    return bswap<u32>(load<u32>(changetype<usize>(this), SOURCE));
  }

  /** Host order. */
  get dst(): u32 {
    return bswap<u32>(load<u32>(changetype<usize>(this), DESTINATION));
  }

  /** -> first byte after header and options. */
  get payloadPtr(): usize {
    return changetype<usize>(this) + this.headerLength;
  }

  /** Bytes after header and options, padding of the link not counted. */
  get payloadLength(): u32 {
    return this.totalLength - this.headerLength;
  }

  /** Whether the header, options included, arrived as sent (RFC 1122 3.2.1.2). */
  get isChecksumValid(): bool {
    const ptr = changetype<usize>(this);
    return this.headerLength === IPV4_HEADER ? isPlainSumValid(ptr) : isChecksumValid(ptr, this.headerLength);
  }

  /** Makes the header of a first fragment, options included, that of a whole datagram. `totalLength`: 20..65535 */
  makeWhole(totalLength: u32): void {
    const ptr = changetype<usize>(this);
    store<u16>(ptr, bswap<u16>(<u16>totalLength), TOTAL_LENGTH);
    store<u16>(ptr, 0, FLAGS_FRAGMENT);
    store<u16>(ptr, 0, HEADER_CHECKSUM);
    store<u16>(ptr, bswap<u16>(checksum(ptr, this.headerLength)), HEADER_CHECKSUM);
  }

  /**
   * Writes a 20-byte header, checksum included.
   * @param totalLength bytes of header and payload, 20..65535
   * @param flagsAndOffset `IPV4_DF`, or `IPV4_MF` and an offset in units of 8 bytes
   * @param src, dst host order
   */
  emit(
    totalLength: u32,
    typeOfService: u8,
    identification: u16,
    flagsAndOffset: u16,
    ttl: u8,
    protocol: u8,
    src: u32,
    dst: u32,
  ): void {
    const ptr = changetype<usize>(this);
    store<u8>(ptr, VERSION_4_IHL_5, VERSION_IHL);
    store<u8>(ptr, typeOfService, TYPE_OF_SERVICE);
    store<u16>(ptr, bswap<u16>(<u16>totalLength), TOTAL_LENGTH);
    store<u16>(ptr, bswap<u16>(identification), IDENTIFICATION);
    store<u16>(ptr, bswap<u16>(flagsAndOffset), FLAGS_FRAGMENT);
    store<u8>(ptr, ttl, TIME_TO_LIVE);
    store<u8>(ptr, protocol, PROTOCOL);
    store<u16>(ptr, 0, HEADER_CHECKSUM);
    store<u32>(ptr, bswap<u32>(src), SOURCE);
    store<u32>(ptr, bswap<u32>(dst), DESTINATION);
    store<u16>(ptr, bswap<u16>(finish(plainSum(ptr))), HEADER_CHECKSUM);
  }
}

// A header without options is too short for vectors to be worth it
function plainSum(ptr: usize): u64 {
  const halves = (load<u64>(ptr) & 0xffffffff) + (load<u64>(ptr) >> 32);
  return halves + (load<u64>(ptr, 8) & 0xffffffff) + (load<u64>(ptr, 8) >> 32) + <u64>load<u32>(ptr, 16);
}

function isPlainSumValid(ptr: usize): bool {
  return fold(plainSum(ptr)) === 0xffff;
}

/**
 * Whether the options of a valid header can be skipped. Every option is stepped over by its length; a source route, a
 * length below 2 or one past the header makes the packet unacceptable.
 *
 *   RFC 1122 3.2.1.8: "The IP and transport layer MUST each interpret those IP options that they understand and silently
 *   ignore the others."
 *
 * Source routes are refused (RFC 7126 4.3, 4.4 recommend it): a reply along an attacker's route is none of our business.
 * @param ptr -> an IPv4 header that `isValid` accepted
 */
export function ipv4OptionsAcceptable(ptr: usize): bool {
  const end = ptr + Ipv4Header.at(ptr).headerLength;
  let option = ptr + IPV4_HEADER;
  while (option < end) {
    const type = load<u8>(option);
    if (type === OPTION_END) return true;
    if (type === OPTION_NOP) {
      option += 1;
      continue;
    }
    if (type === OPTION_LSRR || type === OPTION_SSRR) return false;
    if (option + 2 > end) return false;
    const optionLength: u32 = load<u8>(option, 1);
    if (optionLength < 2 || option + optionLength > end) return false;
    option += optionLength;
  }
  return true;
}

/** 224.0.0.0/4 (RFC 1112 4). `address`: host order, as in all of these. */
export function isMulticast(address: u32): bool {
  return address >> 28 === 0xe;
}

/** 127.0.0.0/8: never on a wire (RFC 1122 3.2.1.3 (g)). */
export function isLoopback(address: u32): bool {
  return address >> 24 === 127;
}

/** 255.255.255.255 (RFC 1122 3.2.1.3 (c)). */
export function isLimitedBroadcast(address: u32): bool {
  return address === 0xffffffff;
}

/** 0.0.0.0 (RFC 1122 3.2.1.3 (a)). */
export function isUnspecified(address: u32): bool {
  return address === 0;
}

/** 0.0.0.0/8, "this network": only ever a source, and only before a host knows its address (RFC 1122 3.2.1.3 (a), (b)). */
export function isThisNetwork(address: u32): bool {
  return address >> 24 === 0;
}

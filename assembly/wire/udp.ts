// UDP header (RFC 768). Must not know who listens: nobody does yet.
//
//       0               1               2               3
//      ┌───────────────────────────────┬───────────────────────────────┐
//   0  │          source port          │       destination port        │
//      ├───────────────────────────────┼───────────────────────────────┤
//   4  │            length             │           checksum            │
//      └───────────────────────────────┴───────────────────────────────┘
import { fold, pseudoHeaderSumIpv4, sumBytes } from "./checksum";
import { Ipv4Header, PROTOCOL_UDP } from "./ipv4";

const LENGTH: usize = 4;
const CHECKSUM: usize = 6;

/** Bytes of the header. */
export const UDP_HEADER: u32 = 8;

@unmanaged
@final
export class UdpHeader {
  static at(ptr: usize): UdpHeader {
    return changetype<UdpHeader>(ptr);
  }

  /** Whether `length` bytes hold the header and what it says follows; what follows that is no part of it. */
  static isValid(ptr: usize, length: u32): bool {
    if (length < UDP_HEADER) return false;
    const claimed = UdpHeader.at(ptr).length;
    return claimed >= UDP_HEADER && claimed <= length;
  }

  /** Bytes of header and data. */
  get length(): u32 {
    return bswap<u16>(load<u16>(changetype<usize>(this), LENGTH));
  }

  /** Whether the datagram in a packet arrived as sent; without a checksum (0) nobody can tell. */
  isChecksumValid(ip: Ipv4Header): bool {
    if (load<u16>(changetype<usize>(this), CHECKSUM) === 0) return true;
    const pseudo = pseudoHeaderSumIpv4(ip.src, ip.dst, PROTOCOL_UDP, this.length);
    return fold(sumBytes(changetype<usize>(this), this.length, pseudo)) === 0xffff;
  }
}

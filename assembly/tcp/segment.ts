// The segment in hand: SEG.* of RFC 9293 3.3.1, decoded once by iface/demux and read by everything in tcp/.
// There is one, at a fixed place in SCRATCH; it is valid until the next segment arrives. Super-segments have len up to 65,495.
import { TcpOptions } from "../wire/tcp-options";
import { SEGMENT, SEGMENT_OPTIONS } from "./scratch";

@unmanaged
@final
export class Segment {
  seq: u32; // SEG.SEQ
  ack: u32; // SEG.ACK
  len: u32; // SEG.LEN: payload bytes + SYN + FIN
  wnd: u32; // SEG.WND as in the header, not scaled
  up: u32; // SEG.UP
  flags: u32; // wire/tcp FIN | SYN | RST | PSH | ACK | URG | ECE | CWR
  payloadPtr: u32; // address of the payload, valid during this call only
  payloadLength: u32; // bytes
  segments: u32; // wire segments in it: 1, or ceil(payloadLength / gsoSize) of a super-segment
  frames: u32; // receive slots it came in: 1, or more if they were merged (text-run.ts)
  gsoSize: u32; // payload bytes per wire segment of a super-segment, 0 = unknown or one segment
  interfaceIndex: u32;
  localPort: u16; // the destination port, ours
  remotePort: u16;
  localAddressHigh: u64; // 16 bytes each, as on the wire (network byte order), IPv4 as ::ffff:a.b.c.d
  localAddressLow: u64;
  remoteAddressHigh: u64;
  remoteAddressLow: u64;
  tos: u32; // type of service of the IP header: DSCP and, in its lower two bits, ECN

  /** The parsed options of this segment. */
  get options(): TcpOptions {
    return TcpOptions.at(SEGMENT_OPTIONS);
  }

  /** First sequence number after the segment. */
  get end(): u32 {
    return this.seq + this.len;
  }
}

/** The one segment in hand. */
export function currentSegment(): Segment {
  return changetype<Segment>(SEGMENT);
}

// The segment about to leave: what tcp/output.ts decides and iface/egress.ts turns into Ethernet, IPv4 and TCP headers. There is
// one, at a fixed place in SCRATCH, valid until the next call of output(). Knows no addresses and no wire format but options.
import { OUTGOING } from "./scratch";

@unmanaged
@final
export class Outgoing {
  seq: u32; // SEG.SEQ
  ack: u32; // SEG.ACK, meaningful with ACK in flags
  flags: u32; // wire/tcp FIN | SYN | RST | PSH | ACK
  window: u32; // 0..65535, as it goes into the header
  urgent: u32; // urgent pointer; always 0, we send no urgent data
  optionsLength: u32; // bytes at optionsPtr, 0..40, a multiple of 4
  payloadLength: u32; // bytes, the sum of the pieces
  piece1Ptr: u32; // in the send ring
  piece1Length: u32;
  piece2Ptr: u32; // the rest, if the payload wraps around the ring's end
  piece2Length: u32;
  gsoSize: u32; // payload bytes per wire segment of a super-segment; 0 = one wire segment
  segments: u32; // wire segments it becomes, at least 1
  suspectRoute: u32; // 1: R1 was reached, the next hop should be probed again (RFC 9293 3.8.3, MUST-20)
  options0: u64;
  options1: u64;
  options2: u64;
  options3: u64;
  options4: u64;
  tos: u32; // type of service of the IP header

  /** -> 40 bytes, optionsLength of them in use. */
  get optionsPtr(): usize {
    return changetype<usize>(this) + offsetof<Outgoing>("options0");
  }
}

/** The one outgoing segment. */
export function outgoing(): Outgoing {
  return changetype<Outgoing>(OUTGOING);
}

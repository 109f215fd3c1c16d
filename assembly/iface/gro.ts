// Merging what a link brings: frames that continue the one before them are handed to TCP as one run (tcp/text-run.ts), as a network card or
// Linux's generic receive offload would have made one super-segment of them. Each is checked as ingress.ts and demux.ts check it, its
// checksums too; the first that differs in more than its place in the stream ends the run and takes the usual way. RFC 9293 3.10.7.4.
import { countMany } from "../count";
import { COUNTER_IP_IN_RECEIVES, COUNTER_TCP_IN_SEGS } from "../counters";
import {
  FRAME_CSUM_PARTIAL,
  FRAME_CSUM_VALID,
  FRAME_MAX_BYTES,
  RX_DESCRIPTOR_BYTES,
  RX_FLAGS,
  RX_FRAME_LENGTH,
  RX_FRAME_PTR,
  RX_GSO_SIZE,
} from "../layout";
import { currentSegment } from "../tcp/segment";
import { runAdd, runBegin, runEnd, runNext } from "../tcp/text-run";
import { ETHERNET_HEADER } from "../wire/ethernet";
import { IPV4_ADDRESSES_AT, IPV4_FLAGS_AT, IPV4_HEADER, Ipv4Header, VERSION_4_IHL_5 } from "../wire/ipv4";
import {
  ACK,
  PSH,
  TCP_ACKNOWLEDGMENT_AT,
  TCP_DATA_OFFSET_AT,
  TCP_HEADER,
  TCP_HEADER_MAX,
  TCP_WINDOW_AT,
  TcpHeader,
} from "../wire/tcp";
import { isTcpChecksumValid } from "./demux";
import { Interface } from "./interfaces";

/** Where the IPv4 header lies in a frame, and the TCP header of such a packet. */
const IP_AT: u32 = ETHERNET_HEADER;
const TCP_AT: u32 = IP_AT + IPV4_HEADER;

/**
 * Takes frames that continue the one whose text TCP has just taken.
 * @param descriptor that frame's; those of the following ones lie behind it
 * @param left how many do
 * @returns frames taken
 */
export function mergeFollowing(interfaceIndex: u32, descriptor: usize, left: u32, nowUs: u64): u32 {
  const seg = currentSegment();
  const frame: usize = load<u32>(descriptor, RX_FRAME_PTR);
  // The segment in hand lies in that frame, and was not put together from fragments
  const headers = seg.payloadPtr - <u32>frame;
  if (headers < TCP_AT + TCP_HEADER || headers > TCP_AT + TCP_HEADER_MAX) return 0;
  // With IP options nothing is merged (Linux)
  if (load<u8>(frame, ETHERNET_HEADER) !== VERSION_4_IHL_5 || !runBegin(seg)) return 0;
  const end = descriptor + <usize>(left + 1) * RX_DESCRIPTOR_BYTES;
  let taken: u32 = 0;
  let wireBytes: u32 = 0;
  let size: u32 = 0;
  let push: u32 = 0;
  for (let next = descriptor + RX_DESCRIPTOR_BYTES; next < end && push === 0; next += RX_DESCRIPTOR_BYTES) {
    const bytes = continuation(frame, headers, next, runNext(seg));
    if (bytes === 0 || (taken !== 0 && bytes > size)) break;
    const ptr: usize = load<u32>(next, RX_FRAME_PTR);
    if (!runAdd(seg, ptr + headers, bytes)) break;
    if (taken === 0) size = bytes;
    taken += 1;
    wireBytes += load<u32>(next, RX_FRAME_LENGTH);
    push = TcpHeader.at(ptr + TCP_AT).flags & PSH;
    if (bytes < size) break; // the tail of what was cut into segments
  }
  if (taken === 0) return 0;
  const receiver = Interface.at(interfaceIndex);
  receiver.rxFrames += taken;
  receiver.rxBytes += wireBytes;
  countMany(COUNTER_IP_IN_RECEIVES, taken);
  countMany(COUNTER_TCP_IN_SEGS, taken);
  runEnd(seg, size, push, nowUs);
  return taken;
}

/**
 * Payload bytes of a frame that differs from an earlier one only by what must differ: lengths, identification, checksums, PSH, and its
 * sequence number, which is `seq`. 0 = it differs more, or is damaged.
 * @param headers bytes of Ethernet, IPv4 and TCP header
 */
function continuation(frame: usize, headers: u32, descriptor: usize, seq: u32): u32 {
  const ptr: usize = load<u32>(descriptor, RX_FRAME_PTR);
  const length = load<u32>(descriptor, RX_FRAME_LENGTH);
  if (length <= headers || length > <u32>FRAME_MAX_BYTES || <u64>ptr + length > (<u64>memory.size()) << 16) return 0;
  if (load<u16>(descriptor, RX_GSO_SIZE) !== 0 || TcpHeader.at(ptr + TCP_AT).seq !== seq) return 0;
  if (!areHeadersAlike(frame, ptr, headers)) return 0;
  const ip = Ipv4Header.at(ptr + ETHERNET_HEADER);
  if (ip.totalLength <= headers - ETHERNET_HEADER || ip.totalLength > length - ETHERNET_HEADER) return 0;
  if (!ip.isChecksumValid) return 0;
  const flags = load<u16>(descriptor, RX_FLAGS);
  if ((flags & (FRAME_CSUM_PARTIAL | FRAME_CSUM_VALID)) === 0 && !isTcpChecksumValid(ip)) return 0;
  return ip.totalLength + ETHERNET_HEADER - headers;
}

// Ethernet: all. IPv4: version, length and type of service; DF and fragment, TTL and protocol; addresses. TCP: ports, acknowledgment,
// offset, flags but PSH, window, options
function areHeadersAlike(a: usize, b: usize, headers: u32): bool {
  // The Ethernet header and the first two bytes of IPv4's are 16
  if (load<u64>(a) !== load<u64>(b) || load<u64>(a, 8) !== load<u64>(b, 8)) return false;
  if (load<u32>(a, IP_AT + IPV4_FLAGS_AT) !== load<u32>(b, IP_AT + IPV4_FLAGS_AT)) return false;
  if (load<u64>(a, IP_AT + IPV4_ADDRESSES_AT) !== load<u64>(b, IP_AT + IPV4_ADDRESSES_AT)) return false;
  if (load<u32>(a, TCP_AT) !== load<u32>(b, TCP_AT)) return false; // ports
  if (load<u32>(a, TCP_AT + TCP_ACKNOWLEDGMENT_AT) !== load<u32>(b, TCP_AT + TCP_ACKNOWLEDGMENT_AT)) return false;
  const controls = TcpHeader.at(b + TCP_AT).flags & ~PSH;
  if (controls !== ACK || (TcpHeader.at(a + TCP_AT).flags & ~PSH) !== ACK) return false;
  if (load<u8>(a, TCP_AT + TCP_DATA_OFFSET_AT) !== load<u8>(b, TCP_AT + TCP_DATA_OFFSET_AT)) return false;
  if (load<u16>(a, TCP_AT + TCP_WINDOW_AT) !== load<u16>(b, TCP_AT + TCP_WINDOW_AT)) return false;
  for (let at: u32 = TCP_AT + TCP_HEADER; at < headers; at += 4) {
    if (load<u32>(a + at) !== load<u32>(b + at)) return false;
  }
  return true;
}

// Cuts a TCP super-segment into the packets that a network card with TSO would put on the wire (RFC 9293 3.1, RFC 791
// 3.1, RFC 3168 6.1.2), and fills in partial checksums on the way. Pure: bytes in, frames out.

import { FRAME_CSUM_PARTIAL } from "../../assembly/layout.ts";
import { completeChecksum, internetChecksum } from "./checksum.ts";
import { allocateFrame, type Frame } from "./frame.ts";
import {
  ETHERNET_HEADER_BYTES,
  IPV4_CHECKSUM,
  IPV4_ID,
  IPV4_PROTOCOL,
  IPV4_TOTAL_LENGTH,
  PROTOCOL_TCP,
  packetEnd,
  read16,
  read32,
  TCP_DATA_OFFSET,
  TCP_FLAGS,
  TCP_HEADER_BYTES,
  TCP_SEQ,
  transportOffset,
  write16,
  write32,
} from "./ipv4-frame.ts";

export { completeChecksum, internetChecksum } from "./checksum.ts";

const FIN = 0x01;
const PSH = 0x08;
const CWR = 0x80;

/**
 * What became of a frame: `whole` = it was a wire packet already, `split` = it was cut (into one packet when it was
 * short), `unsplittable` = marked as a super-segment, but not a well-formed TCP segment over IPv4, and passed on as it
 * came.
 */
export type SplitOutcome = "whole" | "split" | "unsplittable";

/**
 * Splits an Ethernet/IPv4/TCP super-segment into wire-size frames, in order, the way a kernel's GSO does: IPv4 total
 * length, identification + i and header checksum per packet; sequence number + i * gsoSize; FIN and PSH on the last
 * packet only, CWR on the first only; all options on every packet; the TCP checksum always complete, so
 * `FRAME_CSUM_PARTIAL` is cleared. `FRAME_CSUM_VALID` stays. An urgent pointer is copied as it is: no sender makes
 * super-segments of urgent data.
 * @param frame - not modified and not kept; passed to `emit` itself when there is nothing to split
 * @param emit - gets each frame; a frame made here is the receiver's to keep
 * @param allocate - makes a frame of `length` bytes whose old content does not matter
 * @see RFC 9293 3.1, RFC 6864 4.1
 */
export function splitSuperSegment(
  frame: Frame,
  emit: (segment: Frame) => void,
  allocate: (length: number) => Frame = allocateFrame,
): SplitOutcome {
  const { bytes, gsoSize } = frame;
  if (gsoSize === 0) {
    emit(frame);
    return "whole";
  }
  const payload = payloadOffset(bytes);
  if (payload < 0 || !Number.isInteger(gsoSize) || gsoSize < 1) {
    emit(frame);
    return "unsplittable";
  }
  const payloadBytes = packetEnd(bytes, 0) - payload;
  const last = Math.max(0, Math.ceil(payloadBytes / gsoSize) - 1);
  for (let index = 0; index <= last; index++) {
    const from = index * gsoSize;
    const segment = allocate(payload + Math.min(gsoSize, payloadBytes - from));
    cut(segment.bytes, bytes, payload, from, index, last);
    segment.flags = frame.flags & ~FRAME_CSUM_PARTIAL;
    segment.gsoSize = 0;
    emit(segment);
  }
  return "split";
}

/** The offset of the TCP payload in a frame, or -1 if it is not one whole, well-formed TCP segment over IPv4. */
function payloadOffset(bytes: Uint8Array): number {
  const tcp = transportOffset(bytes, 0, bytes.length);
  if (tcp < 0 || bytes[ETHERNET_HEADER_BYTES + IPV4_PROTOCOL] !== PROTOCOL_TCP) return -1;
  const room = packetEnd(bytes, 0) - tcp;
  if (room < TCP_HEADER_BYTES) return -1;
  const headerBytes = (bytes[tcp + TCP_DATA_OFFSET]! >>> 4) * 4;
  return headerBytes < TCP_HEADER_BYTES || headerBytes > room ? -1 : tcp + headerBytes;
}

/** Fills `target` with packet `index` of the super-segment `source`; `payload` is the length of all headers. */
function cut(target: Uint8Array, source: Uint8Array, payload: number, from: number, index: number, last: number): void {
  copyBytes(target, 0, source, 0, payload);
  copyBytes(target, payload, source, payload + from, target.length - payload);
  const ip = ETHERNET_HEADER_BYTES;
  const tcp = ip + (source[ip]! & 15) * 4;
  write16(target, ip + IPV4_TOTAL_LENGTH, target.length - ip);
  write16(target, ip + IPV4_ID, read16(source, ip + IPV4_ID) + index);
  write16(target, ip + IPV4_CHECKSUM, 0);
  write16(target, ip + IPV4_CHECKSUM, internetChecksum(target, ip, tcp));
  write32(target, tcp + TCP_SEQ, read32(source, tcp + TCP_SEQ) + from);
  let flags = source[tcp + TCP_FLAGS]!;
  if (index > 0) flags &= ~CWR;
  if (index < last) flags &= ~(FIN | PSH);
  target[tcp + TCP_FLAGS] = flags;
  completeChecksum(target);
}

/** Copies bytes one by one when few (a call into the engine costs more then), else through a view. */
function copyBytes(target: Uint8Array, to: number, source: Uint8Array, from: number, length: number): void {
  if (length <= 96) for (let i = 0; i < length; i++) target[to + i] = source[from + i]!;
  else target.set(source.subarray(from, from + length), to);
}

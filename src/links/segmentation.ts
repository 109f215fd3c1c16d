// Cuts a TCP or UDP super-segment into the packets that a network card with TSO or USO would put on the wire (RFC 9293 3.1, RFC 768,
// RFC 791 3.1, RFC 8200 3, RFC 3168 6.1.2), and fills in partial checksums on the way. Pure: bytes in, frames out.

import { FRAME_CSUM_PARTIAL } from "../../assembly/layout.ts";
import { completeChecksum, internetChecksum } from "./checksum.ts";
import { allocateFrame, type Frame } from "./frame.ts";
import { copyFrameBytes } from "./frame-pool.ts";
import {
  IPV4_CHECKSUM,
  IPV4_ID,
  IPV4_TOTAL_LENGTH,
  IPV6_HEADER_BYTES,
  IPV6_PAYLOAD_LENGTH,
  locatePacket,
  PacketPlace,
  PROTOCOL_TCP,
  PROTOCOL_UDP,
  read16,
  read32,
  TCP_DATA_OFFSET,
  TCP_FLAGS,
  TCP_HEADER_BYTES,
  TCP_SEQ,
  UDP_HEADER_BYTES,
  UDP_LENGTH,
  write16,
  write32,
} from "./ip-frame.ts";

export { completeChecksum, internetChecksum } from "./checksum.ts";

const FIN = 0x01;
const PSH = 0x08;
const CWR = 0x80;

// struct virtio_net_hdr's gso_type (VIRTIO 1.2, 5.1.6)
const GSO_TCPV4 = 1;
const GSO_TCPV6 = 4;
const GSO_UDP_L4 = 5;
const GSO_ECN = 0x80;

/**
 * What became of a frame: `whole` = it was a wire packet already, `split` = it was cut (into one packet when it was
 * short), `unsplittable` = marked as a super-segment, but not a well-formed TCP or UDP packet over IPv4 or IPv6, and passed on as it
 * came.
 */
export type SplitOutcome = "whole" | "split" | "unsplittable";

/** Of the super-segment in hand. */
const found = new PacketPlace();

/**
 * Splits an Ethernet super-segment, VLAN tags or not, into wire-size frames, in order, the way a kernel's GSO does. IPv4: total
 * length, identification + i and header checksum per packet; IPv6: payload length. TCP: sequence number + i * gsoSize; FIN and PSH on the
 * last packet only, CWR on the first only. UDP: length per datagram. All options on every packet; the transport checksum always
 * complete, so `FRAME_CSUM_PARTIAL` is cleared. `FRAME_CSUM_VALID` stays. An urgent pointer is copied as it is: no sender makes
 * super-segments of urgent data.
 * @param frame - not modified and not kept; passed to `emit` itself when there is nothing to split
 * @param emit - gets each frame; a frame made here is the receiver's to keep
 * @param allocate - makes a frame of `length` bytes whose old content does not matter
 * @see RFC 9293 3.1, RFC 768, RFC 6864 4.1, RFC 8200 3
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
  const payload = payloadOffset(bytes, frame.gsoType ?? 0);
  if (payload < 0 || !Number.isInteger(gsoSize) || gsoSize < 1) {
    emit(frame);
    return "unsplittable";
  }
  const { ip, transport, version, protocol } = found;
  const payloadBytes = found.end - payload;
  const last = Math.max(0, Math.ceil(payloadBytes / gsoSize) - 1);
  for (let index = 0; index <= last; index++) {
    const from = index * gsoSize;
    const segment = allocate(payload + Math.min(gsoSize, payloadBytes - from));
    const target = segment.bytes;
    copyFrameBytes(segment, 0, frame, 0, payload);
    copyFrameBytes(segment, payload, frame, payload + from, target.length - payload);
    if (version === 4) mendIpv4(target, ip, transport, index);
    else write16(target, ip + IPV6_PAYLOAD_LENGTH, target.length - ip - IPV6_HEADER_BYTES);
    if (protocol === PROTOCOL_TCP) mendTcp(target, transport, from, index === 0, index === last);
    else write16(target, transport + UDP_LENGTH, target.length - transport);
    completeChecksum(target);
    segment.flags = frame.flags & ~FRAME_CSUM_PARTIAL;
    segment.gsoSize = 0;
    emit(segment);
  }
  return "split";
}

/**
 * The offset of the TCP or UDP payload in a frame, or -1 if it is not one whole, well-formed packet of what the kernel says it is (a
 * tunnel, for example, whose inner packet is meant). Leaves the rest in `found`.
 */
function payloadOffset(bytes: Uint8Array, gsoType: number): number {
  if (!locatePacket(bytes, 0, bytes.length, found)) return -1;
  const { protocol, transport } = found;
  const room = found.end - transport;
  const type = protocol === PROTOCOL_UDP ? GSO_UDP_L4 : found.version === 4 ? GSO_TCPV4 : GSO_TCPV6;
  if (gsoType !== 0 && (gsoType & ~GSO_ECN) !== type) return -1;
  if (protocol === PROTOCOL_UDP) {
    const isWhole = room >= UDP_HEADER_BYTES && read16(bytes, transport + UDP_LENGTH) === room;
    return isWhole ? transport + UDP_HEADER_BYTES : -1;
  }
  if (protocol !== PROTOCOL_TCP || room < TCP_HEADER_BYTES) return -1;
  const headerBytes = (bytes[transport + TCP_DATA_OFFSET]! >>> 4) * 4;
  return headerBytes < TCP_HEADER_BYTES || headerBytes > room ? -1 : transport + headerBytes;
}

function mendIpv4(target: Uint8Array, ip: number, transport: number, index: number): void {
  write16(target, ip + IPV4_TOTAL_LENGTH, target.length - ip);
  write16(target, ip + IPV4_ID, read16(target, ip + IPV4_ID) + index);
  write16(target, ip + IPV4_CHECKSUM, 0);
  write16(target, ip + IPV4_CHECKSUM, internetChecksum(target, ip, transport));
}

function mendTcp(target: Uint8Array, tcp: number, from: number, isFirst: boolean, isLast: boolean): void {
  write32(target, tcp + TCP_SEQ, read32(target, tcp + TCP_SEQ) + from);
  let flags = target[tcp + TCP_FLAGS]!;
  if (!isFirst) flags &= ~CWR;
  if (!isLast) flags &= ~(FIN | PSH);
  target[tcp + TCP_FLAGS] = flags;
}

// Cuts a datagram that does not fit its path into fragments (RFC 791 3.2, RFC 1122 3.3.3): each in a heap block of its own, to be sent
// or queued like any frame. Only what is not TCP is ever cut: segments are made to fit.

import { count } from "../count";
import { COUNTER_IP_FRAG_CREATES } from "../counters";
import { heapAlloc } from "../heap";
import { SYSCTL_IP_DEFAULT_TTL, TX_CAPACITY } from "../layout";
import { ETHERNET_HEADER, ETHERTYPE_IPV4, EthernetHeader } from "../wire/ethernet";
import { IPV4_HEADER, IPV4_MF, Ipv4Header } from "../wire/ipv4";
import { sendFrame } from "./frame-out";
import { Interface } from "./interfaces";
import { Neighbor } from "./neighbor";
import { neighborAppend, neighborMakeRoom, QUEUE_HEADROOM } from "./neighbor-queue";
import { txRoom } from "./tx-ring";

const HEADERS: u32 = ETHERNET_HEADER + IPV4_HEADER;
/** More would fill the TX ring with what nobody can use if one of them is lost: 64 KiB make that many at an MTU of 552. */
const FRAGMENTS_MAX: u32 = TX_CAPACITY / 2;

/** Payload bytes of every fragment but the last. `mtu`: 68 at least */
function partBytes(mtu: u32): u32 {
  return (mtu - IPV4_HEADER) & ~7;
}

/** Whether a payload is too long to be cut for an MTU. */
export function isTooLongToCut(payloadBytes: u32, mtu: u32): bool {
  return payloadBytes > partBytes(mtu) * FRAGMENTS_MAX;
}

/**
 * Sends a payload in fragments.
 * @param payloadPtr stays the caller's
 * @param mtu of the path; see isTooLongToCut()
 * @param identification the same for all of them
 * @returns false if some were dropped: no memory, or no room in the ring
 */
export function sendFragments(
  sender: Interface,
  neighbor: Neighbor,
  payloadPtr: usize,
  payloadBytes: u32,
  mtu: u32,
  identification: u16,
  protocol: u8,
  src: u32,
  dst: u32,
): bool {
  const part = partBytes(mtu);
  const fragments = (payloadBytes + part - 1) / part;
  // All or none: a datagram without one of them is worth nothing
  if (!neighbor.isUsable) neighborMakeRoom(neighbor);
  else if (txRoom(sender.index) < fragments) return false;
  const ttl = <u8>load<u32>(SYSCTL_IP_DEFAULT_TTL);
  for (let offset: u32 = 0; offset < payloadBytes; offset += part) {
    const bytes = min(part, payloadBytes - offset);
    const block = heapAlloc(QUEUE_HEADROOM + HEADERS + bytes);
    if (block === 0) return false;
    const frame = block + QUEUE_HEADROOM;
    const more: u32 = offset + bytes < payloadBytes ? IPV4_MF : 0;
    EthernetHeader.at(frame).emit(neighbor.macPtr, sender.macPtr, ETHERTYPE_IPV4);
    const header = Ipv4Header.at(frame + ETHERNET_HEADER);
    header.emit(IPV4_HEADER + bytes, 0, identification, <u16>(more | (offset >> 3)), ttl, protocol, src, dst);
    memory.copy(frame + HEADERS, payloadPtr + offset, bytes);
    count(COUNTER_IP_FRAG_CREATES);
    if (!neighbor.isUsable) neighborAppend(neighbor, block, HEADERS + bytes);
    else if (!sendFrame(sender.index, frame, HEADERS + bytes, block)) return false;
  }
  return true;
}

// Sends single IPv4 packets that are not TCP data: echo requests and replies, ICMP errors, resets. Finds the way, writes Ethernet
// and IPv4 headers, queues the frame while its next hop is being asked for. What fits the path carries DF and the identification 0:
// an atomic datagram needs none (RFC 6864 4.1), and so it tells nobody anything (CVE-2019-10638). What does not is cut, and a long answer
// may be cut by routers.

import { count } from "../count";
import {
  COUNTER_FRAME_TX_DROPPED,
  COUNTER_IP_OUT_NO_ROUTES,
  COUNTER_IP_OUT_REQUESTS,
  COUNTER_IP_OUT_TOO_BIG,
} from "../counters";
import { heapAlloc, heapFree } from "../heap";
import { nextIdentification } from "../ip/identification";
import { pathForbidsFragments, pathMtu } from "../ip/path-mtu";
import {
  EHOSTUNREACH,
  EMSGSIZE,
  ENETDOWN,
  ENETUNREACH,
  ENOBUFS,
  ENODEV,
  SYSCTL_IP_DEFAULT_TTL,
  SYSCTL_MIN_PMTU,
  TX_HEADER_BYTES,
} from "../layout";
import { NONE } from "../storage/none";
import { ETHERNET_HEADER, ETHERTYPE_IPV4, EthernetHeader } from "../wire/ethernet";
import { IPV4_DF, IPV4_HEADER, Ipv4Header } from "../wire/ipv4";
import { mappedLow } from "./address";
import { isTooLongToCut, sendFragments } from "./fragments-out";
import { sendFrame } from "./frame-out";
import { Interface } from "./interfaces";
import { NEIGHBOR_FAILED, Neighbor } from "./neighbor";
import { neighborUse } from "./neighbor-cache";
import { neighborEnqueue, QUEUE_HEADROOM } from "./neighbor-queue";
import { routeInterface, routeLookup, routeNextHopHigh, routeNextHopLow } from "./route";
import { SMALL_FRAME } from "./scratch";

const HEADERS: u32 = ETHERNET_HEADER + IPV4_HEADER;

// The packet being built: its heap block, or 0 if it is in SMALL_FRAME
let block: usize = 0;

/**
 * Starts a packet.
 * @param payloadBytes of IPv4 payload, up to 65515
 * @returns where to write the payload, or 0 if there is no memory; then there is no packet to send
 */
export function beginPacket(payloadBytes: u32): usize {
  block = 0;
  if (HEADERS + payloadBytes <= <u32>TX_HEADER_BYTES) return SMALL_FRAME + HEADERS;
  block = heapAlloc(QUEUE_HEADROOM + HEADERS + payloadBytes);
  return block === 0 ? 0 : block + QUEUE_HEADROOM + HEADERS;
}

/**
 * Sends the packet that beginPacket() started, its payload now written; in fragments if it does not fit the path.
 * @param src, dst host order
 * @param protocol a PROTOCOL_ code
 * @param isAnswer to something that came unasked (see neighborUse)
 * @returns 0, or the E* code why it was dropped; a packet that waits for its next hop counts as sent
 */
export function sendPacket(src: u32, dst: u32, protocol: u8, payloadBytes: u32, isAnswer: bool, nowUs: u64): u32 {
  const low = mappedLow(dst);
  if (!routeLookup(0, low)) {
    count(COUNTER_IP_OUT_NO_ROUTES);
    return drop(ENETUNREACH);
  }
  const sender = Interface.at(routeInterface);
  if (!sender.isUp) return drop(sender.isGone ? ENODEV : ENETDOWN);
  const mtu = sender.isLoopback ? sender.mtu : pathMtu(0, low, sender.mtu);
  const isWhole = IPV4_HEADER + payloadBytes <= mtu;
  if (!isWhole && (sender.isLoopback || isTooLongToCut(payloadBytes, mtu))) {
    count(COUNTER_IP_OUT_TOO_BIG);
    return drop(EMSGSIZE);
  }
  count(COUNTER_IP_OUT_REQUESTS);
  if (sender.isLoopback) {
    const framePtr = writeHeaders(sender, sender.macPtr, src, dst, protocol, payloadBytes, true);
    return sendFrame(0, framePtr, HEADERS + payloadBytes, block) ? 0 : ENOBUFS;
  }
  const index = neighborUse(routeInterface, routeNextHopHigh, routeNextHopLow, isAnswer, nowUs);
  if (index === NONE) return drop(ENOBUFS);
  const neighbor = Neighbor.at(index);
  if (neighbor.state === NEIGHBOR_FAILED) return drop(EHOSTUNREACH);
  if (!isWhole) return sendCut(sender, neighbor, src, dst, protocol, payloadBytes, mtu);
  // A claim that an answer was too big could not be told from a forged one: no path is learned from it, so routers must cut it.
  const isLongAnswer = isAnswer && IPV4_HEADER + payloadBytes > load<u32>(SYSCTL_MIN_PMTU);
  const isAtomic = !isLongAnswer && pathForbidsFragments(0, low);
  const framePtr = writeHeaders(sender, neighbor.macPtr, src, dst, protocol, payloadBytes, isAtomic);
  const length = HEADERS + payloadBytes;
  if (neighbor.isUsable) return sendFrame(routeInterface, framePtr, length, block) ? 0 : ENOBUFS;
  return neighborEnqueue(neighbor, framePtr, length, block) ? 0 : ENOBUFS;
}

function sendCut(
  sender: Interface,
  neighbor: Neighbor,
  src: u32,
  dst: u32,
  protocol: u8,
  payloadBytes: u32,
  mtu: u32,
): u32 {
  const identification = nextIdentification(src, dst, protocol);
  const payloadPtr = builtFrame() + HEADERS;
  const isSent = sendFragments(sender, neighbor, payloadPtr, payloadBytes, mtu, identification, protocol, src, dst);
  if (!isSent) count(COUNTER_FRAME_TX_DROPPED);
  return drop(isSent ? 0 : ENOBUFS);
}

function builtFrame(): usize {
  return block === 0 ? SMALL_FRAME : block + QUEUE_HEADROOM;
}

// Returns the frame
function writeHeaders(
  sender: Interface,
  macPtr: usize,
  src: u32,
  dst: u32,
  protocol: u8,
  payloadBytes: u32,
  isAtomic: bool,
): usize {
  const framePtr = builtFrame();
  const ttl = <u8>load<u32>(SYSCTL_IP_DEFAULT_TTL);
  const identification: u16 = isAtomic ? 0 : nextIdentification(src, dst, protocol);
  const flags: u16 = isAtomic ? IPV4_DF : 0;
  EthernetHeader.at(framePtr).emit(macPtr, sender.macPtr, ETHERTYPE_IPV4);
  const header = Ipv4Header.at(framePtr + ETHERNET_HEADER);
  header.emit(IPV4_HEADER + payloadBytes, 0, identification, flags, ttl, protocol, src, dst);
  return framePtr;
}

// The packet being built is done with
function drop(errno: u32): u32 {
  if (block !== 0) heapFree(block);
  return errno;
}

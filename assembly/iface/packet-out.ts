// Sends single IPv4 packets that are not TCP data: echo requests and replies, ICMP errors, resets. Finds the way, writes Ethernet
// and IPv4 headers, queues the frame while its next hop is being asked for. DF is set and the identification 0: an atomic
// datagram needs none (RFC 6864 4.1), and so it tells nobody anything (CVE-2019-10638).

import { count } from "../count";
import { COUNTER_IP_OUT_NO_ROUTES, COUNTER_IP_OUT_REQUESTS, COUNTER_IP_OUT_TOO_BIG } from "../counters";
import { heapAlloc, heapFree } from "../heap";
import {
  EHOSTUNREACH,
  EMSGSIZE,
  ENETDOWN,
  ENETUNREACH,
  ENOBUFS,
  SYSCTL_IP_DEFAULT_TTL,
  TX_HEADER_BYTES,
} from "../layout";
import { NONE } from "../storage/none";
import { ETHERNET_HEADER, ETHERTYPE_IPV4, EthernetHeader } from "../wire/ethernet";
import { IPV4_DF, IPV4_HEADER, Ipv4Header } from "../wire/ipv4";
import { mappedLow } from "./address";
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
 * Sends the packet that beginPacket() started, its payload now written.
 * @param src, dst host order
 * @param protocol a PROTOCOL_ code
 * @param isAnswer to something that came unasked (see neighborUse)
 * @returns 0, or the E* code why it was dropped; a packet that waits for its next hop counts as sent
 */
export function sendPacket(src: u32, dst: u32, protocol: u8, payloadBytes: u32, isAnswer: bool, nowUs: u64): u32 {
  const framePtr = block === 0 ? SMALL_FRAME : block + QUEUE_HEADROOM;
  if (!routeLookup(0, mappedLow(dst))) {
    count(COUNTER_IP_OUT_NO_ROUTES);
    return drop(ENETUNREACH);
  }
  const sender = Interface.at(routeInterface);
  if (!sender.isUp) return drop(ENETDOWN);
  if (IPV4_HEADER + payloadBytes > sender.mtu) {
    count(COUNTER_IP_OUT_TOO_BIG);
    return drop(EMSGSIZE);
  }
  count(COUNTER_IP_OUT_REQUESTS);
  const ttl = <u8>load<u32>(SYSCTL_IP_DEFAULT_TTL);
  Ipv4Header.at(framePtr + ETHERNET_HEADER).emit(IPV4_HEADER + payloadBytes, 0, 0, IPV4_DF, ttl, protocol, src, dst);
  const length = HEADERS + payloadBytes;
  if (sender.isLoopback) {
    EthernetHeader.at(framePtr).emit(sender.macPtr, sender.macPtr, ETHERTYPE_IPV4);
    return sendFrame(0, framePtr, length, block) ? 0 : ENOBUFS;
  }
  const index = neighborUse(routeInterface, routeNextHopHigh, routeNextHopLow, isAnswer, nowUs);
  if (index === NONE) return drop(ENOBUFS);
  const neighbor = Neighbor.at(index);
  if (neighbor.state === NEIGHBOR_FAILED) return drop(EHOSTUNREACH);
  EthernetHeader.at(framePtr).emit(neighbor.macPtr, sender.macPtr, ETHERTYPE_IPV4);
  if (neighbor.isUsable) return sendFrame(routeInterface, framePtr, length, block) ? 0 : ENOBUFS;
  return neighborEnqueue(neighbor, framePtr, length, block) ? 0 : ENOBUFS;
}

function drop(errno: u32): u32 {
  if (block !== 0) heapFree(block);
  return errno;
}

// TCP segments out: asks each connection that wants to send for its next segment once there is a way and a slot for it, and writes
// Ethernet, IPv4 and TCP headers around the payload, which stays where it is in the send ring (RFC 9293 3.1, RFC 791). Nothing is
// built for a connection whose next hop is unknown or whose link is full: it waits (wait-lists.ts) and loses nothing.

import { count } from "../count";
import { COUNTER_FRAME_TX_DROPPED, COUNTER_IP_OUT_NO_ROUTES, COUNTER_IP_OUT_REQUESTS } from "../counters";
import {
  ENETDOWN,
  ENETUNREACH,
  FRAME_CSUM_PARTIAL,
  STATE_SYN_RECEIVED,
  STATE_SYN_SENT,
  SYSCTL_IP_DEFAULT_TTL,
} from "../layout";
import { NONE } from "../storage/none";
import { freeIfDone, isTcbInUse, nextWantingOutput, wantOutput } from "../tcp/connections";
import { Outgoing, outgoing } from "../tcp/outgoing";
import { output, segmentQueued, segmentSent } from "../tcp/output";
import { refreshPath, takeIdentification } from "../tcp/path-mtu";
import { TCB_FLAG_MAY_BE_CUT, Tcb } from "../tcp/tcb";
import { hardError, softError } from "../tcp/user-calls";
import { finish, fold, pseudoHeaderSumIpv4, sumBytes, sumPieceAt } from "../wire/checksum";
import { ETHERNET_HEADER, ETHERTYPE_IPV4, EthernetHeader } from "../wire/ethernet";
import { IPV4_DF, IPV4_HEADER, Ipv4Header, PROTOCOL_TCP } from "../wire/ipv4";
import { TCP_CHECKSUM_OFFSET, TCP_HEADER, TcpHeader } from "../wire/tcp";
import { mappedAddress } from "./address";
import { Interface } from "./interfaces";
import { NEIGHBOR_FAILED, Neighbor } from "./neighbor";
import { neighborSuspect, neighborUse } from "./neighbor-cache";
import { routeInterface, routeLookup, routeNextHopHigh, routeNextHopLow } from "./route";
import { TX_RESERVED, TxDescriptor, txNext, txPush, txReap, txRoom } from "./tx-ring";
import { WAIT_INTERFACE, waitAny, waitFor, waitTakeFirst } from "./wait-lists";

// The bits of IP_TOS that are the user's; the lower two are ECN's (RFC 3168 5)
const DSCP_MASK: u8 = 0xfc;

// Segments of one connection before the next one gets its turn
const SEGMENTS_PER_VISIT: u32 = 8;

// Segments without a way that are given up in one turn: they take no slot, so nothing else would end the turn
const LOST_PER_TURN: u32 = 256;

// Where findWay() found that a connection must go: the MAC address of its next hop, 0 = nowhere, its segments are lost
let wayMacPtr: usize = 0;
let wayNeighbor: u32 = NONE;
// Interfaces whose ring was full in this turn, one bit each: INTERFACE_TX_QUEUE_FULL counts turns
let fullInterfaces: u32 = 0;
let lostLeft: u32 = 0;

/** Fills the TX rings with segments of those that want to send, in turn. */
export function egress(nowUs: u64): void {
  fullInterfaces = 0;
  lostLeft = LOST_PER_TURN;
  while (lostLeft !== 0) {
    const index = nextWantingOutput();
    if (index === NONE) return;
    const tcb = Tcb.at(index);
    if (findWay(tcb, nowUs)) pump(tcb, nowUs);
  }
}

/**
 * Finds interface and next hop of a connection.
 * @returns false if it waits for its next hop, or was ended because there is no way
 */
function findWay(tcb: Tcb, nowUs: u64): bool {
  wayMacPtr = 0;
  wayNeighbor = NONE;
  if (!routeLookup(tcb.remoteAddressHigh, tcb.remoteAddressLow)) {
    count(COUNTER_IP_OUT_NO_ROUTES);
    if (tcb.state !== STATE_SYN_SENT) return true; // as any loss: a route may come back before the time-out
    hardError(tcb, ENETUNREACH, nowUs);
    return false;
  }
  tcb.interfaceIndex = routeInterface;
  const sender = Interface.at(routeInterface);
  refreshPath(tcb, sender.mtu);
  if (!sender.isUp) {
    if (!sender.isLinkUp) softError(tcb, ENETDOWN);
    return true; // lost, as on any broken path: its timers go on, and linkRestored() does when the link is back
  }
  if (sender.isLoopback) {
    wayMacPtr = sender.macPtr;
    return true;
  }
  const isAnswer = tcb.state === STATE_SYN_RECEIVED;
  const index = neighborUse(routeInterface, routeNextHopHigh, routeNextHopLow, isAnswer, nowUs);
  if (index === NONE) return true;
  const neighbor = Neighbor.at(index);
  if (neighbor.state === NEIGHBOR_FAILED) return true;
  if (!neighbor.isUsable) {
    waitFor(index, tcb.index);
    return false;
  }
  wayMacPtr = neighbor.macPtr;
  wayNeighbor = index;
  return true;
}

function pump(tcb: Tcb, nowUs: u64): void {
  const interfaceIndex = tcb.interfaceIndex;
  const out = outgoing();
  for (let sent: u32 = 0; sent < SEGMENTS_PER_VISIT; sent++) {
    if (wayMacPtr !== 0 && txRoom(interfaceIndex) <= TX_RESERVED) {
      blocked(interfaceIndex);
      waitFor(WAIT_INTERFACE + interfaceIndex, tcb.index);
      return;
    }
    if (!output(tcb, out, nowUs)) {
      if (isTcbInUse(tcb.index)) freeIfDone(tcb); // the RST that it stayed for has left
      return;
    }
    if (wayMacPtr === 0) {
      count(COUNTER_FRAME_TX_DROPPED);
      lostLeft -= 1;
      if (lostLeft === 0) break;
      continue;
    }
    if (out.suspectRoute !== 0 && wayNeighbor !== NONE) neighborSuspect(wayNeighbor, nowUs);
    emit(tcb, out);
  }
  wantOutput(tcb);
}

function blocked(interfaceIndex: u32): void {
  const bit: u32 = 1 << interfaceIndex;
  if ((fullInterfaces & bit) === 0) Interface.at(interfaceIndex).txQueueFull += 1;
  fullInterfaces |= bit;
}

/** Writes the headers into the next slot and queues it. */
function emit(tcb: Tcb, out: Outgoing): void {
  const sender = Interface.at(tcb.interfaceIndex);
  const descriptor = txNext(tcb.interfaceIndex);
  const frame = <usize>descriptor.headerPtr;
  const tcpHeaderBytes = TCP_HEADER + out.optionsLength;
  const segmentBytes = tcpHeaderBytes + out.payloadLength;
  const src = mappedAddress(tcb.localAddressLow);
  const dst = mappedAddress(tcb.remoteAddressLow);
  EthernetHeader.at(frame).emit(wayMacPtr, sender.macPtr, ETHERTYPE_IPV4);
  Ipv4Header.at(frame + ETHERNET_HEADER).emit(
    IPV4_HEADER + segmentBytes,
    (tcb.tos & DSCP_MASK) | <u8>out.tos,
    takeIdentification(tcb, out.segments),
    tcb.has(TCB_FLAG_MAY_BE_CUT) ? 0 : IPV4_DF,
    tcb.ttl !== 0 ? tcb.ttl : <u8>load<u32>(SYSCTL_IP_DEFAULT_TTL),
    PROTOCOL_TCP,
    src,
    dst,
  );
  const headerPtr = frame + ETHERNET_HEADER + IPV4_HEADER;
  const header = TcpHeader.at(headerPtr);
  header.emit(tcb.localPort, tcb.remotePort, out.seq, out.ack, tcpHeaderBytes, out.flags, out.window);
  if (out.urgent !== 0) header.urgentPointer = out.urgent;
  for (let i: u32 = 0; i < out.optionsLength; i += 4) store<u32>(header.optionsPtr + i, load<u32>(out.optionsPtr + i));
  descriptor.headerLength = ETHERNET_HEADER + IPV4_HEADER + tcpHeaderBytes;
  descriptor.piece1Ptr = out.piece1Ptr;
  descriptor.piece1Length = out.piece1Length;
  descriptor.piece2Ptr = out.piece2Ptr;
  descriptor.piece2Length = out.piece2Length;
  descriptor.gsoSize = <u16>out.gsoSize;
  writeChecksum(sender, descriptor, header, tcpHeaderBytes, pseudoHeaderSumIpv4(src, dst, PROTOCOL_TCP, segmentBytes));
  if (out.payloadLength !== 0) {
    descriptor.owner = tcb.index;
    segmentQueued(tcb, out.payloadLength);
  }
  count(COUNTER_IP_OUT_REQUESTS);
  txPush(tcb.interfaceIndex);
}

/** The whole checksum, or for a link that completes it (and always before splitting) only the pseudo header's part. */
function writeChecksum(
  sender: Interface,
  descriptor: TxDescriptor,
  header: TcpHeader,
  headerBytes: u32,
  pseudo: u64,
): void {
  if (sender.completesChecksums || descriptor.gsoSize !== 0) {
    header.checksum = fold(pseudo);
    descriptor.flags = <u16>FRAME_CSUM_PARTIAL;
    descriptor.csumStart = <u16>(ETHERNET_HEADER + IPV4_HEADER);
    descriptor.csumOffset = <u16>TCP_CHECKSUM_OFFSET;
    return;
  }
  let sum = sumBytes(changetype<usize>(header), headerBytes, pseudo);
  sum = sumPieceAt(descriptor.piece1Ptr, descriptor.piece1Length, 0, sum);
  sum = sumPieceAt(descriptor.piece2Ptr, descriptor.piece2Length, descriptor.piece1Length, sum);
  header.checksum = finish(sum);
}

/** The link has taken frames: their owners' bytes are free again, and who waited for room gets it. */
export function reap(interfaceIndex: u32): void {
  for (;;) {
    const taken = txReap(interfaceIndex);
    if (changetype<usize>(taken) === 0) break;
    if (taken.owner === NONE) continue;
    const tcb = Tcb.at(taken.owner);
    segmentSent(tcb, taken.piece1Length + taken.piece2Length);
    if (isTcbInUse(taken.owner)) freeIfDone(tcb);
  }
  const list = WAIT_INTERFACE + interfaceIndex;
  if (!waitAny(list) || txRoom(interfaceIndex) <= TX_RESERVED) return;
  wakeAll(list);
}

/** Lets all connections of a list try again. */
export function wakeAll(list: u32): void {
  for (let index = waitTakeFirst(list); index !== NONE; index = waitTakeFirst(list)) {
    if (isTcbInUse(index)) wantOutput(Tcb.at(index));
  }
}

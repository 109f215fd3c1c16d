// Frames in: the checks of Ethernet and IPv4 (RFC 894, RFC 791, RFC 1122 3.2.1), then on to ARP, fragments-in.ts or
// demux.ts. Everything that came over a link is hostile; a frame is either taken or counted under the reason why not.

import { count } from "../count";
import {
  COUNTER_FRAME_BAD_DESCRIPTOR,
  COUNTER_FRAME_OTHER_HOST,
  COUNTER_FRAME_TOO_SHORT,
  COUNTER_FRAME_UNKNOWN_ETHERTYPE,
  COUNTER_IP_IN_ADDR_ERRORS,
  COUNTER_IP_IN_BAD_OPTIONS,
  COUNTER_IP_IN_CSUM_ERRORS,
  COUNTER_IP_IN_HDR_ERRORS,
  COUNTER_IP_IN_MARTIAN,
  COUNTER_IP_IN_RECEIVES,
} from "../counters";
import {
  CLAIM_DONE,
  FRAME_MAX_BYTES,
  RX_DESCRIPTOR_BYTES,
  RX_DESCRIPTOR_CAPACITY,
  RX_DESCRIPTORS,
  RX_FLAGS,
  RX_FRAME_LENGTH,
  RX_FRAME_PTR,
  RX_GSO_SIZE,
} from "../layout";
import { NONE } from "../storage/none";
import { takeOutputUrgent } from "../tcp/connections";
import { endFlow, isFlowing } from "../tcp/flow";
import { traceFrame } from "../tcp/trace";
import {
  ETHERNET_HEADER,
  ETHERTYPE_ARP,
  ETHERTYPE_IPV4,
  EthernetHeader,
  isBroadcastMac,
  macEquals,
} from "../wire/ethernet";
import {
  IPV4_HEADER,
  Ipv4Header,
  ipv4OptionsAcceptable,
  isLimitedBroadcast,
  isLoopback,
  isMulticast,
  isThisNetwork,
} from "../wire/ipv4";
import { arpInput } from "./arp-in";
import { demux } from "./demux";
import { egress } from "./egress";
import { fragmentInput } from "./fragments-in";
import { mergeFollowing } from "./gro";
import { Interface, interfacesCount, isBroadcastAddress, isOwnAddress, isPlainPair, notePlainPair } from "./interfaces";
import { wakeResolved } from "./waking";

/**
 * Takes the frames that a link described in the RX descriptors of its interface.
 * @param frames descriptors filled, up to RX_DESCRIPTOR_CAPACITY; what is more is not looked at
 */
export function ingress(interfaceIndex: u32, frames: u32, nowUs: u64): void {
  if (interfaceIndex >= interfacesCount()) return;
  const receiver = Interface.at(interfaceIndex);
  const first: usize = RX_DESCRIPTORS + <usize>interfaceIndex * RX_DESCRIPTOR_CAPACITY * RX_DESCRIPTOR_BYTES;
  const end = min<u32>(frames, RX_DESCRIPTOR_CAPACITY);
  const memoryBytes = (<u64>memory.size()) << 16;
  const isMerging = receiver.hasGro;
  endFlow();
  for (let i: u32 = 0; i < end; i++) {
    const descriptor = first + <usize>i * RX_DESCRIPTOR_BYTES;
    const ptr = load<u32>(descriptor, RX_FRAME_PTR);
    const length = load<u32>(descriptor, RX_FRAME_LENGTH);
    if (length > <u32>FRAME_MAX_BYTES || <u64>ptr + length > memoryBytes) {
      receiver.drop(COUNTER_FRAME_BAD_DESCRIPTOR);
      continue;
    }
    traceFrame((interfaceIndex << 16) | (i + 1));
    frameInput(interfaceIndex, ptr, length, load<u16>(descriptor, RX_FLAGS), load<u16>(descriptor, RX_GSO_SIZE), nowUs);
    if (isMerging && isFlowing()) {
      if (i + 1 < end) i += mergeFollowing(interfaceIndex, descriptor, end - 1 - i, nowUs);
      endFlow();
    }
    if (takeOutputUrgent()) egress(nowUs);
  }
  traceFrame(0);
}

/**
 * Takes one frame.
 * @param ptr from the Ethernet header on
 * @param length bytes, up to FRAME_MAX_BYTES
 * @param flags FRAME_ bits
 * @param gsoSize a hint: TCP payload bytes per wire segment, 0 = none
 */
export function frameInput(interfaceIndex: u32, ptr: usize, length: u32, flags: u32, gsoSize: u32, nowUs: u64): void {
  const receiver = Interface.at(interfaceIndex);
  receiver.rxFrames += 1;
  receiver.rxBytes += length;
  if (!EthernetHeader.isValid(ptr, length)) {
    receiver.drop(COUNTER_FRAME_TOO_SHORT);
    return;
  }
  const ethernet = EthernetHeader.at(ptr);
  const isBroadcast = isBroadcastMac(ethernet.destinationPtr);
  if (!isBroadcast && !macEquals(ethernet.destinationPtr, receiver.macPtr)) {
    receiver.drop(COUNTER_FRAME_OTHER_HOST);
    return;
  }
  const payload = ptr + ETHERNET_HEADER;
  const payloadBytes = length - ETHERNET_HEADER;
  switch (ethernet.etherType) {
    case ETHERTYPE_IPV4:
      ipv4Input(interfaceIndex, payload, payloadBytes, isBroadcast, flags, gsoSize, nowUs);
      return;
    case ETHERTYPE_ARP: {
      const resolved = arpInput(interfaceIndex, payload, payloadBytes, nowUs);
      if (resolved !== NONE) wakeResolved(resolved);
      return;
    }
    default:
      receiver.drop(COUNTER_FRAME_UNKNOWN_ETHERTYPE);
  }
}

/** RFC 1122 3.2.1: what a host must check before it believes an IPv4 packet. */
function ipv4Input(
  interfaceIndex: u32,
  ptr: usize,
  length: u32,
  isLinkBroadcast: bool,
  flags: u32,
  gsoSize: u32,
  nowUs: u64,
): void {
  const receiver = Interface.at(interfaceIndex);
  const header = Ipv4Header.at(ptr);
  count(COUNTER_IP_IN_RECEIVES);
  if (!Ipv4Header.isValid(ptr, length)) {
    receiver.drop(COUNTER_IP_IN_HDR_ERRORS);
    return;
  }
  if (!header.isChecksumValid) {
    receiver.drop(COUNTER_IP_IN_CSUM_ERRORS);
    return;
  }
  if (header.headerLength > IPV4_HEADER && !ipv4OptionsAcceptable(ptr)) {
    receiver.drop(COUNTER_IP_IN_BAD_OPTIONS);
    return;
  }
  let isBroadcast = false;
  if (isLinkBroadcast || !isPlainPair(interfaceIndex, header.addressPair)) {
    if (isMartian(receiver, header)) {
      receiver.drop(COUNTER_IP_IN_MARTIAN);
      return;
    }
    isBroadcast = isBroadcastAddress(header.dst);
    // RFC 1122 3.3.6: what came to all by its link address must be for all by its IP address too. Of groups we joined none.
    const isForUs = isBroadcast ? isLinkBroadcast || receiver.isLoopback : !isLinkBroadcast && isOwnAddress(header.dst);
    if (!isForUs) {
      receiver.drop(COUNTER_IP_IN_ADDR_ERRORS);
      return;
    }
    if (!isBroadcast) notePlainPair(interfaceIndex, header.addressPair);
  }
  if (receiver.claim !== CLAIM_DONE) {
    receiver.drop(COUNTER_IP_IN_ADDR_ERRORS); // the address is not ours yet
    return;
  }
  if (header.isFragment) {
    fragmentInput(interfaceIndex, ptr, isBroadcast, nowUs);
    return;
  }
  demux(interfaceIndex, ptr, isBroadcast, flags, gsoSize, nowUs);
}

/**
 * Addresses that no honest packet bears.
 *
 *   RFC 1122 3.2.1.3: "A host MUST silently discard an incoming datagram containing an IP source address that is invalid by the
 *   rules of this section."
 *
 * From a link that is also each of our own: nobody else may speak for us (the "land" attack).
 */
function isMartian(receiver: Interface, header: Ipv4Header): bool {
  const src = header.src;
  if (isThisNetwork(src) || isMulticast(src) || isLimitedBroadcast(src) || isBroadcastAddress(src)) return true;
  if (receiver.isLoopback) return false;
  return isLoopback(src) || isLoopback(header.dst) || isOwnAddress(src);
}

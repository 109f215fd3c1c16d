// ARP input (RFC 826 "Packet Reception", RFC 5227 for conflicts). Who asks for our address is answered and remembered; a reply is
// believed only if we asked; nobody can speak for our own address. Counts everything, decides no routes.

import { count } from "../count";
import {
  COUNTER_ARP_CACHE_FULL,
  COUNTER_ARP_CONFLICT,
  COUNTER_ARP_MALFORMED,
  COUNTER_ARP_NOT_FOR_US,
  COUNTER_ARP_REPLIES_IN,
  COUNTER_ARP_REQUESTS_IN,
  COUNTER_ARP_UNSOLICITED,
} from "../counters";
import { CLAIM_DONE, CLAIM_PROBING } from "../layout";
import { NONE } from "../storage/none";
import { isFirstShard } from "../tcp/shard";
import { ARP_REPLY, ARP_REQUEST, ArpPacket } from "../wire/arp";
import { isMulticastMac, macEquals } from "../wire/ethernet";
import { mappedLow } from "./address";
import { announceLost } from "./announce";
import { sendArpAnnouncement, sendArpReply } from "./arp-out";
import { addressConflict } from "./interface-events";
import { Interface, isBroadcastAddress } from "./interfaces";
import { NEIGHBOR_INCOMPLETE, NEIGHBOR_PROBE, Neighbor, neighborFind, neighborMake } from "./neighbor";
import { neighborConfirm, neighborHear } from "./neighbor-cache";

// RFC 5227 1.1: DEFEND_INTERVAL 10 seconds (minimum interval between defensive ARPs)
const DEFEND_INTERVAL_US: u64 = 10000000;

/**
 * Takes an ARP packet.
 * @param length bytes after the Ethernet header, padding included
 * @returns the index of a neighbour whose MAC address has become known, or NONE; who waits for it can be woken
 */
export function arpInput(interfaceIndex: u32, ptr: usize, length: u32, nowUs: u64): u32 {
  const receiver = Interface.at(interfaceIndex);
  const packet = ArpPacket.at(ptr);
  if (!ArpPacket.isValid(ptr, length) || !isUsableMac(packet.senderMacPtr)) {
    receiver.drop(COUNTER_ARP_MALFORMED);
    return NONE;
  }
  const operation = packet.operation;
  if (operation !== ARP_REQUEST && operation !== ARP_REPLY) {
    receiver.drop(COUNTER_ARP_MALFORMED);
    return NONE;
  }
  count(operation === ARP_REQUEST ? COUNTER_ARP_REQUESTS_IN : COUNTER_ARP_REPLIES_IN);
  if (macEquals(packet.senderMacPtr, receiver.macPtr)) return NONE; // our own, reflected
  if (receiver.claim !== CLAIM_DONE) {
    if (receiver.claim === CLAIM_PROBING && isFirstShard() && isObjection(receiver, packet)) {
      receiver.drop(COUNTER_ARP_CONFLICT);
      announceLost(interfaceIndex);
      addressConflict(receiver);
    }
    return NONE;
  }
  if (packet.senderAddress === receiver.address) {
    conflict(receiver, nowUs);
    return NONE;
  }
  const resolved = operation === ARP_REPLY ? takeReply(receiver, packet, nowUs) : learn(receiver, packet, nowUs);
  if (operation === ARP_REQUEST && packet.targetAddress === receiver.address) {
    sendArpReply(interfaceIndex, packet.senderMacPtr, packet.senderAddress);
  }
  return resolved;
}

function isUsableMac(macPtr: usize): bool {
  return !isMulticastMac(macPtr) && (load<u32>(macPtr) | <u32>load<u16>(macPtr, 4)) !== 0;
}

/**
 * A reply confirms what we asked for, and nothing else.
 *
 *   RFC 826: "?Am I the target protocol address?"
 */
function takeReply(receiver: Interface, packet: ArpPacket, nowUs: u64): u32 {
  if (packet.targetAddress !== receiver.address) {
    count(COUNTER_ARP_NOT_FOR_US);
    return NONE;
  }
  const index = neighborFind(receiver.index, 0, mappedLow(packet.senderAddress));
  if (index === NONE) {
    count(COUNTER_ARP_UNSOLICITED);
    return NONE;
  }
  const state = Neighbor.at(index).state;
  if (state !== NEIGHBOR_INCOMPLETE && state !== NEIGHBOR_PROBE) {
    count(COUNTER_ARP_UNSOLICITED);
    return NONE;
  }
  neighborConfirm(index, packet.senderMacPtr, nowUs);
  return index;
}

/**
 * A request tells who its sender is: merged into a record that exists, and worth one if it is us who is asked.
 *
 *   RFC 826: "If the pair <protocol type, sender protocol address> is already in my translation table, update the sender
 *   hardware address field of the entry with the new information in the packet and set Merge_flag to true."
 *
 * The record then counts as stale, so that a lie does not live longer than the next check.
 */
function learn(receiver: Interface, packet: ArpPacket, nowUs: u64): u32 {
  const sender = packet.senderAddress;
  const isForUs = packet.targetAddress === receiver.address;
  if (!isForUs && packet.targetAddress !== sender) count(COUNTER_ARP_NOT_FOR_US);
  // A probe has no sender address (RFC 5227 1.1); one outside the subnet is nobody's next hop
  if (sender === 0 || !receiver.isOnLink(sender) || isBroadcastAddress(sender)) return NONE;
  let index = neighborFind(receiver.index, 0, mappedLow(sender));
  if (index === NONE) {
    if (!isForUs) return NONE;
    index = neighborMake(receiver.index, 0, mappedLow(sender));
    if (index === NONE) {
      count(COUNTER_ARP_CACHE_FULL);
      return NONE;
    }
  } else if (Neighbor.at(index).isUsable && macEquals(Neighbor.at(index).macPtr, packet.senderMacPtr)) {
    return NONE; // nothing new
  }
  neighborHear(index, packet.senderMacPtr, nowUs);
  return index;
}

/**
 * Somebody else uses our address: reported, never believed, and answered by an announcement, which RFC 5227 2.4 (c) allows to a
 * host that must keep its address, as long as it does so once per DEFEND_INTERVAL.
 */
function conflict(receiver: Interface, nowUs: u64): void {
  receiver.drop(COUNTER_ARP_CONFLICT);
  if (receiver.defendedUs !== 0 && nowUs - receiver.defendedUs < DEFEND_INTERVAL_US) return;
  receiver.defendedUs = max<u64>(nowUs, 1);
  sendArpAnnouncement(receiver.index);
  addressConflict(receiver);
}

/**
 * Whether somebody has the address that we ask for, or asks for it at the same time.
 *
 *   RFC 5227 2.1.1: "If during this period, from the beginning of the probing process until ANNOUNCE_WAIT seconds after the last probe
 *   packet is sent, the host receives any ARP packet (Request *or* Reply) on the interface where the probe is being performed, where
 *   the packet's 'sender IP address' is the address being probed for, then the host MUST treat this address as being in use [...] In
 *   addition, if [...] any ARP Probe where the packet's 'target IP address' is the address being probed for"
 */
function isObjection(receiver: Interface, packet: ArpPacket): bool {
  if (packet.senderAddress === receiver.address) return true;
  return packet.operation === ARP_REQUEST && packet.senderAddress === 0 && packet.targetAddress === receiver.address;
}

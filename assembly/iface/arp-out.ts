// The ARP packets that we send (RFC 826, RFC 5227): requests, replies and announcements. When is decided elsewhere. Every shard asks for
// its own neighbours; what is said of our address the first one says for all.

import { count } from "../count";
import { COUNTER_ARP_REPLIES_OUT, COUNTER_ARP_REQUESTS_OUT } from "../counters";
import { isFirstShard } from "../tcp/shard";
import { ARP_PACKET, ARP_REPLY, ARP_REQUEST, ArpPacket } from "../wire/arp";
import { ETHERNET_HEADER, ETHERTYPE_ARP, EthernetHeader } from "../wire/ethernet";
import { sendFrame } from "./frame-out";
import { Interface } from "./interfaces";
import { ARP_FRAME } from "./scratch";

const BROADCAST_MAC: usize = memory.data<u8>([0xff, 0xff, 0xff, 0xff, 0xff, 0xff]);

function send(interfaceIndex: u32, destinationMac: usize, operation: u16, targetMac: usize, target: u32): void {
  sendAs(interfaceIndex, Interface.at(interfaceIndex).address, destinationMac, operation, targetMac, target);
}

function sendAs(
  interfaceIndex: u32,
  address: u32,
  destinationMac: usize,
  operation: u16,
  targetMac: usize,
  target: u32,
): void {
  const sender = Interface.at(interfaceIndex);
  EthernetHeader.at(ARP_FRAME).emit(destinationMac, sender.macPtr, ETHERTYPE_ARP);
  ArpPacket.at(ARP_FRAME + ETHERNET_HEADER).emit(operation, sender.macPtr, address, targetMac, target);
  sendFrame(interfaceIndex, ARP_FRAME, ETHERNET_HEADER + ARP_PACKET, 0);
}

/** "Who has `target`?" to everybody, or, to check an address that is known, to `macPtr` alone (RFC 1122 2.3.2.1 (2)). */
export function sendArpRequest(interfaceIndex: u32, target: u32, macPtr: usize): void {
  count(COUNTER_ARP_REQUESTS_OUT);
  send(interfaceIndex, macPtr === 0 ? BROADCAST_MAC : macPtr, ARP_REQUEST, 0, target);
}

/** "I am", to the one who asked. */
export function sendArpReply(interfaceIndex: u32, macPtr: usize, target: u32): void {
  if (!isFirstShard()) return;
  count(COUNTER_ARP_REPLIES_OUT);
  send(interfaceIndex, macPtr, ARP_REPLY, macPtr, target);
}

/** The probe of RFC 5227 2.1.1: who has our address? Without a sender address, so that it changes nobody's cache. */
export function sendArpProbe(interfaceIndex: u32): void {
  count(COUNTER_ARP_REQUESTS_OUT);
  sendAs(interfaceIndex, 0, BROADCAST_MAC, ARP_REQUEST, 0, Interface.at(interfaceIndex).address);
}

/** The announcement of RFC 5227 2.3: a broadcast request for our own address. */
export function sendArpAnnouncement(interfaceIndex: u32): void {
  if (!isFirstShard()) return;
  count(COUNTER_ARP_REQUESTS_OUT);
  send(interfaceIndex, BROADCAST_MAC, ARP_REQUEST, 0, Interface.at(interfaceIndex).address);
}

// The interface records (layout.ts INTERFACE_*): what a link is, its one address, and its counters. Interface 0 is the loopback,
// whose "link" is iface/loopback.ts. Knows no routes and no frames.

import { count } from "../count";
import {
  CLAIM_DONE,
  EINVAL,
  EMFILE,
  IF_CSUM_OFFLOAD,
  IF_GONE,
  IF_GRO,
  IF_LOOPBACK,
  IF_UP,
  INTERFACE_ADDRESS,
  INTERFACE_BYTES,
  INTERFACE_CAPACITY,
  INTERFACE_CARRIER_CHANGES,
  INTERFACE_CLAIM,
  INTERFACE_FLAGS,
  INTERFACE_GSO_MAX,
  INTERFACE_LINK_DROPS,
  INTERFACE_LINK_ERRORS,
  INTERFACE_LINK_NEWS,
  INTERFACE_MAC,
  INTERFACE_MTU,
  INTERFACE_PREFIX_LENGTH,
  INTERFACE_RX_DROPPED,
  INTERFACE_RX_FRAMES,
  INTERFACE_RX_SLOTS,
  INTERFACE_TX_FRAMES,
  INTERFACE_TX_QUEUE_FULL,
  INTERFACES,
  RX_DESCRIPTOR_CAPACITY,
} from "../layout";
import { NONE } from "../storage/none";
import { IPV4_MAX_PACKET, isLimitedBroadcast, isLoopback, isMulticast, isThisNetwork } from "../wire/ipv4";
import { mappedAddress, mappedLow, prefixMask } from "./address";

/** RFC 791: every host must take a packet of 68 bytes; a smaller MTU cannot carry IPv4. */
const MTU_MIN: u32 = 68;

let interfaceCount: u32 = 0;
// The pair of addresses that was looked at last and found plain, and where it arrived
let plainPair: u64 = 0;
let plainInterface: u32 = NONE;

@unmanaged
@final
export class Interface {
  flags: u32; // IF_ bits
  mtu: u32; // bytes of IP packet
  gsoMax: u32; // bytes of IP packet, 0 = no super-segments
  rxSlots: u32;
  macLow: u32; // 6 bytes as on the wire
  macHigh: u16;
  mac0: u16;
  prefixLength: u32; // of the IPv4 address, 0..32
  linkNews: u32; // 1: the link has changed, and whoever drives it has not told yet
  addressHigh: u64;
  addressLow: u64;
  carrierChanges: u64;
  claim: u32; // CLAIM_: whether the address may be used, see announce.ts
  probesLeft: u32;
  rxFrames: u64;
  rxBytes: u64;
  txFrames: u64;
  txBytes: u64;
  rxDropped: u64;
  txQueueFull: u64;
  linkDrops: u64;
  linkErrors: u64;
  // private to the core
  txReaped: u32; // TX slots before this index were taken by the link and accounted for
  announcementsLeft: u32; // see announce.ts
  defendedUs: u64; // when we last defended the address, RFC 5227 2.4; 0 = never

  static at(index: u32): Interface {
    return changetype<Interface>(<usize>INTERFACES + <usize>index * <usize>INTERFACE_BYTES);
  }

  get index(): u32 {
    return <u32>((changetype<usize>(this) - INTERFACES) / INTERFACE_BYTES);
  }

  get macPtr(): usize {
    return changetype<usize>(this) + offsetof<Interface>("macLow");
  }

  /** Host order. */
  get address(): u32 {
    return mappedAddress(this.addressLow);
  }

  /** The address to which all hosts of the subnet listen, host order; 0 if the prefix is too long to have one (RFC 3021). */
  get broadcast(): u32 {
    return this.prefixLength > 30 ? 0 : this.address | ~prefixMask(this.prefixLength);
  }

  /** Whether an address lies in the subnet of this interface. `address`: host order */
  isOnLink(address: u32): bool {
    return ((address ^ this.address) & prefixMask(this.prefixLength)) === 0;
  }

  /** Whether the link carries frames. */
  get isLinkUp(): bool {
    return (this.flags & IF_UP) !== 0;
  }

  /** Whether the link carries frames and the address is ours to use. */
  get isUp(): bool {
    return this.isLinkUp && this.claim === CLAIM_DONE;
  }

  /** Whether there is no such interface any more. */
  get isGone(): bool {
    return (this.flags & IF_GONE) !== 0;
  }

  get isLoopback(): bool {
    return (this.flags & IF_LOOPBACK) !== 0;
  }

  /** Whether frames that continue one another are merged (gro.ts). */
  get hasGro(): bool {
    return (this.flags & IF_GRO) !== 0;
  }

  get completesChecksums(): bool {
    return (this.flags & IF_CSUM_OFFLOAD) !== 0;
  }

  /** Counts a frame that the core refused, under the interface and under its cause. */
  drop(counter: u32): void {
    this.rxDropped += 1;
    count(counter);
  }
}

if (offsetof<Interface>("flags") !== INTERFACE_FLAGS) ERROR("layout drift: Interface.flags");
if (offsetof<Interface>("mtu") !== INTERFACE_MTU) ERROR("layout drift: Interface.mtu");
if (offsetof<Interface>("gsoMax") !== INTERFACE_GSO_MAX) ERROR("layout drift: Interface.gsoMax");
if (offsetof<Interface>("rxSlots") !== INTERFACE_RX_SLOTS) ERROR("layout drift: Interface.rxSlots");
if (offsetof<Interface>("macLow") !== INTERFACE_MAC) ERROR("layout drift: Interface.macLow");
if (offsetof<Interface>("prefixLength") !== INTERFACE_PREFIX_LENGTH) ERROR("layout drift: Interface.prefixLength");
if (offsetof<Interface>("linkNews") !== INTERFACE_LINK_NEWS) ERROR("layout drift: Interface.linkNews");
if (offsetof<Interface>("addressHigh") !== INTERFACE_ADDRESS) ERROR("layout drift: Interface.addressHigh");
if (offsetof<Interface>("carrierChanges") !== INTERFACE_CARRIER_CHANGES)
  ERROR("layout drift: Interface.carrierChanges");
if (offsetof<Interface>("claim") !== INTERFACE_CLAIM) ERROR("layout drift: Interface.claim");
if (offsetof<Interface>("rxFrames") !== INTERFACE_RX_FRAMES) ERROR("layout drift: Interface.rxFrames");
if (offsetof<Interface>("txFrames") !== INTERFACE_TX_FRAMES) ERROR("layout drift: Interface.txFrames");
if (offsetof<Interface>("rxDropped") !== INTERFACE_RX_DROPPED) ERROR("layout drift: Interface.rxDropped");
if (offsetof<Interface>("txQueueFull") !== INTERFACE_TX_QUEUE_FULL) ERROR("layout drift: Interface.txQueueFull");
if (offsetof<Interface>("linkDrops") !== INTERFACE_LINK_DROPS) ERROR("layout drift: Interface.linkDrops");
if (offsetof<Interface>("linkErrors") !== INTERFACE_LINK_ERRORS) ERROR("layout drift: Interface.linkErrors");
if (<i32>offsetof<Interface>() > INTERFACE_BYTES) ERROR("an Interface does not fit INTERFACE_BYTES");

/** Forgets all interfaces and makes the loopback, 127.0.0.1/8, number 0. */
export function interfacesInitialise(): void {
  plainInterface = NONE;
  memory.fill(INTERFACES, 0, INTERFACE_CAPACITY * INTERFACE_BYTES);
  const loopback = Interface.at(0);
  loopback.flags = IF_UP | IF_LOOPBACK | IF_CSUM_OFFLOAD;
  loopback.mtu = IPV4_MAX_PACKET;
  loopback.gsoMax = 0; // its MTU is the longest packet already
  loopback.rxSlots = RX_DESCRIPTOR_CAPACITY;
  loopback.prefixLength = 8;
  loopback.addressLow = mappedLow(0x7f000001);
  interfaceCount = 1;
}

/** Interfaces there are; they are 0..count-1. */
export function interfacesCount(): u32 {
  return interfaceCount;
}

/**
 * Fills the next record.
 * @param address host order; a unicast address of its subnet that is neither loopback nor in 0.0.0.0/8
 * @param prefixLength 1..32
 * @param macHigh16, macLow32 the MAC address, first two and last four bytes, as numbers in reading order; not a group address
 * @param mtu bytes, 68..65535
 * @param gsoMax bytes of IP packet, mtu..65535, or 0; needs IF_CSUM_OFFLOAD, as who splits computes checksums
 * @param flags IF_UP, IF_CSUM_OFFLOAD and IF_GRO
 * @returns its index, -EINVAL or -EMFILE
 */
export function interfaceCreate(
  address: u32,
  prefixLength: u32,
  macHigh16: u32,
  macLow32: u32,
  mtu: u32,
  gsoMax: u32,
  rxSlots: u32,
  flags: u32,
): i32 {
  if (isMulticast(address) || isLimitedBroadcast(address) || isLoopback(address) || isThisNetwork(address))
    return -EINVAL;
  if (prefixLength < 1 || prefixLength > 32 || !isMtuPossible(mtu) || rxSlots === 0) return -EINVAL;
  if (macHigh16 > 0xffff || (macHigh16 & 0x0100) !== 0 || (macHigh16 | macLow32) === 0) return -EINVAL;
  if (gsoMax !== 0 && (gsoMax < mtu || gsoMax > IPV4_MAX_PACKET || (flags & IF_CSUM_OFFLOAD) === 0)) return -EINVAL;
  if ((flags & ~(IF_UP | IF_CSUM_OFFLOAD | IF_GRO)) !== 0 || isOwnAddress(address)) return -EINVAL;
  const hostBits = ~prefixMask(prefixLength);
  if (prefixLength <= 30 && ((address & hostBits) === 0 || (address & hostBits) === hostBits)) return -EINVAL;
  if (interfaceCount === INTERFACE_CAPACITY) return -EMFILE;
  const index = interfaceCount;
  const made = Interface.at(index);
  made.flags = flags;
  made.mtu = mtu;
  made.gsoMax = gsoMax;
  made.rxSlots = rxSlots;
  store<u16>(made.macPtr, bswap<u16>(<u16>macHigh16));
  store<u32>(made.macPtr, bswap<u32>(macLow32), 2);
  made.prefixLength = prefixLength;
  made.addressLow = mappedLow(address);
  interfaceCount = index + 1;
  plainInterface = NONE;
  return index;
}

/** Whether notePlainPair() was the last to be told of this pair of addresses: most packets are of the same flow as the one before. */
export function isPlainPair(interfaceIndex: u32, pair: u64): bool {
  return pair === plainPair && interfaceIndex === plainInterface;
}

/**
 * Notes that packets from one address to the other, arriving over this interface, need no further look at either: the source is
 * one that an honest packet may bear and not ours, the destination is ours and no broadcast. Holds while the interfaces are these.
 */
export function notePlainPair(interfaceIndex: u32, pair: u64): void {
  plainPair = pair;
  plainInterface = interfaceIndex;
}

/** Whether packets to an address (host order) are for us: any interface's, and all of 127.0.0.0/8. */
export function isOwnAddress(address: u32): bool {
  if (isLoopback(address)) return true;
  return interfaceOf(address) !== NONE;
}

/** The interface with an address (host order), or NONE. The address of one that is gone is nobody's. */
function interfaceOf(address: u32): u32 {
  for (let i: u32 = 1; i < interfaceCount; i++) {
    if (Interface.at(i).address === address && !Interface.at(i).isGone) return i;
  }
  return NONE;
}

/** What notePlainPair() was told may not hold any more: an interface has changed. */
export function forgetPlainPair(): void {
  plainInterface = NONE;
}

/** Whether an interface may have this MTU, bytes of IP packet. */
export function isMtuPossible(mtu: u32): bool {
  return mtu >= MTU_MIN && mtu <= IPV4_MAX_PACKET;
}

/** Whether an address (host order) is that of all hosts, or of all hosts of one of our subnets (RFC 1122 3.2.1.3). */
export function isBroadcastAddress(address: u32): bool {
  if (isLimitedBroadcast(address)) return true;
  for (let i: u32 = 1; i < interfaceCount; i++) {
    const broadcast = Interface.at(i).isGone ? 0 : Interface.at(i).broadcast;
    if (broadcast !== 0 && broadcast === address) return true;
  }
  return false;
}

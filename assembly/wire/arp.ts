// ARP packet for IPv4 over Ethernet (RFC 826; RFC 5227 for what announcements look like).
// Must not know the neighbour cache: who asks, who answers and who is believed is decided in iface/.
//
//       0       2       4   5   6       8           14      18          24      28
//      ┌───────┬───────┬───┬───┬───────┬───────────┬───────┬───────────┬───────┐
//   0  │ hrd   │ pro   │hln│pln│ op    │ sender MAC│ IPv4  │ target MAC│ IPv4  │
//      └───────┴───────┴───┴───┴───────┴───────────┴───────┴───────────┴───────┘
import { ETHERTYPE_IPV4, macCopy } from "./ethernet";

const HARDWARE_TYPE: usize = 0;
const PROTOCOL_TYPE: usize = 2;
const HARDWARE_LENGTH: usize = 4;
const PROTOCOL_LENGTH: usize = 5;
const OPERATION: usize = 6;
const SENDER_MAC: usize = 8;
const SENDER_ADDRESS: usize = 14;
const TARGET_MAC: usize = 18;
const TARGET_ADDRESS: usize = 24;

/** Bytes of the packet; what follows in the frame is padding. */
export const ARP_PACKET: u32 = 28;

export const ARP_REQUEST: u16 = 1;
export const ARP_REPLY: u16 = 2;

const HARDWARE_ETHERNET: u16 = 1;

@unmanaged
@final
export class ArpPacket {
  static at(ptr: usize): ArpPacket {
    return changetype<ArpPacket>(ptr);
  }

  /** Whether `length` bytes hold an Ethernet/IPv4 ARP packet: RFC 826's "?Do I have the hardware type" and what follows. */
  static isValid(ptr: usize, length: u32): bool {
    if (length < ARP_PACKET) return false;
    return (
      bswap<u16>(load<u16>(ptr, HARDWARE_TYPE)) === HARDWARE_ETHERNET &&
      bswap<u16>(load<u16>(ptr, PROTOCOL_TYPE)) === ETHERTYPE_IPV4 &&
      load<u8>(ptr, HARDWARE_LENGTH) === 6 &&
      load<u8>(ptr, PROTOCOL_LENGTH) === 4
    );
  }

  /** `ARP_REQUEST`, `ARP_REPLY`, or something to ignore. */
  get operation(): u16 {
    return bswap<u16>(load<u16>(changetype<usize>(this), OPERATION));
  }

  /** -> 6 bytes. */
  get senderMacPtr(): usize {
    return changetype<usize>(this) + SENDER_MAC;
  }

  /** Host-order IPv4 address; 0 in a probe (RFC 5227 1.1). */
  get senderAddress(): u32 {
    return bswap<u32>(load<u32>(changetype<usize>(this), SENDER_ADDRESS));
  }

  /** -> 6 bytes. */
  get targetMacPtr(): usize {
    return changetype<usize>(this) + TARGET_MAC;
  }

  /** Host-order IPv4 address; the sender's own in an announcement (RFC 5227 1.1). */
  get targetAddress(): u32 {
    return bswap<u32>(load<u32>(changetype<usize>(this), TARGET_ADDRESS));
  }

  /**
   * Writes the 28 bytes.
   * @param operation `ARP_REQUEST` or `ARP_REPLY`
   * @param senderMacPtr, targetMacPtr -> 6 bytes each; `targetMacPtr` 0 writes zeros, as in a request (RFC 5227 2.1.1)
   * @param senderAddress, targetAddress host-order IPv4 addresses
   */
  emit(operation: u16, senderMacPtr: usize, senderAddress: u32, targetMacPtr: usize, targetAddress: u32): void {
    const ptr = changetype<usize>(this);
    store<u16>(ptr, bswap<u16>(HARDWARE_ETHERNET), HARDWARE_TYPE);
    store<u16>(ptr, bswap<u16>(ETHERTYPE_IPV4), PROTOCOL_TYPE);
    store<u8>(ptr, 6, HARDWARE_LENGTH);
    store<u8>(ptr, 4, PROTOCOL_LENGTH);
    store<u16>(ptr, bswap<u16>(operation), OPERATION);
    macCopy(this.senderMacPtr, senderMacPtr);
    store<u32>(ptr, bswap<u32>(senderAddress), SENDER_ADDRESS);
    if (targetMacPtr !== 0) {
      macCopy(this.targetMacPtr, targetMacPtr);
    } else {
      store<u32>(ptr, 0, TARGET_MAC);
      store<u16>(ptr, 0, TARGET_MAC + 4);
    }
    store<u32>(ptr, bswap<u32>(targetAddress), TARGET_ADDRESS);
  }
}

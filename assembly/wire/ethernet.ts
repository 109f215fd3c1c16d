// Ethernet II frame header (RFC 894, IEEE 802.3 clause 3) and the few things one does with MAC addresses.
// Must not know what an EtherType carries, nor which address is ours.
//
//       0                   6                   12      14
//      ┌───────────────────┬───────────────────┬───────┬─────────────
//   0  │    destination    │      source       │ type  │ payload ...
//      └───────────────────┴───────────────────┴───────┴─────────────

const DESTINATION: usize = 0;
const SOURCE: usize = 6;
const TYPE: usize = 12;

/** Bytes of the header, without a VLAN tag. */
export const ETHERNET_HEADER: u32 = 14;

export const ETHERTYPE_IPV4: u16 = 0x0800; // RFC 894
export const ETHERTYPE_ARP: u16 = 0x0806; // RFC 826
export const ETHERTYPE_IPV6: u16 = 0x86dd; // RFC 2464

@unmanaged
@final
export class EthernetHeader {
  /** The header at `ptr`, a frame that {@link EthernetHeader.isValid} accepted or a place for one. */
  static at(ptr: usize): EthernetHeader {
    return changetype<EthernetHeader>(ptr);
  }

  /** Whether `length` bytes hold the header. */
  static isValid(_ptr: usize, length: u32): bool {
    return length >= ETHERNET_HEADER;
  }

  /** -> 6 bytes. */
  get destinationPtr(): usize {
    return changetype<usize>(this) + DESTINATION;
  }

  /** -> 6 bytes. */
  get sourcePtr(): usize {
    return changetype<usize>(this) + SOURCE;
  }

  /** An `ETHERTYPE_` code; below 1536 it is an IEEE 802.3 length, not a type. */
  get etherType(): u16 {
    return bswap<u16>(load<u16>(changetype<usize>(this), TYPE));
  }

  set etherType(value: u16) {
    store<u16>(changetype<usize>(this), bswap<u16>(value), TYPE);
  }

  /** Writes the 14 bytes. `destinationPtr`, `sourcePtr` -> 6 bytes each, outside the header. */
  emit(destinationPtr: usize, sourcePtr: usize, etherType: u16): void {
    macCopy(this.destinationPtr, destinationPtr);
    macCopy(this.sourcePtr, sourcePtr);
    this.etherType = etherType;
  }
}

/** Whether two MAC addresses (-> 6 bytes each) are equal. */
export function macEquals(aPtr: usize, bPtr: usize): bool {
  return load<u32>(aPtr) === load<u32>(bPtr) && load<u16>(aPtr, 4) === load<u16>(bPtr, 4);
}

/** Copies the MAC address at `srcPtr` to `dstPtr` (-> 6 bytes each). */
export function macCopy(dstPtr: usize, srcPtr: usize): void {
  const high = load<u32>(srcPtr);
  const low = load<u16>(srcPtr, 4);
  store<u32>(dstPtr, high);
  store<u16>(dstPtr, low, 4);
}

/** Whether the MAC address at `macPtr` is ff:ff:ff:ff:ff:ff. Named apart from the IPv4 predicates: a pointer is a u32 too. */
export function isBroadcastMac(macPtr: usize): bool {
  return load<u32>(macPtr) === 0xffffffff && load<u16>(macPtr, 4) === 0xffff;
}

/** Whether the MAC address at `macPtr` has the group bit: multicast, and broadcast as well (IEEE 802 8.2). */
export function isMulticastMac(macPtr: usize): bool {
  return (load<u8>(macPtr) & 1) !== 0;
}

// One gratuitous ARP announcement (RFC 5227 3) sent past the kernel: tells the neighbours that an address has moved to a MAC address.
import {
  HEAP,
  INTERFACES,
  RING_SLOTS,
  RING_TAIL,
  RX_DESCRIPTORS,
  TX_HEADER_LENGTH,
  TX_HEADER_PTR,
  TX_RINGS,
} from "../assembly/layout.ts";
import { parseIpv4, parseMac } from "./address.ts";
import { invalidValue } from "./errors.ts";
import { createMemory } from "./memory.ts";
import { loadAddon } from "./native.ts";

const RING_BYTES = 256 * 1024;
const HEAP_BYTES = 1024 * 1024;
const FRAME_AT = HEAP + RING_BYTES;
const ARP_BYTES = 42;

/**
 * Sends "ADDRESS is at MAC" to all neighbours on an interface, as an ARP request for the address itself.
 * @param interfaceName - an Ethernet interface of this network namespace
 * @param address - dotted quad
 * @param mac - six bytes in hexadecimal with colons; default: the interface's
 * @throws AddonError; TypeError; Error with code, errno and syscall: EPERM without CAP_NET_RAW, ENODEV
 */
export function announceAddress(interfaceName: string, address: string, mac?: string): void {
  const { PacketSocket, interfaceInfo } = loadAddon();
  const number = parseIpv4(address);
  if (number === undefined) throw invalidValue("address", "an IPv4 address such as 10.0.0.1", address);
  const owner = parseMac("mac", mac ?? interfaceInfo(interfaceName)?.mac ?? "");
  const views = createMemory(HEAP_BYTES);
  const frame = announcement(number, owner);
  const socket = new PacketSocket(views.u8, {
    interface: interfaceName,
    ringPtr: HEAP,
    ringBytes: RING_BYTES,
    inPlace: false,
    rxDescriptorsPtr: RX_DESCRIPTORS,
    txRingPtr: TX_RINGS,
    interfacePtr: INTERFACES,
    macHigh16: frame.getUint16(6),
    macLow32: frame.getUint32(8),
  });
  try {
    views.u8.set(new Uint8Array(frame.buffer), FRAME_AT);
    views.u32[(TX_RINGS + RING_SLOTS + TX_HEADER_PTR) >>> 2] = FRAME_AT;
    views.u32[(TX_RINGS + RING_SLOTS + TX_HEADER_LENGTH) >>> 2] = ARP_BYTES;
    views.u32[(TX_RINGS + RING_TAIL) >>> 2] = 1;
    socket.transmit();
  } finally {
    socket.close();
  }
}

/** RFC 826's packet behind an Ethernet header: sender and target address are the one that is announced. */
function announcement(address: number, mac: Uint8Array): DataView {
  const frame = new DataView(new ArrayBuffer(ARP_BYTES));
  const bytes = new Uint8Array(frame.buffer);
  bytes.fill(0xff, 0, 6);
  bytes.set(mac, 6);
  frame.setUint16(12, 0x0806);
  frame.setUint16(14, 1); // hardware: Ethernet
  frame.setUint16(16, 0x0800); // protocol: IPv4
  frame.setUint16(18, 0x0604); // lengths of their addresses
  frame.setUint16(20, 1); // request
  bytes.set(mac, 22);
  frame.setUint32(28, address);
  frame.setUint32(38, address);
  return frame;
}

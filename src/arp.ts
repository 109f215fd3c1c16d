// Two ARP messages sent past the kernel (RFC 5227): an announcement, which tells the neighbours where an address is now, and a probe,
// which asks whether anybody has it.
import { setTimeout as sleep } from "node:timers/promises";
import {
  HEAP,
  INTERFACES,
  RING_SLOTS,
  RING_TAIL,
  RX_DESCRIPTOR_BYTES,
  RX_DESCRIPTOR_CAPACITY,
  RX_DESCRIPTORS,
  RX_FRAME_LENGTH,
  RX_FRAME_PTR,
  TX_HEADER_LENGTH,
  TX_HEADER_PTR,
  TX_RINGS,
} from "../assembly/layout.ts";
import { defaultMac, parseIpv4, parseMac } from "./address.ts";
import { invalidValue } from "./errors.ts";
import { createMemory, type SharedViews } from "./memory.ts";
import { loadAddon, type PacketSocket } from "./native.ts";

const RING_BYTES = 1024 * 1024;
const HEAP_BYTES = 2 * 1024 * 1024;
const FRAME_AT = HEAP + RING_BYTES;
const ARP_BYTES = 42;
const ETHERTYPE_ARP = 0x0806;
/** Places in the frame (RFC 826 behind an Ethernet header). */
const SENDER_MAC = 22;
const SENDER_ADDRESS = 28;
const TARGET_ADDRESS = 38;
/** How long an answer may take: RFC 5227's PROBE_MAX is for networks that are slow to wake. */
const ANSWER_MS = 600;
const LOOK_MS = 20;

/**
 * Sends "ADDRESS is at MAC" to all neighbours on an interface, as an ARP request for the address itself.
 * @param interfaceName - an Ethernet interface of this network namespace
 * @param address - dotted quad
 * @param mac - six bytes in hexadecimal with colons; default: the interface's
 * @throws AddonError; TypeError; Error with code, errno and syscall: EPERM without CAP_NET_RAW, ENODEV
 * @see RFC 5227 3
 */
export function announceAddress(interfaceName: string, address: string, mac?: string): void {
  const number = checkedAddress(address);
  const owner = parseMac("mac", mac ?? loadAddon().interfaceInfo(interfaceName)?.mac ?? "");
  const wire = open(interfaceName, owner);
  try {
    send(wire, request(owner, number, number));
  } finally {
    wire.socket.close();
  }
}

/**
 * Asks all neighbours on an interface who has an address. The kernel of this host is not asked.
 * @returns (resolves) the MAC address of the first that answers, or undefined if nobody does within 0.6 s
 * @throws (rejects) as {@link announceAddress}
 * @see RFC 5227 2.1.1
 */
export async function probeAddress(interfaceName: string, address: string): Promise<string | undefined> {
  const number = checkedAddress(address);
  const mac = defaultMac(number);
  const wire = open(interfaceName, mac);
  try {
    send(wire, request(mac, 0, number));
    for (let waited = 0; waited < ANSWER_MS; waited += LOOK_MS) {
      await sleep(LOOK_MS);
      const owner = findOwner(wire, number);
      if (owner !== undefined) return owner;
    }
    return undefined;
  } finally {
    wire.socket.close();
  }
}

type Wire = { views: SharedViews; socket: PacketSocket };

function checkedAddress(address: string): number {
  const number = parseIpv4(address);
  if (number === undefined) throw invalidValue("address", "an IPv4 address such as 10.0.0.1", address);
  return number;
}

function open(interfaceName: string, mac: Uint8Array): Wire {
  const views = createMemory(HEAP_BYTES);
  const words = new DataView(mac.buffer, mac.byteOffset, mac.byteLength);
  const socket = new (loadAddon().PacketSocket)(views.u8, {
    interface: interfaceName,
    ringPtr: HEAP,
    ringBytes: RING_BYTES,
    inPlace: false,
    rxDescriptorsPtr: RX_DESCRIPTORS,
    txRingPtr: TX_RINGS,
    interfacePtr: INTERFACES,
    macHigh16: words.getUint16(0),
    macLow32: words.getUint32(2),
  });
  return { views, socket };
}

function send({ views, socket }: Wire, frame: Uint8Array): void {
  views.u8.set(frame, FRAME_AT);
  views.u32[(TX_RINGS + RING_SLOTS + TX_HEADER_PTR) >>> 2] = FRAME_AT;
  views.u32[(TX_RINGS + RING_SLOTS + TX_HEADER_LENGTH) >>> 2] = frame.length;
  views.u32[(TX_RINGS + RING_TAIL) >>> 2] = 1;
  socket.transmit();
}

/** A request to all: `sender` is 0 in a probe, the target itself in an announcement. */
function request(mac: Uint8Array, sender: number, target: number): Uint8Array {
  const frame = new DataView(new ArrayBuffer(ARP_BYTES));
  const bytes = new Uint8Array(frame.buffer);
  bytes.fill(0xff, 0, 6);
  bytes.set(mac, 6);
  frame.setUint16(12, ETHERTYPE_ARP);
  frame.setUint16(14, 1); // hardware: Ethernet
  frame.setUint16(16, 0x0800); // protocol: IPv4
  frame.setUint16(18, 0x0604); // lengths of their addresses
  frame.setUint16(20, 1); // request
  bytes.set(mac, SENDER_MAC);
  frame.setUint32(SENDER_ADDRESS, sender);
  frame.setUint32(TARGET_ADDRESS, target);
  return bytes;
}

function findOwner({ views, socket }: Wire, address: number): string | undefined {
  const count = socket.receive(RX_DESCRIPTOR_CAPACITY);
  for (let index = 0; index < count; index++) {
    const at = RX_DESCRIPTORS + index * RX_DESCRIPTOR_BYTES;
    const ptr = views.u32[(at + RX_FRAME_PTR) >>> 2]!;
    if (views.u32[(at + RX_FRAME_LENGTH) >>> 2]! < ARP_BYTES) continue;
    const frame = new DataView(views.buffer, ptr, ARP_BYTES);
    if (frame.getUint16(12) !== ETHERTYPE_ARP || frame.getUint32(SENDER_ADDRESS) !== address) continue;
    return Array.from(views.u8.subarray(ptr + SENDER_MAC, ptr + SENDER_MAC + 6), hex).join(":");
  }
  return undefined;
}

function hex(byte: number): string {
  return byte.toString(16).padStart(2, "0");
}

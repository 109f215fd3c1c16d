// Encodes pcapng blocks, little-endian, as Wireshark reads them (draft-ietf-opsawg-pcapng: 4.1 section header, 4.2
// interface description, 4.3 enhanced packet). Pure: bytes in, bytes out; the file they go to is capture-writer.ts's
// business.

import { completeChecksum } from "./checksum.ts";

const SECTION_HEADER_BLOCK = 0x0a0d0d0a;
const INTERFACE_DESCRIPTION_BLOCK = 1;
const ENHANCED_PACKET_BLOCK = 6;
/** Read as 0x1a2b3c4d, it tells the reader that our byte order is its own. */
const BYTE_ORDER_MAGIC = 0x1a2b3c4d;
const LINKTYPE_ETHERNET = 1;

const OPTION_END = 0;
const OPTION_COMMENT = 1;
const SHB_USERAPPL = 4;
const IF_NAME = 2;
const IF_DESCRIPTION = 3;
const IF_IPV4ADDR = 4;
const IF_MACADDR = 6;
const IF_TSRESOL = 9;
const EPB_FLAGS = 2;
const MICROSECONDS = 6; // if_tsresol: 10^-6 s
const INBOUND = 1; // epb_flags bits 0 and 1
const OUTBOUND = 2;

/** Bytes of a frame that are kept; more than any frame has (`FRAME_MAX_BYTES`). */
export const SNAPLEN = 262144;
/** A name or comment is cut, between characters, to so many bytes of UTF-8. */
export const MAX_TEXT_BYTES = 1024;

const OPTION_HEADER_BYTES = 4;
const PACKET_HEADER_BYTES = 28;
/** epb_flags, opt_endofopt and the block's length again. */
const PACKET_TAIL_BYTES = OPTION_HEADER_BYTES + 4 + OPTION_HEADER_BYTES + 4;

/** The longest block that {@link writePacketBlock} writes. */
export const MAX_PACKET_BLOCK_BYTES =
  PACKET_HEADER_BYTES + SNAPLEN + OPTION_HEADER_BYTES + MAX_TEXT_BYTES + PACKET_TAIL_BYTES;

/** What a packet block says about its packet. */
export interface PacketBlockOptions {
  /** True if we sent it, false if we received it. */
  outbound: boolean;
  /** Shown by Wireshark with the packet; at most {@link MAX_TEXT_BYTES} bytes of it are kept. */
  comment?: string | undefined;
  /**
   * The frame's transport checksum is partial (`FRAME_CSUM_PARTIAL`): the block gets it complete, in its copy of the
   * bytes. Default false.
   */
  partialChecksum?: boolean | undefined;
}

const encoder = new TextEncoder();

/**
 * The block that starts a capture file.
 * @see draft-ietf-opsawg-pcapng section 4.1
 */
export function sectionHeader(): Uint8Array {
  const target = new Uint8Array(256);
  const view = new DataView(target.buffer);
  view.setUint32(8, BYTE_ORDER_MAGIC, true);
  view.setUint16(12, 1, true); // major version
  view.setUint16(14, 0, true); // minor version
  view.setBigInt64(16, -1n, true); // section length: not known
  let at = writeText(target, 24, SHB_USERAPPL, "wasmtcp");
  at = writeOptionHeader(target, at, OPTION_END, 0);
  return target.subarray(0, closeBlock(target, 0, at, SECTION_HEADER_BLOCK));
}

/** What a file says of an interface beside its name. */
export interface InterfaceDescription {
  /** At most {@link MAX_TEXT_BYTES} bytes of it are kept. */
  description: string;
  /** IPv4 address and network mask, u32 in host order. */
  address: number;
  mask: number;
  /** 6 bytes. */
  mac: Uint8Array;
}

/**
 * The block that describes an Ethernet interface with time stamps in µs. The first one in a file is interface 0, and so
 * on.
 * @param name - at most {@link MAX_TEXT_BYTES} bytes of it are kept
 * @see draft-ietf-opsawg-pcapng section 4.2
 */
export function interfaceBlock(name: string, more?: InterfaceDescription): Uint8Array {
  const target = new Uint8Array(2 * MAX_TEXT_BYTES + 128);
  write16(target, 8, LINKTYPE_ETHERNET);
  write32(target, 12, SNAPLEN);
  let at = writeText(target, 16, IF_NAME, name);
  if (more !== undefined) at = describe(target, at, more);
  at = writeOptionHeader(target, at, IF_TSRESOL, 1);
  target[at] = MICROSECONDS;
  at = writeOptionHeader(target, at + 4, OPTION_END, 0);
  return target.subarray(0, closeBlock(target, 0, at, INTERFACE_DESCRIPTION_BLOCK));
}

/**
 * The block of one packet, in a buffer of its own.
 * @param interfaceId - index of the interface's block in the file
 * @param timestampUs - wall clock, µs since 1970; the fraction is cut off
 * @param bytes - Ethernet frame; not modified
 */
export function packetBlock(
  interfaceId: number,
  timestampUs: number,
  bytes: Uint8Array,
  options: PacketBlockOptions,
): Uint8Array {
  const target = new Uint8Array(MAX_TEXT_BYTES + 64 + Math.min(bytes.length, SNAPLEN));
  return target.slice(0, writePacketBlock(target, 0, interfaceId, timestampUs, bytes, options));
}

/**
 * Writes the block of one packet into `target` without allocating (a comment aside).
 * @param at - offset of the block; {@link MAX_PACKET_BLOCK_BYTES} from there always suffice
 * @returns the offset after the block
 * @see draft-ietf-opsawg-pcapng section 4.3
 */
export function writePacketBlock(
  target: Uint8Array,
  at: number,
  interfaceId: number,
  timestampUs: number,
  bytes: Uint8Array,
  options: PacketBlockOptions,
): number {
  const captured = Math.min(bytes.length, SNAPLEN);
  write32(target, at + 8, interfaceId);
  write32(target, at + 12, Math.floor(timestampUs / 0x100000000));
  write32(target, at + 16, Math.floor(timestampUs % 0x100000000));
  write32(target, at + 20, captured);
  write32(target, at + 24, bytes.length);
  const data = at + PACKET_HEADER_BYTES;
  target.set(captured === bytes.length ? bytes : bytes.subarray(0, captured), data);
  if (options.partialChecksum === true) completeChecksum(target, data, data + captured);
  let next = pad(target, data + captured, captured);
  if (options.comment !== undefined) next = writeText(target, next, OPTION_COMMENT, options.comment);
  next = writeOptionHeader(target, next, EPB_FLAGS, 4);
  write32(target, next, options.outbound ? OUTBOUND : INBOUND);
  next = writeOptionHeader(target, next + 4, OPTION_END, 0);
  return closeBlock(target, at, next, ENHANCED_PACKET_BLOCK);
}

function describe(target: Uint8Array, at: number, more: InterfaceDescription): number {
  let next = writeText(target, at, IF_DESCRIPTION, more.description);
  next = writeOptionHeader(target, next, IF_IPV4ADDR, 8);
  // As they are in a packet: most significant byte first, whatever the file's byte order
  const view = new DataView(target.buffer);
  view.setUint32(next, more.address);
  view.setUint32(next + 4, more.mask);
  next = writeOptionHeader(target, next + 8, IF_MACADDR, 6);
  target.set(more.mac, next);
  return pad(target, next + 6, 6);
}

/** Writes type and both lengths of the block that started at `start`; `end` is where the second length goes. */
function closeBlock(target: Uint8Array, start: number, end: number, type: number): number {
  const length = end + 4 - start;
  write32(target, start, type);
  write32(target, start + 4, length);
  write32(target, end, length);
  return end + 4;
}

function writeOptionHeader(target: Uint8Array, at: number, code: number, length: number): number {
  write16(target, at, code);
  write16(target, at + 2, length);
  return at + OPTION_HEADER_BYTES;
}

function writeText(target: Uint8Array, at: number, code: number, text: string): number {
  const value = at + OPTION_HEADER_BYTES;
  const { written } = encoder.encodeInto(text, target.subarray(value, value + MAX_TEXT_BYTES));
  writeOptionHeader(target, at, code, written);
  return pad(target, value + written, written);
}

/** Zeroes the bytes that make `length`, which ends at `at`, a multiple of four. */
function pad(target: Uint8Array, at: number, length: number): number {
  const end = at + (-length & 3);
  target.fill(0, at, end);
  return end;
}

function write16(target: Uint8Array, at: number, value: number): void {
  target[at] = value;
  target[at + 1] = value >>> 8;
}

function write32(target: Uint8Array, at: number, value: number): void {
  target[at] = value;
  target[at + 1] = value >>> 8;
  target[at + 2] = value >>> 16;
  target[at + 3] = value >>> 24;
}

// Frames for the packet socket's tests: Ethernet around patterned bytes, and TCP super-segments the kernel can split.
import * as assert from "uvu/assert";
import { macAddress } from "./end.ts";

export const BROADCAST = Uint8Array.of(255, 255, 255, 255, 255, 255);
export const ETHERTYPE_IPV4 = 0x0800;
export const TCP_HEADERS_BYTES = 54; // Ethernet 14 + IPv4 20 + TCP 20
export const TCP_START = 34;

/** `length` bytes that depend on `seed` and on their place. */
export function pattern(length: number, seed: number): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => i * 31 + (i >> 8) * 7 + seed * 13);
}

/** An Ethernet frame of `length` bytes. */
export function frame(
  destination: Uint8Array | number,
  length: number,
  seed = 0,
  etherType = ETHERTYPE_IPV4,
): Uint8Array {
  const bytes = pattern(length, seed);
  bytes.set(typeof destination === "number" ? macAddress(destination) : destination, 0);
  bytes.set(macAddress(0xee), 6);
  new DataView(bytes.buffer).setUint16(12, etherType);
  return bytes;
}

/** Ones' complement sum of 16-bit words, folded (RFC 1071), not complemented. */
export function onesSum(bytes: Uint8Array, start = 0): number {
  let sum = start;
  for (let i = 0; i < bytes.length; i += 2) sum += ((bytes[i] ?? 0) << 8) | (bytes[i + 1] ?? 0);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return sum;
}

/** Ethernet, IPv4 and TCP headers for `payloadBytes`, with the TCP checksum left partial (the pseudo-header's sum). */
export function tcpHeaders(destinationMac: number, payloadBytes: number): Uint8Array {
  const bytes = new Uint8Array(TCP_HEADERS_BYTES);
  const view = new DataView(bytes.buffer);
  bytes.set(macAddress(destinationMac), 0);
  bytes.set(macAddress(0xee), 6);
  view.setUint16(12, ETHERTYPE_IPV4);
  view.setUint8(14, 0x45);
  view.setUint16(16, 40 + payloadBytes);
  view.setUint16(20, 0x4000);
  view.setUint8(22, 64);
  view.setUint8(23, 6);
  bytes.set([10, 77, 0, 1, 10, 77, 0, 2], 26);
  view.setUint16(24, ~onesSum(bytes.subarray(14, 34)) & 0xffff);
  view.setUint16(34, 12345);
  view.setUint16(36, 54321);
  view.setUint32(38, 0xfffffff0);
  view.setUint16(46, 0x5010);
  view.setUint16(48, 0xffff);
  view.setUint16(50, onesSum(bytes.subarray(26, 34), 6 + 20 + payloadBytes));
  return bytes;
}

export function concat(...parts: Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

/** Fails with the number, length and first difference of the frame that is not as expected, not with 64 KiB of bytes. */
export function assertFrames(got: readonly { bytes: Uint8Array }[], expected: readonly Uint8Array[]): void {
  assert.is(got.length, expected.length, `frames: ${got.length}, expected ${expected.length}`);
  for (const [i, want] of expected.entries()) {
    const bytes = got[i]?.bytes ?? new Uint8Array();
    const at = want.findIndex((byte, offset) => bytes[offset] !== byte);
    assert.ok(
      at < 0 && bytes.length === want.length,
      `frame ${i}: ${bytes.length} bytes, expected ${want.length}; byte ${at}: ${bytes[at]}, expected ${want[at]}`,
    );
  }
}

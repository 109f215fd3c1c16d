// Frames as bytes, for tests: builders with correct lengths and checksums, to be damaged by the test that wants it otherwise, and
// one host without a network that takes and gives them.
import { COUNTER_COUNT } from "../../assembly/counters.ts";
import { internetChecksum, pseudoHeaderSum } from "../../src/links/checksum.ts";
import type { Frame } from "../../src/links/frame.ts";
import { SimHost, type SimHostOptions } from "../../src/sim/index.ts";
import { coreModule } from "./sim.ts";

export const OUR_IP = 0x0a000001;
export const PEER_IP = 0x0a000002;
export const OUR_MAC = [0x02, 0x77, 10, 0, 0, 1];
export const PEER_MAC = [0x02, 0x77, 10, 0, 0, 2];
export const BROADCAST = [255, 255, 255, 255, 255, 255];

export const bytes16 = (value: number): number[] => [(value >>> 8) & 255, value & 255];
export const bytes32 = (value: number): number[] => [...bytes16(value >>> 16), ...bytes16(value & 0xffff)];

/** Ethernet header and payload. */
export function ethernet(
  type: number,
  payload: ArrayLike<number>,
  to: number[] = OUR_MAC,
  from: number[] = PEER_MAC,
): Uint8Array {
  return Uint8Array.from([...to, ...from, ...bytes16(type), ...Array.from(payload)]);
}

/** An ARP packet for IPv4 over Ethernet, in its frame. */
export function arp(
  operation: number,
  senderMac: number[],
  sender: number,
  target: number,
  to: number[] = BROADCAST,
): Uint8Array {
  const packet = [
    0,
    1,
    8,
    0,
    6,
    4,
    ...bytes16(operation),
    ...senderMac,
    ...bytes32(sender),
    0,
    0,
    0,
    0,
    0,
    0,
    ...bytes32(target),
  ];
  return ethernet(0x0806, packet, to, senderMac);
}

/** What an IPv4 packet is made of; the rest is right by itself. */
export interface PacketFields {
  src?: number;
  dst?: number;
  protocol?: number;
  options?: number[];
  ttl?: number;
  /** Flags and fragment offset. */
  fragment?: number;
  id?: number;
  tos?: number;
  to?: number[];
}

/** An IPv4 packet in its frame. */
export function ipv4(payload: ArrayLike<number>, fields: PacketFields = {}): Uint8Array {
  const { src = PEER_IP, dst = OUR_IP, protocol = 1, options = [], ttl = 64, fragment = 0, to = OUR_MAC } = fields;
  const { id = 0, tos = 0 } = fields;
  const headerBytes = 20 + options.length;
  const header = [
    0x40 + headerBytes / 4,
    tos,
    ...bytes16(headerBytes + payload.length),
    ...bytes16(id),
    ...bytes16(fragment),
    ttl,
    protocol,
    0,
    0,
  ];
  const frame = ethernet(0x0800, [...header, ...bytes32(src), ...bytes32(dst), ...options, ...Array.from(payload)], to);
  return fixIpv4(frame);
}

/** Computes the header checksum again after a change. */
export function fixIpv4(frame: Uint8Array): Uint8Array {
  const end = 14 + (frame[14]! & 15) * 4;
  frame.set([0, 0], 24);
  frame.set(bytes16(internetChecksum(frame, 14, Math.min(end, frame.length))), 24);
  return frame;
}

/** An ICMP message: type, code, second word, body. */
export function icmp(type: number, code: number, rest: number, body: ArrayLike<number> = []): number[] {
  const message = [type, code, 0, 0, ...bytes32(rest), ...Array.from(body)];
  const sum = internetChecksum(Uint8Array.from(message));
  message.splice(2, 2, ...bytes16(sum));
  return message;
}

/** What a TCP segment is made of. */
export interface SegmentFields extends PacketFields {
  srcPort?: number;
  dstPort?: number;
  seq?: number;
  ack?: number;
  flags?: number;
  window?: number;
  tcpOptions?: number[];
  payload?: number[];
}

/** A TCP segment in its frame, checksum included. */
export function tcp(fields: SegmentFields = {}): Uint8Array {
  const {
    srcPort = 1000,
    dstPort = 80,
    seq = 1,
    ack = 0,
    flags = 2,
    window = 65535,
    tcpOptions = [],
    payload = [],
  } = fields;
  const offset = (20 + tcpOptions.length) * 4;
  const ports = [...bytes16(srcPort), ...bytes16(dstPort)];
  const segment = [
    ...ports,
    ...bytes32(seq),
    ...bytes32(ack),
    offset,
    flags,
    ...bytes16(window),
    0,
    0,
    0,
    0,
    ...tcpOptions,
    ...payload,
  ];
  return fixTcp(ipv4(segment, { ...fields, protocol: 6 }));
}

/** Computes the TCP checksum again after a change. */
export function fixTcp(frame: Uint8Array): Uint8Array {
  const start = 14 + (frame[14]! & 15) * 4;
  frame.set([0, 0], start + 16);
  frame.set(
    bytes16(internetChecksum(frame, start, frame.length, pseudoHeaderSum(frame, 14, frame.length - start))),
    start + 16,
  );
  return frame;
}

/** One host, its cable in the hands of the test. */
export class Bench {
  readonly host: SimHost;
  nowUs = 1_000_000;

  constructor(options: Partial<SimHostOptions> = {}) {
    this.host = new SimHost(coreModule(), { address: OUR_IP, ...options }, 1);
    this.turn(); // the first announcement
  }

  /** Frames in, frames out: one turn of the host, and what it sent. */
  turn(frames: (Uint8Array | Frame)[] = [], limit = Number.POSITIVE_INFINITY): Uint8Array[] {
    return this.turnWhole(frames, limit).map((frame) => frame.bytes);
  }

  /** As `turn`, with what the link is told about each frame. */
  turnWhole(frames: (Uint8Array | Frame)[] = [], limit = Number.POSITIVE_INFINITY): Frame[] {
    const input = frames.map((frame) => (frame instanceof Uint8Array ? { bytes: frame, flags: 0, gsoSize: 0 } : frame));
    const output: Frame[] = [];
    this.host.beginTurn(this.nowUs);
    this.host.receive({ pop: () => input.shift() ?? null, recycle: () => {} }, this.nowUs);
    this.host.transmit((frame) => output.push(frame), this.nowUs, limit);
    this.host.deliverEvents();
    return output;
  }

  /** Moves the clock and takes a turn. */
  after(us: number): Uint8Array[] {
    this.nowUs += us;
    return this.turn();
  }

  /** The peer makes itself known by asking for us. */
  meetPeer(mac: number[] = PEER_MAC, address: number = PEER_IP): void {
    this.turn([arp(1, mac, address, OUR_IP)]);
  }

  /** By how much counters moved while `act` ran: only those that did, by index. */
  counted(act: () => void): Record<number, number> {
    const before = Array.from({ length: COUNTER_COUNT }, (_, index) => this.host.counter(index));
    act();
    const moved = before.map((value, index) => [index, this.host.counter(index) - value] as const);
    return Object.fromEntries(moved.filter(([, by]) => by !== 0));
  }
}

// Frames of the scripted peer as records: Ethernet, IPv4, TCP and ICMP built from their fields, and taken apart again with every check
// that any frame of ours must stand (checksums, lengths, padding). Knows no script and no connection.
import { internetChecksum, pseudoHeaderSum } from "../../../src/links/checksum.ts";
import { bytes16, bytes32 } from "../frames.ts";

export const FIN = 1;
export const SYN = 2;
export const RST = 4;
export const PSH = 8;
export const ACK = 16;
export const URG = 32;
export const ECE = 64;
export const CWR = 128;
const ETHERNET_BYTES = 14;
const TYPE_IPV4 = 0x0800;
export const PROTOCOL_ICMP = 1;
export const PROTOCOL_TCP = 6;

/** An option as kind and body, without its length byte. */
export type TcpOption = { kind: number; body: number[] };

/** The parts of an IPv4 header that a script can set or see. */
export type IpFields = {
  src: number;
  dst: number;
  protocol: number;
  tos: number;
  ttl: number;
  id: number;
  /** Flags and offset: bit 14 = DF, bit 13 = MF. */
  fragment: number;
  options: number[];
};

/** A TCP segment with numbers as on the wire. */
export type TcpFields = {
  srcPort: number;
  dstPort: number;
  seq: number;
  ack: number;
  flags: number;
  window: number;
  urgent: number;
  options: TcpOption[];
  payload: Uint8Array;
};

/** What is in a frame. */
export type Packet =
  | { kind: "tcp"; ip: IpFields; tcp: TcpFields }
  | { kind: "icmp"; ip: IpFields; type: number; code: number; rest: number; body: Uint8Array }
  | { kind: "arp"; operation: number; sender: number; senderMac: string; target: number; to: string }
  | { kind: "other"; ip: IpFields | null; bytes: Uint8Array };

/** An Ethernet frame around an IPv4 packet with a correct header checksum. */
export function ipFrame(to: number[], from: number[], ip: IpFields, payload: ArrayLike<number>): Uint8Array {
  const headerBytes = 20 + ip.options.length;
  if (headerBytes % 4 !== 0) throw new Error(`${ip.options.length} bytes of IP options are no multiple of four`);
  const header = [
    ...[0x40 + headerBytes / 4, ip.tos, ...bytes16(headerBytes + payload.length), ...bytes16(ip.id)],
    ...[...bytes16(ip.fragment), ip.ttl, ip.protocol, 0, 0, ...bytes32(ip.src), ...bytes32(ip.dst), ...ip.options],
  ];
  const frame = Uint8Array.from([...to, ...from, ...bytes16(TYPE_IPV4), ...header, ...Array.from(payload)]);
  frame.set(bytes16(internetChecksum(frame, ETHERNET_BYTES, ETHERNET_BYTES + headerBytes)), ETHERNET_BYTES + 10);
  return frame;
}

/** A TCP header and payload, checksum included. */
export function tcpBytes(ip: Pick<IpFields, "src" | "dst">, tcp: TcpFields): Uint8Array {
  const options = tcp.options.flatMap(({ kind, body }) => (kind < 2 ? [kind] : [kind, body.length + 2, ...body]));
  while (options.length % 4 !== 0) options.push(0);
  return rawTcpBytes(ip, tcp, options);
}

/** As `tcpBytes`, with the option bytes given as they shall be, right or wrong. */
export function rawTcpBytes(ip: Pick<IpFields, "src" | "dst">, tcp: TcpFields, options: number[]): Uint8Array {
  const header = [
    ...[...bytes16(tcp.srcPort), ...bytes16(tcp.dstPort), ...bytes32(tcp.seq), ...bytes32(tcp.ack)],
    ...[(20 + options.length) << 2, tcp.flags, ...bytes16(tcp.window), 0, 0, ...bytes16(tcp.urgent), ...options],
  ];
  const bytes = Uint8Array.from([...header, ...tcp.payload]);
  const words = [...bytes32(ip.src), ...bytes32(ip.dst), 0, PROTOCOL_TCP, ...bytes16(bytes.length)];
  bytes.set(bytes16(internetChecksum(Uint8Array.from([...words, ...bytes]))), 16);
  return bytes;
}

/** An ICMP message, checksum included. `rest`: the second word. */
export function icmpBytes(type: number, code: number, rest: number, body: ArrayLike<number>): Uint8Array {
  const bytes = Uint8Array.from([type, code, 0, 0, ...bytes32(rest), ...Array.from(body)]);
  bytes.set(bytes16(internetChecksum(bytes)), 2);
  return bytes;
}

const mac = (bytes: Uint8Array): string => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join(":");

/**
 * Takes a frame of the stack apart.
 * @throws Error when a checksum, a length, an option or the padding is wrong: no frame of ours may be so
 */
export function decode(frame: Uint8Array): Packet {
  const view = new DataView(frame.buffer, frame.byteOffset, frame.length);
  const type = view.getUint16(12);
  if (type === 0x0806) {
    return {
      kind: "arp",
      operation: view.getUint16(20),
      senderMac: mac(frame.subarray(22, 28)),
      sender: view.getUint32(28),
      target: view.getUint32(38),
      to: mac(frame.subarray(0, 6)),
    };
  }
  if (type !== TYPE_IPV4) return { kind: "other", ip: null, bytes: frame };
  const headerBytes = (view.getUint8(14) & 15) * 4;
  if (view.getUint8(14) >> 4 !== 4 || headerBytes < 20) throw new Error("a bad IPv4 header was sent");
  if (internetChecksum(frame, 14, 14 + headerBytes) !== 0) throw new Error("a wrong IPv4 header checksum was sent");
  if (view.getUint16(16) !== frame.length - 14) throw new Error("a wrong IPv4 total length was sent");
  const ip: IpFields = {
    src: view.getUint32(26),
    dst: view.getUint32(30),
    protocol: view.getUint8(23),
    tos: view.getUint8(15),
    ttl: view.getUint8(22),
    id: view.getUint16(18),
    fragment: view.getUint16(20),
    options: Array.from(frame.subarray(34, 14 + headerBytes)),
  };
  if ((ip.fragment & 0x3fff) !== 0) return { kind: "other", ip, bytes: frame };
  const start = 14 + headerBytes;
  if (ip.protocol === PROTOCOL_TCP) return { kind: "tcp", ip, tcp: decodeTcp(frame, start) };
  if (ip.protocol !== PROTOCOL_ICMP) return { kind: "other", ip, bytes: frame };
  if (internetChecksum(frame, start) !== 0) throw new Error("a wrong ICMP checksum was sent");
  const [itsType, code] = [view.getUint8(start), view.getUint8(start + 1)];
  return { kind: "icmp", ip, type: itsType, code, rest: view.getUint32(start + 4), body: frame.slice(start + 8) };
}

function decodeTcp(frame: Uint8Array, start: number): TcpFields {
  const bytes = frame.subarray(start);
  if (internetChecksum(frame, start, frame.length, pseudoHeaderSum(frame, 14, bytes.length)) !== 0) {
    throw new Error("a wrong TCP checksum was sent");
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const headerBytes = (bytes[12]! >> 4) * 4;
  if (headerBytes < 20 || headerBytes > bytes.length) throw new Error(`a TCP data offset of ${headerBytes} was sent`);
  if ((bytes[12]! & 15) !== 0) throw new Error("reserved bits of the TCP header were sent");
  const flags = bytes[13]!;
  const options = decodeOptions(bytes.subarray(20, headerBytes));
  if ((flags & SYN) === 0 && options.some(({ kind }) => kind === 2))
    throw new Error("an MSS option without SYN was sent");
  return {
    srcPort: view.getUint16(0),
    dstPort: view.getUint16(2),
    seq: view.getUint32(4),
    ack: view.getUint32(8),
    flags,
    window: view.getUint16(14),
    urgent: view.getUint16(18),
    options,
    payload: bytes.slice(headerBytes),
  };
}

const LENGTHS: Record<number, number> = { 2: 4, 3: 3, 4: 2, 8: 10 };

function decodeOptions(bytes: Uint8Array): TcpOption[] {
  const options: TcpOption[] = [];
  for (let at = 0; at < bytes.length; ) {
    const kind = bytes[at]!;
    if (kind === 0) {
      if (bytes.subarray(at).some((byte) => byte !== 0))
        throw new Error("bytes after the end of the options are not 0");
      break;
    }
    if (kind === 1) {
      at++;
      continue;
    }
    const length = bytes[at + 1] ?? 0;
    if (length < 2 || at + length > bytes.length) throw new Error(`option ${kind} was sent with length ${length}`);
    if ((LENGTHS[kind] ?? length) !== length) throw new Error(`option ${kind} was sent with length ${length}`);
    options.push({ kind, body: Array.from(bytes.subarray(at + 2, at + length)) });
    at += length;
  }
  return options;
}

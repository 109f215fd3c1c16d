// Builds Ethernet frames for the tests of links from named fields, with arithmetic of its own: the Internet checksum as
// a big number modulo 65,535, so that it shares no idea with the code under test.

export interface TcpFields {
  seq: number;
  id: number;
  /** TCP flags, low byte. */
  flags: number;
  /** IPv4 and TCP option bytes; multiples of four. */
  ipOptions?: Uint8Array;
  tcpOptions?: Uint8Array;
  payload: Uint8Array;
}

const SOURCE = [10, 0, 0, 1];
const DESTINATION = [192, 168, 255, 254];

/** The checksum of `bytes`: the one's complement of a number that is congruent to it modulo 65,535 (RFC 1071 2). */
export function oracleChecksum(bytes: Uint8Array): number {
  if (bytes.length === 0) return 0xffff;
  const padded = Buffer.alloc(bytes.length + (bytes.length & 1));
  padded.set(bytes);
  const value = BigInt(`0x${padded.toString("hex")}`);
  if (value === 0n) return 0xffff;
  const residue = Number(value % 65535n);
  return 65535 - (residue === 0 ? 65535 : residue);
}

/** The pseudo-header of RFC 9293 3.1 for the addresses used here. */
export function pseudoHeader(protocol: number, length: number): Uint8Array {
  return Uint8Array.from([...SOURCE, ...DESTINATION, 0, protocol, length >>> 8, length & 255]);
}

export function concat(...parts: Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(parts));
}

/** An Ethernet frame with an IPv4 packet around `transport`; `fragment` is the flags-and-offset word. */
export function ipv4Frame(
  protocol: number,
  transport: Uint8Array,
  options: { id?: number; ipOptions?: Uint8Array; fragment?: number } = {},
): Uint8Array {
  const { id = 0, ipOptions = new Uint8Array(0), fragment = 0x4000 } = options;
  const header = Buffer.alloc(20 + ipOptions.length);
  header[0] = 0x40 | (header.length / 4);
  header.writeUInt16BE(header.length + transport.length, 2);
  header.writeUInt16BE(id & 0xffff, 4);
  header.writeUInt16BE(fragment, 6);
  header[8] = 64;
  header[9] = protocol;
  header.set([...SOURCE, ...DESTINATION], 12);
  header.set(ipOptions, 20);
  header.writeUInt16BE(oracleChecksum(header), 10);
  return concat(Uint8Array.from([2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 8, 0]), header, transport);
}

/** A whole TCP frame with a correct checksum, or with only the pseudo-header sum in its place. */
export function tcpFrame(fields: TcpFields, { partial = false } = {}): Uint8Array {
  const { seq, id, flags, payload, ipOptions = new Uint8Array(0), tcpOptions = new Uint8Array(0) } = fields;
  const header = Buffer.alloc(20 + tcpOptions.length);
  header.writeUInt16BE(10001, 0);
  header.writeUInt16BE(443, 2);
  header.writeUInt32BE(seq >>> 0, 4);
  header.writeUInt32BE(0xfffffff0, 8);
  header[12] = (header.length / 4) << 4;
  header[13] = flags;
  header.writeUInt16BE(0xfaf0, 14);
  header.set(tcpOptions, 20);
  const pseudo = pseudoHeader(6, header.length + payload.length);
  const check = partial ? 65535 - oracleChecksum(pseudo) : oracleChecksum(concat(pseudo, header, payload));
  header.writeUInt16BE(check, 16);
  return ipv4Frame(6, concat(header, payload), { id, ipOptions });
}

/** What {@link anyFrame} builds. */
export interface AnyFields {
  version: 4 | 6;
  protocol: 6 | 17;
  /** VLAN tags. */
  tags: number;
  /** IPv4's identification. */
  id: number;
  /** IPv4 option bytes, multiples of four, or IPv6 hop-by-hop options: 6 and multiples of eight more. */
  options: Uint8Array;
  /** Sequence number and flags of a TCP segment. */
  seq: number;
  flags: number;
  payload: Uint8Array;
}

const SOURCE6 = Buffer.from("20010db8000000000000000000000001", "hex");
const DESTINATION6 = Buffer.from("20010db8ffff0000ffff00000000fffe", "hex");

/** A TCP segment or UDP datagram over IPv4 or IPv6 behind VLAN tags, with a correct checksum or only the pseudo-header's sum. */
export function anyFrame(fields: AnyFields, { partial = false } = {}): Uint8Array {
  const { version, protocol, tags, id, options, payload } = fields;
  const transport = protocol === 6 ? tcpSegment(fields) : udpDatagram(payload);
  const pseudo =
    version === 4
      ? pseudoHeader(protocol, transport.length)
      : concat(
          SOURCE6,
          DESTINATION6,
          Uint8Array.of(0, 0, transport.length >>> 8, transport.length & 255, 0, 0, 0, protocol),
        );
  const sum = partial ? 65535 - oracleChecksum(pseudo) : oracleChecksum(concat(pseudo, transport));
  // RFC 768: a computed zero is sent as all ones
  transport.writeUInt16BE(protocol === 17 && !partial && sum === 0 ? 0xffff : sum, protocol === 6 ? 16 : 6);
  const packet =
    version === 4
      ? ipv4Frame(protocol, transport, { id, ipOptions: options }).subarray(14)
      : ipv6Packet(protocol, options, transport);
  const tagged = Array.from({ length: tags }, (_, n) =>
    Uint8Array.of(n + 1 < tags ? 0x88 : 0x81, n + 1 < tags ? 0xa8 : 0, 0, 7 + n),
  );
  const type = version === 4 ? Uint8Array.of(8, 0) : Uint8Array.of(0x86, 0xdd);
  return concat(Uint8Array.from([2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1]), ...tagged, type, packet);
}

function tcpSegment({ seq, flags, payload }: AnyFields): Buffer {
  const header = Buffer.alloc(32, 1); // 12 bytes of NOPs
  header.fill(0, 0, 20);
  header.writeUInt16BE(10001, 0);
  header.writeUInt16BE(443, 2);
  header.writeUInt32BE(seq >>> 0, 4);
  header[12] = 0x80;
  header[13] = flags;
  header.writeUInt16BE(0xfaf0, 14);
  return Buffer.concat([header, payload]);
}

function udpDatagram(payload: Uint8Array): Buffer {
  const header = Buffer.alloc(8);
  header.writeUInt16BE(10001, 0);
  header.writeUInt16BE(443, 2);
  header.writeUInt16BE(8 + payload.length, 4);
  return Buffer.concat([header, payload]);
}

function ipv6Packet(protocol: number, options: Uint8Array, transport: Uint8Array): Uint8Array {
  const hopByHop =
    options.length === 0 ? options : concat(Uint8Array.of(protocol, (options.length + 2) / 8 - 1), options);
  const header = Buffer.alloc(40);
  header[0] = 0x60;
  header.writeUInt16BE(hopByHop.length + transport.length, 4);
  header[6] = options.length === 0 ? protocol : 0;
  header[7] = 64;
  header.set(SOURCE6, 8);
  header.set(DESTINATION6, 24);
  return concat(header, hopByHop, transport);
}

/** `length` bytes that differ from place to place. */
export function pattern(length: number, first = 1): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => (first + i * 7 + (i >>> 8)) & 255);
}

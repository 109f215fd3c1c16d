// What the peer sends: the text of a line as a frame, right in all that the line does not make wrong.
import { bytes32, OUR_MAC, PEER_MAC } from "../frames.ts";
import type { Endpoint } from "./endpoint.ts";
import {
  type IpFields,
  icmpBytes,
  ipFrame,
  PROTOCOL_ICMP,
  PROTOCOL_TCP,
  rawTcpBytes,
  type TcpFields,
  tcpBytes,
} from "./frame.ts";
import { encodeOption, parseFields, parseSegment, type SegmentText } from "./segment-text.ts";
import { streamBytes } from "./stream.ts";

const DEFAULT_WINDOW = 65_535;
const FIELDS = [
  "tos",
  "ttl",
  "id",
  "from",
  "to",
  "ipopts",
  "tcpopts",
  "fill",
  "flip",
  "sport",
  "dport",
  "mac",
  "frag",
  "nochecksum",
];

/** `10.0.0.2` as a number. */
export function ipv4Of(text: string): number {
  const parts = text.split(".").map(Number);
  if (parts.length !== 4 || parts.some((part) => !(part >= 0 && part <= 255)))
    throw new Error(`\`${text}\` is no address`);
  return parts.reduce((value, part) => value * 256 + part, 0);
}

const hex = (text: string): number[] => [...Buffer.from(text, "hex")];

/** Builds the frame of a `<` line. @returns it and the line for the trace */
export function buildInbound(endpoint: Endpoint, body: string): { frame: Uint8Array; note: string } {
  return {
    frame: body.startsWith("icmp ") ? buildIcmp(endpoint, body) : buildTcp(endpoint, parseSegment(body)),
    note: body,
  };
}

function ipFields(endpoint: Endpoint, fields: Map<string, string>, protocol: number): IpFields {
  for (const name of fields.keys())
    if (!FIELDS.includes(name)) throw new Error(`{${name}} is none of ${FIELDS.join(", ")}`);
  return {
    src: fields.has("from") ? ipv4Of(fields.get("from")!) : endpoint.peerAddress,
    dst: fields.has("to") ? ipv4Of(fields.get("to")!) : endpoint.localAddress,
    protocol,
    tos: Number(fields.get("tos") ?? 0),
    ttl: Number(fields.get("ttl") ?? 64),
    id: Number(fields.get("id") ?? 0),
    fragment: Number(fields.get("frag") ?? 0x4000),
    options: hex(fields.get("ipopts") ?? ""),
  };
}

function toMac(fields: Map<string, string>): number[] {
  return fields.has("mac") ? hex(fields.get("mac")!) : OUR_MAC;
}

function buildTcp(endpoint: Endpoint, text: SegmentText): Uint8Array {
  const { fields } = text;
  const ip = ipFields(endpoint, fields, PROTOCOL_TCP);
  const bases = endpoint.outward(text.flags);
  const fill = fields.get("fill");
  const tcp: TcpFields = {
    srcPort: Number(fields.get("sport") ?? endpoint.peerPort),
    dstPort: Number(fields.get("dport") ?? endpoint.localPort),
    seq: (text.seq + bases.seq) >>> 0,
    ack: text.ack === null ? 0 : (text.ack + bases.ack) >>> 0,
    flags: text.flags,
    window: text.window?.from ?? DEFAULT_WINDOW,
    urgent: text.urgent ?? 0,
    options: (text.options ?? []).map((option) => encodeOption(option, bases)),
    // A SYN takes a number of its own: the bytes after it are those that follow
    payload:
      fill === undefined
        ? streamBytes(text.seq + (text.flags & 2 ? 1 : 0), text.length)
        : new Uint8Array(text.length).fill(Number(fill)),
  };
  const raw = fields.get("tcpopts");
  const bytes = raw === undefined ? tcpBytes(ip, tcp) : rawTcpBytes(ip, tcp, hex(raw));
  const flip = fields.get("flip");
  if (flip !== undefined) bytes[Number(flip)]! ^= 1;
  return ipFrame(toMac(fields), PEER_MAC, ip, bytes);
}

/** `icmp TYPE/CODE [rest N] [mtu N] [quote SEQ] [data N] {fields}`; quotes a segment of the stack, of the connection of the line. */
function buildIcmp(endpoint: Endpoint, body: string): Uint8Array {
  const match = /^icmp (\d+)\/(\d+)((?:\s+(?:rest|mtu|data|quote|bytes) -?\d+)*)\s*(\{[^}]*\})?$/.exec(body.trim());
  if (match === null)
    throw new Error("an ICMP line is: icmp TYPE/CODE [rest N] [mtu N] [quote SEQ] [bytes N] [data N] [{fields}]");
  const words = new Map([...match[3]!.matchAll(/(\w+) (-?\d+)/g)].map(([, name, value]) => [name!, Number(value)]));
  const fields = parseFields(match[4] ?? "");
  const ip = ipFields(endpoint, fields, PROTOCOL_ICMP);
  let payload: Uint8Array = streamBytes(1, words.get("data") ?? 0);
  if (words.has("quote")) {
    const quoted = {
      ...ip,
      src: endpoint.localAddress,
      dst: endpoint.peerAddress,
      protocol: PROTOCOL_TCP,
      options: [],
      ttl: 60,
      fragment: 0x4000,
    };
    const seq = (words.get("quote")! + (endpoint.iss ?? 0)) >>> 0;
    const ports = [Number(fields.get("sport") ?? endpoint.localPort), Number(fields.get("dport") ?? endpoint.peerPort)];
    const tcp = [
      ...ports.flatMap((port) => [port >>> 8, port & 255]),
      ...bytes32(seq),
      ...bytes32(0),
      0x50,
      0x10,
      1,
      0,
      0,
      0,
      0,
      0,
    ];
    payload = ipFrame(OUR_MAC, PEER_MAC, quoted, tcp).subarray(14, 14 + (words.get("bytes") ?? 28));
  }
  const rest = words.get("rest") ?? words.get("mtu") ?? 0;
  const bytes = icmpBytes(Number(match[1]), Number(match[2]), rest, payload);
  const flip = fields.get("flip");
  if (flip !== undefined) bytes[Number(flip)]! ^= 1;
  return ipFrame(toMac(fields), PEER_MAC, ip, bytes);
}

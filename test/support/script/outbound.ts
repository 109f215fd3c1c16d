// What the stack sent, held against the text of a line: every difference in words, none = it is what was expected.
import type { Endpoint } from "./endpoint.ts";
import { ACK, type IpFields, type TcpFields } from "./frame.ts";
import { ipv4Of } from "./inbound.ts";
import type { Sent } from "./script.ts";
import {
  decodeOption,
  formatFlags,
  formatOption,
  isWanted,
  type OptionText,
  parseSegment,
  parseWanted,
  type SegmentText,
} from "./segment-text.ts";
import { firstWrong } from "./stream.ts";

/** @returns what is wrong, a line each */
export function compareOutbound(endpoint: Endpoint, body: string, sent: Sent): string[] {
  const { packet } = sent;
  if (body.startsWith("icmp ")) {
    if (packet.kind === "icmp" && body === `icmp ${packet.type}/${packet.code}`) return [];
    return ["it is not that ICMP message"];
  }
  if (body.startsWith("arp ")) {
    if (packet.kind !== "arp") return ["it is no ARP"];
    const [, operation, target] = body.split(/\s+/);
    const isIt = operation === (packet.operation === 1 ? "request" : "reply") && packet.target === ipv4Of(target ?? "");
    return isIt ? [] : [`it is ARP ${packet.operation} for ${packet.target}`];
  }
  if (packet.kind !== "tcp") return ["it is no TCP segment"];
  return compareSegment(endpoint, parseSegment(body), packet.tcp, packet.ip);
}

function compareSegment(endpoint: Endpoint, text: SegmentText, tcp: TcpFields, ip: IpFields): string[] {
  const wrong: string[] = [];
  const bases = endpoint.inward(tcp.flags);
  const check = (what: string, wanted: unknown, got: unknown) => {
    if (wanted !== got) wrong.push(`${what}: expected ${wanted}, got ${got}`);
  };
  check("flags", formatFlags(text.flags), formatFlags(tcp.flags & ~text.anyFlags));
  check("first sequence number", text.seq, (tcp.seq - bases.seq) | 0);
  check("payload bytes", text.length, tcp.payload.length);
  if (text.ack !== null) check("ack", text.ack, (tcp.flags & ACK) === 0 ? "none" : (tcp.ack - bases.ack) | 0);
  if (text.window !== null && !isWanted(text.window, tcp.window)) {
    wrong.push(`window: expected ${text.window.from}~${text.window.to}, got ${tcp.window}`);
  }
  check("urgent pointer", text.urgent ?? 0, tcp.urgent);
  if (text.options !== null)
    compareOptions(
      text,
      tcp.options.map((option) => decodeOption(option, bases)),
      wrong,
    );
  const position = ((tcp.seq - bases.seq) | 0) + (tcp.flags & 2 ? 1 : 0);
  if (!text.fields.has("any")) {
    const at = firstWrong(tcp.payload, position);
    if (at >= 0) wrong.push(`byte ${position + at} is not what was written there`);
  }
  compareIp(text.fields, ip, wrong);
  return wrong;
}

function compareOptions(text: SegmentText, got: OptionText[], wrong: string[]): void {
  const rest = [...got];
  for (const wanted of text.options!) {
    const at = rest.findIndex((option) => isSameOption(wanted, option));
    if (at < 0) wrong.push(`option ${formatOption(wanted)} is missing`);
    else rest.splice(at, 1);
  }
  if (!text.otherOptions) for (const option of rest) wrong.push(`option ${formatOption(option)} was not expected`);
}

function isSameOption(wanted: OptionText, got: OptionText): boolean {
  if (wanted.name !== got.name || wanted.values.length !== got.values.length) return false;
  return wanted.values.every((value, i) => value === null || value === got.values[i]);
}

function compareIp(fields: Map<string, string>, ip: IpFields, wrong: string[]): void {
  const values: Record<string, number> = {
    tos: ip.tos,
    ttl: ip.ttl,
    id: ip.id,
    df: (ip.fragment >> 14) & 1,
    from: ip.src,
    to: ip.dst,
  };
  for (const [name, text] of fields) {
    if (name === "any") continue;
    const value = values[name];
    if (value === undefined) throw new Error(`{${name}} is none of any, ${Object.keys(values).join(", ")}`);
    const isIt = text.includes(".") ? value === ipv4Of(text) : isWanted(parseWanted(text), value);
    if (!isIt) wrong.push(`${name}: expected ${text}, got ${value}`);
  }
}

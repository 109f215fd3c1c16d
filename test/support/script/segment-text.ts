// A TCP segment in the notation of our scripts, read and written:
//
//   S. 0:0(0) ack 1 win 65535 <mss 1460, sack ok, ts 100 0, ws 7> {tos 2, ttl 64}
//   flags  first:end(length)  ack  window  urg N  options  fields of the IP header
//
// Flags: S F R P U E(ce) W(cwr), "." = ACK, "-" = none, "p" = pushed or not. Sequence numbers are relative to the SYN of their side, timestamps of the stack to its
// first one. Of a segment that the stack shall send, what is not written is not compared; "<>" says that there are no options, "..." as
// the last one that there may be others.
import { ACK, CWR, ECE, FIN, PSH, RST, SYN, type TcpOption, URG } from "./frame.ts";

const FLAGS: readonly (readonly [string, number])[] = [
  ["S", SYN],
  ["F", FIN],
  ["R", RST],
  ["P", PSH],
  ["U", URG],
  ["E", ECE],
  ["W", CWR],
  [".", ACK],
];

/** A number that a script gives, or a range of them, or anything (`*`). */
export type Wanted = { from: number; to: number };

/** A segment as the script has it; null = not written. */
export type SegmentText = {
  flags: number;
  /** Flags that are not compared. */
  anyFlags: number;
  seq: number;
  length: number;
  ack: number | null;
  window: Wanted | null;
  urgent: number | null;
  options: OptionText[] | null;
  /** Others may be there too. */
  otherOptions: boolean;
  /** IP header and what else stands in braces. */
  fields: Map<string, string>;
};

/** An option: its numbers are relative where that makes sense. */
export type OptionText = { name: string; values: (number | null)[] };

export const ANY: Wanted = { from: Number.NEGATIVE_INFINITY, to: Number.POSITIVE_INFINITY };

/** `7`, `7~9` (from, to), `>=7`, `<=7` or `*`. */
export function parseWanted(text: string): Wanted {
  if (text === "*") return ANY;
  const match = /^(>=|<=)?(-?[\d.]+|Infinity)(?:~(-?[\d.]+))?$/.exec(text);
  if (match === null) throw new Error(`\`${text}\` is no number, range (a~b, >=a, <=a) or *`);
  const value = Number(match[2]);
  if (match[1] === ">=") return { from: value, to: Number.POSITIVE_INFINITY };
  if (match[1] === "<=") return { from: Number.NEGATIVE_INFINITY, to: value };
  return { from: value, to: match[3] === undefined ? value : Number(match[3]) };
}

export const isWanted = (wanted: Wanted, value: number): boolean => value >= wanted.from && value <= wanted.to;

/** Reads a segment. @throws Error that says what is not understood */
export function parseSegment(text: string): SegmentText {
  const shape = /^([SFRPUEWp.]+|-)\s+(-?\d+):(-?\d+)\((\d+)\)\s*([^<{]*)(<[^>]*>)?\s*(\{[^}]*\})?$/.exec(text.trim());
  if (shape === null)
    throw new Error(
      `\`${text.trim()}\` is no segment: FLAGS SEQ:END(LENGTH) [ack N] [win N] [urg N] [<options>] [{fields}]`,
    );
  const [, flags, seq, end, length, words, options, fields] = shape as unknown as string[];
  if (Number(seq) + Number(length) !== Number(end)) throw new Error(`${seq}:${end}(${length}) does not add up`);
  const segment: SegmentText = {
    flags: parseFlags(flags!.replace("p", "")),
    anyFlags: flags!.includes("p") ? PSH : 0,
    seq: Number(seq),
    length: Number(length),
    ack: null,
    window: null,
    urgent: null,
    options: null,
    otherOptions: false,
    fields: parseFields(fields ?? ""),
  };
  const pairs = words!.trim() === "" ? [] : words!.trim().split(/\s+/);
  for (let i = 0; i < pairs.length; i += 2) {
    const value = pairs[i + 1] ?? "";
    if (pairs[i] === "ack" && /^-?\d+$/.test(value)) segment.ack = Number(value);
    else if (pairs[i] === "win") segment.window = parseWanted(value);
    else if (pairs[i] === "urg" && /^\d+$/.test(value)) segment.urgent = Number(value);
    else throw new Error(`\`${pairs[i]} ${value}\` in a segment is not understood`);
  }
  if (options !== undefined) parseOptions(options.slice(1, -1), segment);
  return segment;
}

function parseFlags(text: string): number {
  let flags = 0;
  if (text !== "-") for (const letter of text) flags |= FLAGS.find(([name]) => name === letter)![1];
  return flags;
}

/** `{a 1, b}` as a map. */
export function parseFields(text: string): Map<string, string> {
  const inner = text.replace(/^\{|\}$/g, "").trim();
  const parts = inner === "" ? [] : inner.split(",").map((part) => part.trim());
  return new Map(parts.map((part) => [part.split(/\s+/)[0]!, part.replace(/^\S+\s*/, "")]));
}

const number = (text: string | undefined): number | null => {
  if (text === "*") return null;
  if (text === undefined || !/^-?\d+$/.test(text)) throw new Error(`\`${text}\` in the options is no number`);
  return Number(text);
};

function parseOptions(text: string, segment: SegmentText): void {
  const parts = text
    .split(",")
    .map((part) => part.trim())
    .filter((part) => part !== "");
  segment.otherOptions = parts.at(-1) === "...";
  if (segment.otherOptions) parts.pop();
  segment.options = parts.map(parseOption);
}

function parseOption(text: string): OptionText {
  const [name, ...rest] = text.split(/\s+/);
  switch (name) {
    case "mss":
    case "ws":
      return { name, values: [number(rest[0])] };
    case "ts":
      return { name, values: [number(rest[0]), number(rest[1])] };
    case "sack":
      if (rest[0] === "ok") return { name: "sackok", values: [] };
      return { name, values: rest.flatMap((block) => block.split(":").map(number)) };
    case "nop":
    case "eol":
      return { name, values: [] };
    case "tfo":
      return { name, values: [...Buffer.from(rest[0] ?? "", "hex")] };
    case "kind":
      return { name, values: [number(rest[0]), ...Buffer.from(rest[1] ?? "", "hex")] };
    default:
      throw new Error(`option \`${name}\` is none of mss, ws, ts, sack, nop, eol, tfo, kind`);
  }
}

const u32 = (value: number): number[] => [(value >>> 24) & 255, (value >>> 16) & 255, (value >>> 8) & 255, value & 255];

/** Where the relative numbers of a segment start. */
export type Bases = { seq: number; ack: number; sack: number; tsVal: number; tsEcr: number };

/** An option of the script as bytes of the wire. */
export function encodeOption({ name, values }: OptionText, bases: Bases): TcpOption {
  const v = values.map((value) => value ?? 0);
  switch (name) {
    case "mss":
      return { kind: 2, body: [v[0]! >>> 8, v[0]! & 255] };
    case "ws":
      return { kind: 3, body: [v[0]!] };
    case "sackok":
      return { kind: 4, body: [] };
    case "sack":
      return { kind: 5, body: v.flatMap((edge) => u32(edge + bases.sack)) };
    case "ts":
      return { kind: 8, body: [...u32(v[0]! + bases.tsVal), ...u32(v[1]! + bases.tsEcr)] };
    case "nop":
    case "eol":
      return { kind: name === "nop" ? 1 : 0, body: [] };
    case "tfo":
      return { kind: 34, body: v };
    default:
      return { kind: v[0]!, body: v.slice(1) };
  }
}

const relative = (value: number, base: number): number => (value - base) | 0;

/** An option of the wire as the script has it. */
export function decodeOption({ kind, body }: TcpOption, bases: Bases): OptionText {
  const view = new DataView(Uint8Array.from(body).buffer);
  switch (kind) {
    case 2:
      return { name: "mss", values: [view.getUint16(0)] };
    case 3:
      return { name: "ws", values: [body[0]!] };
    case 4:
      return { name: "sackok", values: [] };
    case 5:
      return {
        name: "sack",
        values: Array.from({ length: body.length / 4 }, (_, i) => relative(view.getUint32(4 * i), bases.sack)),
      };
    case 8:
      return {
        name: "ts",
        values: [relative(view.getUint32(0), bases.tsVal), relative(view.getUint32(4), bases.tsEcr)],
      };
    case 34:
      return { name: "tfo", values: body };
    default:
      return { name: "kind", values: [kind, ...body] };
  }
}

export function formatFlags(flags: number): string {
  return (
    FLAGS.filter(([, bit]) => (flags & bit) !== 0)
      .map(([name]) => name)
      .join("") || "-"
  );
}

export function formatOption({ name, values }: OptionText): string {
  if (name === "sackok") return "sack ok";
  const text = values.map((value) => value ?? "*");
  if (name === "sack") return `sack ${text.flatMap((v, i) => (i % 2 === 0 ? [`${v}:${text[i + 1]}`] : [])).join(" ")}`;
  if (name === "tfo") return `tfo ${Buffer.from(values as number[]).toString("hex")}`;
  if (name === "kind") return `kind ${text[0]} ${Buffer.from(values.slice(1) as number[]).toString("hex")}`;
  return [name, ...text].join(" ");
}

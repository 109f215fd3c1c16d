// Configuration lines `key=value`: what the run's network looks like, and Linux sysctl names that become the stack's settings.
// Names that the stack does not have are ignored, as the protocol asks.
import { parseIpv4 } from "../../src/address.ts";
import { resolveSysctl, type Sysctl } from "../../src/sysctl.ts";

/** What HELLO says of the network of a run. */
export interface RunConfig {
  /** `ipv4` and `ipv4-mapped-ipv6` are IPv4 on the wire. */
  ipVersion: string;
  localIp: number;
  remoteIp: number;
  gatewayIp: number;
  mtu: number;
  seed: number;
}

/** Linux's values where the product's differ (docs/decisions.md says why they do). */
export const LINUX_SYSCTLS: Partial<Sysctl> = { tcp_syn_retries: 6 };

/** Bits of tcp_fastopen that mean something to the stack; Linux takes any. */
const FASTOPEN_BITS = 0x607;

/** The lines as pairs; what is not a pair is left out. */
export function parseLines(text: string): [key: string, value: string][] {
  return text.split("\n").flatMap((line) => {
    const at = line.indexOf("=");
    return at > 0 ? [[line.slice(0, at).trim(), line.slice(at + 1).trim()] as [string, string]] : [];
  });
}

/** The network of a run; absent keys have the values packetdrill takes itself. */
export function runConfig(lines: readonly [key: string, value: string][]): RunConfig {
  const values = new Map(lines);
  const address = (key: string, otherwise: number): number => parseIpv4(values.get(key) ?? "") ?? otherwise;
  const number = (key: string, otherwise: number): number => {
    const value = Number(values.get(key) ?? Number.NaN);
    return Number.isSafeInteger(value) && value >= 0 ? value : otherwise;
  };
  const localIp = address("local_ip", 0xc0a80001);
  return {
    ipVersion: values.get("ip_version") ?? "ipv4",
    localIp,
    remoteIp: address("remote_ip", 0xc0000201),
    gatewayIp: address("gateway_ip", localIp),
    mtu: number("mtu", 1500),
    seed: number("seed", 1),
  };
}

/**
 * The settings among the lines. Each is tried alone: one that the stack does not have, or that is out of its range, is left out as
 * Linux's `sysctl` refuses it.
 */
export function sysctlsOf(lines: readonly [key: string, value: string][]): Partial<Sysctl> {
  const settings: Record<string, unknown> = {};
  for (const [key, text] of lines) {
    const name = /^net\.(?:ipv4|core)\.(?:neigh\.default\.)?(\w+)$/.exec(key)?.[1];
    if (name === undefined) continue;
    for (const value of name === "tcp_fastopen" ? [Number(text) & FASTOPEN_BITS] : readings(text)) {
      if (!isSetting(name, value)) continue;
      settings[name] = value;
      break;
    }
  }
  return settings as Partial<Sysctl>;
}

/** Whether `ethtool -K` switched segmentation offload on or off; undefined if it did neither. */
export function offloadOf(lines: readonly [key: string, value: string][]): boolean | undefined {
  let isOn: boolean | undefined;
  for (const [key, text] of lines) {
    if (key !== "cmd.ethtool" || !/(^|\s)-K\s/.test(text)) continue;
    for (const [, state] of text.matchAll(/\b(?:tso|gso)\s+(on|off)\b/g)) isOn = state === "on";
  }
  return isOn;
}

/** What a value may mean: numbers if it looks like them, else the text. */
function readings(text: string): unknown[] {
  const words = text.split(/\s+/);
  const numbers = words.map(Number);
  if (text === "" || numbers.some((number) => !Number.isFinite(number))) return [text, words];
  return words.length === 1 ? [numbers[0], text] : [numbers, text];
}

function isSetting(name: string, value: unknown): boolean {
  try {
    resolveSysctl({ [name]: value } as Partial<Sysctl>);
    return true;
  } catch {
    return false;
  }
}

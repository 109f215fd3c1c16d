// What the kernel has configured on an interface, read and written with ip(8). IPv4 only: that is what a stack takes over.
import { execFileSync } from "node:child_process";
import { readlinkSync } from "node:fs";

/** An address as the kernel keeps it. */
export interface KernelAddress {
  /** `a.b.c.d/n`. */
  cidr: string;
  address: string;
  /** Further arguments of `ip addr add`, in its spelling: broadcast, scope, label, lifetimes. */
  rest: string[];
}

type IpAddress = {
  local: string;
  prefixlen: number;
  broadcast?: string;
  scope: string;
  label?: string;
  valid_life_time: number;
  preferred_life_time: number;
  noprefixroute?: boolean;
};

/** Runs ip(8). @throws Error with what it said */
function ip(...args: string[]): string {
  try {
    return execFileSync("ip", args, { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
  } catch (error) {
    const { code, stderr } = error as { code?: string; stderr?: string };
    if (code === "ENOENT") throw new Error("ip(8) is missing. Cure: install iproute2");
    throw new Error(`ip ${args.join(" ")}: ${(stderr ?? "").trim() || (error as Error).message}`);
  }
}

/** The addresses of an interface, the primary ones before their secondaries, as the kernel lists them. */
export function readAddresses(interfaceName: string): KernelAddress[] {
  const [device] = JSON.parse(ip("-j", "-4", "addr", "show", "dev", interfaceName)) as [{ addr_info?: IpAddress[] }?];
  return (device?.addr_info ?? []).map((info) => ({
    cidr: `${info.local}/${info.prefixlen}`,
    address: info.local,
    rest: argumentsOf(info),
  }));
}

const FOREVER = 4294967295;

function argumentsOf(info: IpAddress): string[] {
  const rest: string[] = [];
  if (info.broadcast !== undefined) rest.push("broadcast", info.broadcast);
  rest.push("scope", info.scope);
  if (info.label !== undefined) rest.push("label", info.label);
  if (info.valid_life_time !== FOREVER) {
    rest.push("valid_lft", `${info.valid_life_time}`, "preferred_lft", `${info.preferred_life_time}`);
  }
  if (info.noprefixroute) rest.push("noprefixroute");
  return rest;
}

/** The routes through an interface that somebody entered, each as arguments of `ip route add`; those the kernel makes of addresses are left out. */
export function readRoutes(interfaceName: string): string[][] {
  const lines = ip("-4", "-o", "route", "show", "table", "all", "type", "unicast", "dev", interfaceName).split("\n");
  const routes = lines.map((line) => line.trim().split(/\s+/)).filter((words) => words.length > 1);
  const runtime = new Set(["linkdown", "dead"]); // states, not settings
  return routes.filter((words) => !isKernels(words)).map((words) => words.filter((word) => !runtime.has(word)));
}

function isKernels(words: string[]): boolean {
  const at = words.indexOf("proto");
  return at >= 0 && words[at + 1] === "kernel";
}

/** Adds an address; one that is there already is left as it is. */
export function addAddress(interfaceName: string, { cidr, rest }: KernelAddress): void {
  if (readAddresses(interfaceName).some((one) => one.cidr === cidr)) return;
  ip("addr", "add", cidr, ...rest, "dev", interfaceName);
}

export function removeAddress(interfaceName: string, cidr: string): void {
  ip("addr", "del", cidr, "dev", interfaceName);
}

/** Adds a route; one that is there already is left as it is. */
export function addRoute(interfaceName: string, route: string[]): void {
  const there = new Set(readRoutes(interfaceName).map((words) => words.join(" ")));
  if (!there.has(route.join(" "))) ip("route", "add", ...route, "dev", interfaceName);
}

/** Whether the interface exists in this network namespace. */
export function interfaceExists(interfaceName: string): boolean {
  try {
    ip("link", "show", "dev", interfaceName);
    return true;
  } catch {
    return false;
  }
}

/** Names this network namespace: its inode. */
export function networkNamespace(): string {
  return /\d+/.exec(readlinkSync("/proc/self/ns/net"))?.[0] ?? "0";
}

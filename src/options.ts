// The options of a stack: types (which are the documentation), defaults and checks. Single values first, then what cannot be
// together, each with its cure.
import { availableParallelism } from "node:os";
import { INTERFACE_CAPACITY, ROUTE_CAPACITY, SHARDS_MAX } from "../assembly/layout.ts";
import {
  type Cidr,
  defaultMac,
  formatIpv4,
  inNetwork,
  networkMask,
  parseCidr,
  parseIpv4,
  parseMac,
} from "./address.ts";
import { boolean, integer, object } from "./argument-checks.ts";
import { type Affinity, HIGHEST_CPU } from "./cpu-set.ts";
import { invalidType, invalidValue } from "./errors.ts";
import { checkLink } from "./links/emulated.ts";
import { type Link, wireOf } from "./links/link.ts";
import { LEAST_MTU, MOST_MTU } from "./links/mtu-range.ts";
import type { RouteSetup } from "./protocol.ts";
import { resolveSysctl, type Sysctl, type SysctlWords } from "./sysctl.ts";

/** One interface of a stack. */
export interface InterfaceOptions {
  /** What it is plugged into: `packetLink`, `memoryLinkPair`, `emulatedLink`, `captureLink`. */
  link: Link;
  /** Its IPv4 address with the prefix length of its network, such as `10.0.0.1/24`. */
  address: string;
  /** Next hop for everything that no route leads to. */
  gateway?: string | undefined;
  /** Its MAC address. Default: `02:77:` and the four bytes of the address. */
  mac?: string | undefined;
  /** Longest IP packet, bytes, 68 to that of the link. Default: the link's. */
  mtu?: number | undefined;
  /**
   * Whether received segments that continue one another are merged before TCP looks at them (generic receive offload): less work per
   * segment, and their number and the data are the same. Linux's name (`ethtool -K`). Default true.
   */
  gro?: boolean | undefined;
  /** What `stats()` calls it. Default `if1`, `if2`, ... */
  name?: string | undefined;
}

/** A route. */
export interface RouteOptions {
  /** A network, such as `10.1.0.0/16`. */
  destination: string;
  /** The next hop, in the network of one of the interfaces. */
  gateway: string;
}

/** Options of `createStack`. */
export interface StackOptions {
  /** 1 to 15 interfaces. The loopback is there without being asked for. */
  interfaces: InterfaceOptions[];
  /** Beside those of the gateways and of the networks of the interfaces. */
  routes?: RouteOptions[] | undefined;
  /** Settings, Linux's names and units. */
  sysctl?: Partial<Sysctl> | undefined;
  /**
   * Finds the IPv4 address of a host name. Dotted quads and `localhost` (127.0.0.1 inside the stack) do not need it; without it other
   * names are refused.
   */
  lookup?: ((hostname: string) => Promise<string>) | undefined;
  /**
   * Where the stack runs. `worker`: in a thread of its own; whatever your code does, segments are answered and timers kept. `caller`: in
   * the thread that calls `createStack`, driven by its event loop: no hand-over between threads, so less latency, and right for
   * one processor; but while your code computes, the stack stands still. Default `worker`.
   */
  thread?: "worker" | "caller" | undefined;
  /**
   * µs for which the worker looks on for work before it sleeps, 0..1000000: saves its wake-up for the price of a processor. Default 20,
   * and 0 where there are no more than two processors. Only with `thread: 'worker'`.
   */
  spinUs?: number | undefined;
  /**
   * Where the worker may run. `none`: wherever the system puts it. An array: on these processors, numbered as for taskset(1), 0..8191;
   * `createStack` rejects with `EINVAL` if the process may not use them all. `auto`: not on the processors that receive the frames of the
   * stack's packet links (RPS: `rps_cpus` in /sys/class/net/IF/queues/rx-*, read once), if at least as many others are left as there are
   * shards; without RPS nothing is changed. Which of them is fast depends on the other host, see docs/performance.md. An array only with
   * `thread: 'worker'`; your own threads are never moved. Default `none`.
   */
  affinity?: "auto" | "none" | readonly number[] | undefined;
  /**
   * On how many processors the stack runs, 1..64. Each shard is a core in a worker of its own and has some of the connections; a listener is
   * in all of them. Only with `thread: 'worker'` and packet links, bare ones: nothing else can say which shard a frame is for. Each pins
   * a receive ring per interface, 16 MiB at least where super-segments may come: 1 GiB with 64 shards. Default 1.
   */
  shards?: number | undefined;
}

/** An interface, checked; `mtu` undefined: the link's, which has to be asked for. */
export interface ResolvedInterface extends Cidr {
  link: Link;
  mac: Uint8Array;
  mtu: number | undefined;
  gro: boolean;
  name: string;
}

/** `StackOptions`, checked and complete. */
export interface ResolvedStack {
  interfaces: ResolvedInterface[];
  routes: RouteSetup[];
  sysctl: SysctlWords;
  lookup: ((hostname: string) => Promise<string>) | undefined;
  thread: "worker" | "caller";
  spinUs: number;
  affinity: Affinity;
  shards: number;
}

/** Where the other thread does not need the processor. */
const DEFAULT_SPIN_US = 20;
const MOST_SPIN_US = 1_000_000;

/**
 * Checks the options of a stack and fills in the defaults.
 * @throws TypeError (`ERR_INVALID_ARG_TYPE`, `ERR_INVALID_ARG_VALUE`), RangeError (`ERR_OUT_OF_RANGE`)
 */
export function resolveStackOptions(options: StackOptions): ResolvedStack {
  const { interfaces, routes = [], lookup } = object("options", options);
  const most = INTERFACE_CAPACITY - 1;
  if (!Array.isArray(interfaces)) throw invalidType("interfaces", "an array", interfaces);
  if (interfaces.length < 1 || interfaces.length > most) {
    throw invalidValue("interfaces", `an array of 1..${most} interfaces`, interfaces.length);
  }
  if (!Array.isArray(routes)) throw invalidType("routes", "an array", routes);
  if (lookup !== undefined && typeof lookup !== "function") throw invalidType("lookup", "a function", lookup);
  const thread = resolveThread(options.thread);
  const spinUs = resolveSpin(options.spinUs, thread);
  const affinity = resolveAffinity(options.affinity, thread);
  const resolved = interfaces.map((one, index) => resolveInterface(`interfaces[${index}]`, one, index));
  checkInterfacesTogether(resolved);
  const shards = resolveShards(options.shards, thread, resolved);
  const gateways = interfaces.flatMap((one, index) =>
    resolveGateway(`interfaces[${index}]`, one, resolved[index]!, index),
  );
  const allRoutes = [...gateways, ...routes.map((route, index) => resolveRoute(`routes[${index}]`, route, resolved))];
  // Each interface has a route to its own network, the loopback included.
  const room = ROUTE_CAPACITY - resolved.length - 1;
  if (allRoutes.length > room) throw invalidValue("routes", `at most ${room} routes and gateways`, allRoutes.length);
  const sysctl = resolveSysctl(options.sysctl);
  return { interfaces: resolved, routes: allRoutes, sysctl, lookup, thread, spinUs, affinity, shards };
}

function resolveThread(thread: StackOptions["thread"] = "worker"): "worker" | "caller" {
  if (thread === "worker" || thread === "caller") return thread;
  throw invalidValue("thread", "'worker' or 'caller'", thread);
}

function resolveSpin(spinUs: number | undefined, thread: "worker" | "caller"): number {
  if (spinUs === undefined) return availableParallelism() > 2 ? DEFAULT_SPIN_US : 0;
  if (thread === "caller")
    throw invalidValue("spinUs", "left out with thread 'caller', which has nothing to spin", spinUs);
  return integer("spinUs", spinUs, 0, MOST_SPIN_US);
}

function resolveAffinity(affinity: StackOptions["affinity"] = "none", thread: "worker" | "caller"): Affinity {
  if (affinity === "auto" || affinity === "none") return affinity;
  if (!Array.isArray(affinity)) {
    throw invalidValue("affinity", "'auto', 'none' or an array of processors", affinity);
  }
  if (thread === "caller") throw invalidValue("affinity", "no array with thread 'caller', which is yours", affinity);
  if (affinity.length === 0) throw invalidValue("affinity", "an array of one processor at least", affinity);
  // Not a map of the array, which would leave its holes out.
  const cpus = Array.from(affinity, (cpu, index) => integer(`affinity[${index}]`, cpu, 0, HIGHEST_CPU));
  if (new Set(cpus).size < cpus.length) throw invalidValue("affinity", "an array without duplicates", affinity);
  return cpus;
}

function resolveShards(shards = 1, thread: "worker" | "caller", interfaces: ResolvedInterface[]): number {
  integer("shards", shards, 1, SHARDS_MAX);
  if (shards === 1) return 1;
  if (thread === "caller") throw invalidValue("shards", "1 with thread 'caller', which is one thread", shards);
  for (const [index, { link }] of interfaces.entries()) {
    if (link.kind === "packet") continue;
    const wanted = `a packet link of its own, not captured or emulated, with ${shards} shards`;
    throw invalidValue(`interfaces[${index}].link`, wanted, link.kind);
  }
  return shards;
}

/** Whether an address can be a host's: RFC 1122 3.2.1.3. */
function isHostAddress({ address, prefixLength }: Cidr): boolean {
  const top = address >>> 24;
  if (top === 0 || top === 127 || top >= 224) return false;
  if (prefixLength === 0) return false;
  if (prefixLength >= 31) return true; // RFC 3021: both addresses of a /31 are hosts
  const hostBits = (address & ~networkMask(prefixLength)) >>> 0;
  return hostBits !== 0 && hostBits !== ~networkMask(prefixLength) >>> 0;
}

function resolveInterface(name: string, options: InterfaceOptions, index: number): ResolvedInterface {
  object(name, options);
  const link = checkLink(`${name}.link`, options.link);
  const cidr = parseCidr(`${name}.address`, options.address);
  if (!isHostAddress(cidr)) {
    throw invalidValue(`${name}.address`, "the address of a host in its network, such as 10.0.0.1/24", options.address);
  }
  const wire = wireOf(link);
  const most = wire.kind === "memory" ? wire.mtu : MOST_MTU;
  const { mtu, mac, gro = true } = options;
  if (options.name !== undefined && typeof options.name !== "string") {
    throw invalidType(`${name}.name`, "a string", options.name);
  }
  return {
    ...cidr,
    link,
    gro: boolean(`${name}.gro`, gro),
    mac: mac === undefined ? defaultMac(cidr.address) : parseMac(`${name}.mac`, mac),
    mtu: mtu === undefined ? (wire.kind === "memory" ? wire.mtu : undefined) : integer("mtu", mtu, LEAST_MTU, most),
    name: options.name ?? `if${index + 1}`,
  };
}

function checkInterfacesTogether(interfaces: ResolvedInterface[]): void {
  for (const [index, one] of interfaces.entries()) {
    const name = `interfaces[${index}].address`;
    const before = interfaces.slice(0, index);
    if (before.some((other) => other.address === one.address)) {
      throw invalidValue(name, "an address that no other interface has", formatIpv4(one.address));
    }
  }
}

function resolveGateway(name: string, options: InterfaceOptions, own: ResolvedInterface, index: number): RouteSetup[] {
  if (options.gateway === undefined) return [];
  const wanted = `an IPv4 address in the network of the interface, ${formatIpv4(own.address)}/${own.prefixLength}`;
  const gateway = gatewayAddress(`${name}.gateway`, wanted, options.gateway);
  if (!inNetwork(gateway, own) || gateway === own.address)
    throw invalidValue(`${name}.gateway`, wanted, options.gateway);
  return [{ destination: 0, prefixLength: 0, gateway, interfaceIndex: index + 1 }];
}

function resolveRoute(name: string, route: RouteOptions, interfaces: ResolvedInterface[]): RouteSetup {
  object(name, route);
  const { address, prefixLength } = parseCidr(`${name}.destination`, route.destination);
  const wanted = "an IPv4 address in the network of one of the interfaces";
  const gateway = gatewayAddress(`${name}.gateway`, wanted, route.gateway);
  const index = interfaces.findIndex((one) => inNetwork(gateway, one) && gateway !== one.address);
  if (index < 0) throw invalidValue(`${name}.gateway`, wanted, route.gateway);
  const destination = (address & networkMask(prefixLength)) >>> 0;
  return { destination, prefixLength, gateway, interfaceIndex: index + 1 };
}

function gatewayAddress(name: string, wanted: string, text: unknown): number {
  if (typeof text !== "string") throw invalidType(name, wanted, text);
  const address = parseIpv4(text);
  if (address === undefined) throw invalidValue(name, wanted, text);
  return address;
}

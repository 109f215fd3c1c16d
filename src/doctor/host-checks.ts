// What must hold on the host whatever the interface: Node, kernel, addon, capabilities, processors, queues of the kernel.
import { fine, found } from "./catalogue.ts";
import { addonComplaint, type Finding, type Probe } from "./finding.ts";

/** Linux 4.20 can hide our own frames from us (PACKET_IGNORE_OUTGOING). */
const KERNEL_WANTED = [4, 20] as const;
const CAPABILITIES: readonly (readonly [name: string, bit: number])[] = [
  ["CAP_NET_RAW", 13],
  ["CAP_NET_ADMIN", 12],
];
/** The kernel's default: at tens of Gbit/s too short for a receiver that is away for a moment. */
const BACKLOG_DEFAULT = 1000;

/** Looks at the host. `versions`: of Node; `processors`: that this process may use */
export function checkHost(probe: Probe, node: string, platform: string, processors: number): Finding[] {
  return [
    checkNode(node),
    checkKernel(probe, platform),
    checkAddon(probe),
    checkCapabilities(probe),
    checkProcessors(processors),
    checkBacklog(probe),
    checkBridgeFilter(probe),
    checkFirewall(probe),
  ].flat();
}

function checkNode(version: string): Finding {
  const major = Number(version.split(".")[0]);
  return major >= 20 ? fine("node", `Node.js ${version}`) : found("node is old", { version });
}

function checkKernel(probe: Probe, platform: string): Finding {
  if (platform !== "linux") return found("not Linux", { platform });
  const release = probe.read("/proc/sys/kernel/osrelease") ?? "unknown";
  const [major = 0, minor = 0] = release.split(".").map((part) => Number.parseInt(part, 10));
  const isNew = major > KERNEL_WANTED[0] || (major === KERNEL_WANTED[0] && minor >= KERNEL_WANTED[1]);
  return isNew ? fine("kernel", `Linux ${release}`) : found("kernel is old", { release });
}

function checkAddon(probe: Probe): Finding {
  const complaint = addonComplaint(probe);
  if (complaint === undefined) return fine("addon", "the native addon loads");
  return found("addon is missing", { complaint: complaint.message });
}

function checkCapabilities(probe: Probe): Finding {
  const status = probe.read("/proc/self/status") ?? "";
  const mask = BigInt(`0x${/^CapEff:\s*([0-9a-f]+)/m.exec(status)?.[1] ?? "0"}`);
  const missing = CAPABILITIES.filter(([, bit]) => ((mask >> BigInt(bit)) & 1n) === 0n).map(([name]) => name);
  if (missing.length === 0) return fine("capabilities", "CAP_NET_RAW and CAP_NET_ADMIN");
  if (missing.includes("CAP_NET_RAW")) return found("CAP_NET_RAW is missing", { missing: missing.join(" and ") });
  return found("CAP_NET_ADMIN is missing");
}

function checkProcessors(processors: number): Finding {
  return processors > 1 ? fine("processors", `${processors} processors`) : found("one processor", { processors });
}

// The second column of softnet_stat is what a processor's backlog had no room for
function checkBacklog(probe: Probe): Finding {
  const drops = (probe.read("/proc/net/softnet_stat") ?? "")
    .split("\n")
    .reduce((sum, line) => sum + Number.parseInt(line.split(/\s+/)[1] ?? "0", 16), 0);
  const length = Number(probe.read("/proc/sys/net/core/netdev_max_backlog") ?? BACKLOG_DEFAULT);
  if (drops === 0) return fine("backlog", `netdev_max_backlog ${length}, 0 frames dropped since boot`);
  const wanted = Math.max(10 * BACKLOG_DEFAULT, 2 * length);
  return found("the kernel's backlog overflows", { length, drops, wanted });
}

function checkBridgeFilter(probe: Probe): Finding[] {
  const value = probe.read("/proc/sys/net/bridge/bridge-nf-call-iptables");
  if (value === undefined) return [];
  if (value === "0") return [fine("bridge filter", "frames through bridges do not pass iptables")];
  return [found("bridges pass iptables")];
}

// Packet sockets see frames before netfilter does; what is sent passes the egress hook, what is bridged the bridge family
function checkFirewall(probe: Probe): Finding[] {
  const rules = probe.run("nft", "list", "tables");
  if (rules === undefined) return [];
  const tables = rules.split("\n").flatMap((line) => /^table ((?:bridge|netdev) .*)/.exec(line)?.[1] ?? []);
  if (tables.length === 0) return [fine("firewall", "no nftables rules for bridges or devices")];
  return [found("rules for frames", { names: tables.join(", "), first: tables[0]! })];
}

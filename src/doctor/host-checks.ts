// What must hold on the host whatever the interface: Node, kernel, addon, capabilities, processors, queues of the kernel.
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
  if (major >= 20) return { level: "ok", subject: "node", message: `Node.js ${version}` };
  const message = `Node.js ${version} is too old: wasmtcp needs 20 or later`;
  return { level: "problem", subject: "node", message, cure: "install Node.js 20 or later" };
}

function checkKernel(probe: Probe, platform: string): Finding {
  if (platform !== "linux") {
    const message = `${platform}: links in memory work, interfaces need Linux`;
    return { level: "problem", subject: "kernel", message, cure: "run it on Linux" };
  }
  const release = probe.read("/proc/sys/kernel/osrelease") ?? "unknown";
  const [major = 0, minor = 0] = release.split(".").map((part) => Number.parseInt(part, 10));
  const isNew = major > KERNEL_WANTED[0] || (major === KERNEL_WANTED[0] && minor >= KERNEL_WANTED[1]);
  if (isNew) return { level: "ok", subject: "kernel", message: `Linux ${release}` };
  const message = `Linux ${release} shows us our own frames, which costs time; 4.20 and later do not`;
  return { level: "warning", subject: "kernel", message, cure: "use a newer kernel" };
}

function checkAddon(probe: Probe): Finding {
  const complaint = addonComplaint(probe);
  if (complaint === undefined) return { level: "ok", subject: "addon", message: "the native addon loads" };
  const cure = "install a C++20 compiler, make and Python 3, then: npm run build:native";
  return { level: "problem", subject: "addon", message: complaint.message, cure };
}

function checkCapabilities(probe: Probe): Finding {
  const status = probe.read("/proc/self/status") ?? "";
  const mask = BigInt(`0x${/^CapEff:\s*([0-9a-f]+)/m.exec(status)?.[1] ?? "0"}`);
  const missing = CAPABILITIES.filter(([, bit]) => ((mask >> BigInt(bit)) & 1n) === 0n).map(([name]) => name);
  if (missing.length === 0) return { level: "ok", subject: "capabilities", message: "CAP_NET_RAW and CAP_NET_ADMIN" };
  const cure =
    'run as root, or in namespaces of your own (unshare -Urn), or: sudo setcap cap_net_raw,cap_net_admin+ep "$(command -v node)"';
  if (missing.includes("CAP_NET_RAW")) {
    const message = `${missing.join(" and ")} missing: no interface can be opened`;
    return { level: "problem", subject: "capabilities", message, cure };
  }
  const message = "CAP_NET_ADMIN missing: socket buffers stay below the system's limits, --take-over cannot work";
  return { level: "warning", subject: "capabilities", message, cure };
}

function checkProcessors(processors: number): Finding {
  const message = `${processors} processor${processors === 1 ? "" : "s"}`;
  if (processors > 1) return { level: "ok", subject: "processors", message };
  return {
    level: "note",
    subject: "processors",
    message: `${message}: the stack's worker and your program take turns, each message waits for a switch`,
  };
}

// The second column of softnet_stat is what a processor's backlog had no room for
function checkBacklog(probe: Probe): Finding {
  const drops = (probe.read("/proc/net/softnet_stat") ?? "")
    .split("\n")
    .reduce((sum, line) => sum + Number.parseInt(line.split(/\s+/)[1] ?? "0", 16), 0);
  const length = Number(probe.read("/proc/sys/net/core/netdev_max_backlog") ?? BACKLOG_DEFAULT);
  const message = `netdev_max_backlog ${length}, ${drops} frames dropped since boot`;
  if (drops === 0) return { level: "ok", subject: "backlog", message };
  const cure = `sysctl -w net.core.netdev_max_backlog=${Math.max(10 * BACKLOG_DEFAULT, 2 * length)}`;
  return { level: "warning", subject: "backlog", message, cure };
}

function checkBridgeFilter(probe: Probe): Finding[] {
  const path = "/proc/sys/net/bridge/bridge-nf-call-iptables";
  const value = probe.read(path);
  if (value === undefined) return [];
  const subject = "bridge filter";
  if (value === "0") return [{ level: "ok", subject, message: "frames through bridges do not pass iptables" }];
  const message = "frames through bridges pass iptables (bridge-nf-call-iptables 1): its FORWARD rules may eat them";
  return [{ level: "warning", subject, message, cure: "sysctl -w net.bridge.bridge-nf-call-iptables=0" }];
}

// Packet sockets see frames before netfilter does; what is sent passes the egress hook, what is bridged the bridge family
function checkFirewall(probe: Probe): Finding[] {
  const rules = probe.run("nft", "list", "tables");
  if (rules === undefined) return [];
  const tables = rules.split("\n").filter((line) => /^table (bridge|netdev) /.test(line));
  if (tables.length === 0)
    return [{ level: "ok", subject: "firewall", message: "no nftables rules for bridges or devices" }];
  const names = tables.map((line) => line.replace(/^table /, "")).join(", ");
  const message = `nftables has rules for frames (${names}), which may drop ours`;
  const cure = `look at them with: nft list ruleset; remove one with: nft delete table ${tables[0]!.replace(/^table /, "")}`;
  return [{ level: "warning", subject: "firewall", message, cure }];
}

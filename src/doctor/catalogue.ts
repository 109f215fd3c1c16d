// All that the doctor may find amiss, with what it looks like to a user, why, and what mends it: the doctor prints of it what it finds,
// docs/troubleshooting.md is made of it (npm run docs:troubleshooting). Words in braces are filled in by the check.
import type { Finding, FindingLevel } from "./finding.ts";

/** One thing that may be amiss. */
export type Ailment = {
  level: Exclude<FindingLevel, "ok">;
  subject: string;
  /** What a user sees of it. */
  symptom: string;
  /** What the doctor says. */
  message: string;
  /** Why it matters. */
  cause: string;
  cure?: string;
};

const OWN_MAC = '--mac "$(cat /sys/class/net/{name}/address)" --take-over';
const CAPABILITIES_CURE =
  'run as root, or in namespaces of your own (unshare -Urn), or: sudo setcap cap_net_raw,cap_net_admin+ep "$(command -v node)"';
const OTHER_ADDRESS = "use another address of the network";

/** By name, in the order in which the doctor looks. */
export const AILMENTS = {
  "node is old": {
    level: "problem",
    subject: "node",
    symptom: "syntax errors at the start, or `Atomics.waitAsync is not a function`",
    message: "Node.js {version} is too old: wasmtcp needs 20 or later",
    cause: "threads and explicit resource management are used as Node 20 has them",
    cure: "install Node.js 20 or later",
  },
  "not Linux": {
    level: "problem",
    subject: "kernel",
    symptom: "`packetLink` fails with `ERR_ADDON_MISSING`",
    message: "{platform}: links in memory work, interfaces need Linux",
    cause: "raw frames are moved by AF_PACKET sockets",
    cure: "run it on Linux",
  },
  "kernel is old": {
    level: "warning",
    subject: "kernel",
    symptom: "more processor time than expected on the sending side",
    message: "Linux {release} shows us our own frames, which costs time; 4.20 and later do not",
    cause: "PACKET_IGNORE_OUTGOING came with 4.20",
    cure: "use a newer kernel",
  },
  "addon is missing": {
    level: "problem",
    subject: "addon",
    symptom: "every command with `--interface` fails with `ERR_ADDON_MISSING`; links in memory work",
    message: "{complaint}",
    cause:
      "the addon is compiled at `npm install`, which is not possible without a compiler and does no harm to the rest",
    cure: "install a C++20 compiler, make and Python 3, then: npm run build:native",
  },
  "CAP_NET_RAW is missing": {
    level: "problem",
    subject: "capabilities",
    symptom: "`EPERM` when an interface is opened",
    message: "{missing} missing: no interface can be opened",
    cause: "AF_PACKET sockets see all traffic of a network, which not every user may",
    cure: CAPABILITIES_CURE,
  },
  "CAP_NET_ADMIN is missing": {
    level: "warning",
    subject: "capabilities",
    symptom: "drops at high rates; `--take-over` fails with `EPERM`",
    message: "CAP_NET_ADMIN missing: socket buffers stay below the system's limits, --take-over cannot work",
    cause: "SO_RCVBUFFORCE and changes of addresses need it",
    cure: CAPABILITIES_CURE,
  },
  "one processor": {
    level: "note",
    subject: "processors",
    symptom: "slow round trips, and less throughput than with two processors",
    message: "{processors} processor: the stack's worker and your program take turns, each message waits for a switch",
    cause: "the stack runs in a thread of its own",
    cure: "give it a second processor, or in a program of your own: thread: 'caller'",
  },
  "the kernel's backlog overflows": {
    level: "warning",
    subject: "backlog",
    symptom: "retransmissions on a link that loses nothing",
    message: "netdev_max_backlog {length}, {drops} frames dropped since boot",
    cause: "frames wait for their receiver in a queue for each processor, and it was full",
    cure: "sysctl -w net.core.netdev_max_backlog={wanted}",
  },
  "bridges pass iptables": {
    level: "warning",
    subject: "bridge filter",
    symptom: "ARP works, but `connect` times out across a bridge (mininet's switch, docker's networks)",
    message: "frames through bridges pass iptables (bridge-nf-call-iptables 1): its FORWARD rules may eat them",
    cause:
      "the module br_netfilter, which docker loads, hands bridged IP packets to iptables, whose FORWARD policy is often DROP",
    cure: "sysctl -w net.bridge.bridge-nf-call-iptables=0",
  },
  "rules for frames": {
    level: "warning",
    subject: "firewall",
    symptom: "nothing arrives, or nothing leaves, though the link is up",
    message: "nftables has rules for frames ({names}), which may drop ours",
    cause: "packet sockets pass by the usual firewall, but not by the families bridge and netdev",
    cure: "look at them with: nft list ruleset; remove one with: nft delete table {first}",
  },
  "no stack comes up": {
    level: "problem",
    subject: "wasm",
    symptom: "`createStack` rejects, even with a link in memory",
    message: "a stack does not come up: {complaint}",
    cause: "WebAssembly with threads and SIMD, shared memory and workers are needed, and the files of the build",
    cure: "npm run build; if that does not help: node --version must be 20 or later",
  },
  "no such interface": {
    level: "problem",
    subject: "interface",
    symptom: "`ENODEV` when the interface is opened",
    message: "this network namespace has no interface {name}; it has {names}",
    cause: "each network namespace has interfaces of its own: mininet's hosts, containers, ip netns",
    cure: "ip -br link   # lists them; ip netns exec NAME enters another namespace",
  },
  "no Ethernet": {
    level: "problem",
    subject: "interface",
    symptom: "the interface cannot be opened (`lo`, `tun0`, `wg0`)",
    message: "{name} does not carry Ethernet frames",
    cause: "the stack speaks ARP and has a MAC address",
    cure: "use an Ethernet interface: a NIC, veth, bridge or TAP",
  },
  "interface is down": {
    level: "problem",
    subject: "link",
    symptom: "`ENETDOWN`",
    message: "{name} is down",
    cause: "interfaces are made down",
    cure: "ip link set {name} up",
  },
  "no carrier": {
    level: "problem",
    subject: "link",
    symptom: "`EHOSTUNREACH` after three seconds, or `ENETDOWN`",
    message: "{name} is up, but has no carrier: the other end is down, or nothing is plugged in",
    cause: "a veth pair carries frames only when both of its ends are up",
    cure: "bring the other end up; of a veth pair: ip link set PEER up in its namespace",
  },
  "MTU is too small": {
    level: "problem",
    subject: "mtu",
    symptom: "a RangeError for `mtu`",
    message: "{mtu} is too small for IP",
    cause: "RFC 791: every link of IP carries packets of 68 bytes",
    cure: "ip link set {name} mtu 1500",
  },
  "ethtool is missing": {
    level: "note",
    subject: "offloads",
    symptom: "none; the doctor cannot look at the offloads",
    message: "not known: ethtool is missing",
    cause: "they are read by ethtool -k",
    cure: "install ethtool",
  },
  "LRO is on": {
    level: "warning",
    subject: "offloads",
    symptom: "odd round trips and slow recovery after losses",
    message: "LRO is on: it merges frames in a way that hides losses",
    cause: "large receive offload forgets where one segment ended and the next began; GRO does not",
    cure: "ethtool -K {name} lro off",
  },
  "offloads are off": {
    level: "note",
    subject: "offloads",
    symptom: "less throughput than the same machine has on other interfaces",
    message: "{features} off: every segment is handed over by itself, which costs speed",
    cause: "super-segments of up to 64 KiB cost about as much as one of 1500 bytes",
    cure: "ethtool -K {name} tso on gro on",
  },
  "bridge port does not forward": {
    level: "problem",
    subject: "bridge",
    symptom: "nothing arrives for half a minute after a bridge was made",
    message: "{name} is a port of a bridge that does not forward through it yet (spanning tree, state {state})",
    cause: "the spanning tree protocol listens first",
    cure: "wait for the forward delay, or: ip link set BRIDGE type bridge stp_state 0",
  },
  "bridge port": {
    level: "note",
    subject: "bridge",
    symptom: "the stack hears some hosts and not others",
    message:
      "{name} is a port of a bridge: frames for our MAC address are seen here, but only what the bridge sends here",
    cause: "what enters by this port belongs to the bridge",
    cure: "use the bridge itself, or a veth pair into it",
  },
  "wireless interface": {
    level: "problem",
    subject: "mac",
    symptom: "`EHOSTUNREACH`: ARP is never answered",
    message: "{name} is a wireless interface: access points drop frames of other MAC addresses than the card's",
    cause: "an access point knows a station by its MAC address",
    cure: `use the card's own address: ${OWN_MAC}`,
  },
  "network card": {
    level: "note",
    subject: "mac",
    symptom: "`EHOSTUNREACH` in a virtual machine or on a managed switch, while the kernel reaches the same host",
    message: "{name} is a network card: switches and hypervisors may drop frames of MAC addresses they do not know",
    cause: "the stack has a MAC address of its own (02:77:...); port security and hypervisors allow one an interface",
    cure: `if nothing arrives, use the card's own address: ${OWN_MAC}`,
  },
  "interface is shaped": {
    level: "note",
    subject: "queue",
    symptom: "a lower rate, more delay or loss than the link has",
    message: "what we send is shaped: {rules}",
    cause: "mininet's TCLink and tc shape what leaves an interface, ours as well",
    cure: "if that is not wanted: tc qdisc del dev {name} root",
  },
  "the interface drops": {
    level: "warning",
    subject: "drops",
    symptom: "retransmissions on a link that loses nothing",
    message: "{received} frames dropped on receipt, {sent} on sending, {errors} errors since it exists",
    cause: "the kernel or the card had no room, or the frames were bad",
    cure: "ip -s -s link show {name}   # says which",
  },
  "the kernel owns the address": {
    level: "problem",
    subject: "address",
    symptom: "`EADDRINUSE` when the stack is created",
    message: "the kernel owns {address} on {device} and would answer with resets",
    cause: "two TCPs with one address reset each other's connections",
    cure: `add --take-over, or ${OTHER_ADDRESS}`,
  },
  "the kernel owns the address elsewhere": {
    level: "problem",
    subject: "address",
    symptom: "connections are reset, or never come about",
    message: "the kernel owns {address} on {device} and would answer with resets",
    cause: "as above; and --take-over takes only from the interface that is used",
    cure: OTHER_ADDRESS,
  },
  "another host has the address": {
    level: "problem",
    subject: "address",
    symptom: "connections that come and go, `conflict` events, resets from nowhere",
    message: "another host has {address} already: {mac} answers for it",
    cause: "RFC 5227: it answered an ARP probe",
    cure: OTHER_ADDRESS,
  },
} as const satisfies Record<string, Ailment>;

/** What a check fills in. */
type Values = Readonly<Record<string, string | number>>;

/** The finding of an ailment. `values`: for the words in braces of its message and its cure */
export function found(name: keyof typeof AILMENTS, values: Values = {}): Finding {
  const { level, subject, message, cure }: Ailment = AILMENTS[name];
  const isCured = cure === undefined ? {} : { cure: fill(cure, values) };
  return { level, subject, message: fill(message, values), ...isCured };
}

/** The finding that all is well. */
export function fine(subject: string, message: string): Finding {
  return { level: "ok", subject, message };
}

function fill(text: string, values: Values): string {
  return text.replace(/\{(\w+)\}/g, (_, word: string) => {
    const value = values[word];
    if (value === undefined) throw new Error(`nothing to say for {${word}} in: ${text}`);
    return `${value}`;
  });
}

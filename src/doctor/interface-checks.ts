// What must hold of the interface a stack is to use, and of the address it is to have there.
import type { InterfaceInfo } from "../native.ts";
import type { Finding, Probe } from "./finding.ts";

type Check = (probe: Probe, name: string, info: InterfaceInfo) => Finding[];

/** RFC 791: every host takes as much; fewer bytes are no IP link. */
const MTU_MIN = 68;
const BRIDGE_FORWARDING = "3";

/** Looks at an interface. */
export function checkInterface(probe: Probe, name: string): Finding[] {
  const info = probe.interfaceInfo(name);
  if (info === null) {
    const names = Object.keys(probe.interfaces()).join(", ") || "none that is up";
    const message = `this network namespace has no interface ${name}; it has ${names}`;
    return [
      {
        level: "problem",
        subject: "interface",
        message,
        cure: "ip -br link   # lists them; ip netns exec NAME enters another namespace",
      },
    ];
  }
  const checks: Check[] = [
    checkKind,
    checkState,
    checkMtu,
    checkOffloads,
    checkBridgePort,
    checkMacFilter,
    checkQueue,
    checkDrops,
  ];
  return checks.flatMap((check) => check(probe, name, info));
}

function checkKind(_probe: Probe, name: string, info: InterfaceInfo): Finding[] {
  if (info.ethernet) return [{ level: "ok", subject: "interface", message: `${name}, Ethernet, ${info.mac}` }];
  const message = `${name} does not carry Ethernet frames`;
  return [
    { level: "problem", subject: "interface", message, cure: "use an Ethernet interface: a NIC, veth, bridge or TAP" },
  ];
}

function checkState(_probe: Probe, name: string, info: InterfaceInfo): Finding[] {
  const subject = "link";
  if (!info.up) return [{ level: "problem", subject, message: `${name} is down`, cure: `ip link set ${name} up` }];
  if (info.running) return [{ level: "ok", subject, message: "up, with carrier" }];
  const message = `${name} is up, but has no carrier: the other end is down, or nothing is plugged in`;
  return [
    {
      level: "problem",
      subject,
      message,
      cure: "bring the other end up; of a veth pair: ip link set PEER up in its namespace",
    },
  ];
}

function checkMtu(_probe: Probe, name: string, { mtu }: InterfaceInfo): Finding[] {
  if (mtu >= MTU_MIN) return [{ level: "ok", subject: "mtu", message: `${mtu}` }];
  return [
    { level: "problem", subject: "mtu", message: `${mtu} is too small for IP`, cure: `ip link set ${name} mtu 1500` },
  ];
}

function checkOffloads(probe: Probe, name: string, info: InterfaceInfo): Finding[] {
  const subject = "offloads";
  const features = probe.run("ethtool", "-k", name);
  if (features === undefined) {
    return [{ level: "note", subject, message: "not known: ethtool is missing", cure: "install ethtool" }];
  }
  const isOn = (feature: string): boolean => new RegExp(`^\\s*${feature}: on`, "m").test(features);
  // Between two ends of a veth pair super-segments pass as they are; a network card has to put them together.
  const wanted = probe.exists(`/sys/class/net/${name}/device`) ? ["generic-receive-offload"] : [];
  const off = ["tcp-segmentation-offload", ...wanted].filter((feature) => !isOn(feature));
  const found: Finding[] = [];
  if (isOn("large-receive-offload")) {
    const message = "LRO is on: it merges frames in a way that hides losses";
    found.push({ level: "warning", subject, message, cure: `ethtool -K ${name} lro off` });
  }
  if (off.length > 0) {
    const message = `${off.join(" and ")} off: every segment is handed over by itself, which costs speed`;
    found.push({ level: "note", subject, message, cure: `ethtool -K ${name} tso on gro on` });
  }
  return found.length > 0
    ? found
    : [{ level: "ok", subject, message: `super-segments up to ${info.gsoMaxBytes} bytes` }];
}

function checkBridgePort(probe: Probe, name: string): Finding[] {
  const subject = "bridge";
  const state = probe.read(`/sys/class/net/${name}/brport/state`);
  if (state === undefined) return [];
  if (state !== BRIDGE_FORWARDING) {
    const message = `${name} is a port of a bridge that does not forward through it yet (spanning tree, state ${state})`;
    return [
      {
        level: "problem",
        subject,
        message,
        cure: "wait for the forward delay, or: ip link set BRIDGE type bridge stp_state 0",
      },
    ];
  }
  const message = `${name} is a port of a bridge: frames for our MAC address are seen here, but only what the bridge sends here`;
  return [{ level: "note", subject, message, cure: "use the bridge itself, or a veth pair into it" }];
}

function checkMacFilter(probe: Probe, name: string): Finding[] {
  const subject = "mac";
  const own = `--mac "$(cat /sys/class/net/${name}/address)" --take-over`;
  if (probe.exists(`/sys/class/net/${name}/phy80211`)) {
    const message = `${name} is a wireless interface: access points drop frames of other MAC addresses than the card's`;
    return [{ level: "problem", subject, message, cure: `use the card's own address: ${own}` }];
  }
  if (!probe.exists(`/sys/class/net/${name}/device`)) return [];
  const message = `${name} is a network card: switches and hypervisors may drop frames of MAC addresses they do not know`;
  return [{ level: "note", subject, message, cure: `if nothing arrives, use the card's own address: ${own}` }];
}

function checkQueue(probe: Probe, name: string): Finding[] {
  const text = probe.run("tc", "qdisc", "show", "dev", name);
  if (text === undefined) return [];
  const shaping = [...text.matchAll(/^qdisc (netem|tbf|htb|hfsc|cake|cbq)\b.*/gm)].map(([line]) => line.trim());
  if (shaping.length === 0) return [{ level: "ok", subject: "queue", message: "not shaped" }];
  const message = `what we send is shaped: ${shaping.join("; ")}`;
  return [{ level: "note", subject: "queue", message, cure: `if that is not wanted: tc qdisc del dev ${name} root` }];
}

function checkDrops(probe: Probe, name: string): Finding[] {
  const count = (what: string): number => Number(probe.read(`/sys/class/net/${name}/statistics/${what}`) ?? 0);
  const [received, sent, errors] = [count("rx_dropped"), count("tx_dropped"), count("rx_errors") + count("tx_errors")];
  const message = `${received} frames dropped on receipt, ${sent} on sending, ${errors} errors since it exists`;
  if (received + sent + errors === 0) return [{ level: "ok", subject: "drops", message }];
  return [{ level: "warning", subject: "drops", message, cure: `ip -s -s link show ${name}   # says which` }];
}

/** Looks at who owns an address that a stack is to have. `address`: dotted quad */
export async function checkAddress(probe: Probe, name: string, address: string): Promise<Finding[]> {
  const subject = "address";
  for (const [device, list] of Object.entries(probe.interfaces())) {
    if (!list?.some((one) => one.address === address)) continue;
    const message = `the kernel owns ${address} on ${device} and would answer with resets`;
    const cure =
      device === name ? "add --take-over, or use another address of the network" : "use another address of the network";
    return [{ level: "problem", subject, message, cure }];
  }
  const mac = await probe.whoHas(name, address);
  if (mac === undefined) return [{ level: "ok", subject, message: `nobody has ${address} yet` }];
  const message = `another host has ${address} already: ${mac} answers for it`;
  return [{ level: "problem", subject, message, cure: "use another address of the network" }];
}

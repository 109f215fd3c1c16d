// What must hold of the interface a stack is to use, and of the address it is to have there.
import { ownerOf } from "../address-owner.ts";
import type { InterfaceInfo } from "../native.ts";
import { fine, found } from "./catalogue.ts";
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
    return [found("no such interface", { name, names })];
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
  return [info.ethernet ? fine("interface", `${name}, Ethernet, ${info.mac}`) : found("no Ethernet", { name })];
}

function checkState(_probe: Probe, name: string, info: InterfaceInfo): Finding[] {
  if (!info.up) return [found("interface is down", { name })];
  return [info.running ? fine("link", "up, with carrier") : found("no carrier", { name })];
}

function checkMtu(_probe: Probe, name: string, { mtu }: InterfaceInfo): Finding[] {
  return [mtu >= MTU_MIN ? fine("mtu", `${mtu}`) : found("MTU is too small", { name, mtu })];
}

function checkOffloads(probe: Probe, name: string, info: InterfaceInfo): Finding[] {
  const features = probe.run("ethtool", "-k", name);
  if (features === undefined) return [found("ethtool is missing")];
  const isOn = (feature: string): boolean => new RegExp(`^\\s*${feature}: on`, "m").test(features);
  // Between two ends of a veth pair super-segments pass as they are; a network card has to put them together.
  const wanted = probe.exists(`/sys/class/net/${name}/device`) ? ["generic-receive-offload"] : [];
  const off = ["tcp-segmentation-offload", ...wanted].filter((feature) => !isOn(feature));
  const list: Finding[] = [];
  if (isOn("large-receive-offload")) list.push(found("LRO is on", { name }));
  if (off.length > 0) list.push(found("offloads are off", { name, features: off.join(" and ") }));
  return list.length > 0 ? list : [fine("offloads", `super-segments up to ${info.gsoMaxBytes} bytes`)];
}

function checkBridgePort(probe: Probe, name: string): Finding[] {
  const state = probe.read(`/sys/class/net/${name}/brport/state`);
  if (state === undefined) return [];
  if (state !== BRIDGE_FORWARDING) return [found("bridge port does not forward", { name, state })];
  return [found("bridge port", { name })];
}

function checkMacFilter(probe: Probe, name: string): Finding[] {
  if (probe.exists(`/sys/class/net/${name}/phy80211`)) return [found("wireless interface", { name })];
  if (!probe.exists(`/sys/class/net/${name}/device`)) return [];
  return [found("network card", { name })];
}

function checkQueue(probe: Probe, name: string): Finding[] {
  const text = probe.run("tc", "qdisc", "show", "dev", name);
  if (text === undefined) return [];
  const shaping = [...text.matchAll(/^qdisc (netem|tbf|htb|hfsc|cake|cbq)\b.*/gm)].map(([line]) => line.trim());
  if (shaping.length === 0) return [fine("queue", "not shaped")];
  return [found("interface is shaped", { name, rules: shaping.join("; ") })];
}

function checkDrops(probe: Probe, name: string): Finding[] {
  const count = (what: string): number => Number(probe.read(`/sys/class/net/${name}/statistics/${what}`) ?? 0);
  const [received, sent, errors] = [count("rx_dropped"), count("tx_dropped"), count("rx_errors") + count("tx_errors")];
  if (received + sent + errors > 0) return [found("the interface drops", { name, received, sent, errors })];
  return [fine("drops", "0 frames dropped on receipt, 0 on sending, 0 errors since it exists")];
}

/** Looks at who owns an address that a stack is to have. `address`: dotted quad */
export async function checkAddress(probe: Probe, name: string, address: string): Promise<Finding[]> {
  const device = ownerOf(address, probe.interfaces());
  if (device !== undefined) {
    const which = device === name ? "the kernel owns the address" : "the kernel owns the address elsewhere";
    return [found(which, { address, device })];
  }
  const mac = await probe.whoHas(name, address);
  if (mac === undefined) return [fine("address", `nobody has ${address} yet`)];
  return [found("another host has the address", { address, mac })];
}

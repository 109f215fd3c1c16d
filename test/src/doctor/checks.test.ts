// The doctor's checks on machines that a test makes up: each finding, and its cure.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import type { Finding, Probe } from "../../../src/doctor/finding.ts";
import { checkHost } from "../../../src/doctor/host-checks.ts";
import { checkAddress, checkInterface } from "../../../src/doctor/interface-checks.ts";
import { AddonError, type InterfaceInfo } from "../../../src/native.ts";

const test = suite("doctor/checks");

const ETH0: InterfaceInfo = {
  index: 2,
  mtu: 1500,
  mac: "02:00:00:00:00:01",
  gsoMaxBytes: 65521,
  superFrames: true,
  ethernet: true,
  up: true,
  running: true,
  addresses: [],
};

const HEALTHY: Record<string, string> = {
  "/proc/sys/kernel/osrelease": "6.1.0-13-amd64",
  "/proc/self/status": "Name:\tnode\nCapEff:\t000001ffffffffff\n",
  "/proc/net/softnet_stat": "00000010 00000000 00000000\n00000020 00000000 00000000",
  "/proc/sys/net/core/netdev_max_backlog": "1000",
};
const OFFLOADS = "tcp-segmentation-offload: on\ngeneric-receive-offload: on\nlarge-receive-offload: off [fixed]\n";

function machine(
  files: Record<string, string> = {},
  commands: Record<string, string> = {},
  info: InterfaceInfo | null = ETH0,
): Probe {
  const all: Record<string, string> = { ...HEALTHY, ...files };
  const answers: Record<string, string> = { "ethtool -k eth0": OFFLOADS, ...commands };
  return {
    read: (path) => all[path],
    exists: (path) => path in all,
    run: (...words) => answers[words.join(" ")],
    interfaceInfo: () => info,
    interfaces: () => ({ eth0: [{ address: "10.0.0.1" }] as never, lo: [{ address: "127.0.0.1" }] as never }),
    whoHas: async (_name, address) => (address === "10.0.0.9" ? "02:00:00:00:00:09" : undefined),
  };
}

const host = (probe: Probe, processors = 4): Finding[] => checkHost(probe, "20.10.0", "linux", processors);
const bad = (findings: Finding[]): Finding[] => findings.filter(({ level }) => level !== "ok");

function only(findings: Finding[], level: string, subject: string, message: RegExp, cure?: RegExp): void {
  const found = bad(findings);
  assert.equal(
    found.map((one) => [one.level, one.subject]),
    [[level, subject]],
  );
  assert.match(found[0]!.message, message);
  if (cure !== undefined) assert.match(found[0]!.cure!, cure);
}

test("a healthy machine has no findings but good ones", () => {
  assert.equal(bad(host(machine())), []);
  assert.equal(bad(checkInterface(machine(), "eth0")), []);
});

test("an old Node is a problem", () => {
  only(checkHost(machine(), "18.1.0", "linux", 4), "problem", "node", /18\.1\.0 is too old/);
});

test("another system, and an old kernel", () => {
  only(checkHost(machine(), "20.0.0", "darwin", 4), "problem", "kernel", /darwin/);
  only(host(machine({ "/proc/sys/kernel/osrelease": "4.19.0" })), "warning", "kernel", /shows us our own frames/);
});

test("an addon that does not load is a problem that says how to build it", () => {
  const probe = machine();
  probe.interfaceInfo = () => {
    throw new AddonError("ERR_ADDON_MISSING", "not built");
  };
  only(host(probe), "problem", "addon", /not built/, /npm run build:native/);
});

test("capabilities that are missing: raw sockets are a must, administration is not", () => {
  only(host(machine({ "/proc/self/status": "CapEff:\t0000000000000000" })), "problem", "capabilities", /CAP_NET_RAW/);
  const rawOnly = machine({ "/proc/self/status": "CapEff:\t0000000000002000" });
  only(host(rawOnly), "warning", "capabilities", /CAP_NET_ADMIN missing/, /setcap/);
});

test("one processor is worth a note", () => {
  only(host(machine(), 1), "note", "processors", /1 processor:/);
});

test("drops of the backlog, counted over all processors", () => {
  const probe = machine({ "/proc/net/softnet_stat": "00000010 0000000a 0\n00000020 00000001 0" });
  only(host(probe), "warning", "backlog", /11 frames dropped/, /netdev_max_backlog=10000/);
});

test("bridges whose frames pass iptables, and rules for frames", () => {
  only(host(machine({ "/proc/sys/net/bridge/bridge-nf-call-iptables": "1" })), "warning", "bridge filter", /FORWARD/);
  assert.equal(bad(host(machine({ "/proc/sys/net/bridge/bridge-nf-call-iptables": "0" }))), []);
  const rules = machine({}, { "nft list tables": "table ip filter\ntable bridge lab\n" });
  only(host(rules), "warning", "firewall", /bridge lab/, /nft delete table bridge lab/);
});

test("an interface that is missing, down, without carrier, or no Ethernet", () => {
  only(checkInterface(machine({}, {}, null), "eth9"), "problem", "interface", /no interface eth9; it has eth0, lo/);
  only(checkInterface(machine({}, {}, { ...ETH0, up: false }), "eth0"), "problem", "link", /down/, /link set eth0 up/);
  only(checkInterface(machine({}, {}, { ...ETH0, running: false }), "eth0"), "problem", "link", /no carrier/);
  only(checkInterface(machine({}, {}, { ...ETH0, ethernet: false }), "eth0"), "problem", "interface", /Ethernet/);
  only(checkInterface(machine({}, {}, { ...ETH0, mtu: 60 }), "eth0"), "problem", "mtu", /60 is too small/);
});

test("offloads that cost speed, or hide losses", () => {
  const off = machine(
    {},
    { "ethtool -k eth0": OFFLOADS.replace("tcp-segmentation-offload: on", "tcp-segmentation-offload: off") },
  );
  only(checkInterface(off, "eth0"), "note", "offloads", /tcp-segmentation-offload off/, /tso on/);
  const lro = machine(
    {},
    { "ethtool -k eth0": OFFLOADS.replace("large-receive-offload: off", "large-receive-offload: on") },
  );
  only(checkInterface(lro, "eth0"), "warning", "offloads", /LRO/, /lro off/);
});

test("bridge ports, wireless and other cards, shaping, drops", () => {
  const port = (state: string): Probe => machine({ "/sys/class/net/eth0/brport/state": state });
  only(checkInterface(port("1"), "eth0"), "problem", "bridge", /does not forward/);
  only(checkInterface(port("3"), "eth0"), "note", "bridge", /port of a bridge/);
  only(checkInterface(machine({ "/sys/class/net/eth0/phy80211": "" }), "eth0"), "problem", "mac", /wireless/);
  only(checkInterface(machine({ "/sys/class/net/eth0/device": "" }), "eth0"), "note", "mac", /hypervisors/);
  const shaped = machine({}, { "tc qdisc show dev eth0": "qdisc tbf 8001: root rate 100Mbit\n" });
  only(checkInterface(shaped, "eth0"), "note", "queue", /tbf/, /tc qdisc del dev eth0 root/);
  only(
    checkInterface(machine({ "/sys/class/net/eth0/statistics/rx_dropped": "7" }), "eth0"),
    "warning",
    "drops",
    /^7 frames/,
  );
});

test("an address: the kernel's here, the kernel's elsewhere, another host's, nobody's", async () => {
  only(
    await checkAddress(machine(), "eth0", "10.0.0.1"),
    "problem",
    "address",
    /kernel owns 10\.0\.0\.1/,
    /--take-over/,
  );
  only(await checkAddress(machine(), "eth0", "127.0.0.1"), "problem", "address", /on lo/, /another address/);
  only(await checkAddress(machine(), "eth0", "10.0.0.9"), "problem", "address", /02:00:00:00:00:09 answers/);
  assert.equal(bad(await checkAddress(machine(), "eth0", "10.0.0.8")), []);
});

test.run();

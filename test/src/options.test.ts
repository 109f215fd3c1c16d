// The options of a stack and its calls: defaults, checks, words of the CONFIG block.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import {
  CONFIG_SYSCTLS,
  CONFIG_SYSCTLS_IP,
  SYSCTL_END,
  SYSCTL_IP_END,
  SYSCTL_IP_LOCAL_PORT_RANGE_MAX,
  SYSCTL_TCP_RMEM_DEFAULT,
  SYSCTL_TCP_RMEM_MAX,
  SYSCTL_TCP_RMEM_MIN,
  SYSCTL_TCP_SYN_RETRIES,
} from "../../assembly/layout.ts";
import { resolveConnect, resolveListen } from "../../src/call-options.ts";
import { captureLink } from "../../src/links/capture.ts";
import { emulatedLink } from "../../src/links/emulated.ts";
import { memoryLinkPair } from "../../src/links/memory-link.ts";
import { packetLink } from "../../src/links/packet.ts";
import {
  type InterfaceOptions,
  type ResolvedStack,
  resolveStackOptions,
  type StackOptions,
} from "../../src/options.ts";
import { resolveSysctl, type Sysctl } from "../../src/sysctl.ts";

const options = suite("src/options");
const [link] = memoryLinkPair({ mtu: 1400 });

function failure(run: () => unknown): { code: string; message: string } {
  try {
    run();
  } catch (error) {
    return error as { code: string; message: string };
  }
  throw new Error("nothing was thrown");
}

function withInterface(change: Partial<Record<keyof InterfaceOptions, unknown>>): StackOptions {
  return { interfaces: [{ link, address: "10.0.0.1/24", ...change } as InterfaceOptions] };
}

options("fills in MAC address, MTU and name", () => {
  const { interfaces, routes } = resolveStackOptions(withInterface({}));
  assert.is(interfaces[0]!.mtu, 1400);
  assert.is(interfaces[0]!.gro, true);
  assert.is(interfaces[0]!.name, "if1");
  assert.equal([...interfaces[0]!.mac], [2, 0x77, 10, 0, 0, 1]);
  assert.equal(routes, []);
});

options("leaves the MTU of a packet link to the interface", () => {
  const { interfaces } = resolveStackOptions(withInterface({ link: packetLink({ interface: "eth0" }) }));
  assert.is(interfaces[0]!.mtu, undefined);
});

options("takes shards only where frames can be steered to them: packet links, worker threads", () => {
  const wire = packetLink({ interface: "eth0" });
  const shards = (count: unknown, change: Partial<StackOptions> = {}): StackOptions =>
    ({ ...withInterface({ link: wire }), shards: count, ...change }) as StackOptions;
  assert.is(resolveStackOptions(shards(undefined)).shards, 1);
  assert.is(resolveStackOptions(shards(64)).shards, 64);
  for (const count of [0, 65, 1.5]) {
    assert.is(failure(() => resolveStackOptions(shards(count))).code, "ERR_OUT_OF_RANGE");
  }
  assert.is(failure(() => resolveStackOptions(shards("2"))).code, "ERR_INVALID_ARG_TYPE");
  const onCaller = failure(() => resolveStackOptions(shards(2, { thread: "caller" })));
  assert.is(onCaller.code, "ERR_INVALID_ARG_VALUE");
  assert.match(onCaller.message, /`shards` to be 1 with thread 'caller'/);
  for (const other of [link, emulatedLink(wire, { delayMs: 1 }), captureLink(wire, "x.pcapng")]) {
    const { code, message } = failure(() => resolveStackOptions(shards(2, withInterface({ link: other }))));
    assert.is(code, "ERR_INVALID_ARG_VALUE");
    assert.match(message, /`interfaces\[0\]\.link` to be a packet link of its own, .* with 2 shards/);
  }
  assert.is(resolveStackOptions(shards(1, withInterface({}))).shards, 1);
});

options("says what was expected and what came", () => {
  const { code, message } = failure(() => resolveStackOptions(withInterface({ mtu: 12 })));
  assert.is(message, "Expected `mtu` to be 68..1400, got `12` (number)");
  assert.is(code, "ERR_OUT_OF_RANGE");
  assert.is(failure(() => resolveStackOptions(withInterface({ mtu: "12" }))).code, "ERR_INVALID_ARG_TYPE");
  assert.is(failure(() => resolveStackOptions(withInterface({ gro: "off" }))).code, "ERR_INVALID_ARG_TYPE");
  assert.is(resolveStackOptions(withInterface({ gro: false })).interfaces[0]!.gro, false);
  assert.is(failure(() => resolveStackOptions(withInterface({ link: {} }))).code, "ERR_INVALID_ARG_TYPE");
  assert.is(failure(() => resolveStackOptions({ interfaces: [] })).code, "ERR_INVALID_ARG_VALUE");
});

options("takes only addresses that a host can have [RFC 1122 3.2.1.3]", () => {
  const wrong = [
    "10.0.0.0/24",
    "10.0.0.255/24",
    "0.0.0.1/8",
    "127.0.0.1/8",
    "224.0.0.1/24",
    "255.255.255.255/32",
    "10.0.0.1/0",
  ];
  for (const address of wrong) {
    assert.is(failure(() => resolveStackOptions(withInterface({ address }))).code, "ERR_INVALID_ARG_VALUE", address);
  }
  for (const address of ["10.0.0.0/31", "10.0.0.1/31", "10.0.0.255/16", "10.0.0.1/32"]) {
    assert.ok(resolveStackOptions(withInterface({ address })), address);
  }
});

options("turns a gateway into the default route of its interface", () => {
  const { routes } = resolveStackOptions(withInterface({ gateway: "10.0.0.254" }));
  assert.equal(routes, [{ destination: 0, prefixLength: 0, gateway: 0x0a0000fe, interfaceIndex: 1 }]);
  for (const gateway of ["10.0.1.1", "10.0.0.1", "x"]) {
    assert.is(failure(() => resolveStackOptions(withInterface({ gateway }))).code, "ERR_INVALID_ARG_VALUE", gateway);
  }
});

options("finds the interface of a route by its gateway, and clears host bits of its destination", () => {
  const interfaces = [
    { link, address: "10.0.0.1/24" },
    { link, address: "10.0.1.1/24" },
  ];
  const { routes } = resolveStackOptions({ interfaces, routes: [{ destination: "10.9.8.7/16", gateway: "10.0.1.9" }] });
  assert.equal(routes, [{ destination: 0x0a090000, prefixLength: 16, gateway: 0x0a000109, interfaceIndex: 2 }]);
  const nowhere = { interfaces, routes: [{ destination: "10.9.0.0/16", gateway: "10.0.2.9" }] };
  assert.is(failure(() => resolveStackOptions(nowhere)).code, "ERR_INVALID_ARG_VALUE");
});

options("refuses one address on two interfaces", () => {
  const interfaces = [
    { link, address: "10.0.0.1/24" },
    { link, address: "10.0.0.1/16" },
  ];
  assert.is(failure(() => resolveStackOptions({ interfaces })).code, "ERR_INVALID_ARG_VALUE");
});

options("gives every word of the sysctl block a value", () => {
  const words = resolveSysctl();
  const block = (from: number, end: number) => Array.from({ length: (end - from) / 4 }, (_, index) => from + index * 4);
  const addresses = [...block(CONFIG_SYSCTLS, SYSCTL_END), ...block(CONFIG_SYSCTLS_IP, SYSCTL_IP_END)];
  assert.equal(
    [...words.keys()].sort((a, b) => a - b),
    addresses,
  );
  assert.is(words.get(SYSCTL_TCP_SYN_RETRIES), 7);
});

options("sets sysctls by Linux's names", () => {
  const words = resolveSysctl({ tcp_syn_retries: 2, tcp_rmem: [4096, 8192, 16384], ip_local_port_range: [1000, 2000] });
  assert.is(words.get(SYSCTL_TCP_SYN_RETRIES), 2);
  assert.is(words.get(SYSCTL_TCP_RMEM_MIN), 4096);
  assert.is(words.get(SYSCTL_TCP_RMEM_DEFAULT), 8192);
  assert.is(words.get(SYSCTL_TCP_RMEM_MAX), 16384);
  assert.is(words.get(SYSCTL_IP_LOCAL_PORT_RANGE_MAX), 2000);
});

options("refuses sysctls that are unknown, of the wrong type or out of range", () => {
  const code = (sysctl: object): string => failure(() => resolveSysctl(sysctl as Partial<Sysctl>)).code;
  assert.is(code({ tcp_time_wait_ms: 0 }), "ERR_OUT_OF_RANGE"); // gone before the last ACK left: the peer saw a reset
  assert.is(code({ tcp_nonsense: 1 }), "ERR_INVALID_ARG_VALUE");
  assert.is(code({ tcp_syn_retries: 0 }), "ERR_OUT_OF_RANGE");
  assert.is(code({ tcp_syn_retries: 1.5 }), "ERR_OUT_OF_RANGE");
  assert.is(code({ tcp_syn_retries: "7" }), "ERR_INVALID_ARG_TYPE");
  assert.is(code({ tcp_rmem: 4096 }), "ERR_INVALID_ARG_TYPE");
  assert.is(code({ tcp_rmem: [4096, 8192] }), "ERR_INVALID_ARG_VALUE");
  assert.is(code({ tcp_rmem: [8192, 4096, 16384] }), "ERR_OUT_OF_RANGE");
  assert.is(code({ tcp_congestion_control: "magic" }), "ERR_INVALID_ARG_VALUE");
});

options("checks connect and listen", () => {
  assert.is(failure(() => resolveConnect({ hostname: "a", port: 0 })).code, "ERR_OUT_OF_RANGE");
  assert.is(failure(() => resolveConnect({ hostname: "", port: 1 })).code, "ERR_INVALID_ARG_VALUE");
  assert.is(failure(() => resolveConnect({ hostname: "a", port: 1, timeoutMs: 0 })).code, "ERR_OUT_OF_RANGE");
  assert.is(failure(() => resolveConnect({ hostname: "a", port: 1, localAddress: "b" })).code, "ERR_INVALID_ARG_VALUE");
  assert.is(failure(() => resolveListen({ port: 65536 })).code, "ERR_OUT_OF_RANGE");
  assert.is(failure(() => resolveListen({ port: 1, backlog: 0 })).code, "ERR_OUT_OF_RANGE");
  assert.equal(resolveListen({ port: 0, hostname: "localhost" }).local, { address: 0x7f000001, port: 0 });
});

options("chooses the thread and how long a worker looks on before it sleeps", () => {
  const interfaces = [{ link, address: "10.0.0.1/24" }];
  const resolve = (more: object): ResolvedStack => resolveStackOptions({ interfaces, ...more });
  assert.is(resolve({}).thread, "worker");
  assert.is(resolve({ thread: "caller" }).thread, "caller");
  assert.is(resolve({ spinUs: 50 }).spinUs, 50);
  for (const thread of ["main", "", null, 1]) {
    assert.is(failure(() => resolve({ thread })).code, "ERR_INVALID_ARG_VALUE", String(thread));
  }
  assert.is(failure(() => resolve({ thread: "caller", spinUs: 0 })).code, "ERR_INVALID_ARG_VALUE");
  assert.is(failure(() => resolve({ spinUs: -1 })).code, "ERR_OUT_OF_RANGE");
  assert.is(failure(() => resolve({ spinUs: "1" })).code, "ERR_INVALID_ARG_TYPE");
});

options("takes processors for a worker, and none for the caller's thread", () => {
  const interfaces = [{ link, address: "10.0.0.1/24" }];
  const resolve = (more: object): ResolvedStack => resolveStackOptions({ interfaces, ...more });
  assert.is(resolve({}).affinity, "none");
  assert.is(resolve({ affinity: "auto" }).affinity, "auto");
  assert.equal(resolve({ affinity: [3, 0, 8191] }).affinity, [3, 0, 8191]);
  for (const affinity of ["auto", "none"]) {
    assert.is(resolve({ affinity, thread: "caller" }).affinity, affinity);
  }
  for (const affinity of ["0", "", null, 0, {}, [], [1, 1]]) {
    assert.is(failure(() => resolve({ affinity })).code, "ERR_INVALID_ARG_VALUE", JSON.stringify(affinity));
  }
  assert.is(failure(() => resolve({ affinity: [0], thread: "caller" })).code, "ERR_INVALID_ARG_VALUE");
  for (const cpu of [-1, 0.5, 8192, Number.NaN]) {
    assert.is(failure(() => resolve({ affinity: [0, cpu] })).code, "ERR_OUT_OF_RANGE", String(cpu));
  }
  for (const affinity of [["0"], [null], Array(2)]) {
    assert.is(failure(() => resolve({ affinity })).code, "ERR_INVALID_ARG_TYPE", JSON.stringify(affinity));
  }
  assert.match(failure(() => resolve({ affinity: [0, "x"] })).message, "affinity[1]");
});

options("checks the name of an interface", () => {
  for (const name of ["", "a/b", "sixteencharacter", "a b"]) {
    assert.is(failure(() => packetLink({ interface: name })).code, "ERR_INVALID_ARG_VALUE", name);
  }
  assert.is(failure(() => memoryLinkPair({ mtu: 67 })).code, "ERR_OUT_OF_RANGE");
});

options.run();

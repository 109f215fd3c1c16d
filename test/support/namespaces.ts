// Two hosts for the end-to-end tests: two network namespaces joined by one veth pair, made and removed here. Needs root.
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { availableParallelism } from "node:os";
import { fileURLToPath } from "node:url";
import { checkAddonSources } from "./addon-sources.ts";

const CLI = fileURLToPath(new URL("../../dist/src/cli/main.js", import.meta.url));
const PEER = fileURLToPath(new URL("peers/kernel_peer.py", import.meta.url));

/** ms that a process may take: what hangs is a failure with a name, not the end of the whole run. */
const LIMIT_MS = 240_000;

export type Side = "a" | "b";
export type Finished = { code: number | null; stdout: string; stderr: string };
export type Running = { child: ChildProcess; finished: Promise<Finished>; saw: (text: string) => Promise<void> };

/**
 * Whether namespaces can be made here. Without root it says so on standard error and the caller skips;
 * with WASMTCP_REQUIRE_PRIVILEGES set that is an error.
 */
export function hasPrivileges(): boolean {
  try {
    execFileSync("ip", ["netns", "add", `wtcheck${process.pid}`], { stdio: "pipe" });
    execFileSync("ip", ["netns", "del", `wtcheck${process.pid}`], { stdio: "pipe" });
  } catch (error) {
    if (process.env.WASMTCP_REQUIRE_PRIVILEGES) throw error;
    process.stderr.write("SKIPPED: end-to-end tests need root (CAP_NET_ADMIN) to make network namespaces\n");
    return false;
  }
  checkAddonSources();
  return true;
}

/** Network namespaces by name, and the processes started in them; both are gone when it is disposed of. */
class Lab<Name extends string> implements Disposable {
  readonly namespace: Record<Name, string>;
  readonly #running = new Set<ChildProcess>();

  constructor(names: readonly Name[]) {
    const entries = names.map((name) => [name, `wt${process.pid}${name}`] as const);
    this.namespace = Object.fromEntries(entries) as Record<Name, string>;
    for (const name of names) {
      run("ip", "netns", "add", this.namespace[name]);
      run("ip", "-n", this.namespace[name], "link", "set", "lo", "up");
      this.exec(name, "sysctl", "-qw", "net.ipv6.conf.all.disable_ipv6=1", "net.ipv6.conf.default.disable_ipv6=1");
    }
  }

  /** Joins two namespaces by a veth pair; both ends are up. */
  join(a: Name, interfaceA: string, b: Name, interfaceB: string): void {
    const peer = ["peer", "name", interfaceB, "netns", this.namespace[b]];
    run("ip", "-n", this.namespace[a], "link", "add", interfaceA, "type", "veth", ...peer);
    run("ip", "-n", this.namespace[a], "link", "set", interfaceA, "up");
    run("ip", "-n", this.namespace[b], "link", "set", interfaceB, "up");
  }

  /** Runs a command inside one host and returns what it printed. */
  exec(name: Name, command: string, ...args: string[]): string {
    return run("ip", "netns", "exec", this.namespace[name], command, ...args);
  }

  /** Starts a command inside one host. */
  start(name: Name, command: string, ...args: string[]): Running {
    return this.#spawn(name, [command, ...args]);
  }

  /** Starts the kernel-socket peer inside one host. */
  peer(name: Name, ...args: string[]): Running {
    return this.start(name, "python3", PEER, ...args);
  }

  /**
   * As `start`, on one processor if there are several: a sender that moves from one to another has its frames in two of the kernel's
   * queues, which may pass each other.
   */
  startOn(processor: number, name: Name, command: string, ...args: string[]): Running {
    const pin = availableParallelism() > processor ? ["taskset", "-c", `${processor}`] : [];
    return this.#spawn(name, [...pin, command, ...args]);
  }

  #spawn(name: Name, command: string[]): Running {
    const child = spawn("ip", ["netns", "exec", this.namespace[name], ...command], {
      stdio: ["ignore", "pipe", "pipe"],
    });
    this.#running.add(child);
    let stdout = "";
    let stderr = "";
    const watchers = new Set<() => void>();
    const changed = (): void => {
      for (const watcher of watchers) watcher();
    };
    child.stdout.on("data", (chunk: Buffer) => {
      stdout += chunk.toString();
      changed();
    });
    child.stderr.on("data", (chunk: Buffer) => {
      stderr += chunk.toString();
      changed();
    });
    const limit = setTimeout(() => {
      stderr += `killed after ${LIMIT_MS / 1000} s: ${command.join(" ")}\n`;
      child.kill("SIGKILL");
    }, LIMIT_MS);
    const finished = new Promise<Finished>((resolve) => {
      child.on("close", (code) => {
        clearTimeout(limit);
        this.#running.delete(child);
        resolve({ code, stdout, stderr });
      });
    });
    const saw = (text: string): Promise<void> =>
      new Promise((resolve, reject) => {
        const check = (): void => {
          if (!stdout.includes(text) && !stderr.includes(text)) return;
          watchers.delete(check);
          resolve();
        };
        watchers.add(check);
        void finished.then(() => reject(new Error(`ended without printing '${text}':\n${stdout}${stderr}`)));
        check();
      });
    return { child, finished, saw };
  }

  [Symbol.dispose](): void {
    for (const child of this.#running) child.kill("SIGKILL");
    for (const name of Object.values<string>(this.namespace)) run("ip", "netns", "del", name);
  }
}

/** Host a has the kernel address 10.77.0.1, host b 10.77.0.2; stacks of ours take 10.77.0.11 and 10.77.0.12. */
export class TwoHosts extends Lab<Side> {
  readonly interfaceName: Record<Side, string> = { a: "h1-eth0", b: "h2-eth0" };
  readonly kernelAddress: Record<Side, string> = { a: "10.77.0.1", b: "10.77.0.2" };
  readonly stackAddress: Record<Side, string> = { a: "10.77.0.11", b: "10.77.0.12" };

  constructor(options: { offloads?: boolean } = {}) {
    super(["a", "b"]);
    this.join("a", "h1-eth0", "b", "h2-eth0");
    for (const side of ["a", "b"] as const) {
      const name = this.interfaceName[side];
      run("ip", "-n", this.namespace[side], "addr", "add", `${this.kernelAddress[side]}/24`, "dev", name);
      if (options.offloads === false) {
        this.exec(side, "ethtool", "-K", name, "tso", "off", "gso", "off", "gro", "off", "tx", "off");
      }
    }
  }

  /** Starts the `wasmtcp` command on one host, with its interface and its address. */
  wasmtcp(side: Side, ...args: string[]): Running {
    const common = ["--interface", this.interfaceName[side], "--address", `${this.stackAddress[side]}/24`];
    return this.start(side, process.execPath, CLI, ...args, ...common);
  }
}

/**
 * Hosts a (10.77.0.1) and b (10.77.0.2) with a third namespace `wire` between them, which holds the interfaces `left` and `right`:
 * they reach each other only while `wasmtcp wire left right` runs there.
 */
export class WiredHosts extends Lab<Side | "wire"> {
  readonly interfaceName = "eth0";
  readonly kernelAddress: Record<Side, string> = { a: "10.77.0.1", b: "10.77.0.2" };
  readonly stackAddress: Record<Side, string> = { a: "10.77.0.11", b: "10.77.0.12" };

  constructor() {
    super(["a", "b", "wire"]);
    this.join("a", "eth0", "wire", "left");
    this.join("b", "eth0", "wire", "right");
    for (const side of ["a", "b"] as const) {
      run("ip", "-n", this.namespace[side], "addr", "add", `${this.kernelAddress[side]}/24`, "dev", "eth0");
    }
  }

  /** Plugs the wire in; resolves when frames pass. SIGINT to the child ends it, and it prints its counters as JSON. */
  async plug(...options: string[]): Promise<Running> {
    const wire = this.startOn(1, "wire", process.execPath, CLI, "wire", "left", "right", "--json", ...options);
    await wire.saw("joined");
    return wire;
  }
}

/**
 * Host a (10.77.0.1) and host b (10.78.0.1) with a `router` between them (10.77.0.254, 10.78.0.254) that carries packets of 1000 bytes at most,
 * and knows of no way to 10.99.0.0/24. A stack of ours on a takes 10.77.0.11. What b sends may be cut in pieces, what a stack sends may not.
 */
export class RoutedHosts extends Lab<Side | "router"> {
  readonly interfaceName = "eth0";
  readonly stackAddress = "10.77.0.11";
  readonly kernelAddress = "10.78.0.1";
  readonly gateway = "10.77.0.254";

  constructor() {
    super(["a", "b", "router"]);
    this.join("a", "eth0", "router", "left");
    this.join("b", "eth0", "router", "right");
    for (const [name, interfaceName, address] of [
      ["a", "eth0", "10.77.0.1/24"],
      ["router", "left", "10.77.0.254/24"],
      ["router", "right", "10.78.0.254/24"],
      ["b", "eth0", "10.78.0.1/24"],
    ] as const) {
      run("ip", "-n", this.namespace[name], "addr", "add", address, "dev", interfaceName);
    }
    run("ip", "-n", this.namespace.b, "route", "add", "default", "via", "10.78.0.254");
    run("ip", "-n", this.namespace.router, "route", "add", "unreachable", "10.99.0.0/24");
    // Of the routes, not the interfaces: a veth drops what is longer than its own.
    const routes = [
      ["10.77.0.0/24", "left", "10.77.0.254"] as const,
      ["10.78.0.0/24", "right", "10.78.0.254"] as const,
    ];
    for (const [network, side, src] of routes) {
      const path = [network, "dev", side, "proto", "kernel", "scope", "link", "src", src, "mtu", "1000"];
      run("ip", "-n", this.namespace.router, "route", "replace", ...path);
    }
    this.exec("router", "sysctl", "-qw", "net.ipv4.ip_forward=1", "net.ipv4.icmp_ratelimit=0");
    this.exec("b", "sysctl", "-qw", "net.ipv4.ip_no_pmtu_disc=1");
  }
}

function run(command: string, ...args: string[]): string {
  return execFileSync(command, args, { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
}

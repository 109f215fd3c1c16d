// Two hosts for the end-to-end tests: two network namespaces joined by one veth pair, made and removed here. Needs root.
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { fileURLToPath } from "node:url";

const CLI = fileURLToPath(new URL("../../dist/src/cli/main.js", import.meta.url));
const PEER = fileURLToPath(new URL("peers/kernel_peer.py", import.meta.url));

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
    return true;
  } catch (error) {
    if (process.env.WASMTCP_REQUIRE_PRIVILEGES) throw error;
    process.stderr.write("SKIPPED: end-to-end tests need root (CAP_NET_ADMIN) to make network namespaces\n");
    return false;
  }
}

/** Host a has the kernel address 10.77.0.1, host b 10.77.0.2; stacks of ours take 10.77.0.11 and 10.77.0.12. */
export class TwoHosts implements Disposable {
  readonly namespace: Record<Side, string>;
  readonly interfaceName: Record<Side, string>;
  readonly kernelAddress: Record<Side, string> = { a: "10.77.0.1", b: "10.77.0.2" };
  readonly stackAddress: Record<Side, string> = { a: "10.77.0.11", b: "10.77.0.12" };
  readonly #running = new Set<ChildProcess>();

  constructor(options: { offloads?: boolean } = {}) {
    const tag = `${process.pid}`;
    this.namespace = { a: `wt${tag}a`, b: `wt${tag}b` };
    this.interfaceName = { a: "h1-eth0", b: "h2-eth0" };
    const { a, b } = this.namespace;
    for (const name of [a, b]) run("ip", "netns", "add", name);
    run("ip", "-n", a, "link", "add", "h1-eth0", "type", "veth", "peer", "name", "h2-eth0", "netns", b);
    for (const side of ["a", "b"] as const) {
      const namespace = this.namespace[side];
      const name = this.interfaceName[side];
      this.exec(side, "sysctl", "-qw", "net.ipv6.conf.all.disable_ipv6=1", "net.ipv6.conf.default.disable_ipv6=1");
      run("ip", "-n", namespace, "addr", "add", `${this.kernelAddress[side]}/24`, "dev", name);
      run("ip", "-n", namespace, "link", "set", "lo", "up");
      run("ip", "-n", namespace, "link", "set", name, "up");
      if (options.offloads === false) {
        this.exec(side, "ethtool", "-K", name, "tso", "off", "gso", "off", "gro", "off", "tx", "off");
      }
    }
  }

  /** Runs a command inside one host and returns what it printed. */
  exec(side: Side, command: string, ...args: string[]): string {
    return run("ip", "netns", "exec", this.namespace[side], command, ...args);
  }

  /** Starts a command inside one host. */
  start(side: Side, command: string, ...args: string[]): Running {
    const child = spawn("ip", ["netns", "exec", this.namespace[side], command, ...args], {
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
    const finished = new Promise<Finished>((resolve) => {
      child.on("close", (code) => {
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

  /** Starts the `wasmtcp` command on one host, with its interface and its address. */
  wasmtcp(side: Side, ...args: string[]): Running {
    const common = ["--interface", this.interfaceName[side], "--address", `${this.stackAddress[side]}/24`];
    return this.start(side, process.execPath, CLI, ...args, ...common);
  }

  /** Starts the kernel-socket peer on one host. */
  peer(side: Side, ...args: string[]): Running {
    return this.start(side, "python3", PEER, ...args);
  }

  [Symbol.dispose](): void {
    for (const child of this.#running) child.kill("SIGKILL");
    for (const name of Object.values(this.namespace)) run("ip", "netns", "del", name);
  }
}

function run(command: string, ...args: string[]): string {
  return execFileSync(command, args, { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
}

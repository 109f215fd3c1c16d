// Runs a test file inside a network namespace of its own, with a veth pair wtn0 <-> wtn1 in it: nothing outside is touched,
// and the namespace goes away whatever happens to the tests.
import { execFileSync, spawn } from "node:child_process";
import { writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import type { AddonError } from "../../../src/native.ts";
import { checkAddonSources } from "../../support/addon-sources.ts";

const INSIDE = "WASMTCP_TEST_NAMESPACE";
const ROOT = fileURLToPath(new URL("../../..", import.meta.url));

const PATIENCE_MS = 120_000; // a child that hangs must not hold the whole run

/** Runs ip(8) and returns what it prints. */
export function ip(...args: string[]): string {
  return execFileSync("ip", args, { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
}

/** Runs tc(8). */
export function tc(...args: string[]): void {
  execFileSync("tc", args, { stdio: ["ignore", "pipe", "pipe"] });
}

/** A namespace name of this process. */
export function namespaceName(suffix = ""): string {
  return `wtn${process.pid}${suffix}`;
}

/** Why the tests cannot run here, or undefined. */
function obstacle(): string | undefined {
  try {
    checkAddonSources();
  } catch (error) {
    if ((error as AddonError).code === "ERR_ADDON_MISSING") return (error as Error).message;
    throw error;
  }
  const name = namespaceName("probe");
  try {
    ip("netns", "add", name);
    ip("netns", "del", name);
    return undefined;
  } catch (error) {
    return `needs root (CAP_NET_ADMIN, CAP_NET_RAW) and ip(8): ${(error as Error).message.trim().split("\n").pop()}`;
  }
}

/** Makes the pair wtn0 <-> wtn1, up, without the kernel's own IPv6 chatter on it. */
export function makeVethPair(): void {
  for (const scope of ["all", "default"]) {
    try {
      writeFileSync(`/proc/sys/net/ipv6/conf/${scope}/disable_ipv6`, "1");
    } catch {
      // a kernel without IPv6 has nothing to say
    }
  }
  ip("link", "add", "wtn0", "type", "veth", "peer", "name", "wtn1");
  ip("link", "set", "wtn0", "up");
  ip("link", "set", "wtn1", "up");
}

/** Undoes what a test did to the pair: devices, queues, states. */
export function remakeVethPair(): void {
  try {
    ip("link", "del", "wtn0");
  } catch {
    // a test deleted it
  }
  makeVethPair();
}

/** Runs a command in a namespace and resolves with its exit code and output. */
export function execIn(namespace: string, command: string[]): Promise<{ code: number | null; output: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn("ip", ["netns", "exec", namespace, ...command], {
      cwd: ROOT,
      env: { ...process.env, [INSIDE]: namespace, NODE_OPTIONS: "" },
      timeout: PATIENCE_MS,
    });
    let output = "";
    child.stdout.on("data", (chunk) => {
      output += chunk;
    });
    child.stderr.on("data", (chunk) => {
      output += chunk;
    });
    child.on("error", reject);
    child.on("close", (code) => resolve({ code, output }));
  });
}

/** The command line that runs a TypeScript file. */
export function tsxCommand(file: string, ...args: string[]): string[] {
  return [process.execPath, "--import", "tsx", file, ...args];
}

/**
 * Inside the namespace: calls `define` with an uvu suite whose tests have the veth pair. Outside: a suite of one test that
 * makes the namespace, runs the file there and shows its output if it fails. Skips with a line when that is not possible.
 */
export function inNamespace(name: string, moduleUrl: string, define: (test: ReturnType<typeof suite>) => void): void {
  const test = suite(name);
  if (process.env[INSIDE] !== undefined) {
    makeVethPair();
    define(test);
    test.run();
    return;
  }
  const problem = obstacle();
  if (problem !== undefined) {
    console.log(`SKIPPED ${name}: ${problem}`);
    return;
  }
  test("passes in a network namespace of its own", async () => {
    const namespace = namespaceName(String(Math.trunc(performance.now())));
    const remove = () => {
      ip("netns", "del", namespace);
    };
    ip("netns", "add", namespace);
    process.once("exit", remove);
    try {
      const { code, output } = await execIn(namespace, tsxCommand(fileURLToPath(moduleUrl)));
      assert.is(code, 0, code === null ? `killed after ${PATIENCE_MS / 1000} s\n${output}` : output);
      assert.match(output, /Total:\s+[1-9]/, output);
    } finally {
      process.removeListener("exit", remove);
      remove();
    }
  });
  test.run();
}

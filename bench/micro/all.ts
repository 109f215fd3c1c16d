// Runs all micro-benchmarks one after the other, each in a process of its own, so that none warms or spoils another's machine code.
// Run: npm run bench:micro [-- --json]; JSON is one document: { date, environment, benchmarks: [{ benchmark, results }] }
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { cpus, loadavg, release } from "node:os";
import { fileURLToPath } from "node:url";
import type { Result } from "./report.ts";

const BENCHMARKS = ["checksum", "wire", "ring", "storage", "segment"];
const BUILDS = ["../../dist/wasmtcp.wasm", "../../build/testing.wasm"].map(path);
const ROOT = path("../../");
const isJson = process.argv.includes("--json");

function path(relative: string): string {
  return fileURLToPath(new URL(relative, import.meta.url));
}

/** Runs a command. @returns its standard output if that is a pipe. @throws Error if it fails */
function run(what: string, command: string, args: string[], stdout: "pipe" | "inherit" | 2): string {
  const {
    status,
    signal,
    error,
    stdout: output,
  } = spawnSync(command, args, {
    cwd: ROOT,
    encoding: "utf8",
    stdio: ["ignore", stdout, "inherit"],
  });
  if (error !== undefined) throw new Error(`${what} could not be started`, { cause: error });
  if (status !== 0) throw new Error(`${what} failed (${signal ?? `exit code ${status}`})`);
  return output ?? "";
}

function buildIfMissing(): void {
  const missing = BUILDS.filter((file) => !existsSync(file));
  if (missing.length === 0) return;
  process.stderr.write(`Not built yet: ${missing.join(", ")}. Running npm run build:wasm first.\n`);
  run("npm run build:wasm", "npm", ["run", "build:wasm"], 2); // standard output is for results
}

/** Runs a benchmark. @returns what it printed if JSON was asked for */
function measure(name: string): { benchmark: string; results: Result[] } | null {
  const args = [...process.execArgv, path(`./${name}.ts`)]; // the loader for TypeScript is among ours
  if (!isJson) {
    process.stdout.write(`\nmicro/${name}\n`);
    run(`micro/${name}`, process.execPath, args, "inherit");
    return null;
  }
  process.stderr.write(`micro/${name} ...\n`);
  const { benchmark, results } = JSON.parse(run(`micro/${name}`, process.execPath, [...args, "--json"], "pipe"));
  return { benchmark, results };
}

buildIfMissing();
const environment = {
  node: process.version,
  kernel: release(),
  cpu: cpus()[0]?.model ?? "unknown",
  cpus: cpus().length,
  loadAverage: loadavg()[0]!, // of the last minute, before the start: what else the machine was doing
};
const date = new Date().toISOString();
const { node, kernel, cpu, loadAverage } = environment;
const line = `${cpu}, ${environment.cpus} CPUs, kernel ${kernel}, Node ${node}, load average ${loadAverage.toFixed(2)}`;
if (!isJson) process.stdout.write(`${date}, ${line}\n`);
const benchmarks = BENCHMARKS.map(measure);
if (isJson) process.stdout.write(`${JSON.stringify({ date, environment, benchmarks }, null, 2)}\n`);

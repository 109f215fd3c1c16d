// Programs that a benchmark needs: which are installed, and rivals in C compiled for the run.
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const RIVALS = fileURLToPath(new URL("../rivals/", import.meta.url));

/** A file of bench/rivals. */
export function rival(file: string): string {
  return join(RIVALS, file);
}

/** Whether a command is installed. */
export function isInstalled(command: string): boolean {
  try {
    execFileSync("sh", ["-c", `command -v ${command}`], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

const compiled = new Map<string, string | null>();
let folder: string | undefined;

/** Compiles a rival with the system's C compiler. @returns the program, or null if there is no compiler */
export function compileRival(name: string): string | null {
  const known = compiled.get(name);
  if (known !== undefined) return known;
  let program: string | null = null;
  if (isInstalled("cc")) {
    folder ??= newFolder();
    program = join(folder, name);
    execFileSync("cc", ["-O3", "-march=native", "-o", program, rival(`${name}.c`)], { stdio: ["ignore", "ignore", 2] });
  }
  compiled.set(name, program);
  return program;
}

function newFolder(): string {
  const made = mkdtempSync(join(tmpdir(), "wasmtcp-bench-"));
  process.once("exit", () => rmSync(made, { recursive: true, force: true }));
  return made;
}

// Starts the conformance kit with our port: `npm run conformance -- PATH_TO_PACKETDRILL [options of run.py]`. The kit (run.py, the
// shim, the lists of scripts) lies beside the project, or where WASMTCP_CONFORMANCE_KIT says; packetdrill is built by whoever measures.
import { spawnSync } from "node:child_process";
import { existsSync, statSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));

/** What lies outside the project. */
export interface KitPaths {
  /** The binary. */
  packetdrill: string;
  /** The folder of run.py. */
  kit: string;
}

/**
 * Finds the kit and packetdrill, and says on stderr what is missing.
 * @param given - the binary, or the folder of packetdrill's sources
 */
export function kitPaths(given: string | undefined): KitPaths | null {
  if (given === undefined || given.startsWith("-")) {
    console.error("usage: npm run conformance -- PATH_TO_PACKETDRILL [options of run.py]");
    return null;
  }
  const path = resolve(process.env.INIT_CWD ?? ".", given);
  const isFolder = existsSync(path) && statSync(path).isDirectory();
  const packetdrill = isFolder ? join(path, "gtests/net/packetdrill/packetdrill") : path;
  const kit = resolve(process.env.WASMTCP_CONFORMANCE_KIT ?? join(ROOT, "../shared/conformance"));
  const needed = [packetdrill, join(kit, "run.py"), join(ROOT, "dist/wasmtcp.wasm")];
  const missing = needed.filter((file) => !existsSync(file));
  for (const file of missing) console.error(`there is no ${file}; see CONTRIBUTING.md, "Conformance"`);
  return missing.length === 0 ? { packetdrill, kit } : null;
}

/**
 * The command line of the kit.
 * @param more - options of run.py; a choice of scripts among them takes the place of the kit's list
 */
export function kitCommand({ packetdrill, kit }: KitPaths, more: readonly string[]): string[] {
  const has = (option: string): boolean => more.some((word) => word === option || word.startsWith(`${option}=`));
  const tsx = join(ROOT, "node_modules/.bin/tsx");
  const command = [join(kit, "run.py"), "--packetdrill", packetdrill];
  if (!has("--scripts")) command.push("--scripts", resolve(dirname(packetdrill), "../tcp"));
  if (!has("--list") && !has("--glob")) command.push("--list", join(kit, "given.txt"));
  if (!has("--exclude")) command.push("--exclude", join(kit, "excluded.txt"));
  if (!has("--port-command"))
    command.push("--port-command", `${tsx} ${join(ROOT, "test/conformance/main.ts")} {socket}`);
  return [...command, ...more];
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const paths = kitPaths(process.argv[2]);
  if (paths === null) {
    process.exitCode = 2;
  } else {
    const [program, ...words] = kitCommand(paths, process.argv.slice(3));
    process.exitCode = spawnSync(program!, words, { stdio: "inherit" }).status ?? 1;
  }
}

// Starts the conformance kit with our port: `npm run conformance -- PATH_TO_PACKETDRILL [options of run.py]`. The kit (run.py, the
// shim, the lists of scripts) lies beside the project, or where WASMTCP_CONFORMANCE_KIT says; packetdrill is built by whoever measures.
import { spawnSync } from "node:child_process";
import { existsSync, statSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));

/**
 * The command line of the kit.
 * @param packetdrill - path of the binary
 * @param kit - folder of run.py
 * @param more - options of run.py; a choice of scripts among them takes the place of the given list
 */
export function kitCommand(packetdrill: string, kit: string, more: readonly string[]): string[] {
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

/** Runs the kit. @returns the exit code of the process */
export function runKit(args: readonly string[]): number {
  const [path, ...more] = args;
  if (path === undefined || path.startsWith("-")) {
    console.error("usage: npm run conformance -- PATH_TO_PACKETDRILL [options of run.py]");
    return 2;
  }
  const given = resolve(process.env.INIT_CWD ?? ".", path);
  const isFolder = existsSync(given) && statSync(given).isDirectory();
  const packetdrill = isFolder ? join(given, "gtests/net/packetdrill/packetdrill") : given;
  const kit = resolve(process.env.WASMTCP_CONFORMANCE_KIT ?? join(ROOT, "../shared/conformance"));
  for (const file of [packetdrill, join(kit, "run.py"), join(ROOT, "dist/wasmtcp.wasm")]) {
    if (existsSync(file)) continue;
    console.error(`there is no ${file}; see CONTRIBUTING.md, "Conformance"`);
    return 2;
  }
  const [program, ...words] = kitCommand(packetdrill, kit, more);
  return spawnSync(program!, words, { stdio: "inherit" }).status ?? 1;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) process.exitCode = runKit(process.argv.slice(2));

// Tests of the addon's doings need the addon that belongs to these sources: another one fails them for reasons that nobody sees, or hangs.
import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { loadAddon } from "../../src/native.ts";

const HASH = fileURLToPath(new URL("../../native/sources-hash.mjs", import.meta.url));

/** @throws Error if the addon was built from other sources; AddonError if there is none */
export function checkAddonSources({ sources } = loadAddon()): void {
  if (sources === Number(execFileSync(process.execPath, [HASH], { encoding: "utf8" }))) return;
  throw new Error("native/build was made from other sources than these. Cure: run `npm run build:native`");
}

// Prints a number that changes with the addon's sources. binding.gyp compiles it in, and tests ask for it again: an addon that was built from
// other sources fails them in ways that say nothing of the cause, or hangs.
import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";

const folder = new URL("./", import.meta.url);
const hash = createHash("sha256");
const names = readdirSync(folder).filter((name) => /\.(cc|h|gyp)$/.test(name));
for (const name of names.sort()) hash.update(name).update(readFileSync(new URL(name, folder)));
console.log(String(hash.digest().readUInt32BE())); // a number would be coloured

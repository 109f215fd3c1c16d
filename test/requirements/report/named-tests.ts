// The tests of this repository by the ids in their names, in brackets: `[MUST-14]`, `[5961#3]`, `[attack 47]`, `[RFC 9293 MUST-8, MUST-9]`.
// Read from the text of the files; whether they pass is the runner's business.
import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

/** A test with ids in its name. `${}` of a template is an ellipsis. */
export type NamedTest = { file: string; name: string; ids: string[] };

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const TEST = /\btest\(\s*(["'`])((?:\\.|(?!\1)[\s\S])*)\1/g;
const ID = /(?:MUST|SHLD|MAY|REC)-\d+|[\w-]+#\d+|attack \d+/g;

/** The ids in a test's name. */
export function idsOf(name: string): string[] {
  const brackets = [...name.matchAll(/\[([^\]]*)\]/g)].map(([, inner]) => inner!);
  return brackets.flatMap((inner) => inner.match(ID) ?? []);
}

/** The tests with ids in one file's text. */
export function namedTestsIn(file: string, text: string): NamedTest[] {
  return [...text.matchAll(TEST)]
    .map(([, , name]) => name!.replace(/\$\{[^}]*\}/g, "…").replaceAll('\\"', '"'))
    .map((name) => ({ file, name, ids: idsOf(name) }))
    .filter(({ ids }) => ids.length > 0);
}

/** All tests with ids, by file. */
export function namedTests(): NamedTest[] {
  const files = readdirSync(ROOT, { recursive: true, encoding: "utf8" }).filter((file) => file.endsWith(".test.ts"));
  return files.sort().flatMap((file) => namedTestsIn(file, readFileSync(`${ROOT}/${file}`, "utf8")));
}

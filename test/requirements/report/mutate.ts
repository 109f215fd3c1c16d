// `npm run test:mutation [-- --only MUST-14,MUST-15] [--shard 1/2]`: breaks the rule of each MUST and MUST NOT in the core, one after the other,
// builds that core, and runs the tests that name the rule. A mutant that none of them notices survives, and the run fails; so it does when
// the text to break is not there any more, or when a MUST has no mutation.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import asc from "assemblyscript/asc";
import { MUTATIONS, type Mutation } from "../data/mutations.ts";
import { idsOf, type NamedTest, namedTests } from "./named-tests.ts";
import { requirements } from "./rows.ts";
import { runTests } from "./run-tests.ts";

const ROOT = new URL("../../..", import.meta.url).pathname;
/** A mutant may run for ever: then it was noticed. */
const LIMIT_MS = 180_000;

/** The core's source with one rule broken. @throws Error when the text is not there exactly once */
export function mutated({ id, file, edits }: Mutation): string {
  let source = readFileSync(join(ROOT, file), "utf8");
  for (const [find, replace] of edits) {
    const places = source.split(find).length - 1;
    if (places !== 1) throw new Error(`${id}: \`${find}\` is in ${file} ${places} times`);
    source = source.replace(find, () => replace);
  }
  return source;
}

async function build(mutation: Mutation, directory: string): Promise<string> {
  const text = mutated(mutation);
  const outFile = join(directory, "mutant.wasm");
  const { error, stderr } = await asc.main(
    ["assembly/testing.ts", "--target", "testing", "--outFile", outFile, "--baseDir", ROOT],
    {
      readFile: (name, baseDir) => {
        if (name === mutation.file) return text;
        try {
          return readFileSync(join(baseDir, name), "utf8");
        } catch {
          return null;
        }
      },
      writeFile: (name, contents) => writeFileSync(name.startsWith("/") ? name : join(ROOT, name), contents),
    },
  );
  if (error !== null) throw new Error(`${mutation.id}: the mutant does not compile: ${stderr.toString()}`);
  return outFile;
}

/** @returns the test named for the rule that failed; null: none did. Scripts go first, and the first failure is enough. */
async function judge(mutation: Mutation, tests: NamedTest[], directory: string): Promise<string | null> {
  const wasm = await build(mutation, directory);
  const files = [...new Set(tests.filter(({ ids }) => ids.includes(mutation.id)).map(({ file }) => file))];
  if (files.length === 0) throw new Error(`${mutation.id} has no test`);
  const isScript = (file: string): number => (file.startsWith("requirements/") ? 0 : 1);
  for (const file of files.sort((a, b) => isScript(a) - isScript(b))) {
    const run = await runTests([file], { WASMTCP_TESTING_WASM: wasm }, LIMIT_MS);
    if (run.isTimedOut) return `${file} did not end`;
    if (run.total === 0) return `${file} did not come to its end`;
    const killer = run.failed.find((name) => idsOf(name).includes(mutation.id));
    if (killer !== undefined) return killer;
  }
  return null;
}

const { values } = parseArgs({ options: { only: { type: "string" }, shard: { type: "string" } } });
const only = values.only?.split(",");
const [shard = 1, shards = 1] = (values.shard ?? "1/1").split("/").map(Number);
const tests = namedTests();
const rules = requirements().filter(({ level }) => level.startsWith("MUST"));
const bad: string[] = [];

for (const { id } of rules) {
  if (only === undefined && !MUTATIONS.some((mutation) => mutation.id === id)) bad.push(`${id} has no mutation`);
}
const chosen = MUTATIONS.filter(({ id }, i) => (only === undefined ? i % shards === shard - 1 : only.includes(id)));
const directory = mkdtempSync(join(tmpdir(), "wasmtcp-mutants-"));
try {
  for (const mutation of chosen) {
    try {
      const killer = await judge(mutation, tests, directory);
      console.log(`${mutation.id} ${killer === null ? "SURVIVED" : `killed: ${killer}`}`);
      if (killer === null) bad.push(`${mutation.id} survived: ${mutation.what}`);
    } catch (error) {
      bad.push((error as Error).message);
      console.log(`${mutation.id} FAILED: ${(error as Error).message}`);
    }
  }
} finally {
  rmSync(directory, { recursive: true });
}
for (const complaint of bad) console.log(complaint);
// As uvu closes a run, for whoever adds runs up
console.log(`\n  Total:     ${chosen.length}\n  Passed:    ${chosen.length - bad.length}\n  Skipped:   0`);
process.exitCode = bad.length === 0 ? 0 : 1;

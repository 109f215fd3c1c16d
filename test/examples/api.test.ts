// docs/api.md: the programs it shows are the files, and print what it says; WASMTCP_UPDATE_SNAPSHOTS=1 writes both anew. Those that need an
// interface are run by test/e2e/docs.test.ts.
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { type Block, linesOf, outputOf, programsOf, sourceOf, withLines } from "../support/docs/code-blocks.ts";
import { comparable } from "../support/docs/volatile.ts";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const PAGE = join(ROOT, "docs/api.md");
const isUpdate = process.env.WASMTCP_UPDATE_SNAPSHOTS !== undefined;
const page = readFileSync(PAGE, "utf8");
const programs = programsOf(page);
const changes: [Block, string[]][] = [];

const api = suite("examples/api");

function compare(block: Block, real: string[], what: string): void {
  const isSame = comparable(linesOf(page, block)) === comparable(real);
  if (isUpdate && !isSame) changes.push([block, real]);
  if (!isUpdate) assert.is(comparable(linesOf(page, block)), comparable(real), what);
}

api("the guide shows every program of examples/api", () => {
  const shown = programs.map(({ path }) => path);
  for (const name of readdirSync(join(ROOT, "examples/api"))) assert.ok(shown.includes(`examples/api/${name}`), name);
});

for (const { path, code, output } of programs) {
  api(`${path} is shown as it is`, () => compare(code, sourceOf(ROOT, path), `${path} and docs/api.md differ`));
  if (output === undefined) continue;
  api(`${path} prints what the guide says`, async () => compare(output, await outputOf(ROOT, path), path));
}

api.after(() => {
  if (changes.length > 0) writeFileSync(PAGE, withLines(page, changes));
});

api.run();

// The tables, the tests that name their rows, and the page made of both.
import { readFileSync } from "node:fs";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { MUTATIONS } from "./data/mutations.ts";
import { idsOf, namedTests, namedTestsIn } from "./report/named-tests.ts";
import { conformancePage, standings } from "./report/page.ts";
import { attacks, behaviours, impossibleAttacks, notApplicable, notMet, requirements } from "./report/rows.ts";

const test = suite("requirements/report");

test("finds ids in names, in brackets only, and in every kind of string", () => {
  assert.equal(idsOf("does MUST-1 [MUST-14] [9293 3.8.3, MUST-20, SHLD-3] [5961#3] [attack 7] [1122-link#2]"), [
    "MUST-14",
    "MUST-20",
    "SHLD-3",
    "5961#3",
    "attack 7",
    "1122-link#2",
  ]);
  const blank = ["$", "{b}"].join("");
  const source = `test(\n  \`a ${blank} c [MUST-1]\`, f);\n  test('x', f);\ntest("y \\"z\\" [MAY-2]", f);`;
  assert.equal(
    namedTestsIn("f", source).map(({ name }) => name),
    ["a … c [MUST-1]", 'y "z" [MAY-2]'],
  );
});

test("all tables are whole: 119 rows, 69 of them MUST or MUST NOT, 286 behaviours, 78 attacks", () => {
  const rows = requirements();
  assert.is(rows.length, 119);
  assert.is(rows.filter(({ level }) => level.startsWith("MUST")).length, 69);
  assert.is(behaviours().length, 286);
  assert.is(attacks().size, 78);
  const ids = [...rows, ...behaviours()].map(({ id }) => id);
  assert.is(new Set(ids).size, ids.length);
});

test("no test, mutation or reason names a row that does not exist", () => {
  const known = new Set([...requirements(), ...behaviours()].map(({ id }) => id));
  for (let number = 1; number <= 96; number++) known.add(`attack ${number}`);
  for (const { file, name, ids } of namedTests()) {
    for (const id of ids) assert.ok(known.has(id), `${file}: "${name}" names ${id}`);
  }
  for (const id of [...MUTATIONS.map((one) => one.id), ...notApplicable().keys(), ...notMet().keys()]) {
    assert.ok(known.has(id), id);
  }
});

test("every MUST and MUST NOT has a test and a mutation", () => {
  const proved = new Set(namedTests().flatMap(({ ids }) => ids));
  const broken = new Set(MUTATIONS.map(({ id }) => id));
  for (const { id, level } of requirements()) {
    if (!level.startsWith("MUST")) continue;
    assert.ok(proved.has(id), `${id} has no test`);
    assert.ok(broken.has(id), `${id} has no mutation`);
  }
});

test("every mutation finds the text it breaks, once", () => {
  for (const { id, file, edits } of MUTATIONS) {
    const source = readFileSync(new URL(`../../${file}`, import.meta.url), "utf8");
    for (const [find] of edits) {
      assert.is(source.split(find).length - 1, 1, `${id} of data/mutations.ts: \`${find}\` in ${file}`);
    }
  }
});

test("a row counts as met only by a passing test", () => {
  const row = { id: "MUST-1", level: "MUST", section: "3", text: "x" };
  assert.is(standings([row], [])[0]!.state, "not met");
  assert.is(standings([row], [{ file: "f", name: "n [MUST-1]", ids: ["MUST-1"] }])[0]!.state, "met");
  assert.match(conformancePage([]), /119 rows: 0 met/);
});

// Only where everything is judged: while several people add tests, each would have to write the page anew
if (process.env.CI !== undefined) {
  test("docs/conformance.md is what `npm run docs:conformance` writes", () => {
    const page = readFileSync(new URL("../../docs/conformance.md", import.meta.url), "utf8");
    assert.ok(page === conformancePage(), "it is not: run `npm run docs:conformance`");
  });
}

test("every attack case has a test, or a reason why it cannot occur", () => {
  const covered = new Set(namedTests().flatMap(({ ids }) => ids));
  for (const [number, text] of attacks()) {
    assert.ok(covered.has(`attack ${number}`) || impossibleAttacks().has(number), `attack ${number}: ${text}`);
  }
});

test.run();

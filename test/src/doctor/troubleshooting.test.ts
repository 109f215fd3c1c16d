// docs/troubleshooting.md and what it is about: the doctor's list and the table of errors.
import { readFileSync } from "node:fs";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { AILMENTS, found } from "../../../src/doctor/catalogue.ts";
import { withFindings } from "../../support/docs/troubleshooting.ts";

const read = (path: string): string => readFileSync(new URL(`../../../${path}`, import.meta.url), "utf8");
const page = read("docs/troubleshooting.md");

const test = suite("doctor/troubleshooting");

test("the page has the doctor's findings as they are", () => {
  assert.ok(withFindings(page) === page, "it has not: run `npm run docs:troubleshooting`");
});

test("every ailment of the list is found by some check", () => {
  const checks = ["diagnose", "host-checks", "interface-checks"].map((name) => read(`src/doctor/${name}.ts`)).join("");
  for (const name of Object.keys(AILMENTS)) assert.ok(checks.includes(`"${name}"`), name);
});

test("a word in braces that is not filled in is an error", () => {
  assert.throws(() => found("node is old"), /nothing to say for \{version\}/);
  assert.is(
    found("node is old", { version: "18.0.0" }).message,
    "Node.js 18.0.0 is too old: wasmtcp needs 20 or later",
  );
});

test("the page explains every code of the API's errors", () => {
  const codes = [...read("src/errors.ts").matchAll(/\["(E[A-Z]+)", "/g)].map(([, code]) => code!);
  assert.ok(codes.length > 15);
  for (const code of [...codes, "ERR_STACK_CLOSED", "ERR_SOCKET_CLOSED", "ERR_STACK_CRASHED", "ABORT_ERR"]) {
    assert.ok(page.includes(`\`${code}\``), code);
  }
});

test.run();

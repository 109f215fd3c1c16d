// `npm run docs:conformance`: runs the tests that have ids in their names and writes docs/conformance.md; a row whose test fails is not met.
import { writeFileSync } from "node:fs";
import { namedTests } from "./named-tests.ts";
import { conformancePage } from "./page.ts";
import { runTests } from "./run-tests.ts";

const tests = namedTests();
const files = [...new Set(tests.map(({ file }) => file))];
const { failed, total, passed, output } = await runTests(files);
if (total === 0) throw new Error(`the tests did not come to their end:\n${output.slice(-3000)}`);

const isFailed = ({ name }: { name: string }) =>
  failed.some((one) => {
    const parts = name.split("…");
    return one.startsWith(parts[0]!) && one.endsWith(parts.at(-1)!);
  });
writeFileSync(
  new URL("../../../docs/conformance.md", import.meta.url),
  conformancePage(tests.filter((test) => !isFailed(test))),
);
console.log(`${total} tests in ${files.length} files, ${passed} passed; docs/conformance.md is written`);
for (const name of failed) console.log(`failed: ${name}`);
process.exitCode = failed.length === 0 ? 0 : 1;

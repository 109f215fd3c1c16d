// `npm run bench`: every row of the goals against its rival on this machine, contenders in turn, medians. Needs root and a build.
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { hasPrivileges } from "../test/support/namespaces.ts";
import { picture } from "./harness/picture.ts";
import { type GroupResult, runGroup } from "./harness/rounds.ts";
import { machineLine, markdown, plainText } from "./harness/text.ts";
import type { Effort, Group } from "./harness/types.ts";
import { bulk } from "./rows/bulk.ts";
import { connections, idleConnections, latency, manyFlows } from "./rows/calls.ts";
import { core } from "./rows/core.ts";
import { files } from "./rows/files.ts";

const ROOT = fileURLToPath(new URL("../", import.meta.url));
const DOCS_JSON = `${ROOT}docs/bench.json`;
const DOCS_PAGE = `${ROOT}docs/benchmarks.md`;
const MARK_BEGIN = "<!-- npm run bench -- --docs: begin -->";
const PICTURE = "![each row against its goal](bench.svg)";
const MARK_END = "<!-- npm run bench -- --docs: end -->";
const MIB = 1024 * 1024;
const FULL: Effort = { rounds: 5, seconds: 2, fileBytes: 1024 * MIB, pings: 20_000, idle: 100_000 };
const QUICK: Effort = { rounds: 3, seconds: 0.6, fileBytes: 256 * MIB, pings: 3000, idle: 10_000 };
/** Groups of this cost processor time alone and vary little. */
const ALONE = new Set(["segment", "checksum", "start"]);

const USAGE = `usage: npm run bench -- [options]
  --quick             short runs, three rounds, fewer connections: under three minutes
  --only ID[,ID...]   groups: bulk wire file file-wire ping conn flows idle segment checksum start
  --rounds N --seconds S --idle N
  --json FILE --svg FILE --markdown FILE
  --docs              docs/bench.json, docs/bench.svg and the table in docs/benchmarks.md; groups that did not run stay as they were
`;

const { values } = parseArgs({
  options: {
    help: { type: "boolean", default: false },
    quick: { type: "boolean", default: false },
    only: { type: "string" },
    rounds: { type: "string" },
    seconds: { type: "string" },
    idle: { type: "string" },
    json: { type: "string" },
    svg: { type: "string" },
    markdown: { type: "string" },
    docs: { type: "boolean", default: false },
  },
});

function effort(): Effort {
  const { rounds, seconds, idle } = values;
  const chosen = { ...(values.quick ? QUICK : FULL) };
  if (rounds !== undefined) chosen.rounds = positive("--rounds", rounds);
  if (seconds !== undefined) chosen.seconds = positive("--seconds", seconds);
  if (idle !== undefined) chosen.idle = positive("--idle", idle);
  return chosen;
}

function positive(option: string, text: string): number {
  const value = Number(text);
  if (!(value > 0)) throw new Error(`${option} wants a number above 0, got '${text}'`);
  return value;
}

function chosenGroups(all: Group[]): Group[] {
  if (values.only === undefined) return all;
  const wanted = values.only.split(",");
  for (const id of wanted) {
    if (all.some((group) => group.id === id)) continue;
    throw new Error(`no group '${id}'; there are ${all.map((group) => group.id).join(", ")}`);
  }
  return all.filter((group) => wanted.includes(group.id));
}

type Document = { date: string; command: string; machine: string; groups: GroupResult[] };

/** Writes what was asked for. */
async function write(document: Document): Promise<void> {
  if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(document, null, 1)}\n`);
  if (values.markdown !== undefined) writeFileSync(values.markdown, inMarkdown(document));
  if (values.svg !== undefined) writeFileSync(values.svg, await inPicture(document));
  if (!values.docs) return;
  const whole = withEarlier(document);
  writeFileSync(DOCS_JSON, `${JSON.stringify(whole, null, 1)}\n`);
  writeFileSync(`${ROOT}docs/bench.svg`, await inPicture(whole));
  const text = readFileSync(DOCS_PAGE, "utf8");
  const [from, to] = [text.indexOf(MARK_BEGIN), text.indexOf(MARK_END)];
  if (from < 0 || to < from) throw new Error(`${DOCS_PAGE} has no place for the table`);
  writeFileSync(
    DOCS_PAGE,
    `${text.slice(0, from)}${MARK_BEGIN}\n\n${PICTURE}\n\n${inMarkdown(whole)}\n${text.slice(to)}`,
  );
}

/** With `--only`, the other groups stay as they were in docs/bench.json. */
function withEarlier(document: Document): Document {
  const earlier = existsSync(DOCS_JSON) ? (JSON.parse(readFileSync(DOCS_JSON, "utf8")) as Document).groups : [];
  const known = new Map([...earlier, ...document.groups].map((group) => [group.id, group]));
  return { ...document, groups: all.flatMap(({ id }) => known.get(id) ?? []) };
}

function inMarkdown({ date, command, machine, groups }: Document): string {
  const days = [...new Set([...groups.map((group) => group.date.slice(0, 10)), date.slice(0, 10)])].sort();
  return `${days.join(", ")}, \`${command}\`. ${machine}.\n\n${markdown(groups)}\n`;
}

async function inPicture({ date, machine, groups }: Document): Promise<string> {
  return await picture(
    groups.flatMap(({ rows }) => rows),
    `${date.slice(0, 10)}, ${machine}`,
  );
}

if (values.help) {
  process.stdout.write(USAGE);
  process.exit(0);
}
if (!existsSync(`${ROOT}dist/src/cli/main.js`)) throw new Error("not built yet: npm run build");
const chosen = effort();
const machine = machineLine();
const all = [
  ...bulk(chosen),
  ...files(chosen),
  latency(chosen),
  connections(chosen),
  manyFlows(chosen),
  idleConnections(chosen),
  ...core(),
];
const groups = chosenGroups(all);
if (groups.some(({ id }) => !ALONE.has(id)) && !hasPrivileges()) process.exit(1);

const command = ["npm run bench", ...(process.argv.length > 2 ? ["--", ...process.argv.slice(2)] : [])].join(" ");
process.stderr.write(`${machine}\n`);
const results: GroupResult[] = [];
for (const group of groups) {
  const rounds = ALONE.has(group.id) && values.quick ? 1 : chosen.rounds;
  results.push(await runGroup(group, rounds, (text) => process.stderr.write(`${text}\n`)));
}
const date = new Date().toISOString();
console.log(`\n${date.slice(0, 10)}, ${command}\n${machine}\n\n${plainText(results)}`);
await write({ date, command, machine, groups: results });
if (results.some(({ rows }) => rows.some(({ ours }) => ours === null))) process.exitCode = 1;

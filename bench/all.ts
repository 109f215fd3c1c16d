// `npm run bench`: every row of the goals against its rival on this machine, contenders in turn, medians. Needs root and a build.
//   --quick               short runs, three rounds, fewer connections: under three minutes
//   --only ID[,ID...]     groups: bulk wire file file-wire ping conn flows idle segment checksum start
//   --rounds N --seconds S --idle N
//   --json FILE --svg FILE --markdown FILE    or --docs: docs/bench.json, docs/bench.svg, docs/bench.md
import { existsSync, writeFileSync } from "node:fs";
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
const MIB = 1024 * 1024;
const FULL: Effort = { rounds: 5, seconds: 2, fileBytes: 1024 * MIB, pings: 20_000, idle: 100_000 };
const QUICK: Effort = { rounds: 3, seconds: 0.6, fileBytes: 256 * MIB, pings: 3000, idle: 10_000 };
/** Groups of this cost processor time alone and vary little. */
const ALONE = new Set(["segment", "checksum", "start"]);

const { values } = parseArgs({
  options: {
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

/** Writes what was asked for. */
async function write(document: {
  date: string;
  command: string;
  machine: string;
  groups: GroupResult[];
}): Promise<void> {
  const docs = (name: string): string | undefined => (values.docs ? `${ROOT}docs/bench.${name}` : undefined);
  const { date, command, machine, groups } = document;
  const [json, svg, text] = [values.json ?? docs("json"), values.svg ?? docs("svg"), values.markdown ?? docs("md")];
  const head = `${date.slice(0, 10)}, \`${command}\`. ${machine}.`;
  if (json !== undefined) writeFileSync(json, `${JSON.stringify(document, null, 1)}\n`);
  if (text !== undefined) writeFileSync(text, `${head}\n\n${markdown(groups)}\n`);
  if (svg !== undefined) {
    const rows = groups.flatMap(({ rows }) => rows);
    writeFileSync(svg, await picture(rows, `${date.slice(0, 10)}, ${machine}`));
  }
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

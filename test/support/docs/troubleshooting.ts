// `docs/troubleshooting.md`: its table of the doctor's findings, made of the doctor's own list.
import { AILMENTS, type Ailment } from "../../../src/doctor/catalogue.ts";

const BEGIN = "<!-- made by `npm run docs:troubleshooting` -->";
const END = "<!-- end -->";

/** The page with the table as the list has it. @throws Error: the page has no place for it */
export function withFindings(page: string): string {
  const from = page.indexOf(BEGIN);
  const to = page.indexOf(END);
  if (from < 0 || to < from) throw new Error("docs/troubleshooting.md has lost the marks of its table");
  return `${page.slice(0, from + BEGIN.length)}\n\n${table()}\n${page.slice(to)}`;
}

function table(): string {
  const head = "| symptom | the doctor says | because | cure |\n|---|---|---|---|\n";
  return head + Object.values<Ailment>(AILMENTS).map(row).join("");
}

function row({ level, subject, symptom, message, cause, cure }: Ailment): string {
  const cells = [symptom, `**${level}** ${subject}: ${shown(message)}`, cause, cure === undefined ? "" : shown(cure)];
  return `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |\n`;
}

// What a check fills in, in capitals
function shown(text: string): string {
  return `\`${text.replace(/\{(\w+)\}/g, (_, word: string) => word.toUpperCase())}\``;
}

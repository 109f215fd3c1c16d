// The tables of requirements, behaviours and attack cases, and what was decided about rows that have no test: data files, a row a line.
import { readFileSync } from "node:fs";

/** A requirement or a behaviour. `level` of a behaviour is its RFC. */
export type Row = { id: string; level: string; section: string; text: string };

/** Why a row has no test. */
export type Reason = { kind: string; why: string };

function lines(file: string): string[][] {
  const text = readFileSync(new URL(`../data/${file}`, import.meta.url), "utf8");
  return text
    .split("\n")
    .filter((line) => line !== "" && !line.startsWith("#"))
    .map((line) => line.split(" | "));
}

function rows(file: string): Row[] {
  return lines(file).map(([id, level, section, ...text]) => ({
    id: id!,
    level: level!,
    section: section!,
    text: text.join(" | "),
  }));
}

/** The 119 rows of RFC 9293. */
export const requirements = (): Row[] => rows("rfc9293.txt");

/** The rows of the other RFCs. */
export const behaviours = (): Row[] => rows("behaviours.txt");

/** Attack cases by number. */
export const attacks = (): Map<number, string> =>
  new Map(lines("attacks.txt").map(([number, ...text]) => [Number(number), text.join(" | ")]));

/** Attack cases that cannot occur, by number. */
export const impossibleAttacks = (): Map<number, string> =>
  new Map(lines("attacks-elsewhere.txt").map(([number, ...why]) => [Number(number), why.join(" | ")]));

/** Rows that do not apply or are deferred, by id. */
export const notApplicable = (): Map<string, Reason> =>
  new Map(lines("not-applicable.txt").map(([id, kind, ...why]) => [id!, { kind: kind!, why: why.join(" | ") }]));

/** Rows that are not met, by id. */
export const notMet = (): Map<string, string> =>
  new Map(lines("not-met.txt").map(([id, ...why]) => [id!, why.join(" | ")]));

// Programs that a page shows: a fence "ts PATH" holds the file of that path as it is, and a `text` block right after it is what the program
// prints. Both can be compared, or written anew.
import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";

const PROGRAM_MS = 60_000;

/** Lines of a page, without the fences; they count from 0, `to` is the first line behind. */
export type Block = { from: number; to: number };
type Program = { path: string; code: Block; output: Block | undefined };

/** The programs of a page, in order. */
export function programsOf(page: string): Program[] {
  const lines = page.split("\n");
  const programs: Program[] = [];
  for (let at = 0; at < lines.length; at++) {
    const path = /^```ts (\S+)$/.exec(lines[at]!)?.[1];
    if (path === undefined) continue;
    const code = { from: at + 1, to: lines.indexOf("```", at + 1) };
    at = code.to;
    const next = lines.findIndex((line, index) => index > at && line !== "");
    const output = lines[next] === "```text" ? { from: next + 1, to: lines.indexOf("```", next + 1) } : undefined;
    programs.push({ path, code, output });
  }
  return programs;
}

/** The lines of a block. */
export function linesOf(page: string, { from, to }: Block): string[] {
  return page.split("\n").slice(from, to);
}

/** The page with the lines of some blocks replaced. */
export function withLines(page: string, changes: readonly (readonly [Block, string[]])[]): string {
  const lines = page.split("\n");
  const fromTheEnd = [...changes].sort(([a], [b]) => b.from - a.from);
  for (const [{ from, to }, body] of fromTheEnd) lines.splice(from, to - from, ...body);
  return lines.join("\n");
}

/** The lines of a program's file. */
export function sourceOf(root: string, path: string): string[] {
  return readFileSync(join(root, path), "utf8").trimEnd().split("\n");
}

/** What a program prints. @throws (rejects) it fails, or does not end */
export async function outputOf(root: string, path: string): Promise<string[]> {
  const command = ["--import", "tsx", path];
  // The test runner asks for colours
  const env = { ...process.env, FORCE_COLOR: "0" };
  const options = { cwd: root, env, timeout: PROGRAM_MS, killSignal: "SIGKILL" } as const;
  const { stdout, stderr } = await promisify(execFile)(process.execPath, command, options);
  return `${stdout}${stderr}`.trimEnd().split("\n");
}

// The results in words: the table of the terminal, the table of docs/benchmarks.md, and the line about the machine.
import { execFileSync } from "node:child_process";
import { availableParallelism, cpus, loadavg, release } from "node:os";
import { fileURLToPath } from "node:url";
import type { GroupResult, Outcome, Spread } from "./rounds.ts";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));

/** What ran this: processor, kernel, versions, the commit, and what else the machine was doing. */
export function machineLine(): string {
  const [model, load] = [cpus()[0]?.model ?? "unknown processor", loadavg()[0]!.toFixed(2)];
  const parts = [`${model}, ${availableParallelism()} CPUs`, `Linux ${release()}`, `Node ${process.versions.node}`];
  const [iperf, commit] = [said("iperf3", "--version"), said("git", "-C", ROOT, "rev-parse", "--short", "HEAD")];
  if (iperf) parts.push(iperf.split(" (")[0]!);
  if (commit) parts.push(`commit ${commit}`);
  return `${parts.join(", ")}, load average ${load} before`;
}

function said(command: string, ...args: string[]): string {
  try {
    return execFileSync(command, args, { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] }).split("\n", 1)[0]!;
  } catch {
    return "";
  }
}

/** Three digits that count, or a whole number. */
function figure(value: number): string {
  if (Math.abs(value) >= 100) return Math.round(value).toLocaleString("en-US");
  return String(Number(value.toPrecision(3)));
}

function spreadText(spread: Spread | null): string {
  if (spread === null) return "-";
  const { median, min, max } = spread;
  return min === max ? figure(median) : `${figure(median)} (${figure(min)}–${figure(max)})`;
}

/** What is wrong with the runs of a row, or nothing. */
function blemishes({ drops, softnet, retrans, failures }: Outcome): string {
  const parts = [
    drops > 0 && `${drops} lost in our rings`,
    softnet > 0 && `${softnet} lost in the backlog`,
    retrans > 0 && `${retrans} sent again`,
    failures > 0 && `${failures} failed`,
  ];
  return parts.filter(Boolean).join(", ");
}

function verdict({ isMet, ours, goal }: Outcome): string {
  if (isMet === null) return ours === null || goal !== "" ? "not measured" : "";
  return isMet ? "met" : "missed";
}

const HEAD = ["row", "unit", "ours", "rival", "ratio", "goal", "", "unclean"];

function cells(one: Outcome): string[] {
  const rival = one.rival === null ? "" : `${spreadText(one.rival)} ${one.rival.name}`;
  const ratio = one.ratio === null ? "" : one.ratio.toFixed(2);
  return [one.row, one.unit, spreadText(one.ours), rival, ratio, one.goal, verdict(one), blemishes(one)];
}

function skippedLines(groups: GroupResult[]): string[] {
  return [...new Set(groups.flatMap(({ skipped }) => skipped))];
}

function failureLines(groups: GroupResult[]): string[] {
  return groups.flatMap(({ id, contenders }) =>
    Object.entries(contenders).flatMap(([name, { failures }]) => failures.map((text) => `${id}, ${name}: ${text}`)),
  );
}

/** For a terminal. */
export function plainText(groups: GroupResult[]): string {
  const rows = [HEAD, ...groups.flatMap(({ rows }) => rows.map(cells))];
  const widths = HEAD.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  const lines = rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column]!))
      .join("  ")
      .trimEnd(),
  );
  for (const text of skippedLines(groups)) lines.push(`skipped: ${text}`);
  for (const text of failureLines(groups)) lines.push(`failed: ${text}`);
  return lines.join("\n");
}

/** For a document. */
export function markdown(groups: GroupResult[]): string {
  const row = (texts: string[]): string => `| ${texts.join(" | ")} |`;
  const lines = [row(HEAD), "|---|---|--:|--:|--:|--:|---|---|"];
  for (const { rows } of groups) lines.push(...rows.map((one) => row(cells(one))));
  const notes = [...skippedLines(groups), ...failureLines(groups)];
  return `${lines.join("\n")}\n${notes.map((text) => `\n${text}`).join("\n")}`;
}

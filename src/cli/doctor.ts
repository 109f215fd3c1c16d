// `wasmtcp doctor`: what stands in a stack's way on this machine, and the command that mends it.
import type { Command } from "commander";
import { diagnose, type Finding, type FindingLevel } from "../index.ts";
import { runCommand } from "./session.ts";

type DoctorOptions = { interface?: string; address?: string; json?: boolean };

const MARKS: Readonly<Record<FindingLevel, string>> = {
  ok: "ok",
  note: "note",
  warning: "warning",
  problem: "PROBLEM",
};

/** Adds the command to the program. */
export function addDoctor(program: Command): void {
  program
    .command("doctor")
    .description(
      "look at this machine, an interface and an address, and say what stands in a stack's way; changes nothing",
    )
    .option("-i, --interface <name>", "interface that a stack is to use")
    .option("-a, --address <cidr>", "address that it is to have there")
    .option("--json", "print one line of JSON instead of text")
    .addHelpText(
      "after",
      "\nExample:\n  wasmtcp doctor --interface h1-eth0 --address 10.0.0.1/24\n\nExit code 1 if there is a problem.",
    )
    .action((options: DoctorOptions) =>
      runCommand(async () => {
        const findings = await diagnose(options);
        process.stdout.write(options.json ? `${JSON.stringify(findings)}\n` : findings.map(text).join(""));
        if (findings.some(({ level }) => level === "problem")) process.exitCode = 1;
      }),
    );
}

function text({ level, subject, message, cure }: Finding): string {
  const mended = cure === undefined ? "" : `${" ".repeat(24)}cure: ${cure}\n`;
  return `${MARKS[level].padEnd(8)}${subject.padEnd(16)}${message}\n${mended}`;
}

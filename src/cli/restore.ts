// `wasmtcp restore`: gives back what runs with --take-over that were killed had taken from the kernel.
import type { Command } from "commander";
import { CommandError, runCommand } from "./session.ts";
import { restoreAll } from "./take-over.ts";

/** Adds the command to the program. */
export function addRestore(program: Command): void {
  program
    .command("restore")
    .description("give addresses and routes back to the kernel that a killed run with --take-over had taken")
    .addHelpText("after", "\nRun it in the network namespace of the killed run.")
    .action(() =>
      runCommand(async () => {
        let told = 0;
        const failures = restoreAll((message) => {
          told++;
          process.stdout.write(`${message}\n`);
        });
        if (failures > 0) throw new CommandError(`${failures} could not be given back`);
        if (told === 0) process.stdout.write("nothing to give back\n");
      }),
    );
}

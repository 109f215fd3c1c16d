#!/usr/bin/env node
// The `wasmtcp` command: one file a subcommand, all of them on the public API.
import { createRequire } from "node:module";
import { Command, CommanderError } from "commander";
import { addClient } from "./client.ts";
import { addDemo } from "./demo.ts";
import { addDoctor } from "./doctor.ts";
import { addPerf } from "./perf.ts";
import { addPing } from "./ping.ts";
import { addReceive } from "./receive.ts";
import { addRestore } from "./restore.ts";
import { addSend } from "./send.ts";
import { addServer } from "./server.ts";
import { EXIT_USAGE } from "./session.ts";
import { addSs } from "./ss.ts";
import { addWire } from "./wire.ts";

const { version } = createRequire(import.meta.url)("wasmtcp/package.json") as { version: string };

const program = new Command("wasmtcp")
  .description("A userspace TCP/IP stack for Node.js: file transfer and the lab's programs over a raw interface")
  .version(version)
  .showHelpAfterError("(add --help for the options)")
  .exitOverride();

const COMMANDS = [
  addDemo,
  addServer,
  addClient,
  addReceive,
  addSend,
  addPing,
  addSs,
  addWire,
  addRestore,
  addDoctor,
  addPerf,
];
for (const add of COMMANDS) add(program);
for (const command of program.commands) command.exitOverride();

try {
  await program.parseAsync();
} catch (error) {
  if (!(error instanceof CommanderError)) throw error;
  process.exitCode = error.exitCode === 0 ? 0 : EXIT_USAGE;
}

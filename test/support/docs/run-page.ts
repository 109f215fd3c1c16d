// Runs a page: types its commands on a fresh machine, one step after the other, and compares what it shows with what is printed.
import { setTimeout as sleep } from "node:timers/promises";
import * as assert from "uvu/assert";
import { type Step, stepsOf } from "./markdown.ts";
import { FreshMachine } from "./terminal.ts";
import { comparable } from "./volatile.ts";

const COMMAND_MS = 60_000;
/** For an output that is to be written down: nothing more has come for so long. */
const QUIET_MS = 1500;

/**
 * @param page - markdown, see markdown.ts
 * @param folder - where its commands run
 * @param isUpdate - do not compare, only collect
 * @returns the outputs, of those steps that differ from what the page shows
 * @throws an assertion: an output is another one, a command does not end, one is still running at the end
 */
export async function runPage(page: string, folder: string, isUpdate: boolean): Promise<Map<Step, string[]>> {
  await using machine = new FreshMachine(folder);
  await machine.ready();
  const printed = new Map<Step, string[]>();
  const steps = stepsOf(page);
  for (const [index, step] of steps.entries()) {
    const terminal = machine.terminal(step.terminal);
    const place = `line ${step.from + 1}, terminal ${step.terminal}`;
    if (step.kind === "type") {
      // What was printed while a command runs may be shown after the Ctrl-C that ends it.
      if (!step.lines.includes("# Ctrl-C")) {
        const isFree = await terminal.until(() => terminal.isAtPrompt, COMMAND_MS);
        assert.ok(isFree, `${place}: what was typed before has not ended`);
        assert.equal(terminal.take(), [], `${place}: output before this that the page does not show`);
      }
      await terminal.type(step.lines);
      const next = steps[index + 1];
      if (step.isRunning || next?.kind === "see") continue;
      assert.ok(await terminal.until(() => terminal.isAtPrompt, COMMAND_MS), `${place}: does not end`);
      continue;
    }
    const isThere = (): boolean => comparable(terminal.output) === comparable(step.lines);
    if (!step.isRunning) {
      assert.ok(
        await terminal.until(() => terminal.isAtPrompt, COMMAND_MS),
        `${place}: does not end\n${terminal.output.join("\n")}`,
      );
    } else if (isUpdate) await terminal.settle(QUIET_MS);
    else await terminal.until(() => isThere() || terminal.isAtPrompt, COMMAND_MS / 6);
    await sleep(50);
    if (!isThere()) {
      if (!isUpdate) assert.is(comparable(terminal.output), comparable(step.lines), place);
      printed.set(step, terminal.output);
    }
    terminal.take();
  }
  return printed;
}

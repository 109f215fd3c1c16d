// `wasmtcp wire IF1 IF2`: joins two interfaces in user space, with delay, loss and so on where asked.
import type { Command } from "commander";
import { createWire, type PassageCounters, parseEmulation } from "../index.ts";
import { runCommand } from "./session.ts";

type WireCliOptions = { emulate?: string; emulateBack?: string; json?: boolean };

/** Adds the command to the program. */
export function addWire(program: Command): void {
  program
    .command("wire")
    .description("join two interfaces in user space, with delay, jitter, loss, reordering, corruption, rate and queue")
    .argument("<interface1>", "one end; it should be up and have no address")
    .argument("<interface2>", "the other end")
    .option("--emulate <what>", "impair both directions, such as 'delay=10ms,loss=1%,rate=100mbit,queue=100kb'")
    .option(
      "--emulate-back <what>",
      "another impairment for packets from the second interface to the first; 'none' for none",
    )
    .option("--json", "print one line of JSON at the end instead of text")
    .addHelpText(
      "after",
      "\nExample:\n  wasmtcp wire left right --emulate 'delay=10ms,loss=0.1%,rate=100mbit'\n\nEnds with Ctrl-C and prints what happened.",
    )
    .action((first: string, second: string, options: WireCliOptions) =>
      runCommand((signal) => wire(first, second, options, signal)),
    );
}

async function wire(first: string, second: string, options: WireCliOptions, signal: AbortSignal): Promise<void> {
  const there = options.emulate === undefined ? undefined : parseEmulation(options.emulate);
  const back =
    options.emulateBack === undefined
      ? there
      : options.emulateBack === "none"
        ? undefined
        : parseEmulation(options.emulateBack);
  const joined = await createWire({
    interfaces: [first, second],
    ...(there === undefined ? {} : { aToB: there }),
    ...(back === undefined ? {} : { bToA: back }),
  });
  process.stderr.write(`joined ${first} and ${second}; Ctrl-C ends it\n`);
  const stopped = new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
  try {
    await Promise.race([joined.closed, stopped]);
  } finally {
    await joined.close();
    const { aToB, bToA } = joined.counters();
    if (options.json) process.stdout.write(`${JSON.stringify({ interfaces: [first, second], aToB, bToA })}\n`);
    else process.stdout.write(`${line(first, second, aToB)}\n${line(second, first, bToA)}\n`);
  }
}

function line(from: string, to: string, counters: PassageCounters): string {
  const { received, forwarded, ...rest } = counters;
  const others = Object.entries(rest).filter(([, count]) => count > 0);
  const words = others.map(
    ([name, count]) => `, ${count} ${name.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`)}`,
  );
  return `${from} -> ${to}: ${received} packets in, ${forwarded} out${words.join("")}`;
}

// Runs one command: Ctrl-C and SIGTERM end it in order, errors become one line and an exit code, the stack is always closed.
import { setTimeout as sleep } from "node:timers/promises";
import { CommanderError } from "commander";
import type { Connection, Stack } from "../index.ts";

/** Exit codes: 0 done, 1 it failed, 2 the command line is wrong, 130 interrupted. */
const EXIT_FAILED = 1;
export const EXIT_USAGE = 2;
const EXIT_INTERRUPTED = 130;

/** Ctrl-C, kill, and the terminal that is closed. */
const INTERRUPTS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/** Thrown by a command to end with a message and exit code 1. */
export class CommandError extends Error {}

/**
 * Runs `body` with a signal that Ctrl-C or SIGTERM aborts; prints what went wrong and sets the exit code.
 * @param body the command; what it opened it closes, also when it is interrupted.
 */
export async function runCommand(body: (signal: AbortSignal) => Promise<void>): Promise<void> {
  const controller = new AbortController();
  const interrupt = (): void => controller.abort();
  for (const name of INTERRUPTS) process.once(name, interrupt);
  try {
    await body(controller.signal);
  } catch (error) {
    if (error instanceof CommanderError) throw error;
    process.exitCode = controller.signal.aborted ? EXIT_INTERRUPTED : EXIT_FAILED;
    const isPlain = controller.signal.aborted && !(error instanceof CommandError);
    process.stderr.write(`wasmtcp: ${isPlain ? "interrupted" : describe(error)}\n`);
  } finally {
    for (const name of INTERRUPTS) process.off(name, interrupt);
  }
}

/** Opens a stack, runs `body` with it and closes it; TIME-WAIT is not sat out, unsent data gets `lingerMs` to leave. */
export async function withStack(
  open: () => Promise<Stack>,
  body: (stack: Stack) => Promise<void>,
  lingerMs = 5000,
): Promise<void> {
  const stack = await open();
  let failed = true;
  try {
    await body(stack);
    failed = false;
  } finally {
    await stack.close({ lingerMs: failed ? 0 : lingerMs });
  }
}

/** Resets the connection when the command is interrupted while it waits for something that takes no signal. */
export function abortOn(signal: AbortSignal, connection: Connection): Disposable {
  const abort = (): void => connection.abort(signal.reason);
  signal.addEventListener("abort", abort, { once: true });
  if (signal.aborted) abort();
  return { [Symbol.dispose]: () => signal.removeEventListener("abort", abort) };
}

/** Waits, but no longer than there is a connection. @throws (rejects) with the error by which it ended */
export async function pause(ms: number, connection: Connection): Promise<void> {
  const over = new AbortController();
  try {
    await Promise.race([sleep(ms, undefined, { signal: over.signal }), connection.closed]);
  } finally {
    over.abort();
  }
}

/**
 * How a file transfer that was not completed is told: how far it came, why, and whether an interface is down.
 * @param where - how far it came
 */
export function transferFailure(stack: Stack, where: string, error: unknown, signal: AbortSignal): CommandError {
  if (signal.aborted) return new CommandError(`interrupted ${where}`);
  const cause = describe(error);
  // Who has waited in vain wants to know what for.
  const down = stack.stats().interfaces.find(({ name, state }) => state === "down" && !cause.includes(name));
  const why = down === undefined ? "" : ` (interface ${down.name} is down)`;
  return new CommandError(`the transfer broke ${where}: ${cause}${why}`);
}

function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const code = (error as { code?: unknown }).code;
  return typeof code === "string" && !error.message.includes(code) ? `${error.message} (${code})` : error.message;
}

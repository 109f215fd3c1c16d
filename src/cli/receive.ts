// `wasmtcp receive PORT FILE`: accepts one connection and writes what it sends to FILE.part, renamed on a clean end.
import { rename } from "node:fs/promises";
import type { Command } from "commander";
import type { Stack } from "../index.ts";
import { addCommonOptions, type CommonOptions, openStack, port } from "./common-options.ts";
import { fileSha256, formatTransfer, linkReport, TransferBar, transferResult } from "./progress.ts";
import { CommandError, runCommand, withStack } from "./session.ts";

/** Adds the command to the program. */
export function addReceive(program: Command): void {
  addCommonOptions(
    program
      .command("receive")
      .description("receive one file: to FILE.part first, renamed to FILE after a clean end of stream")
      .argument("<port>", "port to listen on", port)
      .argument("<file>", "where to put it"),
  )
    .addHelpText("after", "\nExample:\n  wasmtcp receive 10001 copy.iso --interface h1-eth0 --address 10.0.0.1/24")
    .action((portNumber: number, file: string, options: CommonOptions) =>
      runCommand((signal) =>
        withStack(
          () => openStack(options),
          (stack) => receive(stack, portNumber, file, options, signal),
        ),
      ),
    );
}

/** Accepts one connection on `stack` and stores it. */
async function receive(
  stack: Stack,
  portNumber: number,
  file: string,
  options: CommonOptions,
  signal: AbortSignal,
): Promise<void> {
  const part = `${file}.part`;
  const listener = await stack.listen({ port: portNumber });
  const connection = await listener.accept({ signal });
  listener.close();
  const bar = new TransferBar("receiving", null, options.json === true);
  const started = performance.now();
  let arrived = 0;
  const onProgress = (bytes: number): void => {
    arrived = bytes;
    bar.update(bytes);
  };
  let bytes: number;
  try {
    bytes = await connection.receiveFile(part, { signal, onProgress });
  } catch (error) {
    const cause = error instanceof Error ? error.message : String(error);
    throw new CommandError(`the transfer broke after ${arrived} bytes, kept in ${part}: ${cause}`);
  } finally {
    bar.stop();
  }
  const milliseconds = performance.now() - started;
  await connection.close();
  await rename(part, file);
  const result = transferResult(bytes, milliseconds, await fileSha256(file));
  process.stdout.write(
    `${options.json ? JSON.stringify({ file, ...result, ...linkReport(stack) }) : formatTransfer("received", file, result)}\n`,
  );
}

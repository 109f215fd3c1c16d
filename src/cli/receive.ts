// `wasmtcp receive PORT FILE`: accepts one connection and stores what it sends; FILE is there when it is whole, FILE.part until then and
// after a failure.
import { constants, existsSync, statSync } from "node:fs";
import { access, realpath } from "node:fs/promises";
import { dirname } from "node:path";
import type { Command } from "commander";
import type { Stack } from "../index.ts";
import { addCommonOptions, type CommonOptions, openStack, port } from "./common-options.ts";
import { addPeerTimeout, peerTimeout, type TimeoutOptions } from "./peer-timeout.ts";
import { fileSha256, formatTransfer, linkReport, TransferBar, transferResult } from "./progress.ts";
import { abortOn, CommandError, runCommand, transferFailure, withStack } from "./session.ts";

type ReceiveOptions = CommonOptions & TimeoutOptions;

/** Adds the command to the program. */
export function addReceive(program: Command): void {
  const command = program
    .command("receive")
    .description("receive one file: to FILE.part first, renamed to FILE after a clean end of stream")
    .argument("<port>", "port to listen on", port)
    .argument("<file>", "where to put it");
  addPeerTimeout(addCommonOptions(command))
    .addHelpText("after", "\nExample:\n  wasmtcp receive 10001 copy.iso --interface h1-eth0 --address 10.0.0.1/24")
    .action((portNumber: number, file: string, options: ReceiveOptions) =>
      runCommand(async (signal) => {
        await checkTarget(file);
        await withStack(
          () => openStack(options),
          (stack) => receive(stack, portNumber, file, options, signal),
        );
      }),
    );
}

/** Says what stands in the way of the file before a sender has come. @throws (rejects) the file system's error */
async function checkTarget(file: string): Promise<void> {
  const before = statSync(file, { throwIfNoEntry: false });
  if (before?.isDirectory()) throw new CommandError(`${file} is a directory`);
  if (before === undefined || before.isFile()) await access(dirname(file), constants.W_OK | constants.X_OK);
}

/** Accepts one connection on `stack` and stores it. */
async function receive(
  stack: Stack,
  portNumber: number,
  file: string,
  options: ReceiveOptions,
  signal: AbortSignal,
): Promise<void> {
  const listener = await stack.listen({ port: portNumber, ...peerTimeout(options) });
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
    bytes = await connection.receiveFile(file, { signal, onProgress });
  } catch (error) {
    const part = `${await realpath(file).catch(() => file)}.part`;
    const kept = existsSync(part) ? `, kept in ${part}` : "";
    throw transferFailure(stack, `after ${arrived} bytes${kept}`, error, signal);
  } finally {
    bar.stop();
  }
  const milliseconds = performance.now() - started;
  using _ = abortOn(signal, connection);
  // The file is whole: that the peer did not hear so is worth a word, no failure.
  await connection.close().catch((error: Error) => process.stderr.write(`wasmtcp: after the end: ${error.message}\n`));
  const result = transferResult(bytes, milliseconds, await fileSha256(file));
  process.stdout.write(
    `${options.json ? JSON.stringify({ file, ...result, ...linkReport(stack) }) : formatTransfer("received", file, result)}\n`,
  );
}

// `wasmtcp send HOST PORT FILE`: connects and sends the file; done when the peer has acknowledged the last byte.
import { type FileHandle, open } from "node:fs/promises";
import type { Command } from "commander";
import type { Stack } from "../index.ts";
import { addCommonOptions, type CommonOptions, openStack, port } from "./common-options.ts";
import { addPeerTimeout, connectTimeout, type TimeoutOptions } from "./peer-timeout.ts";
import { beginningSha256, formatTransfer, linkReport, TransferBar, transferResult } from "./progress.ts";
import { abortOn, CommandError, runCommand, transferFailure, withStack } from "./session.ts";

type SendOptions = CommonOptions & TimeoutOptions;

/** Adds the command to the program. */
export function addSend(program: Command): void {
  const command = program
    .command("send")
    .description("send one file; done when the peer has acknowledged all of it")
    .argument("<host>", "address of the receiver")
    .argument("<port>", "its port", port)
    .argument("<file>", "file to send");
  addPeerTimeout(addCommonOptions(command))
    .addHelpText(
      "after",
      "\nExample:\n  wasmtcp send 10.0.0.1 10001 image.iso --interface h2-eth0 --address 10.0.0.2/24",
    )
    .action((host: string, portNumber: number, file: string, options: SendOptions) =>
      runCommand(async (signal) => {
        await using handle = await open(file);
        const total = await regularFileSize(file, handle);
        await withStack(
          () => openStack(options),
          (stack) => send(stack, { host, portNumber, file, handle, total }, options, signal),
        );
      }),
    );
}

async function regularFileSize(file: string, handle: FileHandle): Promise<number> {
  const stats = await handle.stat();
  if (!stats.isFile()) throw new CommandError(`${file} is not a regular file`);
  return stats.size;
}

type Job = { host: string; portNumber: number; file: string; handle: FileHandle; total: number };

async function send(stack: Stack, job: Job, options: SendOptions, signal: AbortSignal): Promise<void> {
  const target = { hostname: job.host, port: job.portNumber, signal, ...connectTimeout(options) };
  const connection = await stack.connect(target);
  const bar = new TransferBar("sending", job.total, options.json === true);
  const started = performance.now();
  let bytes: number;
  try {
    using _ = abortOn(signal, connection);
    bytes = await connection.sendFile(job.file, { signal, onProgress: (sent) => bar.update(sent) });
    await connection.close();
  } catch (error) {
    const acknowledged = Math.min(connection.info().bytesAcked, job.total);
    throw transferFailure(stack, `when ${acknowledged} of ${job.total} bytes had been acknowledged`, error, signal);
  } finally {
    bar.stop();
  }
  const result = transferResult(bytes, performance.now() - started, await beginningSha256(job.handle, bytes));
  process.stdout.write(
    `${options.json ? JSON.stringify({ file: job.file, ...result, ...linkReport(stack) }) : formatTransfer("sent", job.file, result)}\n`,
  );
}

// `wasmtcp demo`: the whole of wasmtcp in one process and without privileges. Two stacks in two worker threads, joined by a
// link in memory that loses and delays packets, move a real file; the checksums of both ends are compared.
import { randomFillSync } from "node:crypto";
import { mkdtemp, open, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Command } from "commander";
import {
  captureLink,
  createStack,
  emulatedLink,
  type Link,
  memoryLinkPair,
  parseEmulation,
  type Stack,
  type TcpInfo,
} from "../index.ts";
import { size } from "./common-options.ts";
import { fileSha256, TransferBar, type TransferResult, transferResult } from "./progress.ts";
import { CommandError, runCommand } from "./session.ts";

type DemoOptions = { size: number; emulate: string; capture?: string; json?: boolean };

const SENDER = "10.77.0.2";
const RECEIVER = "10.77.0.1";
const PORT = 10001;

/** Adds the command to the program. */
export function addDemo(program: Command): void {
  program
    .command("demo")
    .description("two stacks, two workers, one process: send a file over a link that loses and delays packets; no root")
    .option("--size <bytes>", "size of the file", size, 64 * 1024 * 1024)
    .option("--emulate <what>", "what the link does to packets, each way", "loss=0.1%,delay=2ms")
    .option("--capture <file>", "write the sender's frames to a pcapng file")
    .option("--json", "print one line of JSON instead of text")
    .addHelpText("after", "\nExample:\n  wasmtcp demo --size 256MiB --emulate 'loss=1%,delay=5ms,reorder=1%'")
    .action((options: DemoOptions) => runCommand((signal) => demo(options, signal)));
}

async function demo(options: DemoOptions, signal: AbortSignal): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "wasmtcp-demo-"));
  try {
    const source = join(folder, "source.bin");
    const copy = join(folder, "copy.bin");
    await writeRandomFile(source, options.size);
    const { result, info } = await transfer(source, copy, options, signal);
    const sourceSha256 = await fileSha256(source);
    report(options, { ...result, sourceSha256 }, info);
    if (sourceSha256 !== result.sha256) throw new CommandError("the copy differs from the file that was sent");
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function writeRandomFile(path: string, bytes: number): Promise<void> {
  const chunk = Buffer.alloc(1024 * 1024);
  const file = await open(path, "w");
  try {
    for (let left = bytes; left > 0; left -= chunk.length) {
      await file.writeFile(randomFillSync(chunk).subarray(0, Math.min(left, chunk.length)));
    }
  } finally {
    await file.close();
  }
}

async function openStacks(options: DemoOptions): Promise<[Stack, Stack]> {
  const impairments = parseEmulation(options.emulate);
  const [left, right] = memoryLinkPair();
  const impaired = emulatedLink(left, impairments);
  const senderLink: Link = options.capture === undefined ? impaired : captureLink(impaired, options.capture);
  const receiverLink = emulatedLink(right, { ...impairments, seed: (impairments.seed ?? 1) + 1 });
  return Promise.all([
    createStack({ interfaces: [{ link: senderLink, address: `${SENDER}/24` }] }),
    createStack({ interfaces: [{ link: receiverLink, address: `${RECEIVER}/24` }] }),
  ]);
}

async function transfer(
  source: string,
  copy: string,
  options: DemoOptions,
  signal: AbortSignal,
): Promise<{ result: TransferResult; info: TcpInfo }> {
  const [sender, receiver] = await openStacks(options);
  const bar = new TransferBar("demo", options.size, options.json === true);
  try {
    const listener = await receiver.listen({ port: PORT });
    const accepted = listener.accept({ signal });
    const connection = await sender.connect({ hostname: RECEIVER, port: PORT, signal });
    const peer = await accepted;
    const started = performance.now();
    const received = peer.receiveFile(copy, { signal, onProgress: (bytes) => bar.update(bytes) });
    const sent = connection.sendFile(source, { signal }).then(() => connection.closeWrite());
    const [bytes] = await Promise.all([received, sent]);
    const milliseconds = performance.now() - started;
    const info = connection.info();
    await Promise.all([peer.close(), connection.close()]);
    return { result: transferResult(bytes, milliseconds, await fileSha256(copy)), info };
  } finally {
    bar.stop();
    await Promise.all([sender.close({ lingerMs: 1000 }), receiver.close({ lingerMs: 1000 })]);
  }
}

function report(options: DemoOptions, result: TransferResult & { sourceSha256: string }, info: TcpInfo): void {
  if (options.json) {
    process.stdout.write(`${JSON.stringify({ ...result, info })}\n`);
    return;
  }
  const lines = [
    `moved      ${result.bytes} bytes in ${result.seconds.toFixed(2)} s: ${(result.gbitPerSecond * 1000).toFixed(0)} Mbit/s`,
    `link       ${options.emulate}, each way`,
    `sent       SHA-256 ${result.sourceSha256}`,
    `received   SHA-256 ${result.sha256}`,
    `TCP        ${info.segsOut} segments, ${info.totalRetrans} sent again, SRTT ${(info.srttUs / 1000).toFixed(2)} ms, RTO ${(info.rtoUs / 1000).toFixed(0)} ms, MSS ${info.sndMss}`,
    result.sourceSha256 === result.sha256 ? "The file arrived intact." : "THE FILES DIFFER.",
  ];
  process.stdout.write(`${lines.join("\n")}\n`);
}

// Progress bars with rate and time left, on a terminal only; and the line that sums a transfer up.
import { createHash } from "node:crypto";
import { type FileHandle, open } from "node:fs/promises";
import { pipeline } from "node:stream/promises";
import { Presets, SingleBar } from "cli-progress";
import type { Stack } from "../index.ts";

const MIB = 1024 * 1024;

/** What a transfer came to. */
export type TransferResult = { bytes: number; seconds: number; gbitPerSecond: number; sha256: string };

/** A bar for `total` bytes; silent where standard error is no terminal or `--json` was asked for. */
export class TransferBar {
  readonly #bar: SingleBar | null;
  readonly #started = performance.now();

  constructor(label: string, total: number | null, quiet: boolean) {
    if (quiet || !process.stderr.isTTY) {
      this.#bar = null;
      return;
    }
    const format =
      total === null
        ? `${label} {done} MiB  {rate}`
        : `${label} {bar} {percentage}%  {done} MiB  {rate}  ETA {eta_formatted}`;
    this.#bar = new SingleBar(
      { format, stream: process.stderr, hideCursor: true, etaBuffer: 100 },
      Presets.shades_classic,
    );
    this.#bar.start(total ?? 1, 0, { done: "0.0", rate: "" });
  }

  /** Shows that `bytes` have been moved so far. */
  update(bytes: number): void {
    const seconds = (performance.now() - this.#started) / 1000;
    this.#bar?.update(bytes, {
      done: (bytes / MIB).toFixed(1),
      rate: `${((bytes * 8) / seconds / 1e9).toFixed(2)} Gbit/s`,
    });
  }

  /** Takes the bar away. */
  stop(): void {
    this.#bar?.stop();
  }
}

/** SHA-256 of a file as hex. */
export async function fileSha256(path: string): Promise<string> {
  await using file = await open(path);
  return await beginningSha256(file, Number.POSITIVE_INFINITY);
}

/** SHA-256 of the first bytes of an open file, which may have grown or lost its name since, as hex. */
export async function beginningSha256(file: FileHandle, bytes: number): Promise<string> {
  const hash = createHash("sha256");
  const options = { start: 0, end: bytes - 1, highWaterMark: MIB, autoClose: false };
  if (bytes > 0) await pipeline(file.createReadStream(options), hash);
  return hash.digest("hex");
}

/** Puts figures to a finished transfer. */
export function transferResult(bytes: number, milliseconds: number, sha256: string): TransferResult {
  const seconds = milliseconds / 1000;
  return { bytes, seconds, gbitPerSecond: seconds > 0 ? (bytes * 8) / seconds / 1e9 : 0, sha256 };
}

type LinkReport = { retransSegs: number; lossProbes: number; linkDrops: number; linkErrors: number };

/** What the stack sent again (tail loss probes too) and what was lost in front of it, for `--json`. */
export function linkReport(stack: Stack): LinkReport {
  const { counters, interfaces } = stack.stats();
  const sum = (field: "linkDrops" | "linkErrors"): number => interfaces.reduce((total, one) => total + one[field], 0);
  return {
    retransSegs: counters.tcpRetransSegs ?? 0,
    lossProbes: counters.tcpLossProbes ?? 0,
    linkDrops: sum("linkDrops"),
    linkErrors: sum("linkErrors"),
  };
}

/** One line for people. */
export function formatTransfer(verb: string, path: string, result: TransferResult): string {
  const { bytes, seconds, gbitPerSecond, sha256 } = result;
  return `${verb} ${path}: ${bytes} bytes in ${seconds.toFixed(3)} s, ${gbitPerSecond.toFixed(3)} Gbit/s\nSHA-256 ${sha256}`;
}

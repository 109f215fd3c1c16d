// A file between two hosts, slow enough for something to go wrong in the middle, and what must hold when something did: both commands end
// in time and leave nothing behind, and what was kept is the beginning of the file.
import { randomBytes } from "node:crypto";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import * as assert from "uvu/assert";
import { type Finished, type Running, TwoHosts } from "./namespaces.ts";

const MIB = 1024 * 1024;
/** Bound on hanging, ms: what ends by itself has ended long before. */
const PATIENCE_MS = 20_000;

/** One transfer from b to a. Dispose of it. */
export class FaultyTransfer implements Disposable {
  readonly hosts: TwoHosts;
  readonly folder = mkdtempSync(join(tmpdir(), "wasmtcp-faults-"));
  readonly source = join(this.folder, "source.bin");
  /** Where the receiver puts it. */
  target = join(this.folder, "copy.bin");
  readonly bytes: Buffer;
  readonly #runtime = join(this.folder, "runtime");
  readonly #runtimeBefore = process.env.XDG_RUNTIME_DIR;

  constructor(sizeMib = 32, hosts = new TwoHosts()) {
    this.hosts = hosts;
    this.bytes = randomBytes(sizeMib * MIB);
    writeFileSync(this.source, this.bytes);
    // Control sockets of these runs, and of no other.
    mkdirSync(this.#runtime, { mode: 0o700 });
    process.env.XDG_RUNTIME_DIR = this.#runtime;
  }

  /** Starts our receiver on a; resolves when it listens. */
  async receive(...options: string[]): Promise<Running> {
    const receiver = this.hosts.wasmtcp("a", "receive", "10001", this.target, "--debug", ...options);
    await receiver.saw("from CLOSED to LISTEN");
    return receiver;
  }

  /** Starts our sender on b, at 100 Mbit/s. */
  send(...options: string[]): Running {
    return this.sendTo(this.hosts.stackAddress.a, "--emulate", "rate=100mbit", ...options);
  }

  /** Starts our sender on b, as fast as it can. */
  sendTo(host: string, ...options: string[]): Running {
    return this.hosts.wasmtcp("b", "send", host, "10001", this.source, ...options);
  }

  get part(): string {
    return `${this.target}.part`;
  }

  /** Resolves when so many bytes lie in `path`. */
  async arrived(bytes: number, path = this.part): Promise<void> {
    const until = performance.now() + PATIENCE_MS;
    while (!existsSync(path) || statSync(path).size < bytes) {
      assert.ok(performance.now() < until, `${bytes} bytes have not arrived in ${path}`);
      await sleep(5);
    }
  }

  /** Waits for a command to end: it leaves no process and no control socket. Puts what it said on one line. */
  async ended(running: Running, patienceMs = PATIENCE_MS): Promise<Finished> {
    const hung = sleep(patienceMs, undefined, { ref: false }).then(() => {
      throw new Error(`a command hangs: ${running.child.spawnargs.join(" ")}`);
    });
    const finished = await Promise.race([running.finished, hung]);
    assert.not.ok(existsSync(`/proc/${running.child.pid}`), "the process is gone");
    const left = readdirSync(this.#runtime, { recursive: true }).map(String);
    assert.not.ok(
      left.some((name) => name.includes(`${running.child.pid}`)),
      `left behind: ${left.join(" ")}`,
    );
    return { ...finished, stderr: withoutStates(finished.stderr) };
  }

  /** Waits for a command to fail with a message. @returns the message */
  async failed(running: Running, message: RegExp, patienceMs = PATIENCE_MS): Promise<string> {
    const { code, stderr } = await this.ended(running, patienceMs);
    assert.match(stderr, message);
    assert.is(code, 1, stderr);
    assert.not.match(stderr, /\n\s+at /, "no stack trace");
    return stderr;
  }

  /** The target does not exist; the part does, is the beginning of the file, and as long as the message says. @returns its bytes */
  assertPart(message?: string): number {
    const kept = readFileSync(this.part);
    assert.ok(kept.length < this.bytes.length, "something is missing");
    assert.ok(kept.equals(this.bytes.subarray(0, kept.length)), "the part is the beginning of the file");
    assert.not.ok(existsSync(this.target));
    if (message !== undefined) assert.match(message, `after ${kept.length} bytes, kept in ${this.part}`);
    return kept.length;
  }

  /** Both have ended well and the copy is the file. */
  async assertWhole(receiver: Running, sender: Running): Promise<void> {
    const [received, sent] = await Promise.all([this.ended(receiver), this.ended(sender)]);
    assert.is(sent.code, 0, sent.stderr);
    assert.is(received.code, 0, received.stderr);
    assert.ok(readFileSync(this.target).equals(this.bytes), "the copy is the file");
    assert.not.ok(existsSync(this.part));
  }

  [Symbol.dispose](): void {
    this.hosts[Symbol.dispose]();
    if (this.#runtimeBefore === undefined) delete process.env.XDG_RUNTIME_DIR;
    else process.env.XDG_RUNTIME_DIR = this.#runtimeBefore;
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** Lines of --debug taken out. */
function withoutStates(text: string): string {
  return text
    .split("\n")
    .filter((line) => !/ from [A-Z_-]+ to [A-Z_-]+/.test(line))
    .join("\n");
}

/** CPU seconds that a process has used so far. */
export function cpuSeconds(running: Running): number {
  const text = readFileSync(`/proc/${running.child.pid}/stat`, "utf8");
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

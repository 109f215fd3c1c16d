// Terminals for a page's commands: shells in namespaces of their own (mounts, network, processes), so that names such as `h1` meet nobody
// else's and everything is gone when the machine is. Needs root.
import { type ChildProcess, type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";

const POLL_MS = 20;

/** A machine of its own in the middle of this one: no interface but `lo`, no named namespace, no other process. */
export class FreshMachine implements AsyncDisposable {
  readonly #first: ChildProcess;
  readonly #terminals = new Map<string, Terminal>();
  readonly #folder: string;

  /** `folder`: where its shells start */
  constructor(folder: string) {
    this.#folder = folder;
    const own = ["--mount", "--net", "--pid", "--fork", "--kill-child", "--mount-proc"];
    const prepare = "mount -t tmpfs run /run && ip link set lo up && echo ready && exec sleep 600";
    this.#first = spawn("unshare", [...own, "sh", "-c", prepare], { stdio: ["ignore", "pipe", "inherit"] });
  }

  /** Resolves when shells can be opened. */
  async ready(): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.#first.stdout!.once("data", () => resolve());
      this.#first.once("exit", () => reject(new Error("no namespaces of our own")));
    });
  }

  /** The terminal of that name, opened if there is none. */
  terminal(name: string): Terminal {
    const known = this.#terminals.get(name);
    if (known !== undefined) return known;
    const opened = new Terminal(name, children(this.#first.pid!)[0]!, this.#folder);
    this.#terminals.set(name, opened);
    return opened;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const gone = new Promise((resolve) => this.#first.once("exit", resolve));
    this.#first.kill("SIGKILL");
    await gone;
  }
}

/** A shell: what is typed, what it printed, and whether it is back at its prompt. */
class Terminal {
  readonly name: string;
  readonly #shell: ChildProcessWithoutNullStreams;
  #printed = "";
  #blocks = 0;
  #taken = 0;

  constructor(name: string, pid: number, folder: string) {
    this.name = name;
    this.#shell = spawn("nsenter", [...entering(pid), "bash"], {
      env: { ...process.env, XDG_RUNTIME_DIR: folder, FORCE_COLOR: "0" },
    });
    for (const stream of [this.#shell.stdout, this.#shell.stderr]) {
      stream.setEncoding("utf8").on("data", (text: string) => {
        this.#printed += text;
      });
    }
    this.#shell.stdin.write(`exec 2>&1; cd '${folder}'\n`);
  }

  /** Types lines; a line `# Ctrl-C` is the key. */
  async type(lines: readonly string[]): Promise<void> {
    const typed = lines.filter((line) => line !== "# Ctrl-C");
    if (typed.length < lines.length) this.#interrupt();
    if (typed.length === 0) return;
    this.#blocks++;
    this.#shell.stdin.write(`${typed.join("\n")}\necho "${this.#mark()}"\n`);
  }

  /** Whether all that was typed has ended. */
  get isAtPrompt(): boolean {
    return this.#blocks === 0 || this.#printed.includes(this.#mark());
  }

  /** What was printed since the last call of `take`. */
  get output(): string[] {
    const text = this.#printed.slice(this.#taken).replace(/^@@ \w+ \d+\n/gm, "");
    const trimmed = text.trimEnd();
    return trimmed === "" ? [] : trimmed.split("\n").map((line) => line.trimEnd());
  }

  /** Marks the output as seen. */
  take(): string[] {
    const { output } = this;
    this.#taken = this.#printed.length;
    return output;
  }

  /** Waits until `condition`. @returns false if it did not come in time */
  async until(condition: () => boolean, timeoutMs: number): Promise<boolean> {
    for (let waited = 0; waited < timeoutMs; waited += POLL_MS) {
      if (condition()) return true;
      await sleep(POLL_MS);
    }
    return condition();
  }

  /** Waits until nothing has been printed for `quietMs`. */
  async settle(quietMs: number): Promise<void> {
    for (let before = -1; before !== this.#printed.length; ) {
      before = this.#printed.length;
      await sleep(quietMs);
    }
  }

  #mark(): string {
    return `@@ ${this.name} ${this.#blocks}`;
  }

  // As the terminal would: to the command in the foreground, not to the shell that waits for it
  #interrupt(): void {
    let pid = this.#shell.pid!;
    for (let next = children(pid); next.length > 0; next = children(pid)) pid = next.at(-1)!;
    process.kill(pid, "SIGINT");
  }
}

function entering(pid: number): string[] {
  return ["--target", `${pid}`, "--mount", "--net", "--pid"];
}

function children(pid: number): number[] {
  return readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim().split(" ").filter(Boolean).map(Number);
}

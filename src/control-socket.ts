// A window into a running process: a unix socket, for its own user only, that tells what the stack's connections and counters are. One
// JSON line of question, one JSON line of answer. `wasmtcp ss` looks through it.
import { rmSync } from "node:fs";
import { chmod, mkdir, readdir, rm, stat } from "node:fs/promises";
import { connect, createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import type { ConnectionInfo, Stack } from "./stack-api.ts";
import type { Stats } from "./stats.ts";

/** What a stack says of itself. */
export interface StackReport {
  /** Number of the process. */
  pid: number;
  /** What the process was started as. */
  title: string;
  /** As `Stack.connections`. */
  connections: ConnectionInfo[];
  /** As `Stack.stats`. */
  stats: Stats;
}

/** An open control socket. */
export interface ControlSocket extends AsyncDisposable {
  /** The unix socket. */
  readonly path: string;
  /** Closes and removes it. */
  close(): Promise<void>;
}

const SUFFIX = ".sock";
const ANSWER_TIMEOUT_MS = 2000;
/** A question is one short line: whoever sends more means something else. */
const QUESTION_MAX = 1024;

/** Where the control sockets of this user's processes lie: `$XDG_RUNTIME_DIR/wasmtcp`, or a folder of the user's in the temporary one. */
export function controlFolder(): string {
  const { XDG_RUNTIME_DIR } = process.env;
  if (XDG_RUNTIME_DIR) return join(XDG_RUNTIME_DIR, "wasmtcp");
  return join(tmpdir(), `wasmtcp-${process.getuid?.() ?? "user"}`);
}

/**
 * Opens the control socket of this process for a stack: `PID.sock` in {@link controlFolder}, or `PID-2.sock` and so on for further stacks.
 * Only this user can connect. It does not keep the process alive.
 * @throws (rejects) Error: the folder belongs to somebody else, or cannot be written
 */
export async function openControlSocket(stack: Stack): Promise<ControlSocket> {
  const folder = await ownFolder();
  const server = createServer((socket) => {
    let question = "";
    socket.setEncoding("utf8").setTimeout(ANSWER_TIMEOUT_MS, () => socket.destroy());
    socket.on("error", () => socket.destroy());
    socket.on("data", (text: string) => {
      question += text;
      if (question.length > QUESTION_MAX) socket.destroy();
      else if (question.includes("\n")) socket.end(`${answer(question, stack)}\n`);
    });
  });
  const path = await listenAtFreeName(server, folder);
  server.unref();
  const remove = (): void => rmSync(path, { force: true });
  process.once("exit", remove);
  let closed: Promise<void> | undefined;
  const close = (): Promise<void> => {
    process.off("exit", remove);
    closed ??= new Promise((resolve) => server.close(() => resolve()));
    return closed;
  };
  return { path, close, [Symbol.asyncDispose]: close };
}

async function ownFolder(): Promise<string> {
  const folder = controlFolder();
  await mkdir(folder, { mode: 0o700, recursive: true });
  // In a folder that all may write to, somebody else may have made it before us.
  const { uid, mode } = await stat(folder);
  if (uid !== process.getuid?.()) throw new Error(`${folder} belongs to another user (uid ${uid})`);
  if ((mode & 0o077) !== 0) await chmod(folder, 0o700);
  return folder;
}

async function listenAtFreeName(server: Server, folder: string): Promise<string> {
  for (let number = 1; ; number++) {
    const path = join(folder, `${process.pid}${number === 1 ? "" : `-${number}`}${SUFFIX}`);
    if (!(await isAlive(path))) await rm(path, { force: true });
    try {
      await new Promise<void>((resolve, reject) => {
        server.once("error", reject).listen(path, () => {
          server.off("error", reject);
          resolve();
        });
      });
      await chmod(path, 0o600);
      return path;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EADDRINUSE") throw error;
    }
  }
}

function answer(question: string, stack: Stack): string {
  if (question.trim() !== "report") return JSON.stringify({ error: "expected 'report'" });
  const { pid, argv } = process;
  const title = [basename(argv[1] ?? "node"), ...argv.slice(2)].join(" ");
  const report: StackReport = { pid, title, connections: stack.connections(), stats: stack.stats() };
  return JSON.stringify(report, (_key, value) => (value === Number.POSITIVE_INFINITY ? "Infinity" : value));
}

/** Whether somebody answers at a control socket. */
function isAlive(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path, () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", () => resolve(false));
  });
}

/** The control sockets of this user's running processes; those of dead ones are removed. */
export async function findControlSockets(): Promise<string[]> {
  const folder = controlFolder();
  const names = await readdir(folder).catch(() => [] as string[]);
  const paths = names.filter((name) => name.endsWith(SUFFIX)).map((name) => join(folder, name));
  const alive = await Promise.all(paths.map(isAlive));
  await Promise.all(paths.filter((_, index) => !alive[index]).map((path) => rm(path, { force: true })));
  return paths.filter((_, index) => alive[index]);
}

/**
 * Asks a running process.
 * @throws (rejects) Error: nobody answers there, or not within two seconds, or not what was asked for
 */
export function readReport(path: string): Promise<StackReport> {
  return new Promise((resolve, reject) => {
    let text = "";
    const socket = connect(path, () => socket.write("report\n"));
    socket
      .setEncoding("utf8")
      .setTimeout(ANSWER_TIMEOUT_MS, () => socket.destroy(new Error(`${path} does not answer`)));
    socket.on("data", (part: string) => {
      text += part;
    });
    socket.once("error", reject);
    socket.once("end", () => {
      try {
        resolve(parseReport(text));
      } catch (error) {
        reject(new Error(`${path} answered with something else than a report`, { cause: error }));
      }
    });
  });
}

function parseReport(text: string): StackReport {
  const report = JSON.parse(text, (_key, value) => (value === "Infinity" ? Number.POSITIVE_INFINITY : value));
  if (!Array.isArray(report.connections)) throw new TypeError("no connections");
  return report as StackReport;
}

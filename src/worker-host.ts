// The core of a stack in a worker, hosted by piscina: one thread, one task that ends when the stack does. Carries the control plane (comlink),
// notices when the worker dies, and decides whether it keeps the process alive.
import { fileURLToPath } from "node:url";
import { MessageChannel, type MessagePort, type Worker } from "node:worker_threads";
import { wrap } from "comlink";
import { Piscina } from "piscina";
import { CONTROL_REQUESTS, STOP, WAKE_FD } from "../assembly/layout.ts";
import { endpointOf } from "./comlink-endpoint.ts";
import { Doorbell } from "./doorbell.ts";
import { closedError, StackCrashedError } from "./errors.ts";
import type { Referenced } from "./keep-alive.ts";
import type { SharedViews } from "./memory.ts";
import { loadAddon } from "./native.ts";
import type { RemoteControl, WorkerTask } from "./protocol.ts";
import type { StackHost } from "./stack-host.ts";
import { loadCore } from "./wasm.ts";

// This file runs as src/worker-host.ts or as dist/src/worker-host.js; the worker is the same kind of file.
const EXTENSION = import.meta.url.endsWith(".ts") ? "ts" : "js";
const WORKER = fileURLToPath(new URL(`../workers/stack-worker.${EXTENSION}`, import.meta.url));

/** ms a worker that was told to stop gets before its thread is terminated. */
const STOP_TIMEOUT_MS = 5000;

/** Workers to stop when the process exits: one that sleeps in poll would hold it up. */
const running = new Set<WorkerHost>();

type WorkerOptions = Pick<WorkerTask, "spinUs" | "affinity">;

function stopAll(): void {
  for (const host of running) host.askToStop();
}

/** The worker thread of one stack. */
export class WorkerHost implements StackHost {
  readonly doorbell: Doorbell;
  /** Rejects with a {@link StackCrashedError} if the worker dies before it is told to stop; never resolves. */
  readonly crashed: Promise<never>;
  readonly #views: SharedViews;
  readonly #pool: Piscina<WorkerTask, void>;
  readonly #port: MessagePort;
  readonly #control: RemoteControl;
  readonly #task: Promise<void>;
  readonly #exited: Promise<void>;
  /** Rejects when the worker can answer no more; never resolves. */
  readonly #gone: Promise<never>;
  #rejectGone!: (error: Error) => void;
  #piscinaWorker: Referenced | undefined;
  #reject!: (error: Error) => void;
  /** Its end, under way or over. */
  #stopped: Promise<void> | undefined;

  private constructor(views: SharedViews, module: WebAssembly.Module, { spinUs, affinity }: WorkerOptions) {
    this.#views = views;
    this.doorbell = new Doorbell(views.i32, (fd) => loadAddon().wake(fd));
    this.crashed = new Promise((_, reject) => {
      this.#reject = reject;
    });
    this.crashed.catch(() => {});
    this.#gone = new Promise((_, reject) => {
      this.#rejectGone = reject;
    });
    this.#gone.catch(() => {});
    // piscina's own waiting (atomics) would keep messages from a worker that has a task.
    this.#pool = new Piscina({ filename: WORKER, minThreads: 0, maxThreads: 1, atomics: "disabled" });
    this.#pool.on("error", (error: Error) => this.#crash(error));
    this.#pool.once("workerCreate", (info: object) => {
      this.#piscinaWorker = findReferenced(info);
    });
    const { port1, port2 } = new MessageChannel();
    this.#port = port1;
    this.#control = wrap(endpointOf(port1)) as unknown as RemoteControl;
    const task = { port: port2, memory: views.memory, module, spinUs, affinity };
    this.#task = this.#pool.run(task, { transferList: [port2] });
    const thread = this.#pool.threads[0];
    this.#exited = new Promise((resolve) => thread?.once("exit", () => resolve()) ?? resolve());
    this.#task.then(
      () => this.#crash(new Error("its task ended")),
      (error: Error) => this.#crash(error),
    );
    if (running.size === 0) process.on("exit", stopAll);
    running.add(this);
  }

  /**
   * Starts a worker on a memory whose CONFIG has been written. It keeps the process alive until `unref`.
   * @param options - see `StackOptions`
   */
  static async start(views: SharedViews, options: WorkerOptions): Promise<WorkerHost> {
    return new WorkerHost(views, await loadCore(), options);
  }

  get thread(): Worker | undefined {
    return this.#pool.threads[0];
  }

  /**
   * Calls the control plane.
   * @throws (rejects) {@link StackCrashedError} if the worker is dead or dies, ClosedError if it has been told to stop and has
   */
  async call<T>(request: (control: RemoteControl) => Promise<T>): Promise<T> {
    const answer = request(this.#control);
    // After the message: the core returns to its event loop until it has handled as many.
    Atomics.add(this.#views.i32, CONTROL_REQUESTS >>> 2, 1);
    this.doorbell.ring();
    return await Promise.race([answer, this.#gone]);
  }

  ref(): void {
    this.#port.ref();
  }

  unref(): void {
    this.#port.unref();
    // piscina keeps the process alive for a task that runs, which ours always does.
    this.#piscinaWorker?.unref();
  }

  /** Tells the loop to end; does not wait. */
  askToStop(): void {
    Atomics.store(this.#views.i32, STOP >>> 2, 1);
    this.doorbell.ring();
  }

  /** Ends the worker and waits until its thread is gone. */
  stop(): Promise<void> {
    this.#stopped ??= this.#stop();
    return this.#stopped;
  }

  async fail(error: Error): Promise<void> {
    if (this.#stopped === undefined) {
      this.#die(error);
      // Whoever waits for a crash hears of it before the core says how it ends its connections.
      await this.crashed.catch(() => {});
    }
    await this.stop();
  }

  async #stop(): Promise<void> {
    this.ref();
    this.askToStop();
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, STOP_TIMEOUT_MS);
    });
    await Promise.race([this.#task.catch(() => {}), late]);
    clearTimeout(timer);
    await this.#tearDown();
  }

  async #tearDown(): Promise<void> {
    // Neither the thread nor piscina keeps the process alive now, but whoever closes a stack waits for its end.
    const awake = setInterval(() => {}, STOP_TIMEOUT_MS);
    await Promise.all([this.#pool.destroy(), this.#exited]);
    clearInterval(awake);
    this.#port.close();
    this.#closeWakeFd();
    this.#rejectGone(closedError("stack"));
    running.delete(this);
    if (running.size === 0) process.off("exit", stopAll);
  }

  /** A worker that was killed leaves its eventfd open: it belongs to the process. */
  #closeWakeFd(): void {
    const fd = Atomics.exchange(this.#views.i32, WAKE_FD >>> 2, -1);
    if (fd >= 0) loadAddon().closeWakeFd(fd);
  }

  #crash(cause: Error): void {
    if (this.#stopped !== undefined) return;
    const message = `The stack's worker died: ${cause.message}`;
    this.#die(new StackCrashedError("ERR_STACK_CRASHED", message, { cause }));
    this.#stopped = this.#tearDown();
  }

  #die(error: Error): void {
    this.#reject(error);
    this.#rejectGone(error);
  }
}

/** What piscina's `workerCreate` event is about, to ref and unref; piscina has no public way. */
function findReferenced(info: object): Referenced | undefined {
  for (const key of Object.getOwnPropertySymbols(info)) {
    const value = (info as Record<symbol, unknown>)[key] as Partial<Referenced> | undefined;
    if (typeof value?.ref === "function" && typeof value.unref === "function") return value as Referenced;
  }
  return undefined;
}

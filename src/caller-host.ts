// The core of a stack in this thread, driven by its event loop. The other side of the door is workers/caller-stack.ts, which is loaded
// only when somebody wants it: for all others the loop and the links belong to workers.
import type { CallerStack } from "../workers/caller-stack.ts";
import type { Bell } from "./doorbell.ts";
import { closedError, StackCrashedError } from "./errors.ts";
import type { SharedViews } from "./memory.ts";
import type { RemoteControl, StackControl } from "./protocol.ts";
import type { StackHost } from "./stack-host.ts";
import { loadCore } from "./wasm.ts";

/** Stacks to end when the process exits: captures are written out. */
const running = new Set<CallerHost>();

function stopAll(): void {
  for (const host of [...running]) host.halt();
}

/** The event loop of the calling thread as the host of one stack. */
export class CallerHost implements StackHost {
  readonly thread = undefined;
  readonly doorbell: Bell;
  readonly crashed: Promise<never>;
  readonly #stack: CallerStack;
  readonly #control: RemoteControl;
  #reject!: (error: Error) => void;
  /** Its end, under way or over. */
  #stopped: Promise<void> | undefined;

  private constructor(Stack: typeof CallerStack, views: SharedViews, module: WebAssembly.Module, deliver: () => void) {
    this.crashed = new Promise((_, reject) => {
      this.#reject = reject;
    });
    this.crashed.catch(() => {});
    this.#stack = new Stack(views, module, deliver, (cause) => this.#crash(cause));
    this.doorbell = this.#stack;
    this.#control = remoteOf(this.#stack.control);
    if (running.size === 0) process.on("exit", stopAll);
    running.add(this);
  }

  /**
   * Prepares a core on a memory whose CONFIG has been written.
   * @param deliver - delivers the events of the core; called after each of its turns
   */
  static async start(views: SharedViews, deliver: () => void): Promise<CallerHost> {
    const [module, { CallerStack }] = await Promise.all([loadCore(), import("../workers/caller-stack.ts")]);
    return new CallerHost(CallerStack, views, module, deliver);
  }

  async call<T>(request: (control: RemoteControl) => Promise<T>): Promise<T> {
    if (this.#stopped !== undefined) {
      await Promise.race([this.crashed, this.#stopped]);
      throw closedError("stack");
    }
    const answer = await request(this.#control);
    this.doorbell.ring();
    // As with a worker, an answer takes a turn of the event loop: who polls must not keep the network from going on.
    await new Promise((resolve) => setImmediate(resolve));
    return answer;
  }

  ref(): void {
    this.#stack.ref();
  }

  unref(): void {
    this.#stack.unref();
  }

  stop(): Promise<void> {
    this.#stopped ??= this.#stack.stop().then(() => this.#leave());
    return this.#stopped;
  }

  /** As `stop`, in the last moments of the process. */
  halt(): void {
    this.#stopped ??= Promise.resolve();
    this.#stack.halt();
    this.#leave();
  }

  fail(error: Error): Promise<void> {
    if (this.#stopped === undefined) this.#reject(error);
    return this.stop();
  }

  #leave(): void {
    running.delete(this);
    if (running.size === 0) process.off("exit", stopAll);
  }

  #crash(cause: Error): void {
    if (this.#stopped !== undefined) return;
    this.#stopped = Promise.resolve();
    this.#leave();
    const message = `The stack died: ${cause.message}`;
    this.#reject(new StackCrashedError("ERR_STACK_CRASHED", message, { cause }));
  }
}

/** The control plane as if it were in another thread. */
function remoteOf(control: StackControl): RemoteControl {
  const handler: ProxyHandler<StackControl> = {
    get: (target, name) => {
      const method = target[name as keyof StackControl] as (...args: unknown[]) => unknown;
      return async (...args: unknown[]) => method.apply(target, args);
    },
  };
  return new Proxy(control, handler) as unknown as RemoteControl;
}

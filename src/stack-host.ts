// Where the core of a stack runs, as the rest of the main thread sees it: a worker (worker-host.ts) or this thread (caller-host.ts).
import type { Worker } from "node:worker_threads";
import type { Bell } from "./doorbell.ts";
import type { Referenced } from "./keep-alive.ts";
import type { RemoteControl } from "./protocol.ts";

/** The host of one core. */
export interface StackHost extends Referenced {
  /** The thread of the core's own, while there is one. */
  readonly thread: Worker | undefined;
  /** Tells the core that there are operations for it. */
  readonly doorbell: Bell;
  /** Rejects with a {@link StackCrashedError} if the core dies before it is told to stop; never resolves. */
  readonly crashed: Promise<never>;
  /**
   * Calls the control plane.
   * @throws (rejects) {@link StackCrashedError} if the core is dead or dies, ClosedError (`ERR_STACK_CLOSED`) if it has been stopped
   */
  call<T>(request: (control: RemoteControl) => Promise<T>): Promise<T>;
  /** Ends the core, or waits for its end if it is over; returns when nothing of it is left. */
  stop(): Promise<void>;
  /** As `stop`, but the core counts as crashed, with this error. */
  fail(error: Error): Promise<void>;
}

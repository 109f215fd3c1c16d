// A stack on the thread that asked for it: what stack-worker.ts is to a worker. Wiring only.

import type { CoreExports } from "../src/core-exports.ts";
import { registerLocalBell } from "../src/local-bells.ts";
import type { SharedViews } from "../src/memory.ts";
import { Control } from "./control.ts";
import { Driver } from "./driver.ts";
import { Loop } from "./loop.ts";
import { AtomicsWaker, LoopWaker } from "./wakers.ts";

/** One core, its links, and the driver once the control plane has started them. */
export class CallerStack {
  readonly control: Control;
  #driver: Driver | undefined;
  #isHeld = true;

  /**
   * @param deliver - delivers the events of the core; called after each turn
   * @param onCrash - the core trapped; everything has been closed
   */
  constructor(views: SharedViews, module: WebAssembly.Module, deliver: () => void, onCrash: (error: Error) => void) {
    const { i32, memory } = views;
    const instance = new WebAssembly.Instance(module, { env: { memory } });
    const core = instance.exports as unknown as CoreExports;
    const clock = (): number => performance.now() * 1000;
    this.control = new Control(views, core, () => {
      const { ports, links } = this.control;
      const { packet } = links;
      this.#driver = new Driver({
        loop: new Loop({ core, i32, ports, clock }),
        i32,
        clock,
        openWaker: (onWake) =>
          packet.length === 0 ? new AtomicsWaker(i32, onWake) : new LoopWaker(i32, packet, onWake),
        deliver,
        onCrash: (error) => {
          this.control.close();
          onCrash(error);
        },
      });
      registerLocalBell(views.buffer, this);
      if (this.#isHeld) this.#driver.ref();
      this.ring();
    });
  }

  /** There are operations, or a peer of this thread has news. */
  ring(): void {
    this.#driver?.ring();
  }

  ref(): void {
    this.#isHeld = true;
    this.#driver?.ref();
  }

  unref(): void {
    this.#isHeld = false;
    this.#driver?.unref();
  }

  /** Ends it; resolves when nothing is left open. */
  async stop(): Promise<void> {
    this.ref();
    await this.#driver?.stop();
    this.control.close();
  }

  /** As `stop`, at once: the process ends. */
  halt(): void {
    this.#driver?.halt();
    this.control.close();
  }
}

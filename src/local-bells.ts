// Cores that run in this thread, by their memory: another core of the thread rings them by a call instead of through shared memory. Each
// thread has a table of its own.
import { type Bell, Doorbell } from "./doorbell.ts";
import { loadAddon } from "./native.ts";

const bells = new WeakMap<SharedArrayBuffer, Bell>();

/** From now on the core in this memory is rung by `bell`, until it is garbage. */
export function registerLocalBell(memory: SharedArrayBuffer, bell: Bell): void {
  bells.set(memory, bell);
}

/** How to ring the core in a memory, wherever it runs. */
export function bellOf(memory: SharedArrayBuffer): Bell {
  return bells.get(memory) ?? new Doorbell(new Int32Array(memory), (fd) => loadAddon().wake(fd));
}

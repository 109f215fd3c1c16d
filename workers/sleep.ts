// How a loop sleeps: on the doorbell word alone when all links are in memory, in the addon's poll when there are sockets of the
// kernel to listen to. The other side of both is src/doorbell.ts.
import { DOORBELL_PENDING, DOORBELL_SLEEPING, SLEEP_AWAKE, SLEEP_FUTEX, SLEEP_POLL } from "../assembly/layout.ts";
import { loadAddon } from "../src/native.ts";
import type { PacketPort } from "./ports/packet-port.ts";
import { blockedPorts, WakeFd } from "./wake-fd.ts";

/** Longest sleep: a worker that is terminated notices when it wakes up. */
export const MAX_SLEEP_US = 500_000;

/** A way to sleep. */
export interface Sleeper {
  /** See `Rest.sleep`. */
  sleep(timeoutUs: number): void;
  close(): void;
}

/** Sleeps in Atomics.wait on the doorbell. `maxSleepUs`: for tests, which must notice a wake-up that was lost. */
export function futexSleeper(i32: Int32Array<SharedArrayBuffer>, maxSleepUs = MAX_SLEEP_US): Sleeper {
  return {
    sleep(timeoutUs) {
      Atomics.store(i32, DOORBELL_SLEEPING >>> 2, SLEEP_FUTEX);
      // Looks at pending once more itself: whoever set it before this was not told that we sleep.
      Atomics.wait(i32, DOORBELL_PENDING >>> 2, 0, Math.min(timeoutUs, maxSleepUs) / 1000);
      Atomics.store(i32, DOORBELL_SLEEPING >>> 2, SLEEP_AWAKE);
    },
    close() {},
  };
}

/** Sleeps in poll on the packet sockets and an eventfd. */
export function pollSleeper(i32: Int32Array<SharedArrayBuffer>, ports: readonly PacketPort[]): Sleeper {
  const wakeFd = new WakeFd(i32);
  const waiter = new (loadAddon().Waiter)(wakeFd.fd);
  for (const { socket } of ports) waiter.add(socket);
  return {
    sleep(timeoutUs) {
      const wantWritable = blockedPorts(ports);
      Atomics.store(i32, DOORBELL_SLEEPING >>> 2, SLEEP_POLL);
      // Looked at after we said how we sleep: whoever sets it from now on writes the eventfd.
      if (Atomics.load(i32, DOORBELL_PENDING >>> 2) === 0) waiter.wait(Math.min(timeoutUs, MAX_SLEEP_US), wantWritable);
      Atomics.store(i32, DOORBELL_SLEEPING >>> 2, SLEEP_AWAKE);
    },
    close: () => wakeFd.close(),
  };
}

// How a loop sleeps: on the doorbell word alone when all links are in memory, in the addon's poll when there are sockets of the
// kernel to listen to. The other side of both is src/doorbell.ts.
import {
  DOORBELL_PENDING,
  DOORBELL_SLEEPING,
  SLEEP_AWAKE,
  SLEEP_FUTEX,
  SLEEP_POLL,
  WAKE_FD,
} from "../assembly/layout.ts";
import { loadAddon } from "../src/native.ts";
import type { PacketPort } from "./ports/packet-port.ts";

/** Longest sleep: a worker that is terminated notices when it wakes up. */
export const MAX_SLEEP_US = 500_000;

/** A way to sleep. */
export interface Sleeper {
  /** See `LoopParts.sleep`. */
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
  const addon = loadAddon();
  const wakeFd = addon.createWakeFd();
  const waiter = new addon.Waiter(wakeFd);
  for (const { socket } of ports) waiter.add(socket);
  Atomics.store(i32, WAKE_FD >>> 2, wakeFd);
  return {
    sleep(timeoutUs) {
      let wantWritable = 0;
      for (let n = 0; n < ports.length; n++) if (ports[n]!.blocked) wantWritable |= 1 << n;
      Atomics.store(i32, DOORBELL_SLEEPING >>> 2, SLEEP_POLL);
      // Looked at after we said how we sleep: whoever sets it from now on writes the eventfd.
      if (Atomics.load(i32, DOORBELL_PENDING >>> 2) === 0) waiter.wait(Math.min(timeoutUs, MAX_SLEEP_US), wantWritable);
      Atomics.store(i32, DOORBELL_SLEEPING >>> 2, SLEEP_AWAKE);
    },
    close() {
      // Taken back first, so that nobody rings a number that may be another file's.
      if (Atomics.compareExchange(i32, WAKE_FD >>> 2, wakeFd, -1) === wakeFd) addon.closeWakeFd(wakeFd);
    },
  };
}

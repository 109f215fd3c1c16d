// How an event loop is woken for a stack on the caller's thread: by shared memory and timers when all links are in memory, by the addon
// (libuv) when there are sockets of the kernel to listen to. What sleep.ts is to a worker.
import { DOORBELL_PENDING, SLEEP_FUTEX, SLEEP_POLL } from "../assembly/layout.ts";
import { type LoopWatcher, loadAddon } from "../src/native.ts";
import type { Waker } from "./driver.ts";
import type { PacketPort } from "./ports/packet-port.ts";
import { blockedPorts, WakeFd } from "./wake-fd.ts";

/** ms between the ticks of a timer that only keeps the process alive. */
const KEEP_ALIVE_MS = 2 ** 30;
const MOST_TIMEOUT_MS = 2 ** 31 - 1;

/** Wakes by Atomics.waitAsync on the doorbell and by timers; the last millisecond before a deadline it asks in every turn of the loop. */
export class AtomicsWaker implements Waker {
  readonly kind = SLEEP_FUTEX;
  readonly #i32: Int32Array<SharedArrayBuffer>;
  readonly #onWake: () => void;
  readonly #keepAlive = setInterval(() => {}, KEEP_ALIVE_MS).unref();
  readonly #rung = (): void => {
    this.#isWaiting = false;
    if (!this.#isClosed) this.#onWake();
  };
  readonly #late = (): void => {
    this.#timerMs = Number.POSITIVE_INFINITY;
    this.#onWake();
  };
  #timer: NodeJS.Timeout | undefined;
  #timerMs = Number.POSITIVE_INFINITY;
  #immediate: NodeJS.Immediate | undefined;
  #isWaiting = false;
  #isClosed = false;

  constructor(i32: Int32Array<SharedArrayBuffer>, onWake: () => void) {
    this.#i32 = i32;
    this.#onWake = onWake;
  }

  arm(timeoutUs: number): void {
    clearImmediate(this.#immediate);
    // Rung after the driver looked and before we waited: nobody is told, so we look once more.
    if (!this.#wait()) this.#immediate = setImmediate(this.#onWake);
    else if (timeoutUs === Number.POSITIVE_INFINITY) return;
    // An immediate that is unref'ed would not make the event loop turn: for a process that may end a timer is good enough.
    else if (timeoutUs < 1000 && this.#keepAlive.hasRef()) this.#immediate = setImmediate(this.#onWake);
    else this.#setTimer(Math.floor(timeoutUs / 1000));
  }

  ref(): void {
    this.#keepAlive.ref();
  }

  unref(): void {
    this.#keepAlive.unref();
  }

  close(): void {
    this.#isClosed = true;
    clearImmediate(this.#immediate);
    clearTimeout(this.#timer);
    clearInterval(this.#keepAlive);
    // Nothing waits for a memory that nobody needs any more.
    if (this.#isWaiting) Atomics.notify(this.#i32, DOORBELL_PENDING >>> 2);
  }

  /** @returns false if the bell has been rung already */
  #wait(): boolean {
    if (this.#isWaiting) return true;
    const wait = Atomics.waitAsync(this.#i32, DOORBELL_PENDING >>> 2, 0);
    if (!wait.async) return false;
    this.#isWaiting = true;
    void wait.value.then(this.#rung);
    return true;
  }

  /** An earlier one stays and wakes for nothing: deadlines move with each segment. */
  #setTimer(timeoutMs: number): void {
    const dueMs = performance.now() + timeoutMs;
    if (this.#timerMs <= dueMs) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(this.#late, Math.min(timeoutMs, MOST_TIMEOUT_MS)).unref();
    this.#timerMs = dueMs;
  }
}

/** Wakes by the addon, which has libuv watch the packet sockets, an eventfd and a timer. */
export class LoopWaker implements Waker {
  readonly kind = SLEEP_POLL;
  readonly #ports: readonly PacketPort[];
  readonly #wakeFd: WakeFd;
  readonly #watcher: LoopWatcher;

  /** @throws AddonError; Error with code EMFILE; nothing stays open */
  constructor(i32: Int32Array<SharedArrayBuffer>, ports: readonly PacketPort[], onWake: () => void) {
    this.#ports = ports;
    this.#wakeFd = new WakeFd(i32);
    try {
      this.#watcher = new (loadAddon().LoopWatcher)(this.#wakeFd.fd, onWake);
    } catch (error) {
      this.#wakeFd.close();
      throw error;
    }
    try {
      for (const { socket } of ports) this.#watcher.add(socket);
    } catch (error) {
      this.close();
      throw error;
    }
  }

  arm(timeoutUs: number): void {
    this.#watcher.arm(timeoutUs, blockedPorts(this.#ports));
  }

  ref(): void {
    this.#watcher.ref();
  }

  unref(): void {
    this.#watcher.unref();
  }

  close(): void {
    this.#watcher.close();
    this.#wakeFd.close();
  }
}

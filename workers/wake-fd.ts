// What a core needs to sleep in poll: an eventfd, made here and published in its memory (WAKE_FD), where src/doorbell.ts finds it; and which
// of its sockets it waits for until they may send again.
import { WAKE_FD } from "../assembly/layout.ts";
import { loadAddon } from "../src/native.ts";
import type { PacketPort } from "./ports/packet-port.ts";

/** The eventfd of one core. */
export class WakeFd {
  readonly fd: number;
  readonly #i32: Int32Array;

  constructor(i32: Int32Array) {
    this.fd = loadAddon().createWakeFd();
    this.#i32 = i32;
    Atomics.store(i32, WAKE_FD >>> 2, this.fd);
  }

  close(): void {
    const { fd } = this;
    // Taken back first, so that nobody rings a number that may be another file's.
    if (Atomics.compareExchange(this.#i32, WAKE_FD >>> 2, fd, -1) === fd) loadAddon().closeWakeFd(fd);
  }
}

/** `wantWritable` of the addon's `wait` and `arm`: a bit for each port that is blocked. */
export function blockedPorts(ports: readonly PacketPort[]): number {
  let bits = 0;
  for (let n = 0; n < ports.length; n++) if (ports[n]!.blocked) bits |= 1 << n;
  return bits;
}

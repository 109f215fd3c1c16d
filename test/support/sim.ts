// Simulated transfers for tests: a reproducible stream of bytes, written by one socket and checked by the other, and the check that
// nothing is left when all is over.
import * as assert from "uvu/assert";
import {
  USAGE_HEAP_BYTES,
  USAGE_RTX_RECORDS,
  USAGE_TCBS,
  USAGE_TCP_TIMERS,
  USAGE_TX_FRAMES,
} from "../../assembly/layout.ts";
import { Random } from "../../src/links/random.ts";
import {
  loadCore,
  type SimHost,
  type SimListener,
  type SimSocket,
  Simulator,
  type SimulatorOptions,
} from "../../src/sim/index.ts";
import { TESTING_WASM } from "./wasm.ts";

export const A = 0x0a000001;
export const B = 0x0a000002;
export const MIB = 1024 * 1024;
export const SECOND = 1_000_000;

let module: WebAssembly.Module | undefined;

/** The testing build, compiled once. */
export function coreModule(): WebAssembly.Module {
  module ??= loadCore(TESTING_WASM);
  return module;
}

/** A simulator on the testing build. */
export function simulate(options: Omit<SimulatorOptions, "module"> = {}): Simulator {
  return new Simulator({ module: coreModule(), ...options });
}

// A prime, so that no shift by a power of two gives the same bytes
const PERIOD = 1_048_573;
const pattern = new Uint8Array(2 * PERIOD);
const dice = new Random(20_24);
for (let i = 0; i < PERIOD; i++) pattern[i] = pattern[i + PERIOD] = dice.below(256);

/** Writes the stream from byte `from` on. */
export class Writer {
  sent = 0;
  readonly socket: SimSocket;
  readonly total: number;
  readonly #chunk: number;

  constructor(socket: SimSocket, total: number, chunk = 65_536) {
    this.socket = socket;
    this.total = total;
    this.#chunk = chunk;
  }

  /** `SEND_MARK_` bits of the next write. */
  mark(): number {
    return 0;
  }

  /** Writes what there is room for; closes the direction after the last byte. */
  pump(): void {
    while (this.sent < this.total) {
      const from = this.sent % PERIOD;
      const length = Math.min(this.#chunk, this.total - this.sent, PERIOD);
      const count = this.socket.write(pattern.subarray(from, from + length), 0, this.mark());
      this.sent += count;
      if (count < length) return;
      if (this.sent === this.total) this.socket.closeWrite();
    }
  }
}

/** Reads the stream and compares it byte by byte. */
export class Reader {
  received = 0;
  ended = false;
  readonly socket: SimSocket;
  readonly #buffer: Uint8Array;

  constructor(socket: SimSocket, chunk = 65_536) {
    this.socket = socket;
    this.#buffer = new Uint8Array(chunk);
  }

  pump(): void {
    while (!this.ended) {
      const count = this.socket.read(this.#buffer);
      if (count === null) {
        this.ended = true;
        return;
      }
      if (count === 0) return;
      const from = this.received % PERIOD;
      const expected = Buffer.from(pattern.buffer, from, count);
      if (expected.compare(this.#buffer, 0, count) !== 0) assert.unreachable(`wrong bytes after ${this.received}`);
      this.received += count;
    }
  }
}

/** An established connection: `[client on a, server on b]`. */
export function connected(
  sim: Simulator,
  port = 80,
  backlog = 16,
): { client: SimSocket; server: SimSocket; listener: SimListener } {
  const listener = sim.b.listen(port, backlog);
  sim.runFor(1);
  const client = sim.a.connect(B, port);
  assert.ok(
    sim.runFor(120 * SECOND, () => listener.pending > 0 && client.connected),
    "handshake",
  );
  return { client, server: listener.accept()!, listener };
}

/** Sends `bytes` from client to server (and, if told, as many back), closes both ways, and checks every byte. @returns µs it took */
export function transfer(sim: Simulator, bytes: number, options: { back?: number; limitUs?: number } = {}): number {
  const { client, server, listener } = connected(sim);
  const startUs = sim.nowUs;
  const there = [new Writer(client, bytes), new Writer(server, options.back ?? 0)];
  const back = [new Reader(server), new Reader(client)];
  if (options.back === undefined) server.closeWrite();
  const processes = [...there.map((w) => () => w.pump()), ...back.map((r) => () => r.pump())];
  sim.processes.push(...processes);
  const isDone = sim.runFor(
    options.limitUs ?? 600 * SECOND,
    () => back.every((r) => r.ended) && client.closed && server.closed,
  );
  sim.processes.splice(0);
  const state = `${back[0]!.received} of ${bytes} bytes, ${client.state} ${client.error} / ${server.state} ${server.error}`;
  assert.ok(isDone, `not done at ${sim.nowUs} µs: ${state}`);
  assert.is(back[0]!.received, bytes);
  assert.is(back[1]!.received, options.back ?? 0);
  assert.is(client.error, 0);
  assert.is(server.error, 0);
  const tookUs = sim.nowUs - startUs;
  listener.close();
  assertAllFree(sim);
  return tookUs;
}

const KINDS: [kind: number, name: string][] = [
  [USAGE_TCBS, "TCBs"],
  [USAGE_RTX_RECORDS, "retransmission records"],
  [USAGE_HEAP_BYTES, "heap bytes"],
  [USAGE_TCP_TIMERS, "TCP timers"],
  [USAGE_TX_FRAMES, "TX frames"],
];

/** Waits until TIME-WAIT and the like are over, then: nothing is left of any connection. */
export function assertAllFree(sim: Simulator): void {
  sim.runFor(300 * SECOND);
  for (const host of [sim.a, sim.b]) assertFree(host);
}

/** Nothing of any connection is left on a host; it listens nowhere. */
export function assertFree(host: SimHost): void {
  for (const [kind, name] of KINDS) {
    const left = host.exports.usage(kind) - (kind === USAGE_HEAP_BYTES ? host.linkHeapBytes : 0);
    assert.is(left, 0, `${left} ${name} left`);
  }
}

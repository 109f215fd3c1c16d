// A wire in user space between two interfaces of this machine, plain or impaired: what a cable with `tc netem` would be, on any kernel.
// Lifecycle and counters; frames are the business of workers/wire/.
import { fileURLToPath } from "node:url";
import { MessageChannel } from "node:worker_threads";
import { Piscina } from "piscina";
import {
  HEAP,
  INTERFACE_BYTES,
  INTERFACE_LINK_DROPS,
  INTERFACE_LINK_ERRORS,
  INTERFACES,
  STOP,
} from "../assembly/layout.ts";
import { object } from "./argument-checks.ts";
import { invalidType } from "./errors.ts";
import { failureError } from "./failure.ts";
import { argumentError } from "./links/argument-errors.ts";
import type { ImpairmentCounters } from "./links/impairment.ts";
import { type Impairments, validateImpairment } from "./links/impairment-options.ts";
import { createMemory, type SharedViews } from "./memory.ts";
import { loadAddon } from "./native.ts";
import type { Failure } from "./protocol.ts";
import { PASSAGE_HEAP_BYTES, readPassageCounters, SIDES_HEAP_BYTES, type WireTask } from "./wire-task.ts";

const EXTENSION = import.meta.url.endsWith(".ts") ? "ts" : "js";
const WORKER = fileURLToPath(new URL(`../workers/wire/wire-worker.${EXTENSION}`, import.meta.url));

/** What to join, and what happens on the way. */
export interface WireOptions {
  /** Names of two different interfaces of this network namespace; both should be up, without addresses. */
  interfaces: readonly [string, string];
  /** What happens to packets from the first to the second interface. Default: nothing; then super-segments pass whole. */
  aToB?: Impairments;
  /** And back. */
  bToA?: Impairments;
}

/** What happened in one direction: frames when the direction is plain, packets of wire size when it is impaired. */
export interface PassageCounters extends ImpairmentCounters {
  /** Frames that the kernel lost in front of us: our queue was full. */
  linkDrops: number;
  /** Frames that the other interface did not take: longer than its MTU, or it was down. */
  linkErrors: number;
}

/** A wire that carries frames until it is closed. */
export class Wire implements AsyncDisposable {
  /**
   * Settles when the wire has ended: resolves after `close()`, rejects when it broke.
   * @throws (rejects) Error `ENODEV`: an interface was deleted
   */
  readonly closed: Promise<void>;
  readonly #views: SharedViews;
  readonly #wakeFd: number;
  #isOver = false;

  /** For `createWire`. */
  constructor(views: SharedViews, wakeFd: number, closed: Promise<void>) {
    this.#views = views;
    this.#wakeFd = wakeFd;
    this.closed = closed.finally(() => {
      this.#isOver = true;
      loadAddon().closeWakeFd(wakeFd);
    });
    this.closed.catch(() => {});
  }

  /** What happened so far, at most 50 ms old while frames flow. */
  counters(): {
    /** From the first interface to the second. */
    aToB: PassageCounters;
    /** And back. */
    bToA: PassageCounters;
  } {
    return { aToB: this.#passage(0), bToA: this.#passage(1) };
  }

  /** Ends the wire; packets that are under way are lost. Returns once both interfaces are free. */
  async close(): Promise<void> {
    Atomics.store(this.#views.i32, STOP >>> 2, 1);
    if (!this.#isOver) loadAddon().wake(this.#wakeFd);
    await this.closed.catch(() => {});
  }

  /** `close()`. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #passage(index: 0 | 1): PassageCounters {
    const { f64, u64 } = this.#views;
    const record = (side: number, field: number): number =>
      Number(u64[(INTERFACES + side * INTERFACE_BYTES + field) >>> 3]!);
    return {
      ...readPassageCounters(f64, index),
      linkDrops: record(index, INTERFACE_LINK_DROPS),
      linkErrors: record(1 - index, INTERFACE_LINK_ERRORS),
    };
  }
}

/**
 * Joins two interfaces of this machine. Needs CAP_NET_RAW and the native addon.
 * @example
 * await using wire = await createWire({ interfaces: ["left", "right"], aToB: { delayMs: 10, loss: 0.01 } });
 * await wire.closed;
 * @throws (rejects) TypeError, RangeError for options that make no sense; AddonError; Error with code, errno and syscall: EPERM without
 * CAP_NET_RAW, ENODEV for an unknown interface, ENOTSUP for one that is not Ethernet, ENOMEM
 */
export async function createWire(options: WireOptions): Promise<Wire> {
  const { interfaces, aToB, bToA } = object("options", options);
  const isPair = Array.isArray(interfaces) && interfaces.length === 2;
  if (!isPair || interfaces.some((name: unknown) => typeof name !== "string")) {
    throw invalidType("interfaces", "two names", interfaces);
  }
  if (interfaces[0] === interfaces[1])
    throw argumentError(`Expected two different interfaces, got '${interfaces[0]}' twice`);
  for (const impairments of [aToB, bToA]) if (impairments !== undefined) validateImpairment(impairments);
  const { createWakeFd, closeWakeFd } = loadAddon();
  const views = createMemory(SIDES_HEAP_BYTES + (aToB || bToA ? 2 * PASSAGE_HEAP_BYTES : 0));
  const wakeFd = createWakeFd();
  const pool = new Piscina<WireTask, Failure | null>({
    filename: WORKER,
    minThreads: 0,
    maxThreads: 1,
    atomics: "disabled",
  });
  const { port1, port2 } = new MessageChannel();
  const opened = new Promise<void>((resolve) => port1.once("message", () => resolve()));
  const task: WireTask = {
    memory: views.memory,
    interfaces,
    heap: HEAP,
    wakeFd,
    ready: port2,
    aToB: aToB ?? null,
    bToA: bToA ?? null,
  };
  const ended = pool
    .run(task, { transferList: [port2] })
    .then((failure) => {
      if (failure !== null) throw failureError(failure);
    })
    .finally(() => pool.destroy());
  try {
    await Promise.race([opened, ended]);
  } catch (error) {
    closeWakeFd(wakeFd);
    throw error;
  } finally {
    port1.close();
  }
  return new Wire(views, wakeFd, ended);
}

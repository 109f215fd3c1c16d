// What the two threads of a stack say to each other: the task that starts the worker, and the control plane that comlink carries
// afterwards. Data never travels here, but through the shared memory (assembly/layout.ts).
import type { MessagePort } from "node:worker_threads";
import type { Affinity } from "./cpu-set.ts";
import type { Link } from "./links/link.ts";
import type { ShardRelay } from "./shards/relay.ts";
import type { ShardPlace } from "./shards/shard-of.ts";

/** The one never-ending task of the worker. */
export interface WorkerTask {
  /** The worker's end of the control plane. */
  port: MessagePort;
  memory: WebAssembly.Memory;
  /** The compiled core. */
  module: WebAssembly.Module;
  /** µs the loop looks on for work before it sleeps. */
  spinUs: number;
  /** Where the thread may run. */
  affinity: Affinity;
}

/** What a packet link of a stack with several shards needs to know. */
export interface ShardedLink extends ShardPlace {
  /** What the first shard tells the others of the interface, see COMMON_. */
  common: Int32Array<SharedArrayBuffer>;
  /** Of the first shard: to each of the others. Of another: its own. */
  relays: readonly ShardRelay[];
}

/** An interface to bring up. */
export interface InterfaceSetup {
  name: string;
  link: Link;
  /** u32, host order. */
  address: number;
  prefixLength: number;
  /** 6 bytes. */
  mac: Uint8Array;
  /** Bytes of an IP packet, at first. */
  mtu: number;
  /** The most it may become when the link's changes. */
  mtuLimit: number;
  /** If the stack has several shards. */
  shard?: ShardedLink;
  /** Whether the core merges frames that continue one another. */
  gro: boolean;
}

/** A route to enter. `destination` and `gateway` are u32 in host order, `interfaceIndex` counts the loopback as 0. */
export interface RouteSetup {
  destination: number;
  prefixLength: number;
  gateway: number;
  interfaceIndex: number;
}

/** What the worker brings up before its loop starts. */
export interface StackSetup {
  interfaces: InterfaceSetup[];
  routes: RouteSetup[];
}

/** An error on its way between threads. */
export interface Failure {
  message: string;
  code: string;
  errno: number | undefined;
  syscall: string | undefined;
}

/** What a link said of itself when it was opened, see `Port`. */
export interface OpenedLink {
  gsoMax: number;
  checksumOffload: boolean;
  rxSlots: number;
}

/** The answer to `start`. */
export type StartResult = { ok: true; started: StartedCore } | { ok: false; failure: Failure };

/** What came of a start. */
export interface StartedCore {
  /** Wall clock (ms since 1970) at zero of the core's clock. */
  timeOriginMs: number;
  /** In the order of their interfaces. */
  links: OpenedLink[];
  /** The processors that the worker was given, or undefined if it was left where it was. */
  cpus: readonly number[] | undefined;
}

/** What the core and its links hold at the moment; all zero but for links' own blocks after everything was closed. */
export interface Usage {
  /** Records in use: connections, listeners, TIME-WAIT. */
  tcbs: number;
  /** Connections that were closed here and wait for the peer's end; TIME-WAIT aside. */
  orphans: number;
  /** Records of sent segments that are not acknowledged. */
  retransmissionRecords: number;
  /** Connections with an armed timer. */
  timers: number;
  /** Frames that wait for their links. */
  txFrames: number;
  /** Bytes of the heap in use: socket rings, queued frames, blocks of links. */
  heapBytes: number;
  /** Bytes of the heap that links hold for as long as they are open. */
  linkBytes: number;
}

/** A capture of the stack. */
export interface CaptureStatus {
  /** The pcapng file. */
  path: string;
  /** Frames written. */
  frames: number;
  /** Bytes of the file. */
  bytes: number;
  /** Frames that were not written because the disk was too slow or failed. */
  lostFrames: number;
  /** Why it stopped, or null. */
  error: string | null;
}

/** The worker's side of the control plane. Every call is followed by a ring of the doorbell, see `CONTROL_REQUESTS`. */
export interface StackControl {
  /** Brings interfaces and routes up; once, before anything else. */
  start(setup: StackSetup): StartResult;
  /** The other end of a memory link has been plugged in: `memory` holds the doorbell of its stack. */
  peerAttached(interfaceIndex: number, memory: SharedArrayBuffer): void;
  /** What is in use now. */
  usage(): Usage;
  /** How the captures are doing; what is buffered is written first. */
  captures(): CaptureStatus[];
}

/** `StackControl` as main calls it. */
export type RemoteControl = {
  [Name in keyof StackControl]: (...args: Parameters<StackControl[Name]>) => Promise<ReturnType<StackControl[Name]>>;
};

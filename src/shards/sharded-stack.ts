// A stack with several shards as its users see one: what concerns a connection goes to the shard that has it, what concerns the host to
// the first, and the rest to all. Connections know nothing of it: each is its shard's.
import { AcceptQueue } from "../accept-queue.ts";
import {
  type ConnectOptions,
  type ListenOptions,
  type ResolvedListen,
  resolveConnect,
  resolveListen,
} from "../call-options.ts";
import { ClosingStack } from "../closing-stack.ts";
import type { Connection } from "../connection.ts";
import { closedError } from "../errors.ts";
import { EventListeners } from "../event-listeners.ts";
import type { StackEvents } from "../interface-news.ts";
import { Listener, type ListenerSocket } from "../listener.ts";
import type { PingOptions, PingReply } from "../ping.ts";
import type { CaptureStatus, Usage } from "../protocol.ts";
import type { CoreStack } from "../stack.ts";
import type { ConnectionInfo, Stack } from "../stack-api.ts";
import type { Stats } from "../stats.ts";
import { LinkNews } from "./link-news.ts";
import { mergeStats, sumUsage } from "./merge.ts";
import { type Steering, shardOf } from "./shard-of.ts";

/** Ports tried for a listener that named none, when one is taken in some shard. */
const LISTEN_TRIES = 16;

/** Who tells of an event: the shards together (`link-news.ts`), each of its own, or the first for all. */
const TELLERS: Record<keyof StackEvents, "together" | "each" | "first"> = {
  state: "each",
  link: "together",
  mtu: "together",
  neighbor: "each",
  conflict: "first",
};

const shardsByStack = new WeakMap<Stack, readonly CoreStack[]>();

/** What a stack is made of: for tests that look into it. Not part of the API. */
export function shardsOf(stack: Stack): readonly CoreStack[] {
  return shardsByStack.get(stack)!;
}

/** Several cores, one host. */
export class ShardedStack extends ClosingStack implements Stack {
  readonly #shards: readonly CoreStack[];
  readonly #first: CoreStack;
  readonly #steering: Steering;
  readonly #listeners = new EventListeners();
  #turn = 0;

  /** @param shards - in the order of their numbers, started */
  constructor(shards: readonly CoreStack[], steering: Steering) {
    super();
    this.#shards = shards;
    this.#first = shards[0]!;
    this.#steering = steering;
    shardsByStack.set(this, shards);
    this.#listenToLinks();
    // With one socket fewer the kernel gives frames to the wrong shards: none can go on.
    for (const shard of shards) {
      shard.crashed.catch((error: Error) => {
        for (const other of shards) if (other !== shard) void other.abandon(error);
      });
    }
  }

  async connect(options: ConnectOptions): Promise<Connection> {
    const request = resolveConnect(options);
    this.#check("connect");
    const { hostname, port, local, signal } = request;
    const address = await this.#first.resolve(hostname, "connect", signal);
    if (local.port !== 0)
      return await this.#shards[shardOf(this.#steering, address, port, local.port)]!.connectTo(address, request);
    // Each shard has its part of the ports.
    const start = this.#turn++;
    for (let tried = 1; ; tried++) {
      try {
        return await this.#shards[(start + tried) % this.#shards.length]!.connectTo(address, request);
      } catch (error) {
        if ((error as { code?: unknown }).code !== "EADDRNOTAVAIL" || tried === this.#shards.length) throw error;
      }
    }
  }

  async listen(options: ListenOptions): Promise<Listener> {
    const request = resolveListen(options);
    this.#check("listen");
    for (let tried = 1; ; tried++) {
      try {
        return await this.#listen(request);
      } catch (error) {
        const isTaken = (error as { code?: unknown }).code === "EADDRINUSE";
        if (!isTaken || request.local.port !== 0 || tried === LISTEN_TRIES) throw error;
      }
    }
  }

  ping(hostname: string, options?: PingOptions): AsyncIterable<PingReply> {
    return this.#first.ping(hostname, options);
  }

  connections(): ConnectionInfo[] {
    return this.#shards.flatMap((shard) => shard.connections());
  }

  stats(): Stats {
    return mergeStats(this.#shards.map((shard) => shard.stats()));
  }

  async usage(): Promise<Usage> {
    return sumUsage(await Promise.all(this.#shards.map((shard) => shard.usage())));
  }

  async captures(): Promise<CaptureStatus[]> {
    return (await Promise.all(this.#shards.map((shard) => shard.captures()))).flat();
  }

  on<Name extends keyof StackEvents>(name: Name, listener: (event: StackEvents[Name]) => void): this {
    if (TELLERS[name] === "together") this.#listeners.add(name, listener);
    else for (const shard of this.#tellers(name)) shard.on(name, listener);
    return this;
  }

  off<Name extends keyof StackEvents>(name: Name, listener: (event: StackEvents[Name]) => void): this {
    if (TELLERS[name] === "together") this.#listeners.delete(name, listener);
    else for (const shard of this.#tellers(name)) shard.off(name, listener);
    return this;
  }

  async windDown(lingerMs: number): Promise<void> {
    await Promise.all(this.#shards.map((shard) => shard.windDown(lingerMs)));
  }

  /** All packet sockets stay until the last shard needs its own no more. */
  async end(): Promise<void> {
    await Promise.all(this.#shards.map((shard) => shard.end()));
  }

  #check(syscall: string): void {
    if (this.isClosing) throw closedError("stack", syscall);
  }

  #tellers(name: keyof StackEvents): readonly CoreStack[] {
    return TELLERS[name] === "each" ? this.#shards : [this.#first];
  }

  #listenToLinks(): void {
    const news = new LinkNews(this.#shards.map((shard) => shard.stats().interfaces));
    for (const [index, shard] of this.#shards.entries()) {
      shard.on("link", (event) => {
        const link = news.link(index, event);
        if (link !== undefined) this.#listeners.emit("link", link);
      });
      shard.on("mtu", (event) => {
        const mtu = news.mtu(index, event);
        if (mtu !== undefined) this.#listeners.emit("mtu", mtu);
      });
    }
  }

  /** A listener in each shard, or in none. */
  async #listen(request: ResolvedListen): Promise<Listener> {
    const queue = new AcceptQueue();
    const sockets: ListenerSocket[] = [];
    let shards = this.#shards;
    let { local } = request;
    if (local.port === 0) {
      sockets.push(await this.#first.listenInto(queue, request));
      local = { ...local, port: sockets[0]!.local.port };
      shards = shards.slice(1);
    }
    const opened = await Promise.allSettled(shards.map((shard) => shard.listenInto(queue, { ...request, local })));
    for (const one of opened) if (one.status === "fulfilled") sockets.push(one.value);
    const failed = opened.find((one) => one.status === "rejected");
    if (failed === undefined) return new Listener(sockets, queue);
    for (const socket of sockets) socket.close();
    throw failed.reason;
  }
}

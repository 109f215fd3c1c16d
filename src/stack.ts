// A stack as users see it: its calls become operations, the core's events become promises, and its end leaves nothing behind. What
// happens to segments is decided in the core.
import { setTimeout as sleep } from "node:timers/promises";
import { CONFIG_TRACE_STATES, TRACE_FOR_MAIN } from "../assembly/layout.ts";
import { AcceptQueue } from "./accept-queue.ts";
import { formatIpv4, LOOPBACK_ADDRESS, parseIpv4 } from "./address.ts";
import { object } from "./argument-checks.ts";
import {
  type ConnectOptions,
  checkHostname,
  checkSignal,
  type ListenOptions,
  type ResolvedConnect,
  type ResolvedListen,
  resolveConnect,
  resolveListen,
} from "./call-options.ts";
import { ClosingStack } from "./closing-stack.ts";
import { ConnectAttempt } from "./connect-attempt.ts";
import { addressOf, Connection } from "./connection.ts";
import type { DebugLog } from "./debug-log.ts";
import { AbortError, closedError, invalidValue, NetstackError } from "./errors.ts";
import { EventListeners } from "./event-listeners.ts";
import type { EventPump } from "./event-pump.ts";
import { interfaceNews, type StackEvents } from "./interface-news.ts";
import { ListenAttempt } from "./listen-attempt.ts";
import { Listener, ListenerSocket } from "./listener.ts";
import { Ping, type PingOptions, type PingReply, resolvePing } from "./ping.ts";
import type { CaptureStatus, RemoteControl, Usage } from "./protocol.ts";
import type { ConnectionInfo, Stack } from "./stack-api.ts";
import type { StackHost } from "./stack-host.ts";
import { stateName } from "./states.ts";
import { readStats, type Stats } from "./stats.ts";
import { interfaceName, type SocketContext, TcpSocket } from "./tcp-socket.ts";

/** What a stack is put together from (start-core.ts). */
export interface StackParts extends SocketContext {
  host: StackHost;
  pump: EventPump;
  lookup: ((hostname: string) => Promise<string>) | undefined;
  /** While NODE_DEBUG asks for it. */
  log: DebugLog | undefined;
  /** Wall clock, ms since 1970, at zero of the core's clock. */
  timeOriginMs: number;
  /** Leaves the links to others; after a crash, in the dead worker's place. */
  unplug: (crashed: boolean) => void;
}

const internals = new WeakMap<Stack, StackParts>();

/** What a stack is made of: for tests that break it. Not part of the API. */
export function internalsOf(stack: Stack): StackParts {
  return internals.get(stack)!;
}

/** How often, and ms apart, a stack that closes looks whether the peers of its connections have ended. */
const LAST_FIN_TRIES = 50;
const LAST_FIN_MS = 2;
/** ms a file access may hold up the end of a stack. */
const MAX_BUSY_TRIES = 250;

/** The stack of one core. */
export class CoreStack extends ClosingStack implements Stack {
  readonly #parts: StackParts;
  readonly #listeners = new EventListeners();
  /** Why nothing can be asked for any more. */
  #error: Error | undefined;
  #isWindingDown = false;
  /** Nothing of it is in use any more. */
  #isOver = false;
  #pings = 0;

  /** Not for users: use `createStack`. */
  constructor(parts: StackParts) {
    super();
    this.#parts = parts;
    internals.set(this, parts);
    parts.dispatcher.onState = (from, to, local, remote, timeUs) =>
      this.#listeners.emit("state", {
        localAddr: addressOf(local),
        remoteAddr: addressOf(remote),
        from: stateName(from),
        to: stateName(to),
        timeMs: parts.timeOriginMs + timeUs / 1000,
      });
    parts.dispatcher.onInterface = (event) => {
      const news = interfaceNews(interfaceName(parts, event.index), event);
      if (news !== undefined) this.#listeners.emit(news[0], news[1]);
    };
    parts.host.crashed.catch((error: Error) => this.#crash(error));
    this.#updateTrace();
    parts.pump.start();
  }

  async connect(options: ConnectOptions): Promise<Connection> {
    const request = resolveConnect(options);
    this.#check("connect");
    return await this.connectTo(await this.resolve(request.hostname, "connect", request.signal), request);
  }

  /** `connect` to an address (u32) that is known. @throws (rejects) as `connect` */
  async connectTo(address: number, { hostname, port, signal, ...rest }: ResolvedConnect): Promise<Connection> {
    this.#check("connect");
    const attempt = new ConnectAttempt(this.#parts, { ...rest, remote: { address, port } }, signal);
    this.#parts.log?.call(`connect to ${formatIpv4(address)}:${port}`, attempt.promise);
    return new Connection(await attempt.promise);
  }

  /** Rejects when the core dies; never resolves. */
  get crashed(): Promise<never> {
    return this.#parts.host.crashed;
  }

  async listen(options: ListenOptions): Promise<Listener> {
    const queue = new AcceptQueue();
    return new Listener([await this.listenInto(queue, resolveListen(options))], queue);
  }

  /** `listen` for a queue that other listeners may share. @throws (rejects) as `listen` */
  async listenInto(queue: AcceptQueue, { signal, ...request }: ResolvedListen): Promise<ListenerSocket> {
    this.#check("listen");
    const attempt = new ListenAttempt(this.#parts, request, queue, signal);
    this.#parts.log?.call(`listen on ${formatIpv4(request.local.address)}:${request.local.port}`, attempt.promise);
    return await attempt.promise;
  }

  ping(hostname: string, options: PingOptions = {}): AsyncIterable<PingReply> {
    checkHostname(hostname);
    checkSignal(object("options", options).signal);
    const id = (process.pid + this.#pings++) & 0xffff;
    const request = resolvePing(id, options);
    return this.#ping(hostname, request);
  }

  connections(): ConnectionInfo[] {
    const list: ConnectionInfo[] = [];
    for (const socket of this.#parts.dispatcher.sockets) {
      if (!(socket instanceof TcpSocket || socket instanceof ListenerSocket)) continue;
      list.push({ localAddr: addressOf(socket.local), remoteAddr: addressOf(socket.remote), ...socket.info() });
    }
    return list;
  }

  stats(): Stats {
    return readStats(this.#parts.views, this.#parts.interfaceNames);
  }

  async usage(): Promise<Usage> {
    return await this.#call("usage", (control) => control.usage());
  }

  async captures(): Promise<CaptureStatus[]> {
    return await this.#call("captures", (control) => control.captures());
  }

  on<Name extends keyof StackEvents>(name: Name, listener: (event: StackEvents[Name]) => void): this {
    this.#listeners.add(name, listener);
    this.#updateTrace();
    return this;
  }

  off<Name extends keyof StackEvents>(name: Name, listener: (event: StackEvents[Name]) => void): this {
    this.#listeners.delete(name, listener);
    this.#updateTrace();
    return this;
  }

  async windDown(lingerMs: number): Promise<void> {
    const { keepAlive, ops, dispatcher, log } = this.#parts;
    this.#isWindingDown = true;
    keepAlive.hold();
    if (this.#isOver) return;
    log?.tell(`closing, lingers ${lingerMs} ms at most`);
    this.#error = closedError("stack");
    dispatcher.crashCalls(this.#error);
    const sockets: TcpSocket[] = [];
    for (const sink of [...dispatcher.sockets]) {
      if (sink instanceof TcpSocket) sockets.push(sink);
      else if (sink instanceof ListenerSocket) sink.close();
      else sink.crash(this.#error);
    }
    if (lingerMs > 0) await this.#linger(sockets, lingerMs);
    for (const socket of sockets) socket.abort(this.#error);
    // A socket whose ring the file system works on says its reset when that is over.
    for (let tries = 0; tries < MAX_BUSY_TRIES && sockets.some((socket) => socket.busy); tries++) await sleep(1);
    while (!ops.flush()) await new Promise((resolve) => setImmediate(resolve));
  }

  async end(): Promise<void> {
    const { host, keepAlive } = this.#parts;
    await host.stop();
    this.#leave(closedError("stack"), false);
    keepAlive.release();
  }

  async #linger(sockets: TcpSocket[], lingerMs: number): Promise<void> {
    let isLate = false;
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, lingerMs);
    }).then(() => {
      isLate = true;
    });
    const closed = Promise.allSettled(sockets.map((socket) => socket.close())).then(() => this.#lastFins(() => isLate));
    await Promise.race([closed, late, this.#parts.host.crashed]).catch(() => {});
    clearTimeout(timer);
  }

  /** A peer that has everything usually ends too, at once: it gets the ACK of its FIN then, not a reset. */
  async #lastFins(isLate: () => boolean): Promise<void> {
    for (let tries = 0; tries < LAST_FIN_TRIES && !isLate(); tries++) {
      const { orphans } = await this.#parts.host.call((control) => control.usage());
      if (orphans === 0) return;
      await sleep(LAST_FIN_MS);
    }
  }

  /** Another core, without which this one is no use, died. */
  abandon(error: Error): Promise<void> {
    return this.#parts.host.fail(error);
  }

  #crash(error: Error): void {
    this.#error ??= error;
    this.#leave(error, true);
  }

  /** The core is gone: all that waits for it gets the error. Of two ends the first counts. */
  #leave(error: Error, crashed: boolean): void {
    if (this.#isOver) return;
    this.#isOver = true;
    const { pump, ops, dispatcher, unplug, log } = this.#parts;
    // What it did before still counts.
    pump.drain();
    pump.stop();
    ops.stop();
    dispatcher.crash(error);
    unplug(crashed);
    log?.close(crashed ? `crashed: ${error.message}` : "closed");
  }

  async #call<T>(syscall: string, request: (control: RemoteControl) => Promise<T>): Promise<T> {
    this.#check(syscall);
    const { host, keepAlive } = this.#parts;
    keepAlive.hold();
    try {
      return await host.call(request);
    } finally {
      keepAlive.release();
    }
  }

  #check(syscall: string): void {
    if (this.#error === undefined) return;
    throw this.#isWindingDown ? closedError("stack", syscall) : this.#error;
  }

  /** The IPv4 address (u32) of a host. @throws (rejects) `ENOTFOUND`, AbortError, what `lookup` throws */
  async resolve(hostname: string, syscall: string, signal: AbortSignal | undefined): Promise<number> {
    if (signal?.aborted) throw new AbortError(signal);
    const address = hostname === "localhost" ? LOOPBACK_ADDRESS : parseIpv4(hostname);
    if (address !== undefined) return address;
    const { lookup } = this.#parts;
    if (lookup === undefined) {
      const message = `${syscall} ENOTFOUND ${hostname}: the stack looks names up only with the option \`lookup\``;
      throw new NetstackError("ENOTFOUND", message, { syscall, address: hostname });
    }
    const found = parseIpv4(await abortable(lookup(hostname), signal));
    if (found === undefined) throw invalidValue("lookup", "a function that resolves with an IPv4 address", hostname);
    return found;
  }

  async *#ping(hostname: string, request: ReturnType<typeof resolvePing>): AsyncGenerator<PingReply, void, undefined> {
    this.#check("ping");
    const address = await this.resolve(hostname, "ping", request.signal);
    this.#check("ping");
    yield* new Ping(this.#parts, { ...request, address }).results();
  }

  /** The core tells state changes only while somebody listens. */
  #updateTrace(): void {
    const { views, log } = this.#parts;
    const isWanted = this.#listeners.has("state") || log !== undefined;
    if (isWanted) Atomics.or(views.i32, CONFIG_TRACE_STATES >>> 2, TRACE_FOR_MAIN);
    else Atomics.and(views.i32, CONFIG_TRACE_STATES >>> 2, ~TRACE_FOR_MAIN);
  }
}

/** The promise's result, or AbortError as soon as the signal says so. */
function abortable<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return promise;
  return new Promise((resolve, reject) => {
    const abort = (): void => reject(new AbortError(signal));
    signal.addEventListener("abort", abort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener("abort", abort));
  });
}

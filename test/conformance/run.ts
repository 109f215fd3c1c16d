// One run of a script: a fresh stack on its link, its virtual time, and the calls that wait. The clock is the shim's; timers run one
// by one, each at its own deadline. What the calls mean is calls.ts.
import { SYSCTL_TCP_FASTOPEN_SERVERS, SYSCTL_TCP_NOTSENT_LOWAT } from "../../assembly/layout.ts";
import { SimHost } from "../../src/sim/host.ts";
import { type Call, WaitingCalls } from "./blocking.ts";
import { socketCall } from "./calls.ts";
import { LINUX_SYSCTLS, offloadOf, parseLines, type RunConfig, runConfig, sysctlsOf } from "./config.ts";
import type { Epoll } from "./epoll.ts";
import { EBADF, EDEADLK } from "./errno.ts";
import { forgetsMetrics } from "./fast-open.ts";
import { fail, ok, type Reply, type Request } from "./frames.ts";
import { PortLink } from "./link.ts";
import { OP_CONFIG, OP_END, OP_INJECT, OP_NEXT_PACKET, OP_RUN } from "./ops.ts";
import type { SendFacts } from "./send-buffer.ts";
import { type PortSocket, SocketTable } from "./sockets.ts";

/** Nothing has happened for so long: the call will never complete. */
const DEADLOCK_US = 3600e6;
/** Turns without time passing after which something is wrong. */
const MAX_TURNS = 100_000;
const HEAP_BYTES = 128 * 1024 * 1024;
/** Linux's device limit: a super-segment is at most one IP packet. */
const GSO_MAX = 65_535;

/** A stack under test. */
export class Run {
  readonly config: RunConfig;
  readonly host: SimHost;
  readonly sockets: SocketTable;
  /** Virtual time, µs. */
  now: number;
  readonly #link: PortLink;
  readonly #waiting = new WaitingCalls();
  readonly #epolls = new Map<number, Epoll>();

  /** @param settings - the lines of HELLO */
  constructor(module: WebAssembly.Module, settings: string, now: number) {
    const lines = parseLines(settings);
    const config = runConfig(lines);
    const { localIp: address, gatewayIp, mtu } = config;
    // packetdrill calls the stack's own address the gateway of a TUN device: then a neighbour of our own making is it
    const gateway = gatewayIp === address ? ((address & 0xffff0000) | 0xfffe) >>> 0 : gatewayIp;
    const sysctl = { ...LINUX_SYSCTLS, ...sysctlsOf(lines) };
    const options = { address, prefixLength: 16, gateway, mtu, gsoMax: GSO_MAX, sysctl, heapBytes: HEAP_BYTES };
    this.config = config;
    this.now = now;
    this.host = new SimHost(module, options, config.seed);
    this.sockets = new SocketTable();
    this.#link = new PortLink(this.host);
    this.#settle();
  }

  /**
   * Does what a request asks for.
   * @param owner - the connection it came on
   * @param mayStart - null may be returned: `done` gets the reply later
   */
  execute(request: Request, owner: object, mayStart: boolean, done: (reply: Reply) => void): Reply | null {
    this.#advance(request.now);
    switch (request.op) {
      case OP_CONFIG:
        this.#configure(parseLines(request.payload.toString()));
        return ok();
      case OP_END:
        return ok();
      case OP_INJECT:
        this.#link.inject(request.payload, this.now);
        this.#settle();
        return ok();
      case OP_NEXT_PACKET:
        return this.#nextPacket(request.a);
      case OP_RUN:
        return this.#runFor(request.a);
      default:
        return this.#call(socketCall(this, request), owner, mayStart, done);
    }
  }

  /** A connection has closed: nobody waits for its calls. */
  disconnect(owner: object): void {
    this.#waiting.drop(owner);
  }

  /** What the stack has to do now, without telling those who wait: between the parts of one call. */
  turn(): void {
    this.host.beginTurn(this.now);
    this.#link.transmit(this.now);
    this.host.deliverEvents();
  }

  /** A socket's send buffer counts from here. */
  sendFacts(socket: PortSocket): SendFacts {
    return socket.sendFacts(this.setting(SYSCTL_TCP_NOTSENT_LOWAT));
  }

  /** A word of the settings, by its address in the CONFIG block. */
  setting(address: number): number {
    return this.host.views.u32[address >>> 2]!;
  }

  /** An epoll instance by its handle. */
  epoll(handle: number): Epoll | undefined {
    return this.#epolls.get(handle);
  }

  /** @returns the handle of the new instance */
  addEpoll(epoll: Epoll): number {
    const handle = this.sockets.reserve();
    this.#epolls.set(handle, epoll);
    return handle;
  }

  /** CLOSE of what is no socket. */
  closeEpoll(handle: number): Reply {
    if (!this.#epolls.delete(handle)) return fail(EBADF);
    this.sockets.remove(handle);
    return ok();
  }

  #configure(lines: readonly [key: string, value: string][]): void {
    this.host.setSysctl(sysctlsOf(lines));
    // Another number of servers to remember: those known are forgotten
    const servers = this.setting(SYSCTL_TCP_FASTOPEN_SERVERS);
    if (forgetsMetrics(lines)) this.host.setSysctl({ tcp_fastopen_servers: Math.max(1, servers - 1) });
    this.#link.takesSuperSegments = offloadOf(lines) ?? this.#link.takesSuperSegments;
  }

  #call(call: Call, owner: object, mayStart: boolean, done: (reply: Reply) => void): Reply | null {
    let reply = call.attempt();
    this.#settle();
    // What the attempt asked for has been done: it may go on at once
    for (let turn = 0; reply === null && turn < 8; turn++) {
      reply = call.attempt();
      this.#settle();
    }
    if (reply !== null) return reply;
    if (!call.blocks || call.deadlineUs <= this.now) return call.giveUp();
    if (mayStart) {
      this.#waiting.add(call, owner, done);
      return null;
    }
    let answer: Reply | null = null;
    this.#waiting.add(call, owner, (final) => {
      answer = final;
    });
    this.#advance(this.now + DEADLOCK_US, () => answer !== null);
    if (answer === null) this.#waiting.drop(owner);
    return answer ?? fail(EDEADLK);
  }

  #nextPacket(waitMs: number): Reply {
    const { emitted } = this.#link;
    this.#advance(this.now + waitMs * 1000, () => emitted.length > 0);
    const packet = emitted.shift();
    return packet === undefined ? ok(0) : ok(1, { payload: packet.bytes, now: packet.timeUs });
  }

  #runFor(us: number): Reply {
    const before = this.#waiting.size;
    this.#advance(this.now + us, () => this.#waiting.size < before);
    return ok(this.#waiting.size < before ? 1 : 0);
  }

  /** Time passes until `untilUs`, or until `stop` holds. */
  #advance(untilUs: number, stop: () => boolean = () => false): void {
    let still = 0;
    while (!stop()) {
      const next = Math.min(this.host.nextDeadlineUs(this.now), this.#waiting.deadlineUs);
      if (next > untilUs) {
        this.now = Math.max(this.now, untilUs);
        return;
      }
      still = next > this.now ? 0 : still + 1;
      if (still > MAX_TURNS) throw new Error(`the stack wants to run again and again at ${this.now} µs`);
      this.now = Math.max(this.now, next);
      this.#settle();
    }
  }

  /** The stack does all there is to do now. */
  #settle(): void {
    for (let turn = 0; turn < MAX_TURNS; turn++) {
      this.host.beginTurn(this.now);
      const sent = this.#link.transmit(this.now);
      const told = this.host.deliverEvents();
      for (const epoll of this.#epolls.values()) epoll.observe(this);
      const woken = this.#waiting.wake(this.now);
      if (!sent && !told && !woken && !this.host.hasOps) return;
    }
    throw new Error(`the stack comes to no rest at ${this.now} µs`);
  }
}

// Scripts of segments, calls and times that drive one stack under a virtual clock, with the script as its peer. Lines:
//
//   sentences that start with an upper-case letter are prose
//   +0.1 < . 1:1001(1000) ack 1 win 257 <sack 2001:3001>      the peer sends, 0.1 s after the line before
//   +0.2 > . 1:1(0) ack 1001                                  the stack must send, 0.2 s after the line before
//   +0.2~0.3 > ...   +* > ...                                 at some time between, at any time
//   & < . 1001:2001(1000) ack 1 win 257                       arrives together with the line before
//   write 1000                                                a call, see calls.ts; state ESTABLISHED: a statement about the socket
//   b: < S 0:0(0) win 100 <mss 1000>                          another connection, declared with `peer b port 40001`
//
// Whatever the stack sends must be in the script: the clock does not pass a segment that is not. Sequence numbers start just below 2^32 on
// both sides. The notation of a segment is in segment-text.ts.
import type { Frame } from "../../../src/links/frame.ts";
import { SimHost, type SimHostOptions } from "../../../src/sim/index.ts";
import { Invariants } from "../../../src/sim/invariants.ts";
import type { Sysctl } from "../../../src/sysctl.ts";
import { arp, BROADCAST, OUR_IP, OUR_MAC, PEER_MAC } from "../frames.ts";
import { coreModule } from "../sim.ts";
import { call } from "./calls.ts";
import { Endpoint, LOCAL_PORT, PEER_PORT } from "./endpoint.ts";
import { decode, type Packet, type TcpFields } from "./frame.ts";
import { buildInbound } from "./inbound.ts";
import { compareOutbound } from "./outbound.ts";
import { isWanted, parseWanted, type Wanted } from "./segment-text.ts";
import { type Statement, statements } from "./syntax.ts";

const SECOND = 1_000_000;
/** What a line's time may be off, µs: the stack's timers are exact, a script's numbers are rounded. */
const TOLERANCE_US = 1000;
const FOREVER_US = 1e13;
const MAX_TURNS_AT_ONCE = 10_000;
const ISS = 0xffffff00;

/** A frame that the stack sent and the script has not named yet. */
export type Sent = { atUs: number; frame: Uint8Array; packet: Packet };

export type ScriptOptions = Partial<Omit<SimHostOptions, "sysctl">> & {
  sysctl?: Partial<Sysctl>;
  /** The script answers and sees ARP itself. */
  isArpManual?: boolean;
};

/** A script that failed: which line, what was expected, what came, and all that happened before. */
export class ScriptError extends Error {
  constructor(message: string) {
    super(message);
    this.name = "ScriptError";
  }
}

let startUs = 0;

/** When the stack's clock has to start so that its first connection has `ISS`: RFC 6528's clock ticks every 4 µs. */
function clockStart(): number {
  if (startUs !== 0) return startUs;
  startUs = SECOND;
  const probe = new Script();
  probe.run("connect");
  const syn = probe.take().find(({ packet }) => packet.kind === "tcp")!.packet as { tcp: TcpFields };
  startUs = SECOND + ((ISS - syn.tcp.seq) >>> 0) * 4;
  return startUs;
}

/** One stack and its scripted peer. */
export class Script {
  readonly host: SimHost;
  readonly endpoints = new Map<string, Endpoint>();
  nowUs: number;
  /** Time of the line before, µs. */
  lineUs: number;
  /** The stack has sent these, the script has not said so. */
  readonly sent: Sent[] = [];
  readonly #trace: string[] = [];
  readonly #startUs: number;
  readonly #invariants: Invariants;
  readonly #isArpManual: boolean;
  #batch: Uint8Array[] = [];

  /** @param seed - of the stack's secrets; another one, and its first connection does not start at `ISS` */
  constructor(options: ScriptOptions = {}, seed = 1) {
    const { isArpManual = false, sysctl = {}, ...host } = options;
    this.#startUs = clockStart();
    this.nowUs = this.#startUs;
    this.lineUs = this.nowUs;
    this.#isArpManual = isArpManual;
    this.host = new SimHost(coreModule(), { address: OUR_IP, ...host, sysctl }, seed);
    this.host.traceStates();
    this.#invariants = new Invariants(this.host, "stack");
    this.endpoints.set("", new Endpoint(""));
    this.settle();
    if (!isArpManual) this.settle([arp(1, PEER_MAC, this.endpoint().peerAddress, OUR_IP, BROADCAST)]);
  }

  /** A connection by its name; the first one has none. */
  endpoint(name = ""): Endpoint {
    const endpoint = this.endpoints.get(name);
    if (endpoint === undefined) throw new Error(`no peer \`${name}\` was declared`);
    return endpoint;
  }

  /** Plays lines. @throws ScriptError */
  run(text: string): this {
    for (const statement of statements(text)) {
      try {
        this.#play(statement);
      } catch (error) {
        throw this.#failure(`line ${statement.line}: ${statement.text.trim()}`, error);
      }
    }
    return this;
  }

  /** Plays lines; after the last one, and for `seconds` more, the stack sends nothing. @throws ScriptError */
  end(text = "", seconds = 0): this {
    this.run(text);
    try {
      this.goTo(this.nowUs + seconds * SECOND);
      this.#refuseSent();
    } catch (error) {
      throw this.#failure("after the last line", error);
    }
    return this;
  }

  /** Takes what the stack has sent so far, in order, from the script. */
  take(): Sent[] {
    return this.sent.splice(0);
  }

  /** Takes the TCP segments that the stack has sent so far. */
  takeSegments(): TcpFields[] {
    return this.take().flatMap(({ packet }) => (packet.kind === "tcp" ? [packet.tcp] : []));
  }

  /** Moves the clock. @throws Error if the stack sends something on the way */
  goTo(us: number): void {
    while (this.#step(us)) if (this.sent.length > 0) this.#refuseSent();
    if (us > this.nowUs && this.sent.length > 0) this.#refuseSent();
    this.nowUs = Math.max(this.nowUs, us);
    this.settle();
  }

  /** Moves the clock; what the stack sends waits to be taken. */
  pass(seconds: number): void {
    const end = this.nowUs + seconds * SECOND;
    while (this.#step(end)) {}
    this.nowUs = end;
    this.settle();
    this.lineUs = end;
  }

  /** Turns of the stack at this time until it rests. */
  settle(frames: Uint8Array[] = []): void {
    let input: Frame[] = frames.map((bytes) => ({ bytes, flags: 0, gsoSize: 0 }));
    for (let turn = 0; turn < MAX_TURNS_AT_ONCE; turn++) {
      this.host.beginTurn(this.nowUs);
      this.host.receive({ pop: () => input.shift() ?? null, recycle: () => {} }, this.nowUs);
      input = [];
      const replies: Uint8Array[] = [];
      const count = this.host.transmit((frame) => this.#onFrame(frame.bytes, replies), this.nowUs);
      input = replies.map((bytes) => ({ bytes, flags: 0, gsoSize: 0 }));
      const told = this.host.deliverEvents();
      this.#invariants.check();
      let isBusy = count > 0 || told || input.length > 0;
      for (const endpoint of this.endpoints.values()) isBusy = endpoint.pump() || isBusy;
      if (!isBusy && !this.host.hasOps && this.host.nextDeadlineUs(this.nowUs) > this.nowUs) return;
    }
    throw new Error("the stack does not come to rest");
  }

  /** Frames from the peer, together. */
  inject(frames: Uint8Array[], note: string): void {
    this.#note("<", note);
    this.settle(frames);
  }

  // To the next deadline before `us`; false when there is none
  #step(us: number): boolean {
    const next = Math.max(this.nowUs, Math.ceil(this.host.nextDeadlineUs(this.nowUs)));
    if (next > us) return false;
    this.nowUs = next;
    this.settle();
    return true;
  }

  #play(statement: Statement): void {
    const { time, name, kind, body } = statement;
    const wanted =
      time === null ? { from: 0, to: 0 } : time === "*" ? { from: 0, to: FOREVER_US / SECOND } : parseWanted(time);
    if (kind !== "<" || !statement.isTogether) this.#flushBatch();
    if (kind === ">") {
      this.#expect(name, body, wanted);
      return;
    }
    if (wanted.from !== wanted.to) throw new Error("a range of times is for what the stack sends");
    const at = this.lineUs + wanted.from * SECOND;
    if (at < this.nowUs) throw new Error("its time has passed");
    if (at > this.nowUs) this.goTo(at);
    this.lineUs = at;
    if (kind === "<") {
      const { frame, note } = buildInbound(this.endpoint(name), body);
      this.#note("<", `${name === "" ? "" : `${name}: `}${note}`);
      this.#batch.push(frame);
      if (!statement.isOpen) this.#flushBatch();
      return;
    }
    this.#note("-", `${name === "" ? "" : `${name}: `}${body}`);
    call(this, this.endpoint(body.startsWith("peer ") ? "" : name), body);
  }

  #flushBatch(): void {
    if (this.#batch.length === 0) return;
    const frames = this.#batch;
    this.#batch = [];
    this.settle(frames);
  }

  #expect(name: string, body: string, time: Wanted): void {
    const [from, to] = [this.lineUs + time.from * SECOND - TOLERANCE_US, this.lineUs + time.to * SECOND + TOLERANCE_US];
    while (this.sent.length === 0 && this.#step(to)) {}
    const sent = this.sent.shift();
    if (sent === undefined) throw new Error(`nothing was sent until ${this.#clock(to)}`);
    const got = this.#describe(sent.packet);
    const owner = this.#owner(sent.packet);
    const wrong = compareOutbound(owner ?? this.endpoint(name), body, sent);
    if (owner !== undefined && owner.name !== name) wrong.push(`it is of connection \`${owner.name}\``);
    if (!isWanted({ from, to }, sent.atUs)) {
      wrong.push(`sent at ${this.#clock(sent.atUs)}, not at ${this.#clock(from)} to ${this.#clock(to)}`);
    }
    if (wrong.length > 0) throw new Error(`\n  expected  ${body}\n  got       ${got}\n  ${wrong.join("\n  ")}`);
    this.lineUs = sent.atUs;
  }

  #onFrame(frame: Uint8Array, replies: Uint8Array[]): void {
    const packet = decode(frame);
    if (packet.kind === "arp" && !this.#isArpManual) {
      // Every neighbour lives at the peer's MAC
      if (packet.operation === 1 && packet.target !== OUR_IP)
        replies.push(arp(2, PEER_MAC, packet.target, OUR_IP, OUR_MAC));
      return;
    }
    if (packet.kind === "tcp") this.#owner(packet)?.learn(packet.tcp);
    this.sent.push({ atUs: this.nowUs, frame, packet });
    this.#note(">", this.#describe(packet));
  }

  #owner(packet: Packet): Endpoint | undefined {
    if (packet.kind !== "tcp") return undefined;
    return [...this.endpoints.values()].find((endpoint) => endpoint.owns(packet.ip, packet.tcp));
  }

  #describe(packet: Packet): string {
    if (packet.kind === "icmp") return `icmp ${packet.type}/${packet.code}`;
    if (packet.kind === "arp") return `arp ${packet.operation === 1 ? "request" : "reply"}`;
    if (packet.kind === "other") return `a frame of ${packet.bytes.length} bytes`;
    const owner = this.#owner(packet);
    if (owner === undefined)
      return `TCP to port ${packet.tcp.dstPort}, seq ${packet.tcp.seq} ack ${packet.tcp.ack} flags ${packet.tcp.flags}`;
    return `${owner.name === "" ? "" : `${owner.name}: `}${owner.format(packet.tcp, packet.ip, true)}`;
  }

  #refuseSent(): void {
    const first = this.sent[0];
    if (first === undefined) return;
    throw new Error(
      `the stack sent, at ${this.#clock(first.atUs)}, and no line expects it:\n  ${this.#describe(first.packet)}`,
    );
  }

  #clock(us: number): string {
    return `${((us - this.#startUs) / SECOND).toFixed(6)} s`;
  }

  #note(mark: string, text: string): void {
    this.#trace.push(`  ${((this.nowUs - this.#startUs) / SECOND).toFixed(6)} ${mark} ${text}`);
  }

  #failure(where: string, error: unknown): ScriptError {
    const message = error instanceof Error ? error.message : String(error);
    return new ScriptError(`script ${where}\n${message}\nwhat happened:\n${this.#trace.slice(-25).join("\n")}`);
  }
}

/** Plays a whole script on a fresh stack. @throws ScriptError */
export function script(text: string, options: ScriptOptions = {}): Script {
  return new Script(options).end(text);
}

export { LOCAL_PORT, PEER_PORT };

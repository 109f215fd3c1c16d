// The lines of a script that are no segments: user calls (RFC 9293 3.9.1) and statements about the socket and the stack.
import * as counters from "../../../assembly/counters.ts";
import * as layout from "../../../assembly/layout.ts";
import { type SocketOption, socketOption } from "../../../src/socket-options.ts";
import { stateName } from "../../../src/states.ts";
import { readTcpInfo, type TcpInfo } from "../../../src/tcp-info.ts";
import { Endpoint } from "./endpoint.ts";
import { ipv4Of } from "./inbound.ts";
import type { Script } from "./script.ts";
import { isWanted, parseWanted } from "./segment-text.ts";
import { streamBytes } from "./stream.ts";

/** Pairs of words after the first: `port 80 backlog 5`. */
function pairs(words: string[]): Map<string, string> {
  if (words.length % 2 !== 0) throw new Error(`\`${words.join(" ")}\` are no pairs`);
  return new Map(words.flatMap((word, i) => (i % 2 === 0 ? [[word, words[i + 1]!] as const] : [])));
}

type Call = (script: Script, endpoint: Endpoint, words: string[]) => void;

const onOff = (word: string | undefined): boolean => {
  if (word !== "on" && word !== "off") throw new Error(`\`${word}\` is neither on nor off`);
  return word === "on";
};

function socketOf(endpoint: Endpoint) {
  if (endpoint.socket === null) throw new Error("there is no socket yet");
  return endpoint.socket;
}

function expect(what: string, wanted: unknown, got: unknown): void {
  if (wanted !== got) throw new Error(`${what}: expected ${wanted}, got ${got}`);
}

/** `MAXSEG` and its value: a socket option, checked. A second word follows a colon: `LINGER`, `1:5`. */
function optionOf(name: string, words: string): SocketOption {
  const code = (layout as Record<string, number>)[`SOCKET_OPTION_${name}`];
  if (code === undefined) throw new Error(`\`${name}\` is no socket option`);
  const [value, value2 = "0"] = words.split(":");
  return socketOption(code, Number(value), Number(value2));
}

const CALLS: Record<string, Call> = {
  /** `peer NAME [address A] [port P] [local P] [isn N]`: declares or changes a connection. */
  peer(script, _endpoint, [name, ...rest]) {
    const endpoint = script.endpoints.get(name!) ?? new Endpoint(name!);
    const options = pairs(rest);
    if (options.has("address")) endpoint.peerAddress = ipv4Of(options.get("address")!);
    if (options.has("port")) endpoint.peerPort = Number(options.get("port"));
    if (options.has("local")) endpoint.localPort = Number(options.get("local"));
    if (options.has("isn")) endpoint.isn = Number(options.get("isn")) >>> 0;
    script.endpoints.set(name!, endpoint);
  },
  /** `again [isn N]`: the same ports, another connection. */
  again(_script, endpoint, words) {
    endpoint.forget(Number(pairs(words).get("isn") ?? endpoint.isn) >>> 0);
  },
  listen(script, endpoint, words) {
    const options = pairs(words);
    endpoint.listener = script.host.listen(
      endpoint.localPort,
      Number(options.get("backlog") ?? 16),
      0,
      endpoint.options,
    );
    script.settle();
    if (endpoint.listener.error !== 0 && !options.has("errno"))
      throw new Error(`listen: errno ${endpoint.listener.error}`);
    if (options.has("errno")) expect("errno", errnoOf(options.get("errno")!), endpoint.listener.error);
  },
  /** `accept`, or `accept none`: nothing is there. */
  accept(script, endpoint, [word]) {
    const listener = endpoint.listener ?? script.endpoint().listener;
    const socket = listener?.accept() ?? null;
    if (word === "none") {
      if (socket !== null) throw new Error("a connection was there");
      return;
    }
    if (socket === null) throw new Error("no connection was there to accept");
    endpoint.socket = socket;
    script.settle();
  },
  unlisten(script, endpoint) {
    endpoint.listener!.close();
    script.settle();
  },
  /** `connect [timeout MS] [to ADDRESS] [options NODELAY=1,MAXSEG=700]` */
  connect(script, endpoint, words) {
    const options = pairs(words);
    const to = options.has("to") ? ipv4Of(options.get("to")!) : endpoint.peerAddress;
    const wanted = options.get("options")?.split(",") ?? [];
    const sockopts = endpoint.options.concat(wanted.map((one) => optionOf(...(one.split("=") as [string, string]))));
    const timeout = Number(options.get("timeout") ?? 0);
    endpoint.socket = script.host.connect(to, endpoint.peerPort, sockopts, timeout, endpoint.localPort);
    script.settle();
  },
  /** `option NAME VALUE[:VALUE2]`: setsockopt, on the socket, or for the `connect` or `listen` that follows. */
  option(script, endpoint, [name, words]) {
    const option = optionOf(name!, words!);
    const target = endpoint.socket ?? endpoint.listener;
    if (target === null) endpoint.options.push(option);
    else target.setOption(option.code, option.value, option.value2 ?? 0);
    script.settle();
  },
  write(script, endpoint, [count]) {
    socketOf(endpoint);
    endpoint.toWrite += Number(count);
    script.settle();
  },
  /** `oob`: writes one urgent byte behind what was written (MSG_OOB). */
  oob(script, endpoint) {
    const socket = socketOf(endpoint);
    if (endpoint.toWrite > 0) throw new Error("what was written before still waits for room");
    expect("urgent bytes written", 1, socket.writeUrgent(streamBytes(endpoint.written, 1)[0]!));
    endpoint.written += 1;
    script.settle();
  },
  /** `read N`: exactly so many bytes are there; `read none`; `read eof`. */
  read(script, endpoint, [count]) {
    socketOf(endpoint);
    if (count === "eof") expect("read", -1, endpoint.read(1));
    else if (count === "none") expect("read", 0, endpoint.read(1));
    else {
      const wanted = Number(count);
      let got = 0;
      for (let n = 1; got < wanted && n > 0; got += Math.max(n, 0)) n = endpoint.read(wanted - got);
      expect("bytes read", wanted, got);
    }
    script.settle();
  },
  reader(script, endpoint, [word]) {
    endpoint.isReading = onOff(word);
    script.settle();
  },
  /** All that was sent in order has been read by the `reader`: `received N`. */
  received(_script, endpoint, [count]) {
    expect("bytes received", Number(count), endpoint.readPosition - 1);
  },
  readable(_script, endpoint, [count]) {
    expect("readable bytes", Number(count), socketOf(endpoint).readable);
  },
  shutdown(script, endpoint) {
    socketOf(endpoint).closeWrite();
    script.settle();
  },
  close(script, endpoint) {
    socketOf(endpoint).close();
    script.settle();
  },
  abort(script, endpoint) {
    socketOf(endpoint).abort();
    script.settle();
  },
  nodelay(script, endpoint, [word]) {
    socketOf(endpoint).setNoDelay(onOff(word));
    script.settle();
  },
  /** `keepalive on|off [idle MS] [interval MS] [count N]` */
  keepalive(script, endpoint, [word, ...rest]) {
    const options = pairs(rest);
    const ms = (name: string) => Number(options.get(name) ?? 0);
    socketOf(endpoint).setKeepAlive(onOff(word), ms("idle"), ms("interval"), ms("count"));
    script.settle();
  },
  /** The state of the socket; of a connection that nobody has accepted yet: the last one that was entered. */
  state(script, endpoint, [wanted]) {
    const { socket } = endpoint;
    const last = script.host.states.at(-1);
    expect("state", wanted, socket?.isAttached ? socket.state : last === undefined ? "CLOSED" : stateName(last.to));
  },
  connected(_script, endpoint) {
    expect("connected", true, socketOf(endpoint).connected);
  },
  /** `closed [ERRNO]`: it is over, with this error or none. */
  closed(_script, endpoint, [errno]) {
    expect("closed", true, socketOf(endpoint).closed);
    expect("errno", errno === undefined ? 0 : errnoOf(errno), socketOf(endpoint).error);
  },
  open(_script, endpoint) {
    expect("closed", false, socketOf(endpoint).closed);
  },
  eof(_script, endpoint) {
    expect("at the end", true, socketOf(endpoint).atEnd);
  },
  finacked(_script, endpoint) {
    expect("FIN acknowledged", true, socketOf(endpoint).finAcked);
  },
  /** `info FIELD WANTED`: a number of TcpInfo. */
  info(script, endpoint, [field, wanted]) {
    const info = readTcpInfo(script.host.views, socketOf(endpoint).tcb);
    const got = info[field as keyof TcpInfo];
    if (typeof got === "number" ? !isWanted(parseWanted(wanted!), got) : String(got) !== wanted) {
      throw new Error(`${field}: expected ${wanted}, got ${got}`);
    }
  },
  /** `counter NAME WANTED`: what was counted since the start. Names of assembly/counters.ts without COUNTER_. */
  counter(script, _endpoint, [name, wanted]) {
    const index = (counters as Record<string, number>)[`COUNTER_${name}`];
    if (index === undefined) throw new Error(`there is no COUNTER_${name}`);
    const got = script.host.counter(index);
    if (!isWanted(parseWanted(wanted!), got)) throw new Error(`${name}: expected ${wanted}, counted ${got}`);
  },
  /** `sysctl NAME VALUE`: from now on. */
  sysctl(script, _endpoint, [name, value]) {
    const address = (layout as Record<string, number>)[`SYSCTL_${name!.toUpperCase()}`];
    if (address === undefined) throw new Error(`there is no sysctl ${name}`);
    script.host.views.u32[address >>> 2] = Number(value);
  },
  /** `usage KIND WANTED`: USAGE_ of layout.ts. */
  usage(script, _endpoint, [kind, wanted]) {
    const index = (layout as Record<string, number>)[`USAGE_${kind!.toUpperCase()}`];
    if (index === undefined) throw new Error(`there is no USAGE_${kind}`);
    const got = script.host.exports.usage(index);
    if (!isWanted(parseWanted(wanted!), got)) throw new Error(`${kind} in use: expected ${wanted}, got ${got}`);
  },
  /** `ignore [N]`: what the stack has sent so far is of no interest; so many segments, if it says how many. */
  ignore(script, _endpoint, [wanted]) {
    const count = script.take().length;
    if (wanted !== undefined) expect("segments sent", Number(wanted), count);
  },
  /** Nothing happens: the time of the line passes without a segment. */
  quiet() {},
};

function errnoOf(name: string): number {
  const value = (layout as Record<string, number>)[name];
  if (value === undefined) throw new Error(`\`${name}\` is no error code`);
  return value;
}

/** Does what a line says. @throws Error when it does not hold or is not understood */
export function call(script: Script, endpoint: Endpoint, body: string): void {
  const [word, ...rest] = body.trim().split(/\s+/);
  const found = Object.hasOwn(CALLS, word!) ? CALLS[word!]! : null;
  if (found === null) throw new Error(`\`${word}\` is no call; there are ${Object.keys(CALLS).join(", ")}`);
  found(script, endpoint, rest);
}

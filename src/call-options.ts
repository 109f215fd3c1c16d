// The options of connect and listen: types, defaults, checks.
import {
  SOCKET_OPTION_DEFER_ACCEPT,
  SOCKET_OPTION_FASTOPEN,
  SOCKET_OPTION_FASTOPEN_CONNECT,
  SOCKET_OPTION_REUSEADDR,
} from "../assembly/layout.ts";
import { LOOPBACK_ADDRESS, parseIpv4 } from "./address.ts";
import { boolean, integer, object } from "./argument-checks.ts";
import { invalidType, invalidValue } from "./errors.ts";
import { type SocketOption, socketOption } from "./socket-options.ts";
import { type SocketSettings, settingsOptions } from "./socket-settings.ts";

/** Whom to connect to: a dotted quad, `localhost`, or a name for the stack's `lookup`. `host` is Node's word for it. */
export type ConnectTarget =
  | {
      /** The name or the address. */
      hostname: string;
      /** Not both. */
      host?: undefined;
    }
  | {
      /** The name or the address. */
      host: string;
      /** Not both. */
      hostname?: undefined;
    };

/** Options of `Stack.connect`. */
export type ConnectOptions = ConnectTarget & ConnectSettings;

/** {@link ConnectOptions} without the name. */
export interface ConnectSettings extends SocketSettings {
  /** 1..65535. */
  port: number;
  /** An address of the stack. Default: that of the interface the route leads to. */
  localAddress?: string | undefined;
  /** 1..65535. Default: an ephemeral port (RFC 6056). */
  localPort?: number | undefined;
  /**
   * TCP Fast Open (RFC 7413): where the server's cookie is known, `connect` resolves at once and the SYN leaves with the first bytes
   * written; where it is not, the SYN asks for it. The server may see those bytes twice if the network duplicates the SYN: for
   * requests that may be repeated only. Default false.
   */
  fastOpen?: boolean | undefined;
  /** ms after which the connection fails with `ETIMEDOUT`, 1..2147483647. Default: when `tcp_syn_retries` are used up. */
  timeoutMs?: number | undefined;
  /** Cancels the attempt. */
  signal?: AbortSignal | undefined;
}

/** Options of `Stack.listen`. */
export interface ListenOptions extends SocketSettings {
  /** 0..65535; 0: any free port. */
  port: number;
  /** An address of the stack. Default: all of them. */
  hostname?: string | undefined;
  /** Connections that may wait to be accepted, 1..65535; `somaxconn` bounds it. Default 511. */
  backlog?: number | undefined;
  /**
   * TCP Fast Open (RFC 7413): connections that may be used before their handshake is complete, 1..65535. Needs bit 2 of `tcp_fastopen`.
   * Default: none.
   */
  fastOpen?: number | undefined;
  /** Seconds that a connection may wait for its first data before it is offered to be accepted, 0..65535 (TCP_DEFER_ACCEPT). Default 0. */
  deferAcceptSeconds?: number | undefined;
  /** Listen though connections of an earlier listener still exist (SO_REUSEADDR): as in Node this is always so, whatever is said here. */
  reuseAddress?: boolean | undefined;
  /** Cancels the call; has no effect on a listener that listens. */
  signal?: AbortSignal | undefined;
}

/** `ConnectOptions`, checked. */
export interface ResolvedConnect {
  hostname: string;
  port: number;
  local: { address: number; port: number };
  options: SocketOption[];
  timeoutMs: number;
  signal: AbortSignal | undefined;
}

/** `ListenOptions`, checked. */
export interface ResolvedListen {
  local: { address: number; port: number };
  backlog: number;
  options: SocketOption[];
  signal: AbortSignal | undefined;
}

const DEFAULT_BACKLOG = 511;
const MAX_TIMEOUT_MS = 0x7fffffff;

/** @throws TypeError, RangeError */
export function resolveConnect(options: ConnectOptions): ResolvedConnect {
  const { hostname = options.host, port, localAddress, localPort, timeoutMs } = object("options", options);
  return {
    hostname: checkHostname(hostname),
    port: integer("port", port, 1, 65535),
    local: {
      address: localAddress === undefined ? 0 : ownAddress("localAddress", localAddress),
      port: localPort === undefined ? 0 : integer("localPort", localPort, 1, 65535),
    },
    options: [...settingsOptions(options), ...fastOpenConnect(options.fastOpen)],
    timeoutMs: timeoutMs === undefined ? 0 : integer("timeoutMs", timeoutMs, 1, MAX_TIMEOUT_MS),
    signal: checkSignal(options.signal),
  };
}

function fastOpenConnect(fastOpen = false): SocketOption[] {
  return boolean("fastOpen", fastOpen) ? [socketOption(SOCKET_OPTION_FASTOPEN_CONNECT, 1)] : [];
}

function fastOpenListen(fastOpen: number | undefined): SocketOption[] {
  return fastOpen === undefined ? [] : [socketOption(SOCKET_OPTION_FASTOPEN, integer("fastOpen", fastOpen, 1, 65535))];
}

/** @throws TypeError, RangeError */
export function resolveListen(options: ListenOptions): ResolvedListen {
  const { port, hostname, backlog = DEFAULT_BACKLOG } = object("options", options);
  return {
    local: {
      address: hostname === undefined ? 0 : ownAddress("hostname", hostname),
      port: integer("port", port, 0, 65535),
    },
    backlog: integer("backlog", backlog, 1, 65535),
    options: [...settingsOptions(options), ...listenerOptions(options), ...fastOpenListen(options.fastOpen)],
    signal: checkSignal(options.signal),
  };
}

function listenerOptions({ reuseAddress, deferAcceptSeconds }: ListenOptions): SocketOption[] {
  const options: SocketOption[] = [];
  if (reuseAddress !== undefined) {
    options.push(socketOption(SOCKET_OPTION_REUSEADDR, boolean("reuseAddress", reuseAddress) ? 1 : 0));
  }
  if (deferAcceptSeconds !== undefined) {
    const seconds = integer("deferAcceptSeconds", deferAcceptSeconds, 0, 65535);
    options.push(socketOption(SOCKET_OPTION_DEFER_ACCEPT, seconds));
  }
  return options;
}

/** Checks that a value is a host name. @throws TypeError */
export function checkHostname(value: unknown): string {
  if (typeof value !== "string") throw invalidType("hostname", "a string", value);
  if (value.length === 0) throw invalidValue("hostname", "a host name or an IPv4 address", value);
  return value;
}

/** Checks that a value is an AbortSignal or absent. @throws TypeError */
export function checkSignal(value: unknown): AbortSignal | undefined {
  if (value === undefined || value instanceof AbortSignal) return value;
  throw invalidType("signal", "an AbortSignal", value);
}

function ownAddress(name: string, text: unknown): number {
  if (typeof text !== "string") throw invalidType(name, "an IPv4 address of the stack", text);
  const address = text === "localhost" ? LOOPBACK_ADDRESS : parseIpv4(text);
  if (address === undefined) throw invalidValue(name, "an IPv4 address of the stack", text);
  return address;
}

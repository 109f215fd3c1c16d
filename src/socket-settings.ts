// The settings of a socket under names for users, for `connect`, for `listen` (its connections inherit them) and for a connection that
// exists: types, checks, and the options of the core that they become. Which values an option takes is socket-options.ts's.
import * as layout from "../assembly/layout.ts";
import { boolean, integer, object } from "./argument-checks.ts";
import { CONGESTION_CONTROLS, type CongestionControl, congestionCode } from "./congestion-controls.ts";
import { invalidType, invalidValue } from "./errors.ts";
import { type SocketOption, socketOption } from "./socket-options.ts";

/** When keepalives are sent; what is left out is the stack's `tcp_keepalive_*`. */
export interface KeepAliveOptions {
  /** ms of silence before the first, 1000..32767000. */
  idleMs?: number | undefined;
  /** ms between them, 1000..32767000. */
  intervalMs?: number | undefined;
  /** Unanswered ones before the connection is given up, 1..127. */
  count?: number | undefined;
}

/** Settings of a socket. What is left out stays as it is, at first as the stack's sysctls say. Linux's name of each in brackets. */
export interface SocketSettings {
  /** Send small segments at once: Nagle's algorithm off (TCP_NODELAY; RFC 9293 3.7.4). Default false. */
  noDelay?: boolean | undefined;
  /** Hold segments that are not full, 200 ms and more at most, until it is set to false (TCP_CORK). Default false. */
  cork?: boolean | undefined;
  /** Probe an idle peer (SO_KEEPALIVE, TCP_KEEPIDLE, _KEEPINTVL, _KEEPCNT; RFC 9293 3.8.4). Default false. */
  keepAlive?: boolean | KeepAliveOptions | undefined;
  /**
   * ms that sent data, a shut window, keepalive probes or the handshake may go without an answer, 0..2147483647; 0: as
   * `tcp_retries2` says (TCP_USER_TIMEOUT; RFC 9293 3.8.3 R2, RFC 5482). Default 0.
   */
  userTimeoutMs?: number | undefined;
  /**
   * Seconds that `close()` waits for the peer to acknowledge everything, 0..65535, before it lets the stack go on alone; 0: `close()`
   * resets the connection; null: for ever (SO_LINGER). Default null.
   */
  linger?: number | null | undefined;
  /** Seconds in FIN-WAIT-2 after `close()`, 1..120; -1: none, the peer gets a reset; 0: `tcp_fin_timeout` (TCP_LINGER2). Default 0. */
  finWait2?: number | undefined;
  /** Greatest segment either way, bytes, 88..32767; only before the connection exists (TCP_MAXSEG). Default: the path's. */
  maxSegment?: number | undefined;
  /** SYNs sent again, 1..127; only for `connect` (TCP_SYNCNT). Default `tcp_syn_retries`. */
  synRetries?: number | undefined;
  /** Default: the stack's `tcp_congestion_control` (TCP_CONGESTION). */
  congestionControl?: CongestionControl | undefined;
  /** Bytes of the send ring, 0..4294967295, at most twice `wmem_max` after doubling; ends its autotuning (SO_SNDBUF). */
  sendBufferSize?: number | undefined;
  /** Bytes of the receive ring, 0..4294967295, likewise with `rmem_max` (SO_RCVBUF). */
  receiveBufferSize?: number | undefined;
  /** Unsent bytes up to which a write goes on, 0..4294967295; 0: `tcp_notsent_lowat` (TCP_NOTSENT_LOWAT). Default 0. */
  notSentLowWater?: number | undefined;
  /** Greatest window we offer, bytes, 0..2147483647; 0: any (TCP_WINDOW_CLAMP). Default 0. */
  windowClamp?: number | undefined;
  /** Acknowledge at once for a while, or not (TCP_QUICKACK). */
  quickAck?: boolean | undefined;
  /** Urgent bytes stay in the stream (SO_OOBINLINE; RFC 6093). Default false. */
  oobInline?: boolean | undefined;
  /** Type of service of our packets, 0..255; the two lowest bits are ECN's (IP_TOS). Default 0. */
  typeOfService?: number | undefined;
  /** Time to live of our packets, 1..255 (IP_TTL). Default `ip_default_ttl`. */
  timeToLive?: number | undefined;
  /** Bytes/s that we never exceed, 1..9007199254740991; Infinity: no limit (SO_MAX_PACING_RATE). Default Infinity. */
  maxPacingRate?: number | undefined;
}

const MAX_KEEP_ALIVE_MS = 32_767_000;
const MAX_LINGER_S = 65_535;
const U32 = 2 ** 32;

type Booleans = "noDelay" | "cork" | "quickAck" | "oobInline";
type Numbers =
  | "userTimeoutMs"
  | "finWait2"
  | "maxSegment"
  | "synRetries"
  | "sendBufferSize"
  | "receiveBufferSize"
  | "notSentLowWater"
  | "windowClamp"
  | "typeOfService"
  | "timeToLive";

const BOOLEANS = entriesOf<Booleans>({
  noDelay: layout.SOCKET_OPTION_NODELAY,
  cork: layout.SOCKET_OPTION_CORK,
  quickAck: layout.SOCKET_OPTION_QUICKACK,
  oobInline: layout.SOCKET_OPTION_OOBINLINE,
});

const NUMBERS = entriesOf<Numbers>({
  userTimeoutMs: layout.SOCKET_OPTION_USER_TIMEOUT,
  finWait2: layout.SOCKET_OPTION_LINGER2,
  maxSegment: layout.SOCKET_OPTION_MAXSEG,
  synRetries: layout.SOCKET_OPTION_SYNCNT,
  sendBufferSize: layout.SOCKET_OPTION_SNDBUF,
  receiveBufferSize: layout.SOCKET_OPTION_RCVBUF,
  notSentLowWater: layout.SOCKET_OPTION_NOTSENT_LOWAT,
  windowClamp: layout.SOCKET_OPTION_WINDOW_CLAMP,
  typeOfService: layout.SOCKET_OPTION_IP_TOS,
  timeToLive: layout.SOCKET_OPTION_IP_TTL,
});

/** A table as the list that every connect goes through. */
function entriesOf<Name extends string>(table: Readonly<Record<Name, number>>): readonly (readonly [Name, number])[] {
  return Object.entries(table) as [Name, number][];
}

/** Where a setting takes less than its option: what means "as by default" there is left out here. */
const NARROWER: { readonly [Name in Numbers]?: readonly [least: number, most: number] } = {
  finWait2: [-1, layout.LINGER2_MAX],
  maxSegment: [layout.MAXSEG_MIN, layout.MAXSEG_MAX],
  synRetries: [1, layout.SYNCNT_MAX],
  timeToLive: [1, 255],
};

/**
 * The options that settings become, in the order in which they are to be set.
 * @throws TypeError, RangeError
 */
export function settingsOptions(settings: SocketSettings): SocketOption[] {
  object("options", settings);
  const options: SocketOption[] = [];
  for (const [name, code] of BOOLEANS) {
    const value = settings[name];
    if (value !== undefined) options.push(socketOption(code, boolean(name, value) ? 1 : 0));
  }
  for (const [name, code] of NUMBERS) {
    const value = settings[name];
    if (value === undefined) continue;
    const range = NARROWER[name];
    if (range !== undefined) integer(name, value, ...range);
    options.push(socketOption(code, value, 0, name));
  }
  const { keepAlive, linger, congestionControl, maxPacingRate } = settings;
  if (keepAlive !== undefined) options.push(...keepAliveSetting(keepAlive));
  if (linger !== undefined) options.push(lingerOption(linger));
  if (congestionControl !== undefined) options.push(congestionOption(congestionControl));
  if (maxPacingRate !== undefined) options.push(pacingOption(maxPacingRate));
  return options;
}

/** What `setKeepAlive` asks for, times first: turning it on starts the idle time. @throws TypeError, RangeError */
export function keepAliveOptions(on: boolean, options: KeepAliveOptions): SocketOption[] {
  const time = (name: string, value: number | undefined): number =>
    value === undefined ? 0 : integer(name, value, 1000, MAX_KEEP_ALIVE_MS);
  const count = options.count === undefined ? 0 : integer("count", options.count, 1, layout.KEEPCNT_MAX);
  return [
    socketOption(layout.SOCKET_OPTION_KEEPIDLE, time("idleMs", options.idleMs)),
    socketOption(layout.SOCKET_OPTION_KEEPINTVL, time("intervalMs", options.intervalMs)),
    socketOption(layout.SOCKET_OPTION_KEEPCNT, count),
    socketOption(layout.SOCKET_OPTION_KEEPALIVE, on ? 1 : 0),
  ];
}

function keepAliveSetting(value: unknown): SocketOption[] {
  if (typeof value === "object" && value !== null) return keepAliveOptions(true, value);
  if (typeof value !== "boolean") throw invalidType("keepAlive", "a boolean or an object", value);
  return [socketOption(layout.SOCKET_OPTION_KEEPALIVE, value ? 1 : 0)];
}

function lingerOption(seconds: number | null): SocketOption {
  if (seconds === null) return socketOption(layout.SOCKET_OPTION_LINGER, 0);
  return socketOption(layout.SOCKET_OPTION_LINGER, 1, integer("linger", seconds, 0, MAX_LINGER_S));
}

function congestionOption(name: unknown): SocketOption {
  const code = congestionCode(name);
  if (code === undefined) throw invalidValue("congestionControl", CONGESTION_CONTROLS.join(", "), name);
  return socketOption(layout.SOCKET_OPTION_CONGESTION, code);
}

// Two words; all ones is Linux's way to say that there is no limit
function pacingOption(rate: number): SocketOption {
  const code = layout.SOCKET_OPTION_MAX_PACING_RATE;
  if (rate === Number.POSITIVE_INFINITY) return socketOption(code, U32 - 1, U32 - 1);
  integer("maxPacingRate", rate, 1, Number.MAX_SAFE_INTEGER);
  return socketOption(code, rate % U32, Math.floor(rate / U32));
}

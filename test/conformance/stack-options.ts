// Which socket option of Linux is which option of the stack (OP_SET_OPTION), and how its bytes become words. Nothing else about them.
import * as layout from "../../assembly/layout.ts";
import { type SocketOption, socketOption } from "../../src/socket-options.ts";
import { EINVAL, ENOENT } from "./errno.ts";
import * as names from "./option-names.ts";

/** A value as words; absent: the option has no such form and the stack is not told. */
type ToWords = (value: Buffer) => readonly [value: number, value2?: number];

const first: ToWords = (value) => [value.readInt32LE(0)];
const unsigned: ToWords = (value) => [value.readUInt32LE(0)];
const boolean: ToWords = (value) => [value.readInt32LE(0) === 0 ? 0 : 1];
const secondsToMs: ToWords = (value) => [value.readInt32LE(0) * 1000];

const { SOL_SOCKET, IPPROTO_TCP, IPPROTO_IP, IPPROTO_IPV6 } = names;

const TABLE: readonly (readonly [level: number, name: number, code: number, toWords: ToWords])[] = [
  [SOL_SOCKET, names.SO_REUSEADDR, layout.SOCKET_OPTION_REUSEADDR, boolean],
  [SOL_SOCKET, names.SO_SNDBUF, layout.SOCKET_OPTION_SNDBUF, unsigned],
  [SOL_SOCKET, names.SO_RCVBUF, layout.SOCKET_OPTION_RCVBUF, unsigned],
  [SOL_SOCKET, names.SO_KEEPALIVE, layout.SOCKET_OPTION_KEEPALIVE, boolean],
  [
    SOL_SOCKET,
    names.SO_LINGER,
    layout.SOCKET_OPTION_LINGER,
    (value) => [value.readInt32LE(0) === 0 ? 0 : 1, value.readInt32LE(4)],
  ],
  [SOL_SOCKET, names.SO_RCVLOWAT, layout.SOCKET_OPTION_RCVLOWAT, first],
  [SOL_SOCKET, names.SO_OOBINLINE, layout.SOCKET_OPTION_OOBINLINE, boolean],
  [SOL_SOCKET, names.SO_MAX_PACING_RATE, layout.SOCKET_OPTION_MAX_PACING_RATE, pacingRate],
  [IPPROTO_TCP, names.TCP_NODELAY, layout.SOCKET_OPTION_NODELAY, boolean],
  [IPPROTO_TCP, names.TCP_MAXSEG, layout.SOCKET_OPTION_MAXSEG, first],
  [IPPROTO_TCP, names.TCP_CORK, layout.SOCKET_OPTION_CORK, boolean],
  [IPPROTO_TCP, names.TCP_KEEPIDLE, layout.SOCKET_OPTION_KEEPIDLE, secondsToMs],
  [IPPROTO_TCP, names.TCP_KEEPINTVL, layout.SOCKET_OPTION_KEEPINTVL, secondsToMs],
  [IPPROTO_TCP, names.TCP_KEEPCNT, layout.SOCKET_OPTION_KEEPCNT, first],
  [IPPROTO_TCP, names.TCP_SYNCNT, layout.SOCKET_OPTION_SYNCNT, first],
  [IPPROTO_TCP, names.TCP_LINGER2, layout.SOCKET_OPTION_LINGER2, first],
  [IPPROTO_TCP, names.TCP_DEFER_ACCEPT, layout.SOCKET_OPTION_DEFER_ACCEPT, first],
  [IPPROTO_TCP, names.TCP_WINDOW_CLAMP, layout.SOCKET_OPTION_WINDOW_CLAMP, first],
  [IPPROTO_TCP, names.TCP_QUICKACK, layout.SOCKET_OPTION_QUICKACK, boolean],
  [IPPROTO_TCP, names.TCP_USER_TIMEOUT, layout.SOCKET_OPTION_USER_TIMEOUT, first],
  [IPPROTO_TCP, names.TCP_FASTOPEN, layout.SOCKET_OPTION_FASTOPEN, first],
  [IPPROTO_TCP, names.TCP_NOTSENT_LOWAT, layout.SOCKET_OPTION_NOTSENT_LOWAT, unsigned],
  [IPPROTO_TCP, names.TCP_FASTOPEN_CONNECT, layout.SOCKET_OPTION_FASTOPEN_CONNECT, boolean],
  [IPPROTO_TCP, names.TCP_FASTOPEN_NO_COOKIE, layout.SOCKET_OPTION_FASTOPEN_NO_COOKIE, boolean],
  [IPPROTO_IP, names.IP_TOS, layout.SOCKET_OPTION_IP_TOS, first],
  [IPPROTO_IPV6, names.IPV6_TCLASS, layout.SOCKET_OPTION_IP_TOS, first],
  [IPPROTO_IP, names.IP_TTL, layout.SOCKET_OPTION_IP_TTL, first],
  [IPPROTO_IP, names.IP_MTU_DISCOVER, layout.SOCKET_OPTION_IP_MTU_DISCOVER, first],
  [IPPROTO_IPV6, names.IPV6_MTU_DISCOVER, layout.SOCKET_OPTION_IP_MTU_DISCOVER, first],
];

// SO_MAX_PACING_RATE is an unsigned int or, longer, an unsigned long; all ones = none
function pacingRate(value: Buffer): readonly [number, number] {
  if (value.length < 8) {
    const rate = value.readUInt32LE(0);
    return [rate, rate === 0xffffffff ? 0xffffffff : 0];
  }
  return [value.readUInt32LE(0), value.readUInt32LE(4)];
}

/** Congestion controls by their codes. */
export const CONGESTION_NAMES: Readonly<Record<string, number>> = Object.fromEntries(
  Object.entries(layout)
    .filter(
      ([name, value]) => name.startsWith("CONGESTION_") && name !== "CONGESTION_COUNT" && typeof value === "number",
    )
    .map(([name, value]) => [name.slice("CONGESTION_".length).toLowerCase(), value]),
);

/**
 * What the stack is to be told.
 * @returns the option, null if the stack has no such option, or a Linux errno for a value that it does not take
 */
export function stackOption(level: number, name: number, value: Buffer): SocketOption | number | null {
  if (level === IPPROTO_TCP && name === names.TCP_CONGESTION) return congestionOption(value);
  const row = TABLE.find((entry) => entry[0] === level && entry[1] === name);
  if (row === undefined) return null;
  if (level === IPPROTO_IP && value.length > 0 && value.length < 4) return socketOption(row[2], value[0]!);
  if (value.length < (name === names.SO_LINGER && level === SOL_SOCKET ? 8 : 4)) return EINVAL;
  try {
    return socketOption(row[2], ...row[3](value));
  } catch {
    return EINVAL;
  }
}

function congestionOption(value: Buffer): SocketOption | number {
  const code = CONGESTION_NAMES[value.toString("latin1").replace(/\0.*$/s, "")];
  return code === undefined ? ENOENT : socketOption(layout.SOCKET_OPTION_CONGESTION, code);
}

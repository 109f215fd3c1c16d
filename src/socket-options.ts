// The options of a socket as main sends them to the core: what values each takes. Linux's names and ranges; the public names are
// socket-settings.ts's business.
import * as layout from "../assembly/layout.ts";
import { integer } from "./argument-checks.ts";
import { invalidValue } from "./errors.ts";

/** An option with its words, as OP_SET_OPTION carries them. `value2` is the second word of those that have two. */
export interface SocketOption {
  /** A `SOCKET_OPTION_` code. */
  code: number;
  value: number;
  value2?: number;
}

type Range = readonly [name: string, least: number, most: number];

const U32 = 0xffffffff;
const I32 = 0x7fffffff;
const SECONDS = 32767;

/** Name and range of the first word, by code. */
const RANGES: { readonly [code: number]: Range } = {
  [layout.SOCKET_OPTION_NODELAY]: ["TCP_NODELAY", 0, 1],
  [layout.SOCKET_OPTION_KEEPALIVE]: ["SO_KEEPALIVE", 0, 1],
  [layout.SOCKET_OPTION_KEEPIDLE]: ["TCP_KEEPIDLE", 0, SECONDS * 1000],
  [layout.SOCKET_OPTION_KEEPINTVL]: ["TCP_KEEPINTVL", 0, SECONDS * 1000],
  [layout.SOCKET_OPTION_KEEPCNT]: ["TCP_KEEPCNT", 0, layout.KEEPCNT_MAX],
  [layout.SOCKET_OPTION_CORK]: ["TCP_CORK", 0, 1],
  [layout.SOCKET_OPTION_MAXSEG]: ["TCP_MAXSEG", 0, layout.MAXSEG_MAX],
  [layout.SOCKET_OPTION_USER_TIMEOUT]: ["TCP_USER_TIMEOUT", 0, I32],
  [layout.SOCKET_OPTION_SYNCNT]: ["TCP_SYNCNT", 0, layout.SYNCNT_MAX],
  [layout.SOCKET_OPTION_LINGER]: ["SO_LINGER", 0, 1],
  [layout.SOCKET_OPTION_LINGER2]: ["TCP_LINGER2", -I32 - 1, I32],
  [layout.SOCKET_OPTION_DEFER_ACCEPT]: ["TCP_DEFER_ACCEPT", 0, I32],
  [layout.SOCKET_OPTION_WINDOW_CLAMP]: ["TCP_WINDOW_CLAMP", 0, I32],
  [layout.SOCKET_OPTION_QUICKACK]: ["TCP_QUICKACK", 0, 1],
  [layout.SOCKET_OPTION_CONGESTION]: ["TCP_CONGESTION", 0, layout.CONGESTION_COUNT - 1],
  [layout.SOCKET_OPTION_NOTSENT_LOWAT]: ["TCP_NOTSENT_LOWAT", 0, U32],
  [layout.SOCKET_OPTION_SNDBUF]: ["SO_SNDBUF", 0, U32],
  [layout.SOCKET_OPTION_RCVBUF]: ["SO_RCVBUF", 0, U32],
  [layout.SOCKET_OPTION_RCVLOWAT]: ["SO_RCVLOWAT", 0, I32],
  [layout.SOCKET_OPTION_REUSEADDR]: ["SO_REUSEADDR", 0, 1],
  [layout.SOCKET_OPTION_OOBINLINE]: ["SO_OOBINLINE", 0, 1],
  [layout.SOCKET_OPTION_IP_TOS]: ["IP_TOS", 0, 255],
  [layout.SOCKET_OPTION_IP_TTL]: ["IP_TTL", 0, 255],
  [layout.SOCKET_OPTION_IP_MTU_DISCOVER]: ["IP_MTU_DISCOVER", 0, layout.MTU_DISCOVER_MAX],
  [layout.SOCKET_OPTION_MAX_PACING_RATE]: ["SO_MAX_PACING_RATE", 0, U32],
  [layout.SOCKET_OPTION_FASTOPEN]: ["TCP_FASTOPEN", 0, I32],
  [layout.SOCKET_OPTION_FASTOPEN_CONNECT]: ["TCP_FASTOPEN_CONNECT", 0, 1],
  [layout.SOCKET_OPTION_FASTOPEN_KEY0]: ["TCP_FASTOPEN_KEY", 0, U32],
  [layout.SOCKET_OPTION_FASTOPEN_KEY1]: ["TCP_FASTOPEN_KEY", 0, U32],
  [layout.SOCKET_OPTION_FASTOPEN_NO_COOKIE]: ["TCP_FASTOPEN_NO_COOKIE", 0, 1],
};

/**
 * Checks an option.
 * @param name - what the user called it; default: Linux's name
 * @throws TypeError, RangeError (`ERR_OUT_OF_RANGE`), TypeError (`ERR_INVALID_ARG_VALUE`) for an unknown code
 */
export function socketOption(code: number, value: number, value2 = 0, name?: string): SocketOption {
  const range = RANGES[code];
  if (range === undefined) throw invalidValue("code", "a SOCKET_OPTION_ code", code);
  const [linuxName, least, most] = range;
  const called = name ?? linuxName;
  integer(called, value, least, most);
  integer(called, value2, 0, U32);
  if (code === layout.SOCKET_OPTION_MAXSEG && value !== 0) integer(called, value, layout.MAXSEG_MIN, most);
  return { code, value, value2 };
}

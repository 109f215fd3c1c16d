// The options of a socket (OP_SET_OPTION): one dispatch from code to setter, and the inheritance from a listener to its children. A
// setter that only remembers is here; one that does something is in the file of its idea. Main has checked ranges (src/socket-
// options.ts); what still does not fit is clamped, because main is not trusted.
import {
  LINGER2_MAX,
  MAXSEG_MAX,
  MAXSEG_MIN,
  MTU_DISCOVER_MAX,
  RCVBUF_MIN,
  SOCKET_FLAG_FASTOPEN_CONNECT,
  SOCKET_FLAG_FASTOPEN_NO_COOKIE,
  SOCKET_FLAG_KEEPALIVE,
  SOCKET_FLAG_LINGER,
  SOCKET_FLAG_OOBINLINE,
  SOCKET_FLAG_REUSEADDR,
  SOCKET_OPTION_CONGESTION,
  SOCKET_OPTION_CORK,
  SOCKET_OPTION_DEFER_ACCEPT,
  SOCKET_OPTION_FASTOPEN,
  SOCKET_OPTION_FASTOPEN_CONNECT,
  SOCKET_OPTION_FASTOPEN_KEY0,
  SOCKET_OPTION_FASTOPEN_KEY1,
  SOCKET_OPTION_FASTOPEN_NO_COOKIE,
  SOCKET_OPTION_IP_MTU_DISCOVER,
  SOCKET_OPTION_IP_TOS,
  SOCKET_OPTION_IP_TTL,
  SOCKET_OPTION_KEEPALIVE,
  SOCKET_OPTION_KEEPCNT,
  SOCKET_OPTION_KEEPIDLE,
  SOCKET_OPTION_KEEPINTVL,
  SOCKET_OPTION_LINGER,
  SOCKET_OPTION_LINGER2,
  SOCKET_OPTION_MAX_PACING_RATE,
  SOCKET_OPTION_MAXSEG,
  SOCKET_OPTION_NODELAY,
  SOCKET_OPTION_NOTSENT_LOWAT,
  SOCKET_OPTION_OOBINLINE,
  SOCKET_OPTION_QUICKACK,
  SOCKET_OPTION_RCVBUF,
  SOCKET_OPTION_RCVLOWAT,
  SOCKET_OPTION_REUSEADDR,
  SOCKET_OPTION_SNDBUF,
  SOCKET_OPTION_SYNCNT,
  SOCKET_OPTION_USER_TIMEOUT,
  SOCKET_OPTION_WINDOW_CLAMP,
  STATE_LISTEN,
  SYNCNT_MAX,
  TCB_SOCKET_OPTIONS,
  TCB_SOCKET_OPTIONS_END,
} from "../layout";
import { setReceiveBuffer, setSendBuffer } from "./buffer-sizes";
import { congestionChoose } from "./congestion/control";
import { setQuickAck } from "./delayed-ack";
import { setKeepAlive, setKeepCount, setKeepIdle, setKeepInterval } from "./keepalive";
import { listening } from "./listener-record";
import { setCork, setNoDelay } from "./nagle";
import { hasSender } from "./send-window";
import { Tcb } from "./tcb";

/** Smallest TCP_WINDOW_CLAMP. */
const WINDOW_CLAMP_MIN: u32 = RCVBUF_MIN / 2;

/**
 * Sets an option of a connection, a listener, or a TCB that becomes one.
 * @param code a SOCKET_OPTION_ code; `value`, `value2`: its words
 * @returns false if there is no such option or no such value
 */
export function setSocketOption(tcb: Tcb, code: u32, value: u32, value2: u32, nowUs: u64): bool {
  const isOn = value !== 0;
  switch (code) {
    case SOCKET_OPTION_NODELAY:
      setNoDelay(tcb, isOn);
      return true;
    case SOCKET_OPTION_CORK:
      setCork(tcb, isOn);
      return true;
    case SOCKET_OPTION_KEEPALIVE:
      // Of a listener it is only remembered: its children start their own timers
      if (tcb.state === STATE_LISTEN) tcb.setOption(SOCKET_FLAG_KEEPALIVE, isOn);
      else setKeepAlive(tcb, isOn, nowUs);
      return true;
    case SOCKET_OPTION_KEEPIDLE:
      setKeepIdle(tcb, value, nowUs);
      return true;
    case SOCKET_OPTION_KEEPINTVL:
      setKeepInterval(tcb, value);
      return true;
    case SOCKET_OPTION_KEEPCNT:
      setKeepCount(tcb, value);
      return true;
    case SOCKET_OPTION_QUICKACK:
      setQuickAck(tcb, isOn);
      return true;
    case SOCKET_OPTION_SNDBUF:
      setSendBuffer(tcb, value);
      return true;
    case SOCKET_OPTION_RCVBUF:
      setReceiveBuffer(tcb, value);
      return true;
    default:
      return remember(tcb, code, value, value2);
  }
}

// Whether it listens or is to: a connection has other things where a listener has its own, when it is closed too
function mayListen(tcb: Tcb): bool {
  return tcb.state <= <u8>STATE_LISTEN && !hasSender(tcb);
}

// Options that are looked at when their time comes
function remember(tcb: Tcb, code: u32, value: u32, value2: u32): bool {
  switch (code) {
    case SOCKET_OPTION_MAXSEG:
      tcb.userMss = value === 0 ? 0 : <u16>min<u32>(max<u32>(value, MAXSEG_MIN), MAXSEG_MAX);
      return true;
    case SOCKET_OPTION_USER_TIMEOUT:
      tcb.userTimeoutMs = value;
      return true;
    case SOCKET_OPTION_SYNCNT:
      tcb.synRetries = <u8>min<u32>(value, SYNCNT_MAX);
      return true;
    case SOCKET_OPTION_LINGER:
      tcb.setOption(SOCKET_FLAG_LINGER, value !== 0);
      tcb.lingerSeconds = value2;
      return true;
    case SOCKET_OPTION_LINGER2:
      tcb.linger2 = max<i32>(min<i32>(<i32>value, LINGER2_MAX), -1);
      return true;
    case SOCKET_OPTION_DEFER_ACCEPT:
      tcb.deferAccept = <u16>min<u32>(value, 0xffff);
      return true;
    case SOCKET_OPTION_WINDOW_CLAMP:
      tcb.windowClamp = value === 0 ? 0 : max(value, WINDOW_CLAMP_MIN);
      return true;
    case SOCKET_OPTION_NOTSENT_LOWAT:
      tcb.notsentLowat = value;
      return true;
    case SOCKET_OPTION_RCVLOWAT:
      tcb.rcvLowat = value;
      return true;
    case SOCKET_OPTION_REUSEADDR:
      tcb.setOption(SOCKET_FLAG_REUSEADDR, value !== 0);
      return true;
    case SOCKET_OPTION_OOBINLINE:
      tcb.setOption(SOCKET_FLAG_OOBINLINE, value !== 0);
      return true;
    case SOCKET_OPTION_MAX_PACING_RATE:
      tcb.maxPacingRate = (value & value2) === 0xffffffff ? 0 : <u64>value | ((<u64>value2) << 32);
      return true;
    case SOCKET_OPTION_FASTOPEN:
      tcb.fastOpen = <u16>min<u32>(value, 0xffff);
      return true;
    case SOCKET_OPTION_FASTOPEN_CONNECT:
      tcb.setOption(SOCKET_FLAG_FASTOPEN_CONNECT, value !== 0);
      return true;
    case SOCKET_OPTION_FASTOPEN_KEY0:
      if (mayListen(tcb)) listening(tcb).fastOpenKey0 = <u64>value | ((<u64>value2) << 32);
      return true;
    case SOCKET_OPTION_FASTOPEN_KEY1:
      if (mayListen(tcb)) listening(tcb).fastOpenKey1 = <u64>value | ((<u64>value2) << 32);
      return true;
    case SOCKET_OPTION_FASTOPEN_NO_COOKIE:
      tcb.setOption(SOCKET_FLAG_FASTOPEN_NO_COOKIE, value !== 0);
      return true;
    default:
      return rememberPath(tcb, code, value);
  }
}

// What concerns the packets and the path
function rememberPath(tcb: Tcb, code: u32, value: u32): bool {
  switch (code) {
    case SOCKET_OPTION_CONGESTION:
      return congestionChoose(tcb, value);
    case SOCKET_OPTION_IP_TOS:
      tcb.tos = <u8>value;
      return true;
    case SOCKET_OPTION_IP_TTL:
      tcb.ttl = <u8>min<u32>(value, 255);
      return true;
    case SOCKET_OPTION_IP_MTU_DISCOVER:
      if (value > <u32>MTU_DISCOVER_MAX) return false;
      tcb.mtuDiscover = <u8>(value + 1);
      tcb.pmtuGeneration = 0; // of none: the next packet looks at the path again
      return true;
  }
  return false;
}

/** A child takes over all options of its listener, before it is prepared for its SYN-ACK. */
export function inheritOptions(child: Tcb, listener: Tcb): void {
  const bytes: usize = TCB_SOCKET_OPTIONS_END - TCB_SOCKET_OPTIONS;
  memory.copy(child.ptr + TCB_SOCKET_OPTIONS, listener.ptr + TCB_SOCKET_OPTIONS, bytes);
}

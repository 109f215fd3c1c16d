// What a connection with something to send waits for: the network, the peer's window, or its own send ring. Three clocks of which
// one runs at a time, as Linux's tcp_info has them (busy_time, rwnd_limited, sndbuf_limited). Counts; decides nothing.
import { CHRONO_BUSY, CHRONO_IDLE, CHRONO_RWND_LIMITED, CHRONO_SNDBUF_LIMITED, READY_WRITABLE } from "../layout";
import { Tcb } from "./tcb";

/** From now on time counts as `kind` (CHRONO_). */
export function chronoSet(tcb: Tcb, kind: u32, nowUs: u64): void {
  if (tcb.chrono === kind) return;
  const us = tcb.chrono === CHRONO_IDLE ? 0 : nowUs - tcb.chronoUs;
  tcb.busyUs += us;
  if (tcb.chrono === CHRONO_RWND_LIMITED) tcb.rwndLimitedUs += us;
  if (tcb.chrono === CHRONO_SNDBUF_LIMITED) tcb.sndbufLimitedUs += us;
  tcb.chrono = <u8>kind;
  tcb.chronoUs = nowUs;
}

/** There is nothing more to send: either all is acknowledged, or main waits for the ring while the network has room. */
export function chronoAllSent(tcb: Tcb, hasRoom: bool, nowUs: u64): void {
  if (tcb.packetsOut === 0) chronoSet(tcb, CHRONO_IDLE, nowUs);
  else if (hasRoom && (tcb.loadWaits() & READY_WRITABLE) !== 0) chronoSet(tcb, CHRONO_SNDBUF_LIMITED, nowUs);
  else chronoSet(tcb, CHRONO_BUSY, nowUs);
}

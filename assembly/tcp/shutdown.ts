// The end of the whole stack: what is still there ends now. RFC 9293 3.10.5, for every connection at once.
import { ECONNABORTED, STATE_LISTEN } from "../layout";
import { abortConnection } from "./close";
import { isTcbInUse, tcbHighWater } from "./connections";
import { closeListening } from "./listen";
import { Tcb } from "./tcb";

/**
 * Ends every connection and listener: a RST where the peer has a connection to end, TIME-WAIT is not sat out. The frames leave with
 * the next transmit().
 */
export function shutdown(nowUs: u64): void {
  for (let index: u32 = 0; index < tcbHighWater(); index++) {
    if (!isTcbInUse(index)) continue;
    const tcb = Tcb.at(index);
    if (tcb.state === STATE_LISTEN) closeListening(tcb, nowUs);
    else abortConnection(tcb, ECONNABORTED, nowUs);
  }
}

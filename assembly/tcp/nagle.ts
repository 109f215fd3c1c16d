// Small segments: Nagle's algorithm off and on (TCP_NODELAY, RFC 9293 3.7.4, MUST-17) and the cork (TCP_CORK). Whether one may leave
// is decided in new-data.ts.
import { SOCKET_FLAG_CORK, SOCKET_FLAG_NODELAY } from "../layout";
import { wantOutput } from "./connections";
import { isSynchronized } from "./state";
import { Tcb } from "./tcb";

/** TCP_NODELAY: Nagle off or on. */
export function setNoDelay(tcb: Tcb, isOn: bool): void {
  tcb.setOption(SOCKET_FLAG_NODELAY, isOn);
  if (isSynchronized(tcb.state)) wantOutput(tcb);
}

/** TCP_CORK: holds small segments back; taking the cork out lets go what waits. */
export function setCork(tcb: Tcb, isOn: bool): void {
  tcb.setOption(SOCKET_FLAG_CORK, isOn);
  if (!isOn && isSynchronized(tcb.state)) wantOutput(tcb);
}

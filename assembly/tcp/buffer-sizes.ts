// SO_SNDBUF and SO_RCVBUF: sizes that a user fixes. As in Linux they are bounded by net.core.wmem_max and rmem_max, are doubled (the
// kernel's bookkeeping needs room), are told doubled, and end the autotuning of that direction.
import { RCVBUF_MIN, SNDBUF_MIN, SYSCTL_RMEM_MAX, SYSCTL_WMEM_MAX } from "../layout";
import { Tcb } from "./tcb";

/** What can be doubled. */
const HALF_MAX: u32 = 0x3fffffff;

/** SO_SNDBUF, bytes as the user says. */
export function setSendBuffer(tcb: Tcb, bytes: u32): void {
  tcb.sndBuf = max<u32>(min(min(bytes, load<u32>(SYSCTL_WMEM_MAX)), HALF_MAX) * 2, SNDBUF_MIN);
}

/** SO_RCVBUF, bytes as the user says. */
export function setReceiveBuffer(tcb: Tcb, bytes: u32): void {
  tcb.rcvBuf = max<u32>(min(min(bytes, load<u32>(SYSCTL_RMEM_MAX)), HALF_MAX) * 2, RCVBUF_MIN);
}

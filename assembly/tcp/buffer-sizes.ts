// SO_SNDBUF and SO_RCVBUF: sizes that a user fixes. As in Linux they are bounded by net.core.wmem_max and rmem_max, are doubled (the
// kernel's bookkeeping needs room), are told doubled, and end the autotuning of that direction.
import { SYSCTL_RMEM_MAX, SYSCTL_WMEM_MAX } from "../layout";
import { Tcb } from "./tcb";

/** Least values, doubled: Linux's SOCK_MIN_SNDBUF and SOCK_MIN_RCVBUF. */
const SNDBUF_MIN: u32 = 4608;
const RCVBUF_MIN: u32 = 2304;
/** What can be doubled. */
const HALF_MAX: u32 = 0x3fffffff;

/** SO_SNDBUF, bytes as the user says. */
export function setSendBuffer(tcb: Tcb, bytes: u32): void {
  tcb.sndBuf = max(min(min(bytes, load<u32>(SYSCTL_WMEM_MAX)), HALF_MAX) * 2, SNDBUF_MIN);
}

/** SO_RCVBUF, bytes as the user says. */
export function setReceiveBuffer(tcb: Tcb, bytes: u32): void {
  tcb.rcvBuf = max(min(min(bytes, load<u32>(SYSCTL_RMEM_MAX)), HALF_MAX) * 2, RCVBUF_MIN);
}

// TCP_QUICKACK: acknowledge at once for a while, or not (Linux). A hint, not a promise: a dialogue delays ACKs again by itself.
import { SOCKET_FLAG_QUICKACK_OFF } from "../layout";
import { ackNow } from "./challenge";
import { TCB_FLAG_ACK_DELAYED, Tcb } from "./tcb";

/** ACKs that are not delayed after TCP_QUICKACK 1. */
const QUICK_ACKS: u32 = 16;

/** Sets the mode; turning it on sends the ACK that waits. */
export function setQuickAck(tcb: Tcb, isOn: bool): void {
  tcb.setOption(SOCKET_FLAG_QUICKACK_OFF, !isOn);
  tcb.quickAcks = isOn ? max(tcb.quickAcks, QUICK_ACKS) : 0;
  if (isOn && tcb.has(TCB_FLAG_ACK_DELAYED)) ackNow(tcb);
}

// What connections do when their link is back, or their interface gone. A time-out that was backed off while there was no way says nothing of
// the network (RFC 6069), and need not be waited for once there is one. How the interface itself changes is iface/link-state.ts's.
import { ENETDOWN, ENODEV, READY_CLOSED, STATE_ESTABLISHED, STATE_LISTEN, STATE_TIME_WAIT } from "../layout";
import { NONE } from "../storage/none";
import { enterClosed } from "./close";
import { isTcbInUse, raise, tcbHighWater, wantOutput } from "./connections";
import { isSynAckWanted } from "./defer-accept";
import { persistInterval } from "./persist";
import { undoBackOff } from "./rtt";
import { TCB_FLAG_PROBE_PENDING, TCB_FLAG_SYN_PENDING, Tcb } from "./tcb";
import { enterLoss } from "./timeout-loss";
import { setRetransmitTimer, TIMER_LOSS_PROBE, TIMER_PERSIST, TIMER_REORDER, TIMER_RETRANSMIT } from "./timers";
import { timerFromNow } from "./xmit-timer";

/** Frames leave over an interface again: its connections take back-offs back and send at once what their timers would have sent. */
export function linkRestored(interfaceIndex: u32, nowUs: u64): void {
  for (let index: u32 = 0; index < tcbHighWater(); index++) {
    if (!isTcbInUse(index)) continue;
    const tcb = Tcb.at(index);
    if (<u32>tcb.interfaceIndex !== interfaceIndex || !isOpen(tcb)) continue;
    if (tcb.softErrno === ENETDOWN) tcb.softErrno = 0;
    switch (<u32>tcb.timerKind) {
      case TIMER_RETRANSMIT:
      case TIMER_LOSS_PROBE:
      case TIMER_REORDER:
        sendAgain(tcb, nowUs);
        break;
      case TIMER_PERSIST:
        undoBackOff(tcb);
        tcb.persistProbes = 0;
        tcb.set(TCB_FLAG_PROBE_PENDING);
        wantOutput(tcb);
        setRetransmitTimer(tcb, TIMER_PERSIST, nowUs + persistInterval(tcb));
        break;
    }
  }
}

// As if the time-out had come now, but that it is not counted: nothing was asked of the network
function sendAgain(tcb: Tcb, nowUs: u64): void {
  undoBackOff(tcb);
  if (tcb.state >= <u8>STATE_ESTABLISHED) {
    if (tcb.rtxHead === NONE) return;
    enterLoss(tcb, nowUs);
  } else if (isSynAckWanted(tcb)) {
    tcb.set(TCB_FLAG_SYN_PENDING);
  }
  wantOutput(tcb);
  timerFromNow(tcb, nowUs);
}

/** An interface, and with it its address, is gone: connections over it or from that address end with ENODEV. */
export function interfaceGone(interfaceIndex: u32, addressHigh: u64, addressLow: u64, nowUs: u64): void {
  for (let index: u32 = 0; index < tcbHighWater(); index++) {
    if (!isTcbInUse(index)) continue;
    const tcb = Tcb.at(index);
    if (tcb.state <= <u8>STATE_LISTEN) continue;
    const isFrom = tcb.localAddressLow === addressLow && tcb.localAddressHigh === addressHigh;
    if (<u32>tcb.interfaceIndex !== interfaceIndex && !isFrom) continue;
    enterClosed(tcb, tcb.state === <u8>STATE_TIME_WAIT ? 0 : ENODEV, nowUs); // in TIME-WAIT it has ended in order already
  }
}

/** Nothing comes to this address any more (all zero: to any) since an interface is gone: its listeners tell main, which closes them. */
export function listenersGone(interfaceIndex: u32, addressHigh: u64, addressLow: u64): void {
  for (let index: u32 = 0; index < tcbHighWater(); index++) {
    if (!isTcbInUse(index)) continue;
    const tcb = Tcb.at(index);
    if (tcb.state !== <u8>STATE_LISTEN) continue;
    if (tcb.localAddressLow !== addressLow || tcb.localAddressHigh !== addressHigh) continue;
    tcb.error = <u16>ENODEV;
    tcb.interfaceIndex = interfaceIndex;
    raise(tcb, READY_CLOSED);
  }
}

function isOpen(tcb: Tcb): bool {
  return tcb.state > <u8>STATE_LISTEN && tcb.state < <u8>STATE_TIME_WAIT;
}

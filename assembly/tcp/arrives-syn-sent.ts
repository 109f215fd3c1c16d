// A segment for a connection that we opened and the peer has not answered. RFC 9293 3.10.7.3, in its order: ACK, RST, (security,)
// SYN, neither.
import { count } from "../count";
import {
  COUNTER_TCP_IN_BAD_ACK,
  COUNTER_TCP_IN_BAD_FLAGS,
  COUNTER_TCP_IN_PAWS,
  COUNTER_TCP_IN_RST_IGNORED,
} from "../counters";
import { ECONNREFUSED, STATE_SYN_RECEIVED, SYSCTL_TCP_RTO_MIN_US } from "../layout";
import { ACK, RST, SYN } from "../wire/tcp";
import { takeFin, takeText } from "./arrives-synchronized";
import { ackNow } from "./challenge";
import { enterClosed } from "./close";
import { wantOutput } from "./connections";
import { DISPOSITION_DONE, DISPOSITION_SEND_RST, GO_ON } from "./disposition";
import { fastOpenAnswered } from "./fast-open";
import { establish, negotiate } from "./handshake";
import { startReceiver } from "./receive-window";
import { Segment } from "./segment";
import { updateSendWindow } from "./send-window";
import { seqGt, seqLte } from "./seq";
import { setState } from "./state";
import { TCB_FLAG_SYN_PENDING, Tcb } from "./tcb";
import { setRetransmitTimer, TIMER_RETRANSMIT } from "./timers";
import { isEchoOurs } from "./timestamps";

/** @returns a DISPOSITION_ code */
export function arrivesSynSent(tcb: Tcb, seg: Segment, nowUs: u64): u32 {
  let d = checkAck(tcb, seg, nowUs);
  if (d !== GO_ON) return d;
  d = checkRst(tcb, seg, nowUs);
  if (d !== GO_ON) return d;
  if ((seg.flags & SYN) === 0) {
    count(COUNTER_TCP_IN_BAD_FLAGS); // fifth: "if neither of the SYN or RST bits is set, then drop the segment"
    return DISPOSITION_DONE;
  }
  return takeSyn(tcb, seg, nowUs);
}

/**
 * First: an ACK of anything but our SYN is answered with RST and the connection goes on waiting (RFC 9293 3.5.2 group 2). It comes from a
 * half-open connection, which the RST ends: our SYN goes out again soon, as in Linux, and not only after the full time-out.
 */
function checkAck(tcb: Tcb, seg: Segment, nowUs: u64): u32 {
  if ((seg.flags & ACK) === 0) return GO_ON;
  if (seqGt(seg.ack, tcb.iss) && seqLte(seg.ack, tcb.sndNxt)) return checkEcho(tcb, seg, nowUs);
  count(COUNTER_TCP_IN_BAD_ACK);
  if ((seg.flags & RST) !== 0) return DISPOSITION_DONE;
  const soonUs = nowUs + load<u32>(SYSCTL_TCP_RTO_MIN_US);
  if (tcb.timerKind === TIMER_RETRANSMIT && tcb.retransmits === 0 && soonUs < tcb.retransmitUs) {
    setRetransmitTimer(tcb, TIMER_RETRANSMIT, soonUs);
  }
  return DISPOSITION_SEND_RST;
}

// A timestamp that no SYN of this connection had is echoed to somebody else. RFC 7323 3.2 lets nobody echo another; answered as Linux does
function checkEcho(tcb: Tcb, seg: Segment, nowUs: u64): u32 {
  if (isEchoOurs(tcb, seg, nowUs)) return GO_ON;
  count(COUNTER_TCP_IN_PAWS);
  return (seg.flags & RST) !== 0 ? DISPOSITION_DONE : DISPOSITION_SEND_RST;
}

/** Second: a RST that acknowledges our SYN says "connection refused"; one without ACK could come from anybody. */
function checkRst(tcb: Tcb, seg: Segment, nowUs: u64): u32 {
  if ((seg.flags & RST) === 0) return GO_ON;
  if ((seg.flags & ACK) !== 0) enterClosed(tcb, ECONNREFUSED, nowUs);
  else count(COUNTER_TCP_IN_RST_IGNORED);
  return DISPOSITION_DONE;
}

/** Fourth: SYN-ACK makes the connection; a bare SYN is a simultaneous open (RFC 9293 3.5 figure 7, MUST-10). */
function takeSyn(tcb: Tcb, seg: Segment, nowUs: u64): u32 {
  negotiate(tcb, seg, nowUs);
  startReceiver(tcb, seg.seq, nowUs);
  if ((seg.flags & ACK) === 0) {
    setState(tcb, STATE_SYN_RECEIVED, nowUs);
    updateSendWindow(tcb, seg);
    tcb.set(TCB_FLAG_SYN_PENDING); // the SYN in the queue leaves again, as SYN-ACK
    wantOutput(tcb);
    return DISPOSITION_DONE;
  }
  establish(tcb, seg, nowUs);
  fastOpenAnswered(tcb, seg, nowUs);
  ackNow(tcb);
  // "If there are other controls or text in the segment, then continue processing at the sixth step"
  const d = takeText(tcb, seg, nowUs);
  return d === GO_ON ? takeFin(tcb, seg, nowUs) : d;
}

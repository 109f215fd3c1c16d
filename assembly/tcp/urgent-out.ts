// Urgent data we send (MSG_OOB): RFC 9293 3.8.5 and RFC 6093 as all implementations have it: the urgent pointer is the sequence
// number after the urgent byte. New applications should not use it (SHLD-13); telnet and FTP do. MUST-30 is this file and urgent-in.ts.
import { URG } from "../wire/tcp";
import { Outgoing } from "./outgoing";
import { seqGt, seqLt, seqLte } from "./seq";
import { TCB_FLAG_URGENT_OUT, Tcb } from "./tcb";

/** The urgent pointer field has 16 bits. */
const POINTER_MAX: u32 = 0xffff;

/** The byte before `offset` of the send stream is urgent. A later one moves SND.UP on. */
export function markUrgent(tcb: Tcb, offset: u32): void {
  tcb.sndUp = tcb.iss + 1 + offset;
  tcb.set(TCB_FLAG_URGENT_OUT);
}

/** Whether urgent data is not acknowledged yet; ends the mode when it is. */
export function isUrgentOut(tcb: Tcb): bool {
  if (!tcb.has(TCB_FLAG_URGENT_OUT)) return false;
  if (seqGt(tcb.sndUp, tcb.sndUna)) return true;
  tcb.clear(TCB_FLAG_URGENT_OUT);
  return false;
}

/**
 * Tells the peer of urgent data at or ahead of a segment.
 *
 *   RFC 9293 3.8.5 (MUST-31): "A TCP implementation MUST support a sequence of urgent data of any length." What lies further
 *   ahead than the field reaches is announced as far as it reaches, once all before it is sent, as Linux does.
 */
export function tellUrgent(tcb: Tcb, out: Outgoing): void {
  if (!isUrgentOut(tcb) || !seqLt(out.seq, tcb.sndUp)) return;
  const ahead = tcb.sndUp - out.seq;
  if (ahead <= POINTER_MAX) out.urgent = ahead;
  else if (seqLte(tcb.sndNxt, out.seq + POINTER_MAX)) out.urgent = POINTER_MAX;
  else return;
  out.flags |= URG;
}

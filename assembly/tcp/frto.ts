// F-RTO (RFC 5682 2 and 3): after a time-out the first segment is sent again, then new data instead of what was taken for lost; what is
// acknowledged or SACKed next tells whether the time-out was spurious. Without it a delay spike makes the whole window leave twice.
//
//   OFF ── time-out ──▶ WAIT ── SND.UNA moves, new data may leave ──▶ NEW_DATA ── another ACK ──▶ undone, or OFF: the loss was real

import { SYSCTL_TCP_FRTO } from "../layout";
import { AckEvent, EVENT_ORIGINAL_DELIVERED, EVENT_SACKED, EVENT_UNA_ADVANCED } from "./ack-event";
import { unsentBytes } from "./new-data";
import { usableWindow } from "./send-window";
import { seqGt, seqGte } from "./seq";
import { Tcb } from "./tcb";

export const FRTO_OFF: u8 = 0;
export const FRTO_WAIT: u8 = 1; // the first segment was sent again
export const FRTO_NEW_DATA: u8 = 2; // new data leaves before anything else is sent again

// What an ACK after a time-out means
export const FRTO_GO_ON: u32 = 0; // nothing: conventional recovery
export const FRTO_SPURIOUS: u32 = 1; // the time-out was
export const FRTO_SEND_NEW: u32 = 2; // step 2.b: new data next

/**
 * The retransmission timer expired. RFC 5682 3.1 step 1: unless it is the first of a recovery that went on already.
 * @param isFirst no recovery went on, or this is a time-out after another
 */
export function frtoBegin(tcb: Tcb, isFirst: bool): void {
  tcb.frto = load<u32>(SYSCTL_TCP_FRTO) !== 0 && isFirst ? FRTO_WAIT : FRTO_OFF;
}

/** RFC 5682 2.1 and 3.1, steps 2 and 3. @returns FRTO_GO_ON, FRTO_SPURIOUS or FRTO_SEND_NEW */
export function frtoOnAck(tcb: Tcb, event: AckEvent, isDuplicate: bool): u32 {
  if (tcb.frto === FRTO_OFF) return FRTO_GO_ON;
  tcb.frto = FRTO_WAIT;
  // Step 3.b: data of before the time-out that was sent only once has arrived
  if (event.has(EVENT_ORIGINAL_DELIVERED)) return FRTO_SPURIOUS;
  if (seqGt(tcb.sndNxt, tcb.highSeq)) {
    // Step 3.a: of the new data something arrived, and nothing of the old
    if (event.has(EVENT_SACKED) || isDuplicate) tcb.frto = FRTO_OFF;
  } else if (event.has(EVENT_UNA_ADVANCED) && !seqGte(tcb.sndUna, tcb.highSeq)) {
    tcb.highSeq = tcb.sndNxt;
    if (unsentBytes(tcb) !== 0 && usableWindow(tcb) !== 0) {
      tcb.frto = FRTO_NEW_DATA;
      return FRTO_SEND_NEW;
    }
    tcb.frto = FRTO_OFF;
  }
  return FRTO_GO_ON;
}

/** No new data could leave in step 2.b: conventional recovery. */
export function frtoGiveUp(tcb: Tcb): void {
  tcb.frto = FRTO_OFF;
}

// When rings are given back: a connection that has sent and received nothing for a second holds none, whatever it held before. One timer
// per connection that has rings (ringsUs) looks, and again when something has happened to what kept them; it also repeats a wish for a
// send ring that the heap did not grant. How a ring is
// given back is send-ring.ts's and receive-ring.ts's business.
import { STATE_CLOSED, STATE_ESTABLISHED } from "../layout";
import { releaseIdleReceiveRing } from "./receive-ring";
import { offerSendRing, takeBackSendRing } from "./send-ring";
import { TCB_FLAG_RING_WANTED, Tcb } from "./tcb";
import { RINGS_NEW } from "./timers";

/** Rings that nothing went through for so long go. */
const IDLE_US: u64 = 1000000;
/** How long a wanted ring waits for room in the heap until it is tried again. */
const RETRY_US: u64 = 50000;

/** The timer of the rings expired. */
export function ringsDue(tcb: Tcb, nowUs: u64): void {
  const isNew = tcb.ringsUs === RINGS_NEW;
  tcb.ringsUs = 0;
  if (tcb.has(TCB_FLAG_RING_WANTED)) {
    if (!isNew) offerSendRing(tcb, 0);
    if (tcb.has(TCB_FLAG_RING_WANTED)) {
      tcb.ringsUs = nowUs + RETRY_US;
      return;
    }
  }
  const idleUs = isNew ? nowUs : max<u64>(tcb.lastSentUs, tcb.lastTextUs);
  if (nowUs - idleUs < IDLE_US) tcb.ringsUs = idleUs + IDLE_US;
  else if (tcb.state >= <u8>STATE_ESTABLISHED) release(tcb);
  else if (tcb.state !== <u8>STATE_CLOSED) tcb.ringsUs = nowUs + IDLE_US;
}

function release(tcb: Tcb): void {
  takeBackSendRing(tcb);
  releaseIdleReceiveRing(tcb);
}

// A segment for a listener. RFC 9293 3.10.7.2, in its order: RST, ACK, SYN, anything else.
import { count } from "../count";
import {
  COUNTER_TCP_IN_BAD_ACK,
  COUNTER_TCP_IN_BAD_FLAGS,
  COUNTER_TCP_IN_LISTEN_IGNORED,
  COUNTER_TCP_IN_RST_IGNORED,
  COUNTER_TCP_PASSIVE_OPENS,
  COUNTER_TCP_SYNCOOKIES_SENT,
  COUNTER_TCP_TABLE_FULL,
} from "../counters";
import { STATE_SYN_RECEIVED, TCB_BYTES } from "../layout";
import { ACK, FIN, RST, SYN } from "../wire/tcp";
import { arrivesSynchronized } from "./arrives-synchronized";
import { enterClosed } from "./close";
import { freeIfDone, hash, isTcbInUse, wantOutput } from "./connections";
import { DISPOSITION_DONE, DISPOSITION_SEND_RST, DISPOSITION_SEND_SYN_ACK } from "./disposition";
import { fastOpenAdmits } from "./fast-open";
import { negotiate, prepareConnection } from "./handshake";
import { initialSequenceNumberBeyond } from "./isn";
import { linkMtu } from "./link-limits";
import { ADMIT_CHILD, ADMIT_COOKIE, admit, isSynQueueOverfull, joinListener, offerChild } from "./listen";
import { inheritOptions } from "./options-set";
import { outgoing } from "./outgoing";
import { receiveText } from "./reassembly";
import { startReceiver } from "./receive-window";
import { Segment } from "./segment";
import { buildSyn } from "./segment-builder";
import { updateSendWindow } from "./send-window";
import { queueSyn, startSender } from "./sender";
import { setState } from "./state";
import {
  cookieMss,
  cookieOf,
  cookieTimestamp,
  expectsCookies,
  forgetWhatIsNotCarried,
  mayBringCookie,
  rebuildSyn,
} from "./syn-cookie";
import { TCB_FLAG_PASSIVE, TCB_FLAG_SYN_PENDING, Tcb } from "./tcb";
import { allocTcbOrReuse } from "./time-wait";
import { setRetransmitTimer, TIMER_RETRANSMIT } from "./timers";
import { chooseTimestampOffset, timestampNow } from "./timestamps";

/** @returns a DISPOSITION_ code */
export function arrivesListen(listener: Tcb, seg: Segment, nowUs: u64): u32 {
  if ((seg.flags & RST) !== 0) {
    count(COUNTER_TCP_IN_RST_IGNORED);
    return DISPOSITION_DONE;
  }
  if (mayBringCookie(seg) && expectsCookies(listener, nowUs)) return takeCookie(listener, seg, nowUs);
  if ((seg.flags & ACK) !== 0) {
    count(COUNTER_TCP_IN_BAD_ACK); // "Any acknowledgment is bad if it arrives on a connection still in the LISTEN state"
    return DISPOSITION_SEND_RST;
  }
  if ((seg.flags & SYN) === 0) {
    count(COUNTER_TCP_IN_LISTEN_IGNORED);
    return DISPOSITION_DONE;
  }
  if ((seg.flags & FIN) !== 0) {
    count(COUNTER_TCP_IN_BAD_FLAGS); // nobody closes what he opens; Linux drops it as well
    return DISPOSITION_DONE;
  }
  switch (admit(listener, nowUs)) {
    case ADMIT_CHILD:
      spawn(listener, seg, 0, nowUs);
      return DISPOSITION_DONE;
    case ADMIT_COOKIE:
      answerWithCookie(listener, seg, nowUs);
      return DISPOSITION_SEND_SYN_ACK;
    default:
      return DISPOSITION_DONE;
  }
}

/**
 * Makes the child that answers a SYN, in SYN-RECEIVED. Text on the SYN is not kept: the peer sends it again (RFC 9293 allows either).
 * @param issBeyond what the ISS must lie beyond, because an earlier incarnation used it; 0 = nothing
 */
export function spawn(listener: Tcb, seg: Segment, issBeyond: u32, nowUs: u64): void {
  const child = makeChild(listener, seg, nowUs);
  if (child === null) return;
  child.iss = initialSequenceNumberBeyond(child, issBeyond, nowUs);
  enterSynReceived(child, listener, seg, nowUs);
  updateSendWindow(child, seg);
  if (fastOpenAdmits(listener, child, seg, nowUs)) openFast(child, seg, nowUs);
  wantOutput(child);
}

// RFC 7413 4.2.2: the data of the SYN is handed over, and the connection may be used, before the handshake is complete
function openFast(child: Tcb, seg: Segment, nowUs: u64): void {
  startSender(child, nowUs);
  child.set(TCB_FLAG_SYN_PENDING);
  if (seg.payloadLength !== 0) receiveText(child, seg.seq + 1, seg.payloadPtr, seg.payloadLength, seg.segments);
  offerChild(child);
}

// A TCB in the tuple table with what both SYNs say, not yet in any state; null if there is no room (counted)
function makeChild(listener: Tcb, seg: Segment, nowUs: u64): Tcb | null {
  const child = allocTcbOrReuse(nowUs);
  if (child === null) return null;
  setEnds(child, seg);
  if (!hash(child)) {
    count(COUNTER_TCP_TABLE_FULL);
    freeIfDone(child);
    return null;
  }
  count(COUNTER_TCP_PASSIVE_OPENS);
  agree(child, listener, seg, nowUs);
  startReceiver(child, seg.seq, nowUs);
  return child;
}

function setEnds(child: Tcb, seg: Segment): void {
  child.localAddressHigh = seg.localAddressHigh;
  child.localAddressLow = seg.localAddressLow;
  child.remoteAddressHigh = seg.remoteAddressHigh;
  child.remoteAddressLow = seg.remoteAddressLow;
  child.localPort = seg.localPort;
  child.remotePort = seg.remotePort;
}

function agree(child: Tcb, listener: Tcb, seg: Segment, nowUs: u64): void {
  child.set(TCB_FLAG_PASSIVE);
  child.congestion = listener.congestion;
  inheritOptions(child, listener);
  prepareConnection(child, seg.interfaceIndex, linkMtu(seg.interfaceIndex));
  negotiate(child, seg, nowUs);
}

function enterSynReceived(child: Tcb, listener: Tcb, seg: Segment, nowUs: u64): void {
  child.segsIn = seg.segments;
  child.lastReceivedUs = nowUs;
  joinListener(child, listener);
  setState(child, STATE_SYN_RECEIVED, nowUs);
  queueSyn(child);
}

// A TCB that exists during one call only: the SYN-ACK with a cookie is built from it like any other
const COOKIE_TCB: usize = memory.data(TCB_BYTES, 64);

/** Builds the SYN-ACK for a SYN into the Outgoing record, and remembers nothing. */
function answerWithCookie(listener: Tcb, seg: Segment, nowUs: u64): void {
  count(COUNTER_TCP_SYNCOOKIES_SENT);
  memory.fill(COOKIE_TCB, 0, TCB_BYTES);
  const child = changetype<Tcb>(COOKIE_TCB);
  const cookie = cookieOf(seg, nowUs);
  forgetWhatIsNotCarried(seg);
  setEnds(child, seg);
  agree(child, listener, seg, nowUs);
  const nowMs = timestampNow(child, nowUs) - child.tsOffset;
  child.tsOffset += cookieTimestamp(seg, nowMs) - nowMs;
  child.state = <u8>STATE_SYN_RECEIVED;
  child.iss = cookie;
  child.irs = seg.seq;
  child.rcvNxt = seg.seq + 1;
  buildSyn(child, outgoing(), nowUs);
}

/** An ACK that may answer a cookie: if it does, makes the child that was not made before, and lets the ACK arrive at it. */
function takeCookie(listener: Tcb, seg: Segment, nowUs: u64): u32 {
  const mss = cookieMss(seg, nowUs);
  if (mss === 0) return DISPOSITION_SEND_RST;
  const child = allocCookieChild(listener, seg, mss, nowUs);
  if (child === null) return DISPOSITION_DONE;
  const index = child.index;
  const disposition = arrivesSynchronized(child, seg, nowUs);
  if (isTcbInUse(index) && child.state === STATE_SYN_RECEIVED) keepWaiting(child, listener, nowUs);
  return disposition;
}

// The accept queue was full. If the SYN queue is not, the child waits there as if its SYN-ACK had been lost; else nothing of it stays,
// and the peer's data will bring the cookie again
function keepWaiting(child: Tcb, listener: Tcb, nowUs: u64): void {
  if (isSynQueueOverfull(listener)) enterClosed(child, 0, nowUs);
  else setRetransmitTimer(child, TIMER_RETRANSMIT, nowUs + child.rtoUs);
}

function allocCookieChild(listener: Tcb, seg: Segment, mss: u32, nowUs: u64): Tcb | null {
  const flags = seg.flags;
  const tos = seg.tos;
  memory.fill(COOKIE_TCB, 0, TCB_BYTES);
  setEnds(changetype<Tcb>(COOKIE_TCB), seg);
  chooseTimestampOffset(changetype<Tcb>(COOKIE_TCB));
  rebuildSyn(seg, mss, changetype<Tcb>(COOKIE_TCB).tsOffset);
  seg.tos = 0;
  seg.seq -= 1;
  const child = makeChild(listener, seg, nowUs);
  seg.seq += 1;
  seg.flags = flags;
  seg.tos = tos;
  if (child === null) return null;
  child.iss = seg.ack - 1;
  enterSynReceived(child, listener, seg, nowUs);
  child.clear(TCB_FLAG_SYN_PENDING); // it left as the cookie
  child.sndNxt = seg.ack;
  return child;
}

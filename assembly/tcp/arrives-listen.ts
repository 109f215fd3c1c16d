// A segment for a listener. RFC 9293 3.10.7.2, in its order: RST, ACK, SYN, anything else.
import { count } from "../count";
import {
  COUNTER_TCP_IN_BAD_ACK,
  COUNTER_TCP_IN_BAD_FLAGS,
  COUNTER_TCP_IN_LISTEN_IGNORED,
  COUNTER_TCP_IN_RST_IGNORED,
  COUNTER_TCP_PASSIVE_OPENS,
  COUNTER_TCP_TABLE_FULL,
} from "../counters";
import { STATE_SYN_RECEIVED } from "../layout";
import { ACK, FIN, RST, SYN } from "../wire/tcp";
import { allocTcb, freeIfDone, hash, wantOutput } from "./connections";
import { DISPOSITION_DONE, DISPOSITION_SEND_RST } from "./disposition";
import { negotiate, prepareConnection } from "./handshake";
import { initialSequenceNumber } from "./isn";
import { linkMtu } from "./link-limits";
import { joinListener, maySpawn } from "./listen";
import { inheritOptions } from "./options-set";
import { startReceiver } from "./receive-window";
import { Segment } from "./segment";
import { updateSendWindow } from "./send-window";
import { queueSyn } from "./sender";
import { setState } from "./state";
import { TCB_FLAG_PASSIVE, Tcb } from "./tcb";

/** @returns a DISPOSITION_ code */
export function arrivesListen(listener: Tcb, seg: Segment, nowUs: u64): u32 {
  if ((seg.flags & RST) !== 0) {
    count(COUNTER_TCP_IN_RST_IGNORED);
    return DISPOSITION_DONE;
  }
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
  if (maySpawn(listener)) spawn(listener, seg, 0, nowUs);
  return DISPOSITION_DONE;
}

/**
 * Makes the child that answers a SYN, in SYN-RECEIVED. Text on the SYN is not kept: the peer sends it again (RFC 9293 allows either).
 * @param issBeyond what the ISS must lie beyond, because an earlier incarnation used it; 0 = nothing
 */
export function spawn(listener: Tcb, seg: Segment, issBeyond: u32, nowUs: u64): void {
  const child = allocTcb();
  if (child === null) return;
  child.localAddressHigh = seg.localAddressHigh;
  child.localAddressLow = seg.localAddressLow;
  child.remoteAddressHigh = seg.remoteAddressHigh;
  child.remoteAddressLow = seg.remoteAddressLow;
  child.localPort = seg.localPort;
  child.remotePort = seg.remotePort;
  if (!hash(child)) {
    count(COUNTER_TCP_TABLE_FULL);
    freeIfDone(child);
    return;
  }
  count(COUNTER_TCP_PASSIVE_OPENS);
  child.set(TCB_FLAG_PASSIVE);
  child.congestion = listener.congestion;
  inheritOptions(child, listener);
  prepareConnection(child, seg.interfaceIndex, linkMtu(seg.interfaceIndex));
  negotiate(child, seg, nowUs);
  startReceiver(child, seg.seq, nowUs);
  let iss = initialSequenceNumber(child, nowUs);
  if (issBeyond !== 0 && <i32>(iss - issBeyond) <= 0) iss = issBeyond + 1;
  child.iss = iss;
  child.sndUna = iss;
  child.sndNxt = iss;
  child.segsIn = seg.segments;
  child.lastReceivedUs = nowUs;
  joinListener(child, listener);
  setState(child, STATE_SYN_RECEIVED, nowUs);
  updateSendWindow(child, seg);
  queueSyn(child);
  wantOutput(child);
}

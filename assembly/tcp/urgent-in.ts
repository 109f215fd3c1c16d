// Urgent data of the peer (RFC 9293 3.8.5, RFC 6093; MUST-30 to MUST-33), as Linux has it: the pointer is one after the urgent byte, which is
// kept aside as well as in the stream; what reading makes of it (out of band, or in line) is main's. One urgent byte at a time: a
// later pointer takes its place, an older one or one before RCV.NXT changes nothing (attack 43).
import { READY_URGENT, URGENT_BYTE, URGENT_POINTER } from "../layout";
import { SYN, URG } from "../wire/tcp";
import { raise } from "./connections";
import { receiveOffset } from "./reassembly";
import { unreadBytes, updateReceiveHead } from "./receive-ring";
import { Segment } from "./segment";
import { seqGt, seqLt } from "./seq";
import { mayReceive } from "./state";
import { Tcb } from "./tcb";

/**
 * Sixth step of RFC 9293 3.10.7.4: "If the URG bit is set, RCV.UP <- max(RCV.UP,SEG.UP), and signal the user that the remote side has urgent
 * data if the urgent pointer (RCV.UP) is in advance of the data consumed."
 */
export function takeUrgent(tcb: Tcb, seg: Segment): void {
  if (!mayReceive(tcb.state)) return;
  if ((seg.flags & URG) !== 0) takePointer(tcb, seg);
  if (isUrgentByteDue(tcb)) takeByte(tcb, seg);
}

/** Whether a pointer came whose byte has not: the segment that brings it need not have URG, but must not be predicted. */
export function isUrgentByteDue(tcb: Tcb): bool {
  return ((tcb.urgentState >> 8) & 0xff) === URGENT_POINTER;
}

function takePointer(tcb: Tcb, seg: Segment): void {
  const at = seg.seq + (seg.up !== 0 ? seg.up - 1 : 0);
  const offset = receiveOffset(tcb, at);
  updateReceiveHead(tcb);
  if (seqLt(offset, tcb.rcvHead) || seqLt(at, tcb.rcvNxt)) return;
  if (isPending(tcb) && !seqGt(offset, tcb.urgentAt)) return;
  tcb.urgentAt = offset;
  tcb.urgentSpan = spanOf(tcb.bytesReceived + (offset - tcb.rcvTail));
  tcb.publishUrgent((((tcb.urgentState >> 16) + 1) << 16) | (URGENT_POINTER << 8));
  raise(tcb, READY_URGENT);
}

// Offsets wrap: which 2^30 bytes of the whole stream a place lies in
function spanOf(place: u64): u32 {
  return <u32>(place >> 30);
}

// Whether main has yet to read as far as the mark. One that is 2^30 bytes behind may compare as ahead
function isPending(tcb: Tcb): bool {
  if (tcb.urgentState === 0) return false;
  const head = spanOf(tcb.bytesReceived - unreadBytes(tcb));
  return <i32>(head - tcb.urgentSpan) < 2 && !seqGt(tcb.rcvHead, tcb.urgentAt);
}

function takeByte(tcb: Tcb, seg: Segment): void {
  const first = receiveOffset(tcb, seg.seq) + ((seg.flags & SYN) !== 0 ? 1 : 0);
  const index = tcb.urgentAt - first;
  if (index >= seg.payloadLength) return;
  const byte = load<u8>(<usize>seg.payloadPtr + index);
  tcb.publishUrgent((tcb.urgentState & 0xffff0000) | (URGENT_BYTE << 8) | byte);
  raise(tcb, READY_URGENT);
}

// Small segments and PSH: Nagle's algorithm as Minshall changed it (RFC 9293 3.7.4, MUST-17, SHLD-7), TCP_CORK, MSG_MORE, and which
// segment carries PSH (RFC 9293 3.9.1.2, MUST-60, and Linux's further ones). Decides; how much may leave at all is new-data.ts's.
import { SOCKET_FLAG_CORK, SOCKET_FLAG_NODELAY } from "../layout";
import { wantOutput } from "./connections";
import { bytesToBlockEnd } from "./send-blocks";
import { bytesToBoundary } from "./send-marks";
import { segmentSizeNow } from "./send-window";
import { seqGt } from "./seq";
import { sentOffset } from "./sizes";
import { isSynchronized } from "./state";
import { TCB_FLAG_CHILD, TCB_FLAG_FIN_QUEUED, TCB_FLAG_MORE, TCB_FLAG_MORE_HELD, TCB_FLAG_PUSH, Tcb } from "./tcb";
import { isUrgentOut } from "./urgent-out";

/** TCP_NODELAY: Nagle off or on. Off also lets go what a cork or MSG_MORE holds now (Linux). */
export function setNoDelay(tcb: Tcb, isOn: bool): void {
  tcb.setOption(SOCKET_FLAG_NODELAY, isOn);
  if (!isSynchronized(tcb.state)) return;
  if (isOn && !tcb.has(TCB_FLAG_CHILD)) {
    tcb.pushTo = tcb.sndTail;
    tcb.set(TCB_FLAG_PUSH);
  }
  wantOutput(tcb);
}

/** TCP_CORK: holds small segments back, 200 ms at least; taking the cork out lets go what waits. */
export function setCork(tcb: Tcb, isOn: bool): void {
  tcb.setOption(SOCKET_FLAG_CORK, isOn);
  if (isOn || !isSynchronized(tcb.state)) return;
  tcb.clear(TCB_FLAG_MORE_HELD);
  wantOutput(tcb);
}

/** Main wrote: what was said about the end of the stream holds no longer, unless it was about this end or a later one. */
export function onTailMoved(tcb: Tcb): void {
  if (tcb.has(TCB_FLAG_PUSH)) tcb.clear(TCB_FLAG_PUSH);
  if (tcb.has(TCB_FLAG_MORE) && seqGt(tcb.sndTail, tcb.moreAt)) tcb.clear(TCB_FLAG_MORE | TCB_FLAG_MORE_HELD);
}

/**
 * Whether the last bytes of the stream, less than a segment, must wait.
 *
 *   RFC 9293 3.7.4: "If there is unacknowledged data (i.e., SND.NXT > SND.UNA), then the sending TCP endpoint buffers all user
 *   data [...] until the outstanding data has been acknowledged or until the TCP endpoint can send a full-sized segment"
 *
 * Minshall: only while an earlier *small* segment is unacknowledged. In Linux's order: FIN and urgent data wait for nothing; a cork
 * and MSG_MORE hold whatever TCP_NODELAY says. What waits with nothing in flight leaves with the persist timer.
 */
export function holdsSmall(tcb: Tcb): bool {
  if (tcb.has(TCB_FLAG_FIN_QUEUED)) return false;
  if (tcb.has(TCB_FLAG_PUSH) && tcb.pushTo === tcb.sndTail) return false;
  if (isUrgentOut(tcb)) return false;
  if (tcb.hasOption(SOCKET_FLAG_CORK)) return true;
  if (tcb.has(TCB_FLAG_MORE_HELD) && tcb.moreAt === tcb.sndTail) return true;
  if (tcb.hasOption(SOCKET_FLAG_NODELAY) || tcb.packetsOut === 0) return false;
  return seqGt(tcb.smallEnd, tcb.sndUna) && !seqGt(tcb.smallEnd, tcb.sndNxt);
}

/**
 * Whether `bytes` of new data from SND.NXT on carry PSH: what empties the buffer (MUST-60) unless main said that more follows, what
 * ends a record, what leaves because it waited too long, and the end of a block (send-blocks.ts) more than half the largest window
 * after the last one.
 */
export function mustPush(tcb: Tcb, bytes: u32, isOverride: bool): bool {
  if (bytes === 0) return false;
  const end = tcb.sndNxt + bytes;
  const isEnd = end - tcb.iss - 1 === tcb.sndTail;
  const isMore = tcb.has(TCB_FLAG_MORE) && tcb.moreAt === tcb.sndTail;
  const isFar = end - tcb.pushedSeq > tcb.maxSndWnd >> 1 && bytes === bytesToBlockEnd(tcb, segmentSizeNow(tcb));
  if ((isEnd && !isMore) || isOverride || isRecordEnd(tcb, bytes) || isFar) {
    tcb.pushedSeq = end;
    return true;
  }
  return false;
}

function isRecordEnd(tcb: Tcb, bytes: u32): bool {
  return tcb.markBlock !== 0 && bytesToBoundary(tcb, sentOffset(tcb)) === bytes;
}

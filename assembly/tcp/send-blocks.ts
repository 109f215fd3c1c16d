// Where super-segments end. As Linux fills its buffers, the stream is divided into blocks of the size that the link and the peer's
// window allow, from where sending stood when there was nothing else to send; a super-segment does not cross from one into the next. So
// the remainder of a block leaves at once, and what would be a small part of the next one may wait for company (new-data.ts).
import { linkGsoMax } from "./link-limits";
import { MSS_DEFAULT, sentOffset } from "./sizes";
import { Tcb } from "./tcb";

/**
 * Bytes of the largest packet that half of the window the peer can take at most leaves room for; `bytes` if that is less, or if the
 * window is too small to be halved.
 */
export function withinHalfWindow(tcb: Tcb, bytes: u32): u32 {
  return tcb.maxSndWnd > MSS_DEFAULT ? min(bytes, tcb.maxSndWnd >> 1) : bytes;
}

/** Main is about to be seen to have written beyond `tcb.sndTail`: if sending has reached the last block, it begins there. */
export function blocksOnWrite(tcb: Tcb, mss: u32): void {
  const sent = sentOffset(tcb);
  const written = tcb.sndTail - tcb.sndBlockBase;
  const before = written === 0 ? 0 : written - 1;
  const lastStart = tcb.sndBlockBase + (before - (before % blockBytes(tcb, mss)));
  if (<i32>(sent - lastStart) >= 0) tcb.sndBlockBase = sent;
}

/** Bytes from SND.NXT to the end of its block, at least one segment. */
export function bytesToBlockEnd(tcb: Tcb, mss: u32): u32 {
  const size = blockBytes(tcb, mss);
  const left = size - ((sentOffset(tcb) - tcb.sndBlockBase) % size);
  // The sizes have changed: the end lies inside a segment, and the next will do
  return left < mss ? left + size : left - (left % mss);
}

function blockBytes(tcb: Tcb, mss: u32): u32 {
  const bytes = withinHalfWindow(tcb, max(linkGsoMax(tcb.interfaceIndex), 1));
  return max<u32>(bytes / mss, 1) * mss;
}

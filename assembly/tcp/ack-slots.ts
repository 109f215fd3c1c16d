// How much may be in flight so that the ACKs coming back find a receive slot of the link: a drop in front of us is our own fault.
// The counterpart of receive-window's frame bound, for a sender: a peer that acknowledges every second segment sends as many
// frames as a small sender. No RFC; bounds what output may send, below the congestion window and the peer's.
import { linkReceiveSlots } from "./link-limits";
import { Tcb } from "./tcb";

/** Segments per ACK to begin with: RFC 9293 3.8.6.3, an ACK for every second full-sized segment. */
const SEGMENTS_PER_ACK: u32 = 2;
/** tcb.segmentsPerAck8 is in eighths of a segment. */
const EIGHTHS: u32 = 3;

/** Starts the estimate. */
export function startAckEstimate(tcb: Tcb): void {
  tcb.segmentsPerAck8 = SEGMENTS_PER_ACK << EIGHTHS;
}

/**
 * An ACK took `segments` wire segments off. The estimate follows small ACKs at once and large ones slowly: a peer changes from few
 * large ones to many small ones without notice, and ACKs that were lost make those that arrive look large.
 */
export function noteAckSize(tcb: Tcb, segments: u32): void {
  const average = tcb.segmentsPerAck8;
  const sample = min(segments, average >> (EIGHTHS - 1)) << EIGHTHS; // at most twice the average
  const next = sample < average ? average - ((average - sample + 3) >> 2) : average + ((sample - average + 63) >> 6);
  tcb.segmentsPerAck8 = max<u32>(next, 1 << EIGHTHS);
}

/**
 * Wire segments that may still be sent until a quarter of the link's receive slots are spoken for by their ACKs; the rest is for window
 * updates and frames in hand.
 */
export function ackRoom(tcb: Tcb): u32 {
  const slots = linkReceiveSlots(tcb.interfaceIndex);
  if (slots === 0) return u32.MAX_VALUE;
  const most = max<u64>((<u64>(slots >> 2) * tcb.segmentsPerAck8) >> EIGHTHS, 1);
  return most > tcb.packetsOut ? <u32>min<u64>(most - tcb.packetsOut, u32.MAX_VALUE) : 0;
}

// The RST that answers a segment nobody owns, or that its owner refuses. RFC 9293 3.5.2 group 1, 3.10.7.1.
import { ACK, FIN, RST, SYN } from "../wire/tcp";
import { Segment } from "./segment";

// The result of resetReply: header fields of the RST
export let resetSeq: u32 = 0;
export let resetAck: u32 = 0;
export let resetFlags: u32 = 0;

/**
 * Computes the RST for a segment and leaves it in resetSeq, resetAck, resetFlags.
 *
 *   RFC 9293 3.10.7.1: If the ACK bit is off, sequence number zero is used, <SEQ=0><ACK=SEG.SEQ+SEG.LEN><CTL=RST,ACK>.
 *   If the ACK bit is on, <SEQ=SEG.ACK><CTL=RST>.
 *
 * @returns false if there is no answer: a RST is never answered with one
 */
export function resetReply(seg: Segment): bool {
  if ((seg.flags & RST) !== 0) return false;
  if ((seg.flags & ACK) !== 0) {
    resetSeq = seg.ack;
    resetAck = 0;
    resetFlags = RST;
  } else {
    const length = seg.payloadLength + ((seg.flags & SYN) !== 0 ? 1 : 0) + ((seg.flags & FIN) !== 0 ? 1 : 0);
    resetSeq = 0;
    resetAck = seg.seq + length;
    resetFlags = RST | ACK;
  }
  return true;
}

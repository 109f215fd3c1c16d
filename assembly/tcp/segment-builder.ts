// Fills the Outgoing record: header fields, options and the payload's place in the send ring. Decides nothing about what to send.
import {
  STATE_SYN_SENT,
  SYSCTL_TCP_RETRIES1,
  SYSCTL_TCP_SACK,
  SYSCTL_TCP_TIMESTAMPS,
  SYSCTL_TCP_WINDOW_SCALING,
  TCB_OPTION_SACK,
  TCB_OPTION_TIMESTAMPS,
  TCB_OPTION_WSCALE,
} from "../layout";
import { byteRingPieces, piece1Bytes, piece1Ptr, piece2Bytes, piece2Ptr } from "../storage/byte-ring";
import { zero } from "../storage/zero";
import { ACK, RST, SYN } from "../wire/tcp";
import { emitSynOptions, emitTimestamps } from "../wire/tcp-options";
import { bulkShareClock } from "./bulk-share";
import { ecnEchoFlag, ecnSynFlags } from "./ecn";
import { fastOpenOption } from "./fast-open";
import { Outgoing } from "./outgoing";
import { ackSent, windowInSyn, windowToAdvertise } from "./receive-window";
import { sackBytesBeside, sackBytesDue, writeSack } from "./sack-blocks";
import { TCB_FLAG_ACK_NOW, Tcb } from "./tcb";
import { timestampNow } from "./timestamps";

/** A segment without payload that acknowledges what has arrived; `flags` holds ACK. */
export function buildSegment(tcb: Tcb, out: Outgoing, seq: u32, flags: u32, nowUs: u64): void {
  build(tcb, out, seq, flags, (flags & RST) === 0, nowUs);
}

/** As buildSegment(), for payload to come: where SND.MSS is so small that SACK blocks leave it no room, a pure ACK tells them after it. */
export function buildTextSegment(tcb: Tcb, out: Outgoing, seq: u32, flags: u32, nowUs: u64): void {
  const withSack = sackBytesBeside(tcb) === sackBytesDue(tcb);
  const isAckOwed = tcb.has(TCB_FLAG_ACK_NOW);
  build(tcb, out, seq, flags, withSack, nowUs);
  if (!withSack && isAckOwed) tcb.set(TCB_FLAG_ACK_NOW);
}

function build(tcb: Tcb, out: Outgoing, seq: u32, flags: u32, withSack: bool, nowUs: u64): void {
  clear(tcb, out);
  out.seq = seq;
  out.ack = tcb.rcvNxt;
  out.flags = (flags & RST) === 0 ? flags | ecnEchoFlag(tcb) : flags;
  bulkShareClock(nowUs);
  out.window = windowToAdvertise(tcb);
  if ((tcb.options & TCB_OPTION_TIMESTAMPS) !== 0) {
    out.optionsLength = emitTimestamps(out.optionsPtr, timestampNow(tcb, nowUs), tcb.tsRecent);
  }
  if (withSack) out.optionsLength += writeSack(tcb, out.optionsPtr + out.optionsLength);
  ackSent(tcb);
}

/**
 * The SYN, or the SYN-ACK. In SYN-SENT it offers what the sysctls allow; afterwards it agrees to what both sides offered
 * (RFC 7323 2.2, 3.2, RFC 2018 2). Its window is never scaled.
 */
export function buildSyn(tcb: Tcb, out: Outgoing, nowUs: u64): void {
  const isOffer = tcb.state === <u8>STATE_SYN_SENT;
  const hasTimestamps = isOffer ? load<u32>(SYSCTL_TCP_TIMESTAMPS) !== 0 : (tcb.options & TCB_OPTION_TIMESTAMPS) !== 0;
  const hasSack = isOffer ? load<u32>(SYSCTL_TCP_SACK) !== 0 : (tcb.options & TCB_OPTION_SACK) !== 0;
  const hasScale = isOffer ? load<u32>(SYSCTL_TCP_WINDOW_SCALING) !== 0 : (tcb.options & TCB_OPTION_WSCALE) !== 0;
  clear(tcb, out);
  out.seq = tcb.iss;
  out.flags = (isOffer ? SYN : SYN | ACK) | ecnSynFlags(tcb, isOffer);
  out.ack = isOffer ? 0 : tcb.rcvNxt;
  out.window = windowInSyn(tcb);
  out.optionsLength = emitSynOptions(
    out.optionsPtr,
    tcb.advMss,
    hasSack,
    hasTimestamps,
    hasTimestamps ? timestampNow(tcb, nowUs) : 0,
    isOffer ? 0 : tcb.tsRecent,
    hasScale ? <i32>tcb.rcvWscale : -1,
  );
  out.optionsLength += fastOpenOption(tcb, out.optionsPtr + out.optionsLength, nowUs);
}

/**
 * Adds payload from the send ring.
 * @param offset of the first byte in the stream
 * @param bytes 0 = none
 * @param mss payload bytes per wire segment
 */
export function setPayload(tcb: Tcb, out: Outgoing, offset: u32, bytes: u32, mss: u32): void {
  if (bytes === 0) return;
  byteRingPieces(tcb.sndBufferPtr, tcb.sndBufferCapacity, offset, bytes);
  out.payloadLength = bytes;
  out.piece1Ptr = <u32>piece1Ptr;
  out.piece1Length = piece1Bytes;
  out.piece2Ptr = <u32>piece2Ptr;
  out.piece2Length = piece2Bytes;
  out.gsoSize = bytes > mss ? mss : 0;
}

function clear(tcb: Tcb, out: Outgoing): void {
  zero(changetype<usize>(out), offsetof<Outgoing>("options0")); // options are written as far as optionsLength says
  out.tos = 0;
  out.segments = 1;
  // RFC 9293 3.8.3, MUST-20: "When the number of transmissions of the same segment reaches or exceeds threshold R1, pass
  // negative advice [...] to the IP layer, to trigger dead-gateway diagnosis."
  out.suspectRoute = <u32>tcb.retransmits >= load<u32>(SYSCTL_TCP_RETRIES1) ? 1 : 0;
}

// When an ACK leaves (RFC 9293 3.8.6.3, RFC 5681 4.2, RFC 1122 4.2.3.2): at once, with company, or when its timer ends. The policy and
// its numbers are Linux's: the first ACKs are not delayed, as the peer is in slow start and grows by them; then every second
// full-sized segment is acknowledged; a dialogue waits for the answer to carry the ACK; a lone segment waits for the ACK time-out
// (ATO), which follows the peer's pace. Must not know why a segment was accepted, nor windows.
import { SOCKET_FLAG_QUICKACK_OFF, SYSCTL_TCP_DELACK_MIN_US } from "../layout";
import { FIN, PSH, SYN, URG } from "../wire/tcp";
import { sackOptionBytes } from "../wire/tcp-options";
import { ackNow } from "./challenge";
import { Segment } from "./segment";
import { constantOptions, MSS_DEFAULT } from "./sizes";
import { TCB_FLAG_ACK_DELAYED, Tcb } from "./tcb";
import { arm } from "./timers";

// tcb.ackState bits
/** Data arrived since the last ACK. */
const ACK_SCHEDULED: u8 = 1;
/** It may be the end of a message: when main has read it all, nothing is gained by waiting. */
const ACK_PUSHED: u8 = 2;
/** So did more than one such segment. */
const ACK_PUSHED_TWICE: u8 = 4;

/** ACKs at the start of a connection that are not delayed, at most. */
export const QUICK_ACKS_MAX: u32 = 16;
/** Longest delay of an ACK; RFC 9293 MUST-40 wants "less than 0.5 seconds". */
const DELAY_MAX_US: u64 = 200000;
/** MUST-40, whatever tcp_delack_min_us says. */
const DELAY_LIMIT_US: u64 = 499999;
/** The least segment size that is believed. */
const RCV_MSS_MIN: u32 = 88;

function atoMinUs(): u32 {
  return <u32>min<u64>(load<u32>(SYSCTL_TCP_DELACK_MIN_US), DELAY_LIMIT_US);
}

/** Sets the estimate of the peer's segment size before anything arrived: at most what everybody can send. */
export function initialiseRcvMss(tcb: Tcb, window: u32): void {
  tcb.rcvMss = max<u32>(min<u32>(min<u32>(tcb.advMss, MSS_DEFAULT), window / 2), min<u32>(RCV_MSS_MIN, tcb.advMss));
}

// The mode lies where main sees it: TCP_QUICKACK reads whether this is no dialogue
function isDialogue(tcb: Tcb): bool {
  return tcb.hasOption(SOCKET_FLAG_QUICKACK_OFF);
}

function setDialogue(tcb: Tcb, isOn: bool): void {
  tcb.setOption(SOCKET_FLAG_QUICKACK_OFF, isOn);
}

// For the next ACKs, as many as fill half a window with single segments, nothing is waited for
function grantQuickAcks(tcb: Tcb, most: u32): void {
  const halfWindow = tcb.rcvWnd / (2 * max<u32>(tcb.rcvMss, 1));
  tcb.quickAcks = <u8>max<u32>(tcb.quickAcks, min(max<u32>(halfWindow, 2), most));
}

/** The next ACKs shall leave at once: something came that the peer should hear of, or it has stopped and starts again. */
export function enterQuickAck(tcb: Tcb, most: u32): void {
  grantQuickAcks(tcb, most);
  setDialogue(tcb, false);
  tcb.atoUs = atoMinUs();
}

/** TCP_QUICKACK as a socket option: false until the next reason for quick ACKs, true sends one that is owed. */
export function setQuickAck(tcb: Tcb, isQuick: bool): void {
  setDialogue(tcb, !isQuick);
  if (isQuick && (tcb.ackState & ACK_SCHEDULED) !== 0) ackNow(tcb);
}

/**
 * The peer's segment size as Linux estimates it: what is as large as any before counts; a smaller size only if it comes twice in a row
 * and cannot just be the end of a message.
 */
function measureRcvMss(tcb: Tcb, seg: Segment): void {
  const size = seg.segments > 1 && seg.gsoSize !== 0 ? seg.gsoSize : seg.payloadLength;
  const lastSize = <u32>tcb.lastSegmentSize;
  tcb.lastSegmentSize = 0;
  if (size >= tcb.rcvMss) {
    tcb.rcvMss = min<u32>(size, tcb.advMss);
    if (seg.payloadLength === tcb.rcvMss && (seg.flags & PSH) !== 0) tcb.ackState |= ACK_PUSHED;
    return;
  }
  // SACK blocks take their room from the payload: with them the size is what it would be without
  const invariant = size + sackOptionBytes(seg.options.sackCount);
  const withTimestamps = invariant + constantOptions(tcb);
  const isRemnant = (seg.flags & (PSH | FIN | URG | SYN)) !== 0;
  if (withTimestamps >= MSS_DEFAULT || (withTimestamps >= RCV_MSS_MIN && !isRemnant)) {
    tcb.lastSegmentSize = <u16>min<u32>(invariant, 0xffff);
    if (invariant === lastSize) {
      tcb.rcvMss = min<u32>(invariant, tcb.advMss);
      return;
    }
  }
  if ((tcb.ackState & ACK_PUSHED) !== 0) tcb.ackState |= ACK_PUSHED_TWICE;
  tcb.ackState |= ACK_PUSHED;
}

// The ACK time-out follows the time between segments: halved for each that follows soon, half of it renewed for one that is later
function adaptAto(tcb: Tcb, nowUs: u64): void {
  const least = atoMinUs();
  if (tcb.atoUs === 0) {
    grantQuickAcks(tcb, QUICK_ACKS_MAX); // the first data of the connection
    tcb.atoUs = least;
    return;
  }
  const gapUs = nowUs - tcb.lastTextUs;
  if (gapUs <= least / 2) tcb.atoUs = (tcb.atoUs >> 1) + least / 2;
  else if (gapUs < tcb.atoUs) tcb.atoUs = min((tcb.atoUs >> 1) + <u32>gapUs, tcb.rtoUs);
  else if (gapUs > tcb.rtoUs) grantQuickAcks(tcb, QUICK_ACKS_MAX); // the peer starts again, with a small window
}

/** Payload that moved RCV.NXT arrived: notes its size and pace. To be called before acknowledgeText(). */
export function noteText(tcb: Tcb, seg: Segment, nowUs: u64): void {
  tcb.ackState |= ACK_SCHEDULED;
  measureRcvMss(tcb, seg);
  adaptAto(tcb, nowUs);
  tcb.lastTextUs = nowUs;
}

/** Payload arrived that did not move RCV.NXT, and the ACK for it leaves now. */
export function noteUselessText(tcb: Tcb): void {
  tcb.ackState |= ACK_SCHEDULED;
}

/** Data of ours left: soon after the peer's it is an answer, and makes this a dialogue. */
export function noteTextSent(tcb: Tcb, nowUs: u64): void {
  if (tcb.atoUs !== 0 && nowUs - tcb.lastTextUs < tcb.atoUs) setDialogue(tcb, true);
}

/** Says of text in order whether its ACK leaves now or may wait for company. */
export function acknowledgeText(tcb: Tcb, nowUs: u64): void {
  if (tcb.rcvNxt - tcb.lastAckSent > tcb.rcvMss || (tcb.quickAcks !== 0 && !isDialogue(tcb))) {
    ackNow(tcb);
    return;
  }
  delayAck(tcb, nowUs);
}

function delayAck(tcb: Tcb, nowUs: u64): void {
  const least: u64 = atoMinUs();
  let delayUs: u64 = tcb.atoUs;
  if (delayUs > least) {
    let most: u64 = isDialogue(tcb) || (tcb.ackState & ACK_PUSHED) !== 0 ? DELAY_MAX_US : DELAY_LIMIT_US;
    if (tcb.srttUs !== 0) most = min(most, max<u64>(tcb.srttUs, least));
    delayUs = min(delayUs, most);
  }
  delayUs = min(delayUs, max(DELAY_MAX_US, least));
  if (tcb.has(TCB_FLAG_ACK_DELAYED)) {
    // One that is about to end is not worth waking up for
    if (tcb.delayedAckUs <= nowUs + (tcb.atoUs >> 2)) {
      ackNow(tcb);
      return;
    }
    if (nowUs + delayUs >= tcb.delayedAckUs) return;
  }
  tcb.set(TCB_FLAG_ACK_DELAYED);
  tcb.delayedAckUs = nowUs + delayUs;
  arm(tcb);
}

/** The delay of an ACK ended without company: the next one waits longer, or, in what was thought a dialogue, does not. */
export function ackDelayExpired(tcb: Tcb): void {
  if ((tcb.ackState & ACK_SCHEDULED) === 0) return;
  if (!isDialogue(tcb)) {
    tcb.atoUs = min(tcb.atoUs << 1, tcb.rtoUs);
  } else {
    setDialogue(tcb, false);
    tcb.atoUs = atoMinUs();
  }
}

/** An ACK left. */
export function ackLeft(tcb: Tcb): void {
  if (tcb.ackState === 0) return;
  if (tcb.quickAcks !== 0) {
    tcb.quickAcks -= 1;
    if (tcb.quickAcks === 0) tcb.atoUs = atoMinUs();
  }
  tcb.ackState = 0;
}

/**
 * Whether an ACK is owed that leaves as soon as main has read all there is: the peer sent the end of a message, and this is no dialogue
 * in which an answer would carry it.
 */
export function isAckDueOnRead(tcb: Tcb): bool {
  if ((tcb.ackState & ACK_SCHEDULED) === 0) return false;
  return (tcb.ackState & ACK_PUSHED_TWICE) !== 0 || ((tcb.ackState & ACK_PUSHED) !== 0 && !isDialogue(tcb));
}

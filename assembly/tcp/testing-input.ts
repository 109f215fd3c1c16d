// What the tests of the receiving half of TCP call: one segment in, one segment out, and the user's calls, without frames and links.
// Our end is 10.0.0.1, the peer is 10.0.0.2 (or ourselves). u64 times come as f64, as index.ts has them.
import { eventsInitialise } from "../events";
import { heapAlloc, heapBytesInUse, heapFree, heapInitialise } from "../heap";
import { TABLES, TCB_RCV_HEAD } from "../layout";
import { NONE } from "../storage/none";
import { TcpOptions } from "../wire/tcp-options";
import {
  countSegment,
  DISPOSITION_SEND_RST,
  DISPOSITION_SEND_SYN_ACK,
  dispatch,
  isPredicted,
  segmentArrives,
} from "./arrives";
import { arrivesClosed } from "./arrives-closed";
import { freeIfDone, isTcbInUse, lookup, nextEvent, nextWantingOutput, tcbsInUse, tcpInitialise } from "./connections";
import { setQuickAck } from "./delayed-ack";
import { initialSequenceNumber } from "./isn";
import { listening } from "./listener-record";
import { setSocketOption } from "./options-set";
import { orphanCount } from "./orphans";
import { outgoing } from "./outgoing";
import { output } from "./output";
import { resetAck, resetFlags, resetReply, resetSeq } from "./reset";
import { currentSegment } from "./segment";
import { seqGt, seqGte, seqInWindow, seqLt, seqLte, seqMax, seqMin } from "./seq";
import { isLegalTransition } from "./state";
import { Tcb } from "./tcb";
import { timeWaitCount } from "./time-wait";
import { nextTimer, runTimers } from "./timeouts";
import { timestampNow } from "./timestamps";
import {
  abort,
  accept,
  close,
  closeListener,
  hardError,
  kick,
  mark,
  openActive,
  openPassive,
  release,
  ringWanted,
  shutdownWrite,
} from "./user-calls";

export {
  heapBytesInUse,
  isLegalTransition,
  isTcbInUse,
  seqGt,
  seqGte,
  seqInWindow,
  seqLt,
  seqLte,
  seqMax,
  seqMin,
  tcbsInUse,
};

// ::ffff:10.0.0.1 and ::ffff:10.0.0.2 as two u64 in wire order
const OUR_LOW: u64 = 0x0100000a_ffff0000;
const PEER_LOW: u64 = 0x0200000a_ffff0000;

// The TCB that output() is asked for until it has nothing more
let pulling: u32 = NONE;

/** Lays out heap, events and TCP in fresh memory. */
export function inputInitialise(): bool {
  eventsInitialise();
  pulling = NONE;
  return heapInitialise(tcpInitialise(TABLES)) !== 0;
}

/** Fills the segment in hand, without options. `fromSelf`: source is our own address */
export function inputSegment(
  localPort: u32,
  remotePort: u32,
  seq: u32,
  ack: u32,
  flags: u32,
  wnd: u32,
  payloadPtr: u32,
  payloadLength: u32,
  segments: u32,
  gsoSize: u32,
  fromSelf: bool,
): void {
  const seg = currentSegment();
  memory.fill(changetype<usize>(seg), 0, 512);
  seg.localPort = <u16>localPort;
  seg.remotePort = <u16>remotePort;
  seg.localAddressLow = OUR_LOW;
  seg.remoteAddressLow = fromSelf ? OUR_LOW : PEER_LOW;
  seg.seq = seq;
  seg.ack = ack;
  seg.flags = flags;
  seg.wnd = wnd;
  seg.payloadPtr = payloadPtr;
  seg.payloadLength = payloadLength;
  seg.len = payloadLength + (flags & 1) + ((flags >> 1) & 1);
  seg.segments = segments;
  seg.gsoSize = gsoSize;
  seg.interfaceIndex = 1;
}

/** Gives the segment in hand options. `present`: OPT_ bits */
export function inputOptions(present: u32, mss: u32, windowScale: u32, tsVal: u32, tsEcr: u32): void {
  const options = currentSegment().options;
  options.present = present;
  options.mss = <u16>mss;
  options.windowScale = <u8>windowScale;
  options.tsVal = tsVal;
  options.tsEcr = tsEcr;
}

/** Gives the segment in hand an urgent pointer; its flags say whether it counts. */
export function inputUrgent(up: u32): void {
  currentSegment().up = up;
}

/** Main has read, and the peer sent, so much more than the test did: offsets and sums have gone on. */
export function inputSkip(index: u32, bytes: u32): void {
  const tcb = Tcb.at(index);
  tcb.rcvTail += bytes;
  tcb.rcvHead += bytes;
  tcb.irs -= bytes;
  tcb.bytesReceived += bytes;
  store<u32>(tcb.ptr, tcb.rcvHead, TCB_RCV_HEAD);
}

/** Gives the segment in hand a Fast Open cookie; inputOptions says whether it has the option. */
export function inputFastOpen(cookiePtr: u32, bytes: u32): void {
  const options = currentSegment().options;
  options.fastOpenBytes = <u8>bytes;
  options.fastOpen0 = 0;
  options.fastOpen1 = 0;
  memory.copy(changetype<usize>(options) + offsetof<TcpOptions>("fastOpen0"), cookiePtr, bytes);
}

/** Gives the segment in hand a type of service. */
export function inputTos(tos: u32): void {
  currentSegment().tos = tos;
}

/** Lets the segment in hand arrive. @returns a DISPOSITION_ code */
export function inputArrive(nowUs: f64): u32 {
  return segmentArrives(currentSegment(), <u64>nowUs);
}

/** As inputArrive, but never by the fast path. */
export function inputArriveSlowly(nowUs: f64): u32 {
  const seg = currentSegment();
  const tcb = lookup(seg);
  if (tcb === null) return arrivesClosed(seg);
  countSegment(tcb, seg);
  return dispatch(tcb, seg, <u64>nowUs);
}

/** Whether the fast path would take the segment in hand. */
export function inputIsPredicted(): bool {
  const tcb = lookup(currentSegment());
  return tcb !== null && isPredicted(tcb, currentSegment());
}

/** The RST that answers the segment in hand: its flags, or 0 if there is none. */
export function inputReset(): u32 {
  return resetReply(currentSegment()) ? resetFlags : 0;
}

export function inputResetSeq(): u32 {
  return resetSeq;
}

export function inputResetAck(): u32 {
  return resetAck;
}

export function inputSendSynAck(): u32 {
  return DISPOSITION_SEND_SYN_ACK;
}

export function inputSendRst(): u32 {
  return DISPOSITION_SEND_RST;
}

/** Builds the next segment of any connection into the Outgoing record. @returns its TCB index, or -1 if none wants to send */
export function inputPull(nowUs: f64): i32 {
  if (pulling === NONE) pulling = nextWantingOutput();
  while (pulling !== NONE) {
    if (output(Tcb.at(pulling), outgoing(), <u64>nowUs)) return <i32>pulling;
    if (isTcbInUse(pulling)) freeIfDone(Tcb.at(pulling)); // as egress does: the RST it stayed for has left
    pulling = nextWantingOutput();
  }
  return -1;
}

/** Takes the next TCB with something to tell. @returns its index or -1; its bits are in inputReady() */
export function inputEvent(): i32 {
  const index = nextEvent();
  if (index === NONE) return -1;
  lastReady = Tcb.at(index).readyBits;
  Tcb.at(index).readyBits = 0;
  return <i32>index;
}

let lastReady: u32 = 0;

export function inputReady(): u32 {
  return lastReady;
}

export function inputConnect(localPort: u32, remotePort: u32, toSelf: bool, timeoutMs: u32, nowUs: f64): i32 {
  const remote = toSelf ? OUR_LOW : PEER_LOW;
  return openActive(7, 0, OUR_LOW, localPort, 0, remote, remotePort, 1, 1500, timeoutMs, <u64>nowUs);
}

export function inputListen(localPort: u32, backlog: u32, isAny: bool, nowUs: f64): i32 {
  return openPassive(8, 0, isAny ? 0 : OUR_LOW, localPort, backlog, <u64>nowUs);
}

export function inputAccept(index: u32): void {
  accept(Tcb.at(index));
}

export function inputCloseListener(index: u32, nowUs: f64): void {
  closeListener(Tcb.at(index), <u64>nowUs);
}

export function inputKick(index: u32, nowUs: f64): void {
  kick(Tcb.at(index), <u64>nowUs);
}

export function inputOption(index: u32, code: u32, value: u32, value2: u32, nowUs: f64): bool {
  return setSocketOption(Tcb.at(index), code, value, value2, <u64>nowUs);
}

export function inputMark(index: u32, flags: u32, offset: u32): void {
  mark(Tcb.at(index), flags, offset);
}

export function inputRingWanted(index: u32): void {
  ringWanted(Tcb.at(index), 0);
}

export function inputShutdown(index: u32, nowUs: f64): void {
  shutdownWrite(Tcb.at(index), <u64>nowUs);
}

export function inputClose(index: u32, nowUs: f64): void {
  close(Tcb.at(index), <u64>nowUs);
}

export function inputAbort(index: u32, nowUs: f64): void {
  abort(Tcb.at(index), <u64>nowUs);
}

export function inputRelease(index: u32, nowUs: f64): void {
  release(Tcb.at(index), <u64>nowUs);
}

export function inputHardError(index: u32, errno: u32, nowUs: f64): void {
  hardError(Tcb.at(index), errno, <u64>nowUs);
}

export function inputRunTimers(nowUs: f64): void {
  runTimers(<u64>nowUs);
}

/** When the ACK that is owed leaves, µs; 0: none is. */
export function inputDelayedAck(index: u32): f64 {
  return <f64>Tcb.at(index).delayedAckUs;
}

/** µs, or -1 if no timer runs. */
export function inputNextTimer(): f64 {
  const due = nextTimer();
  return due === U64.MAX_VALUE ? -1 : <f64>due;
}

export function inputTimestamp(index: u32, nowUs: f64): u32 {
  return timestampNow(Tcb.at(index), <u64>nowUs);
}

export function inputIsn(index: u32, nowUs: f64): u32 {
  return initialSequenceNumber(Tcb.at(index), <u64>nowUs);
}

export function inputAdvertised(index: u32): u32 {
  return Tcb.at(index).rcvAdvertised;
}

export function inputCapacity(index: u32): u32 {
  return Tcb.at(index).rcvBufferCapacity;
}

export function inputTsRecent(index: u32): u32 {
  return Tcb.at(index).tsRecent;
}

export function inputSynQueue(index: u32): u32 {
  return listening(Tcb.at(index)).synQueueLength;
}

export function inputTimeWaits(): u32 {
  return timeWaitCount();
}

export function inputOrphans(): u32 {
  return orphanCount();
}

export function inputPeerMss(index: u32): u32 {
  return Tcb.at(index).peerMss;
}

export function inputAcceptQueue(index: u32): u32 {
  return listening(Tcb.at(index)).acceptQueueLength;
}

export function inputSetQuickAck(index: u32, isQuick: bool): void {
  setQuickAck(Tcb.at(index), isQuick);
}

/** Takes a heap block as a socket would. @returns its address or 0 */
export function inputHog(bytes: u32): u32 {
  return <u32>heapAlloc(bytes);
}

export function inputUnhog(ptr: u32): bool {
  return heapFree(ptr);
}

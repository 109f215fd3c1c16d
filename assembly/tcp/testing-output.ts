// What the tests of the sending half of TCP call: a connection that is ESTABLISHED out of nothing, the next segment of it, an ACK for
// it, its timers. u64 times come as f64.
import { eventsInitialise } from "../events";
import { heapAlloc, heapFree, heapInitialise } from "../heap";
import { INTERFACE_BYTES, INTERFACE_GSO_MAX, INTERFACES, STATE_ESTABLISHED, TABLES } from "../layout";
import { NONE } from "../storage/none";
import { OPT_SACK, OPT_TIMESTAMPS, TcpOptions } from "../wire/tcp-options";
import { onAck, onOldAck } from "./acks";
import { allocTcb, nextWantingOutput, tcpInitialise } from "./connections";
import { setKeepAlive, setKeepCount, setKeepIdle, setKeepInterval } from "./keepalive";
import { recoveryReset } from "./loss-recovery";
import { mayBeSmall } from "./new-data";
import { setSocketOption } from "./options-set";
import { outgoing } from "./outgoing";
import { output } from "./output";
import { persistInterval } from "./persist";
import { rttReset } from "./rtt";
import { rtxReset } from "./rtx-queue";
import { currentSegment } from "./segment";
import { adoptSendRing, offerSendRing, releaseSendRing, segmentQueued, segmentSent } from "./send-ring";
import { segmentSize, syncMss, updateSendWindow } from "./send-window";
import { startSender } from "./sender";
import { seqGt } from "./seq";
import { TCB_FLAG_FIN_QUEUED, TCB_FLAG_OWNED, Tcb } from "./tcb";
import { patienceUs, runTimers } from "./timeouts";
import { arm, timersArmed } from "./timers";
import { mark } from "./user-calls";

export { timersArmed };

/** Takes a heap block as a socket would. @returns its address or 0 */
export function outputHog(bytes: u32): u32 {
  return <u32>heapAlloc(bytes);
}

/** Gives it back. */
export function outputUnhog(ptr: u32): void {
  heapFree(ptr);
}

/** Lays out heap, events and TCP in fresh memory. CONFIG holds the sysctls. */
export function outputInitialise(): bool {
  eventsInitialise();
  return heapInitialise(tcpInitialise(TABLES)) !== 0;
}

/** A TCB that is empty but for its retransmission queue. @returns index */
export function outputTcb(): u32 {
  const tcb = allocTcb();
  if (tcb === null) return NONE;
  rtxReset(tcb);
  rttReset(tcb);
  return tcb.index;
}

/**
 * An ESTABLISHED connection that has sent nothing but its SYN, acknowledged.
 * @param window the peer's, bytes; not scaled
 * @param ringBytes send ring, a power of two
 */
export function outputEstablish(
  iss: u32,
  peerMss: u32,
  window: u32,
  ringBytes: u32,
  gsoMax: u32,
  options: u32,
  nowUs: f64,
): u32 {
  const index = outputTcb();
  const tcb = Tcb.at(index);
  store<u32>(<usize>INTERFACES + <usize>INTERFACE_BYTES, gsoMax, INTERFACE_GSO_MAX);
  tcb.interfaceIndex = 1;
  tcb.iss = iss;
  tcb.pmtu = 65535;
  tcb.peerMss = <u16>peerMss;
  tcb.options = <u8>options;
  tcb.state = <u8>STATE_ESTABLISHED;
  tcb.sndUna = iss + 1;
  tcb.sndNxt = iss + 1;
  tcb.smallEnd = iss;
  tcb.cwndUsageSeq = iss;
  recoveryReset(tcb);
  tcb.sndWnd = window;
  tcb.sndWl2 = iss + 1;
  tcb.maxSndWnd = window;
  tcb.sndBufferPtr = <u32>heapAlloc(ringBytes);
  tcb.sndBufferCapacity = ringBytes;
  tcb.sndRingPtr = tcb.sndBufferPtr;
  tcb.sndRingCapacity = ringBytes;
  tcb.rcvBufferCapacity = 65536;
  tcb.rcvMss = 1460;
  tcb.set(TCB_FLAG_OWNED);
  startSender(tcb, <u64>nowUs);
  return index;
}

/** Main's sndTail was moved. */
export function outputKick(index: u32): void {
  adoptSendRing(Tcb.at(index));
}

export function outputFin(index: u32): void {
  Tcb.at(index).set(TCB_FLAG_FIN_QUEUED);
}

export function outputSetFlags(index: u32, flags: u32): void {
  Tcb.at(index).flags |= flags;
}

export function outputClearFlags(index: u32, flags: u32): void {
  Tcb.at(index).flags &= ~flags;
}

export function outputFlags(index: u32): u32 {
  return Tcb.at(index).flags;
}

/** Builds the next segment into the Outgoing record at outputRecord(). */
export function outputNext(index: u32, nowUs: f64): bool {
  return output(Tcb.at(index), outgoing(), <u64>nowUs);
}

/** -> the Outgoing record: u32 seq, ack, flags, window, urgent, optionsLength, payloadLength, pieces (4), gsoSize, segments, suspectRoute. */
export function outputRecord(): usize {
  return changetype<usize>(outgoing());
}

// Control bits of the next ACK beside its own
let nextAckFlags: u32 = 0;

/** The next ACK bears ECE. */
export function outputEcho(): void {
  nextAckFlags = 64;
}

let sackBlocks: u32 = 0;
const SACK_STAGE_MAX: u32 = 4;
const staged: usize = memory.data(32);

/** The next ACK carries this SACK block after those given before it; at most four. */
export function outputStageSack(left: u32, right: u32): void {
  if (sackBlocks === SACK_STAGE_MAX) return;
  store<u32>(staged + sackBlocks * 8, left);
  store<u32>(staged + sackBlocks * 8, right, 4);
  sackBlocks += 1;
}

/** An ACK without data arrives, as in the fifth step of RFC 9293 3.10.7.4. `tsEcr`: 0 = no timestamps. @returns FIN acknowledged */
export function outputAck(index: u32, seq: u32, ack: u32, window: u32, tsEcr: u32, nowUs: f64): bool {
  const tcb = Tcb.at(index);
  const seg = currentSegment();
  memory.fill(changetype<usize>(seg), 0, 512);
  seg.seq = seq;
  seg.ack = ack;
  seg.wnd = window;
  seg.flags = 16 | nextAckFlags;
  nextAckFlags = 0;
  seg.segments = 1;
  if (tsEcr !== 0) {
    seg.options.present = OPT_TIMESTAMPS;
    seg.options.tsEcr = tsEcr;
  }
  if (sackBlocks !== 0) {
    seg.options.present |= OPT_SACK;
    seg.options.sackCount = <u8>sackBlocks;
    memory.copy(changetype<usize>(seg.options) + offsetof<TcpOptions>("left0"), staged, sackBlocks * 8);
    sackBlocks = 0;
  }
  tcb.lastReceivedUs = <u64>nowUs;
  let isFinAcked = false;
  if (seqGt(ack, tcb.sndUna)) isFinAcked = onAck(tcb, seg, <u64>nowUs);
  else onOldAck(tcb, seg, <u64>nowUs);
  updateSendWindow(tcb, seg);
  return isFinAcked;
}

/** `count` segments came out of order, after all before them was acknowledged. */
export function outputOweDuplicates(index: u32, count: u32): void {
  const tcb = Tcb.at(index);
  tcb.rcvAdvertised = tcb.rcvNxt + 5000;
  tcb.lastAckSent = tcb.rcvNxt;
  tcb.duplicateAcksOwed = <u8>count;
}

/** Text arrives: RCV.NXT moves by `bytes`. */
export function outputReceived(index: u32, bytes: u32): void {
  Tcb.at(index).rcvNxt += bytes;
}

/** Runs timers. @returns TCBs that want output now; they are taken off the list */
export function outputRunTimers(nowUs: f64): u32 {
  runTimers(<u64>nowUs);
  let wanting: u32 = 0;
  while (nextWantingOutput() !== NONE) wanting += 1;
  return wanting;
}

/** The deadline of the tagged timer, µs, 0 = off, and its kind. */
export function outputTimerUs(index: u32): f64 {
  return <f64>Tcb.at(index).retransmitUs;
}

export function outputTimerKind(index: u32): u32 {
  return Tcb.at(index).timerKind;
}

export function outputState(index: u32, state: u32): void {
  Tcb.at(index).state = <u8>state;
}

export function outputQueued(index: u32, bytes: u32): void {
  segmentQueued(Tcb.at(index), bytes);
}

export function outputSent(index: u32, bytes: u32): void {
  segmentSent(Tcb.at(index), bytes);
}

export function outputOfferRing(index: u32): void {
  offerSendRing(Tcb.at(index), 0);
}

export function outputReleaseRing(index: u32): void {
  releaseSendRing(Tcb.at(index));
}

/** The send ring in use. */
export function outputRingPtr(index: u32): u32 {
  return Tcb.at(index).sndBufferPtr;
}

export function outputRingCapacity(index: u32): u32 {
  return Tcb.at(index).sndBufferCapacity;
}

export function outputTail(index: u32): u32 {
  return Tcb.at(index).sndTail;
}

export function outputSetKeepAlive(index: u32, idleMs: u32, intervalMs: u32, probes: u32, nowUs: f64): void {
  Tcb.at(index).lastReceivedUs = <u64>nowUs;
  setKeepInterval(Tcb.at(index), intervalMs);
  setKeepCount(Tcb.at(index), probes);
  setKeepIdle(Tcb.at(index), idleMs, <u64>nowUs);
  setKeepAlive(Tcb.at(index), true, <u64>nowUs);
}

export function outputDelayedAck(index: u32, dueUs: f64, flags: u32): void {
  Tcb.at(index).delayedAckUs = <u64>dueUs;
  Tcb.at(index).set(flags);
  arm(Tcb.at(index));
}

/** mayBeSmall() with the state it looks at. */
export function outputMayBeSmall(
  index: u32,
  bytes: u32,
  isAll: bool,
  packetsOut: u32,
  una: u32,
  nxt: u32,
  smallEnd: u32,
  maxWindow: u32,
): bool {
  const tcb = Tcb.at(index);
  tcb.packetsOut = packetsOut;
  tcb.sndUna = una;
  tcb.sndNxt = nxt;
  tcb.smallEnd = smallEnd;
  tcb.maxSndWnd = maxWindow;
  const answer = mayBeSmall(tcb, bytes, isAll);
  tcb.packetsOut = 0;
  return answer;
}

/** SND.MSS of a peer's MSS option, a path and options, then the size segments are cut to. */
export function outputSegmentSize(index: u32, peerMss: u32, pmtu: u32, options: u32, maxWindow: u32): u32 {
  const tcb = Tcb.at(index);
  tcb.peerMss = <u16>peerMss;
  tcb.pmtu = pmtu;
  tcb.options = <u8>options;
  tcb.maxSndWnd = maxWindow;
  syncMss(tcb);
  return segmentSize(tcb);
}

export function outputPatience(index: u32): f64 {
  return <f64>patienceUs(Tcb.at(index));
}

export function outputPersistInterval(index: u32, rtoUs: u32, probes: u32, window: u32): f64 {
  const tcb = Tcb.at(index);
  tcb.rtoUs = rtoUs;
  tcb.persistProbes = <u8>probes;
  tcb.sndWnd = window;
  return <f64>persistInterval(tcb);
}

/** Sets a socket option as OP_SET_OPTION does. @returns whether there is such an option and value */
export function outputSetOption(index: u32, code: u32, value: u32, value2: u32, nowUs: f64): bool {
  return setSocketOption(Tcb.at(index), code, value, value2, <u64>nowUs);
}

/** OP_MARK. */
export function outputMark(index: u32, flags: u32, offset: u32): void {
  mark(Tcb.at(index), flags, offset);
}

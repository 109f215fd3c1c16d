// The transmission control block (RFC 9293 3.3.1): one record per connection or listener, in shared memory. The first
// TCB_SHARED_BYTES are laid down in layout.ts because main reads (and in line 0 writes) them; the rest is the core's own.
// Fields are grouped by who touches them together. Nothing here decides anything.
import {
  TCB_ADV_MSS,
  TCB_BUSY_US,
  TCB_BYTES,
  TCB_BYTES_SENT,
  TCB_CHRONO,
  TCB_CONGESTION,
  TCB_CWND,
  TCB_DATA_SEGS_IN,
  TCB_DATA_SEGS_OUT,
  TCB_DELIVERED_CE,
  TCB_FASTOPEN,
  TCB_HANDLE,
  TCB_INTERFACE,
  TCB_KICKED,
  TCB_LAST_SENT_US,
  TCB_LOCAL_ADDRESS,
  TCB_LOCAL_PORT,
  TCB_MAX_PACING_RATE,
  TCB_PACING_RATE,
  TCB_PMTU,
  TCB_RATE_APP_LIMITED,
  TCB_RATE_SAMPLE,
  TCB_RCV_EPOCH_TAKEN,
  TCB_RCV_HEAD,
  TCB_RCV_KICK_AT,
  TCB_RCV_TAIL,
  TCB_RECORDS,
  TCB_REMOTE_ADDRESS,
  TCB_REMOTE_PORT,
  TCB_REORDERING,
  TCB_RETRANSMITS,
  TCB_RTO_US,
  TCB_SEGS_IN,
  TCB_SHARED_BYTES,
  TCB_SND_EPOCH,
  TCB_SND_EPOCH_TAKEN,
  TCB_SND_HEAD,
  TCB_SND_MARKS,
  TCB_SND_MSS,
  TCB_SND_TAIL,
  TCB_SND_UNA,
  TCB_SOCKET_OPTIONS,
  TCB_STATE,
  TCB_SYNCNT,
  TCB_URGENT_AT,
  TCB_URGENT_STATE,
  TCB_WAITS,
} from "../layout";

// tcb.flags, private to the core
export const TCB_FLAG_OWNED: u32 = 1; // main holds a Connection or Listener for it
export const TCB_FLAG_ACCEPT_QUEUE: u32 = 2; // counted in its listener's accept queue
export const TCB_FLAG_PASSIVE: u32 = 4; // came from LISTEN (decides where SYN-RECEIVED returns to, RFC 9293 3.10.7.4)
export const TCB_FLAG_MORE: u32 = 8; // moreAt holds: after the write that ends there more follows
export const TCB_FLAG_MORE_HELD: u32 = 16; // and what is less than a segment before it waits
export const TCB_FLAG_FIN_QUEUED: u32 = 32; // FIN follows the last byte in the send ring
export const TCB_FLAG_FIN_SENT: u32 = 64;
export const TCB_FLAG_ACK_NOW: u32 = 128; // an ACK must leave in this turn
export const TCB_FLAG_ACK_DELAYED: u32 = 256; // an ACK is owed, delayedAckUs says when at the latest
export const TCB_FLAG_SYN_PENDING: u32 = 512; // a SYN or SYN-ACK must leave
export const TCB_FLAG_PROBE_PENDING: u32 = 1024; // a window probe or keepalive must leave
export const TCB_FLAG_OUTPUT_QUEUED: u32 = 2048; // on the list of those that want output()
export const TCB_FLAG_EVENT_QUEUED: u32 = 4096; // on the list of those with readyBits for main
export const TCB_FLAG_HASHED: u32 = 8192; // in the tuple table
export const TCB_FLAG_CLOSED_REPORTED: u32 = 16384; // READY_CLOSED was queued
export const TCB_FLAG_READING_CLOSED: u32 = 32768; // main closed it: arriving data is answered with RST
export const TCB_FLAG_CONNECT_TIMEOUT: u32 = 65536; // connectDeadlineUs holds
export const TCB_FLAG_RST_PENDING: u32 = 131072; // a RST must leave, then the TCB is freed
export const TCB_FLAG_PUSH: u32 = 262144; // pushTo holds
export const TCB_FLAG_URGENT_OUT: u32 = 524288; // sndUp holds: urgent data of ours is not acknowledged
export const TCB_FLAG_READ_SHUT: u32 = 1048576; // main will not read: text after our FIN is answered with RST
export const TCB_FLAG_RING_WANTED: u32 = 4194304; // main waits for a send ring that the heap did not grant
export const TCB_FLAG_URGENT_TOLD: u32 = 2097152; // the probe that announces urgent data has left, the one that asks follows
export const TCB_FLAG_PACED: u32 = 8388608; // output waits for pacingNextNs
export const TCB_FLAG_CHILD: u32 = 16777216; // in a queue of its listener, which listenerHandle names
export const TCB_FLAG_CONGESTION_BLOCK: u32 = 33554432; // congestionState0 is the address of a heap block
export const TCB_FLAG_ORPHAN: u32 = 67108864; // counted by orphans.ts
export const TCB_FLAG_TIME_WAITING: u32 = 134217728; // on the list of time-wait.ts
export const TCB_FLAG_MTU_SEARCHED: u32 = 268435456; // SND.MSS follows the search (RFC 4821)
export const TCB_FLAG_MAY_BE_CUT: u32 = 536870912; // packets leave without DF

/** An algorithm's own state of congestion control in the TCB. */
export const CONGESTION_STATE_BYTES: u32 = 64;

@unmanaged
@final
export class Tcb {
  // line 0, written by main: use the atomic readers below
  sndTailShared: u32;
  rcvHeadShared: u32;
  sndEpochTakenShared: u32;
  rcvEpochTakenShared: u32;
  waitsShared: u32;
  kickedShared: u32;
  sndMarksShared: u32;
  // the rest of the line is the core's, rarely touched: recovery (reduction.ts, undo.ts), the probe in flight, who made it
  priorCwnd: u32; // for undo
  priorSsthresh: u32;
  prrDelivered: u32; // RFC 6937: segments delivered and sent since recovery began
  prrOut: u32;
  retransmitTs: u32; // our timestamp on the first retransmission of this recovery, 0 = none (RFC 3522)
  undoMarker: u32; // SND.UNA when the recovery began
  undoRetrans: i32; // retransmissions that no D-SACK has answered; -1: there was none yet
  mtuProbeStart: u32; // sequence numbers of the probe in flight
  token: u32; // of the OP_CONNECT or OP_LISTEN; a child has listenerHandle there
  // line 1, written by the core for main: publish with the atomic writers below
  sndHeadShared: u32;
  rcvTail: u32; // offset of rcvNxt's byte: written by publishRcvTail() alone
  sndRingPtr: u32; // of sndEpoch, offered; the ring in use is sndBufferPtr
  sndRingCapacity: u32;
  sndEpoch: u32;
  rcvRing: u32; // as main reads it: publishRing()
  rcvRingCapacity: u32;
  rcvEpoch: u32;
  rcvKickAt: u32;
  state: u8; // change it with setState() only
  eof: u8;
  error: u16;
  handle: u32;
  dataSegsOut: u32;
  // the core's own, written with the words above
  rcvHead: u32; // private copy of the checked shared offset
  sndTail: u32; // private copy of the checked shared offset
  rcvAdvertised: u32; // right edge we advertised: RCV.NXT + RCV.WND then (never moves left)
  lastAckSent: u32; // RCV.NXT of the last ACK we sent
  // line 2: key and info
  localAddressHigh: u64;
  localAddressLow: u64;
  remoteAddressHigh: u64;
  remoteAddressLow: u64;
  localPort: u16; // host order
  remotePort: u16;
  sndUna: u32;
  sndNxt: u32;
  sndWnd: u32;
  iss: u32;
  rcvNxt: u32;
  rcvWnd: u32;
  irs: u32;
  cwnd: u32;
  ssthresh: u32;
  sndMss: u32;
  rcvMss: u32;
  srttUs: u32;
  rttvarUs: u32;
  rtoUs: u32;
  minRttUs: u32;
  packetsOut: u32;
  lostOut: u32;
  retransOut: u32;
  sackedOut: u32; // without SACK: duplicate ACKs taken as segments that left the network
  totalRetrans: u32;
  sndWscale: u8; // shift for windows the peer advertises
  rcvWscale: u8; // shift for windows we advertise
  options: u8; // TCB_OPTION_ bits
  caState: u8;
  retransmits: u8;
  backoff: u8;
  probes: u8;
  congestion: u8;
  interfaceIndex: u32;
  bytesSent: u64;
  bytesRetrans: u64;
  bytesAcked: u64;
  bytesReceived: u64;
  segsOut: u64;
  segsIn: u64;
  rcvOooSegs: u32;
  pmtu: u32;
  advMss: u16;
  chrono: u8; // CHRONO_
  rateAppLimited: u8; // 1: deliveryRate is from a sample that the application limited
  deliveredCe: u32;
  // the options of the socket
  socketFlags: u32; // SOCKET_FLAG_
  userTimeoutMs: u32;
  sndBuf: u32; // doubled, as getsockopt tells it; 0 = autotuning
  rcvBuf: u32;
  notsentLowat: u32;
  windowClamp: u32;
  rcvLowat: u32;
  keepIdleMs: u32;
  keepIntervalMs: u32;
  lingerSeconds: u32;
  maxPacingRate: u64; // bytes/s the user allows (SO_MAX_PACING_RATE), 0 = no limit
  linger2: i32;
  userMss: u16;
  deferAccept: u16;
  synRetries: u8;
  keepCount: u8;
  tos: u8;
  ttl: u8;
  mtuDiscover: u8;
  optionReserved: u8;
  fastOpen: u16;
  // more of what info() shows
  reordering: u32; // segments by which the path is known to reorder, at least tcp_reordering
  reorderingSeen: u32; // times it did
  dsackDuplicates: u32; // segments that the peer reported as duplicates
  deliveredSegments: u32; // acknowledged or SACKed in the connection's life, modulo 2^32
  atoUs: u32; // delayed-ack.ts: how long a lone ACK waits, 0 = no data arrived yet
  rcvRttUs: u32;
  lastSentUs: u64; // last data segment sent
  lastTextUs: u64; // last payload from the peer that moved RCV.NXT
  lastReceivedUs: u64; // last segment from the peer (keepalive)
  pacingRate: u64; // bytes/s, 0 = none
  busyUs: u64; // chrono.ts
  rwndLimitedUs: u64;
  sndbufLimitedUs: u64;
  chronoUs: u64;
  dataSegsIn: u32;
  urgentSpan: u32; // which 2^30 bytes of the stream urgentAt lies in
  rateSample: u64; // bytes << 32 | µs, the last sample that was not limited by the application, or a better one
  totalRtoTimeMs: u32; // time spent in recoveries from time-outs
  totalRto: u16; // time-outs
  totalRtoRecoveries: u16; // of these, first ones in a row
  urgentState: u32; // byte | URGENT_ << 8 | count << 16; written after urgentAt
  urgentAt: u32; // offset of the urgent byte

  // ------------------------------------------------------------------------------------------------ private to the core
  flags: u32; // TCB_FLAG_
  readyBits: u32; // READY_ bits not yet put into the event ring
  // intrusive lists of TCB indices, NONE = end
  outputNext: u32;
  eventNext: u32;
  ecn: u8; // ecn.ts
  handshake: u8; // HANDSHAKE_ bits
  softErrno: u16; // what the network last said about the path (RFC 9293 3.9.1.8), 0 = nothing
  // sender
  sndWl1: u32;
  sndWl2: u32;
  maxSndWnd: u32; // largest window the peer ever offered (RFC 9293 3.8.6.2.1)
  sndBufferPtr: u32; // the send ring in use (main has taken this epoch)
  sndBufferCapacity: u32;
  sndBufferEpoch: u32;
  marksTaken: u32; // OP_MARKs that have arrived
  moreAt: u32; // with TCB_FLAG_MORE: offset of the end of a write after which more follows
  pushTo: u32; // with TCB_FLAG_PUSH: offset up to which small segments leave whatever holds them
  pushedSeq: u32; // after the last segment with PSH
  sndUp: u32; // with TCB_FLAG_URGENT_OUT: SND.UP
  markBlock: u32; // heap block of the ends of unsent records, 0 = none
  markCapacity: u16;
  peerMss: u16; // as announced, or 536
  rtxHead: u32; // retransmission queue: indices of RtxRecord in sequence order
  rtxTail: u32;
  rtxLost: u32; // where the search for lost records starts
  txQueuedBytes: u32; // payload bytes of ours in a TX ring, not yet taken by the link
  txQueuedFrames: u16; // no more than the TX rings hold
  identification: u16; // of the next packet without DF
  highSeq: u32; // SND.NXT when recovery or loss began: `recover` of RFC 6582
  segmentsPerAck8: u32; // ack-slots.ts, eighths of a wire segment
  cwndUsageSeq: u32; // SND.NXT when cwndUsed and cwndLimited were set: they hold until it is acknowledged
  cwndUsed: u32; // largest packetsOut of this window of data (cwnd validation)
  rtxCount: u32; // records in the retransmission queue
  smallEnd: u32; // SND.NXT after the last segment below one MSS (Nagle as Minshall has it)
  sndOldBufferPtr: u32; // a send ring main has left, while frames in a TX ring still point into it; 0 = none
  // loss recovery: the scoreboard (rtx-*.ts, sack-scoreboard.ts)
  rtxRoot: u32; // of the index over the retransmission queue, NONE = there is none
  rtxIndexCredit: u32; // removals until the index may be dropped
  timeHead: u32; // retransmissions in flight, oldest first
  timeTail: u32;
  rackCursor: u32; // the first record that was sent once and is neither lost nor SACKED, or one before it
  sndBlockBase: u32; // offset in the stream from which super-segments are counted (send-blocks.ts)
  fack: u32; // end of the highest SACKed record; valid while sackedOut is not 0
  tlpHighSeq: u32; // SND.NXT when the loss probe left
  // loss recovery: RACK-TLP (RFC 8985)
  rackXmitUs: u64; // when the most recently sent segment that was delivered left
  rackEndSeq: u32;
  rackRttUs: u32;
  rackDeliveredMark: u64; // `delivered` when the reordering window was widened last
  timerKind: u8; // what retransmitUs means: TIMER_ tag, these exclude each other
  cwndLimited: u8; // 1: the congestion window kept data back in this window of data
  duplicateAcksOwed: u8; // wire segments that came out of order since RCV.NXT last moved, each worth a duplicate ACK
  quickAcks: u8; // ACKs still to be sent at once (start of connection)
  persistProbes: u8;
  keepAliveProbes: u8;
  tlpState: u8; // TLP_ of tlp.ts
  rackAdvanced: u8; // 1: something was delivered since losses were looked for
  rackDsackSeen: u8; // 1: a D-SACK came in this round
  rackSteps: u8; // the reordering window is that many quarters of the smallest round trip
  rackPersist: u8; // recoveries until it is one quarter again
  frto: u8; // FRTO_ of frto.ts
  undoValid: u8; // 1: undoMarker holds
  shareEpochs: u8; // bulk-share.ts: the epochs in which it was counted, four bits a direction: receiving, sending
  mtuSearchHigh: u16; // bytes of packet: none above this one gets through, and mtuSearchLow does
  // delivery rate (BBR draft 4.1.1): carried per record, sampled at each ACK
  lostTotal: u32; // segments taken for lost in the connection's life, modulo 2^32
  pacingBurst: u32; // bytes sent at one go since output last waited
  delivered: u64; // bytes
  deliveredUs: u64;
  firstSentUs: u64;
  appLimited: u64; // `delivered` at which the application limit ends, 0 = not limited
  // the congestion control's own: state, or the address of a block of it; a listener has what listener-record.ts says
  congestionState0: u64;
  congestionState1: u64;
  congestionState2: u64;
  congestionState3: u64;
  congestionState4: u64;
  congestionState5: u64;
  congestionState6: u64;
  congestionState7: u64;
  pacingNextNs: u64; // when the next data may leave, ns; with TCB_FLAG_PACED output waits for that
  // receiver
  rcvBufferPtr: u32; // the ring we write into
  rcvBufferCapacity: u32; // bytes promised; the ring itself may be smaller yet (rcvRingCapacity), or absent
  rcvOldBufferPtr: u32; // the ring main may still be reading, 0 = none
  oooBlock: u32; // heap block of what waits out of order (reassembly.ts): SACK blocks, set of ranges; 0 = nothing does
  peerFinSeq: u32; // sequence number of the peer's FIN, valid with peerFinSeen
  tsRecent: u32; // TS.Recent
  tsOffset: u32; // added to the clock of our timestamps
  rcvFrameBytes: u32; // average payload of the frames that arrive (a super-segment is one frame)
  tsRecentUs: u64; // when it was set
  rcvCopiedMark: u32; // receive autotuning: rcvHead at the start of the measurement
  rcvRttSeq: u32;
  rcvRttMarkUs: u64;
  rcvSpaceMarkUs: u64;
  lastChallengeUs: u64;
  // sack-blocks.ts
  dsackStart: u32;
  dsackEnd: u32;
  sackBlocks: u8; // valid ones in oooBlock
  dsackDue: u8; // 1: the dsack pair was not sent yet
  lastSegmentSize: u16; // a size below rcvMss that came once
  ackState: u8; // delayed-ack.ts
  timestampsSeen: u8; // 1: a segment after the SYN had the option
  sackUntold: u8; // blocks that no ACK has told yet
  peerFinSeen: u8;
  // the path: path-mtu.ts, mtu-probe.ts
  pmtuGeneration: u32; // pathMtuGeneration for which pmtu holds
  mtuProbeBytes: u16; // its payload, 0 = none is in flight
  mtuSearchLow: u16;
  mtuSearchUs: u64; // when the search began
  // timers, absolute µs, 0 = off; the wheel holds the earliest (tcp/timers.ts)
  persistSinceUs: u64; // when the first probe of this shut window left
  retransmitUs: u64;
  delayedAckUs: u64;
  keepAliveUs: u64; // before ESTABLISHED: connectDeadlineUs
  ringsUs: u64; // the rings are looked at: one is wanted and the heap was full, or they may be idle (idle-rings.ts)
  firstUnansweredUs: u64; // R2 counts from here: the first transmission that nothing has answered

  static at(index: u32): Tcb {
    return changetype<Tcb>(<usize>TCB_RECORDS + <usize>index * <usize>TCB_BYTES);
  }

  get index(): u32 {
    return <u32>((changetype<usize>(this) - TCB_RECORDS) / TCB_BYTES);
  }

  get ptr(): usize {
    return changetype<usize>(this);
  }

  // The keepalive timer runs from ESTABLISHED on, main's limit for a connect before it: startSender() ends that
  get connectDeadlineUs(): u64 {
    return this.keepAliveUs;
  }
  set connectDeadlineUs(us: u64) {
    this.keepAliveUs = us;
  }

  // A record is opened by main, with a token, or it is the child of a listener
  get listenerHandle(): u32 {
    return this.token;
  }
  set listenerHandle(handle: u32) {
    this.token = handle;
  }

  // With TCB_FLAG_CHILD: the neighbours in the queue of its listener. Main writes nothing before it has taken the child out of there, so
  // TCB_FLAG_MORE and TCB_FLAG_PUSH, with which moreAt and pushTo hold, are refused as long (send-marks.ts, nagle.ts)
  get childNext(): u32 {
    return this.moreAt;
  }
  set childNext(index: u32) {
    this.moreAt = index;
  }
  get childPrevious(): u32 {
    return this.pushTo;
  }
  set childPrevious(index: u32) {
    this.pushTo = index;
  }

  // With TCB_FLAG_TIME_WAITING: the neighbours in the list of time-wait.ts. All we sent is acknowledged then and the retransmission queue
  // purged, so no recovery counts what is delivered and sent
  get timeWaitNext(): u32 {
    return this.prrDelivered;
  }
  set timeWaitNext(index: u32) {
    this.prrDelivered = index;
  }
  get timeWaitPrevious(): u32 {
    return this.prrOut;
  }
  set timeWaitPrevious(index: u32) {
    this.prrOut = index;
  }

  has(flag: u32): bool {
    return (this.flags & flag) !== 0;
  }

  set(flag: u32): void {
    this.flags |= flag;
  }

  clear(flag: u32): void {
    this.flags &= ~flag;
  }

  /** `flag`: a SOCKET_FLAG_ bit */
  hasOption(flag: u32): bool {
    return (this.socketFlags & flag) !== 0;
  }

  /** Sets or clears a SOCKET_FLAG_ bit. */
  setOption(flag: u32, isOn: bool): void {
    if (isOn) this.socketFlags |= flag;
    else this.socketFlags &= ~flag;
  }

  // Words that main writes. Each is read once per use, then bounded by the reader: main is not trusted.
  loadSndTail(): u32 {
    return atomic.load<u32>(changetype<usize>(this), TCB_SND_TAIL);
  }
  loadSndMarks(): u32 {
    return atomic.load<u32>(changetype<usize>(this), TCB_SND_MARKS);
  }
  loadRcvHead(): u32 {
    return atomic.load<u32>(changetype<usize>(this), TCB_RCV_HEAD);
  }
  loadSndEpochTaken(): u32 {
    return atomic.load<u32>(changetype<usize>(this), TCB_SND_EPOCH_TAKEN);
  }
  loadRcvEpochTaken(): u32 {
    return atomic.load<u32>(changetype<usize>(this), TCB_RCV_EPOCH_TAKEN);
  }
  /** Takes the wait bits in `mask` and returns those that were set. */
  takeWaits(mask: u32): u32 {
    return atomic.and<u32>(changetype<usize>(this), ~mask, TCB_WAITS) & mask;
  }
  loadWaits(): u32 {
    return atomic.load<u32>(changetype<usize>(this), TCB_WAITS);
  }
  clearKicked(): void {
    atomic.store<u32>(changetype<usize>(this), 0, TCB_KICKED);
  }
  // Words that main reads: the bytes they speak of are written before (the store is the publication).
  publishSndHead(offset: u32): void {
    atomic.store<u32>(changetype<usize>(this), offset, TCB_SND_HEAD);
  }
  publishUrgent(state: u32): void {
    atomic.store<u32>(changetype<usize>(this), state, TCB_URGENT_STATE);
  }
  publishRcvTail(offset: u32): void {
    atomic.store<u32>(changetype<usize>(this), offset, TCB_RCV_TAIL);
  }
}

// The map in layout.ts and this class say the same thing, or the build fails.
if (offsetof<Tcb>("sndMarksShared") !== TCB_SND_MARKS) ERROR("layout drift: Tcb.sndMarksShared");
if (offsetof<Tcb>("sndHeadShared") !== TCB_SND_HEAD) ERROR("layout drift: Tcb.sndHeadShared");
if (offsetof<Tcb>("rcvTail") !== TCB_RCV_TAIL) ERROR("layout drift: Tcb.rcvTail");
if (offsetof<Tcb>("sndEpoch") !== TCB_SND_EPOCH) ERROR("layout drift: Tcb.sndEpoch");
if (offsetof<Tcb>("rcvKickAt") !== TCB_RCV_KICK_AT) ERROR("layout drift: Tcb.rcvKickAt");
if (offsetof<Tcb>("state") !== TCB_STATE) ERROR("layout drift: Tcb.state");
if (offsetof<Tcb>("dataSegsOut") !== TCB_DATA_SEGS_OUT) ERROR("layout drift: Tcb.dataSegsOut");
if (offsetof<Tcb>("handle") !== TCB_HANDLE) ERROR("layout drift: Tcb.handle");
if (offsetof<Tcb>("localAddressHigh") !== TCB_LOCAL_ADDRESS) ERROR("layout drift: Tcb.localAddressHigh");
if (offsetof<Tcb>("remoteAddressHigh") !== TCB_REMOTE_ADDRESS) ERROR("layout drift: Tcb.remoteAddressHigh");
if (offsetof<Tcb>("localPort") !== TCB_LOCAL_PORT) ERROR("layout drift: Tcb.localPort");
if (offsetof<Tcb>("remotePort") !== TCB_REMOTE_PORT) ERROR("layout drift: Tcb.remotePort");
if (offsetof<Tcb>("sndUna") !== TCB_SND_UNA) ERROR("layout drift: Tcb.sndUna");
if (offsetof<Tcb>("cwnd") !== TCB_CWND) ERROR("layout drift: Tcb.cwnd");
if (offsetof<Tcb>("sndMss") !== TCB_SND_MSS) ERROR("layout drift: Tcb.sndMss");
if (offsetof<Tcb>("rtoUs") !== TCB_RTO_US) ERROR("layout drift: Tcb.rtoUs");
if (offsetof<Tcb>("retransmits") !== TCB_RETRANSMITS) ERROR("layout drift: Tcb.retransmits");
if (offsetof<Tcb>("congestion") !== TCB_CONGESTION) ERROR("layout drift: Tcb.congestion");
if (offsetof<Tcb>("interfaceIndex") !== TCB_INTERFACE) ERROR("layout drift: Tcb.interfaceIndex");
if (offsetof<Tcb>("bytesSent") !== TCB_BYTES_SENT) ERROR("layout drift: Tcb.bytesSent");
if (offsetof<Tcb>("segsIn") !== TCB_SEGS_IN) ERROR("layout drift: Tcb.segsIn");
if (offsetof<Tcb>("deliveredCe") !== TCB_DELIVERED_CE) ERROR("layout drift: Tcb.deliveredCe");
if (offsetof<Tcb>("reordering") !== TCB_REORDERING) ERROR("layout drift: Tcb.reordering");
if (offsetof<Tcb>("pmtu") !== TCB_PMTU) ERROR("layout drift: Tcb.pmtu");
if (offsetof<Tcb>("socketFlags") !== TCB_SOCKET_OPTIONS) ERROR("layout drift: Tcb.socketFlags");
if (offsetof<Tcb>("maxPacingRate") !== TCB_MAX_PACING_RATE) ERROR("layout drift: Tcb.maxPacingRate");
if (offsetof<Tcb>("synRetries") !== TCB_SYNCNT) ERROR("layout drift: Tcb.synRetries");
if (offsetof<Tcb>("fastOpen") !== TCB_FASTOPEN) ERROR("layout drift: Tcb.fastOpen");
if (offsetof<Tcb>("lastSentUs") !== TCB_LAST_SENT_US) ERROR("layout drift: Tcb.lastSentUs");
if (offsetof<Tcb>("advMss") !== TCB_ADV_MSS) ERROR("layout drift: Tcb.advMss");
if (offsetof<Tcb>("chrono") !== TCB_CHRONO) ERROR("layout drift: Tcb.chrono");
if (offsetof<Tcb>("rateAppLimited") !== TCB_RATE_APP_LIMITED) ERROR("layout drift: Tcb.rateAppLimited");
if (offsetof<Tcb>("busyUs") !== TCB_BUSY_US) ERROR("layout drift: Tcb.busyUs");
if (offsetof<Tcb>("dataSegsIn") !== TCB_DATA_SEGS_IN) ERROR("layout drift: Tcb.dataSegsIn");
if (offsetof<Tcb>("pacingRate") !== TCB_PACING_RATE) ERROR("layout drift: Tcb.pacingRate");
if (offsetof<Tcb>("rateSample") !== TCB_RATE_SAMPLE) ERROR("layout drift: Tcb.rateSample");
if (offsetof<Tcb>("urgentAt") !== TCB_URGENT_AT) ERROR("layout drift: Tcb.urgentAt");
if (offsetof<Tcb>("flags") !== TCB_SHARED_BYTES) ERROR("layout drift: Tcb.flags");
if (<i32>offsetof<Tcb>() > TCB_BYTES) ERROR("a Tcb does not fit TCB_BYTES");

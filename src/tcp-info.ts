// A connection as `info()` shows it: the TCB's fields by their RFC names, read from shared memory. Times in µs, sizes in bytes,
// congestion window in segments as Linux counts it.
import * as layout from "../assembly/layout.ts";
import { type CongestionControl, congestionName } from "./congestion-controls.ts";
import { stateName, type TcpState } from "./states.ts";

/** What the core knows of a connection. RFC names; `*Us` in µs, windows in bytes unless said otherwise. */
export interface TcpInfo {
  /** State of RFC 9293 3.3.2. */
  state: TcpState;
  /** SND.UNA: oldest byte that is not acknowledged. */
  sndUna: number;
  /** SND.NXT: next byte to send. */
  sndNxt: number;
  /** SND.WND: room that the peer has told of, bytes. */
  sndWnd: number;
  /** ISS: our initial sequence number. */
  iss: number;
  /** RCV.NXT: next byte expected. */
  rcvNxt: number;
  /** RCV.WND: room that we have told of, bytes. */
  rcvWnd: number;
  /** IRS: the peer's initial sequence number. */
  irs: number;
  /** Congestion window (RFC 5681), segments. */
  cwnd: number;
  /** Slow-start threshold, segments; Infinity: none yet. */
  ssthresh: number;
  /** Payload of a full segment that we send, options taken off. */
  sndMss: number;
  /** Payload of the segments that the peer sends, estimated. */
  rcvMss: number;
  /** The MSS that we told the peer. */
  advMss: number;
  /** Path MTU, bytes of IP packet. */
  pmtu: number;
  /** Smoothed round trip (RFC 6298); 0 before the first sample. */
  srttUs: number;
  /** Its mean deviation. */
  rttvarUs: number;
  /** Retransmission time-out. */
  rtoUs: number;
  /** The least round trip lately; 0 before the first sample. */
  minRttUs: number;
  /** Segments sent and not cumulatively acknowledged. */
  packetsOut: number;
  /** Of `packetsOut`: thought lost. */
  lostOut: number;
  /** Of `packetsOut`: sent again. */
  retransOut: number;
  /** Of `packetsOut`: reported received by SACK. */
  sackedOut: number;
  /** Segments acknowledged or SACKed, modulo 2^32. */
  delivered: number;
  /** Segments by which the path reorders. */
  reordering: number;
  /** How often it did. */
  reordSeen: number;
  /** Segments that the peer reported as duplicates. */
  dsackDups: number;
  /** Segments sent again in the connection's life. */
  totalRetrans: number;
  /** Time-outs in a row without an answer. */
  retransmits: number;
  /** Exponent of the back-off. */
  backoff: number;
  /** Window probes in a row. */
  probes: number;
  /** Shift of the peer's window field (RFC 7323). */
  sndWscale: number;
  /** Shift of ours. */
  rcvWscale: number;
  /** What was negotiated. */
  options: {
    /** Timestamps (RFC 7323). */
    timestamps: boolean;
    /** Selective acknowledgments (RFC 2018). */
    sack: boolean;
    /** Window scale (RFC 7323). */
    windowScaling: boolean;
    /** Explicit congestion notification (RFC 3168). */
    ecn: boolean;
    /** A segment of the peer came with an ECN mark. */
    ecnSeen: boolean;
    /** Data in the SYN was acknowledged (RFC 7413). */
    synData: boolean;
  };
  /** State of loss recovery, Linux's names. */
  caState: "open" | "disorder" | "cwr" | "recovery" | "loss";
  /** What decides about `cwnd`. */
  congestionControl: CongestionControl;
  /** Payload bytes sent, retransmissions included. */
  bytesSent: number;
  /** Payload bytes sent again. */
  bytesRetrans: number;
  /** Payload bytes acknowledged. */
  bytesAcked: number;
  /** Payload bytes received in order. */
  bytesReceived: number;
  /** Segments sent, on the wire. */
  segsOut: number;
  /** Segments received, on the wire. */
  segsIn: number;
  /** Segments that came out of order. */
  rcvOooSegs: number;
  /** Segments of ours whose ACK said that the network marked congestion (RFC 3168). */
  deliveredCe: number;
  /** How long a lone ACK of ours waits; 0: not known. */
  atoUs: number;
  /** Round trip as the receiver sees it; 0: not known. */
  rcvRttUs: number;
  /** Core time of the last data sent; 0: none. */
  lastDataSentUs: number;
  /** Core time of the last data received; 0: none. */
  lastDataReceivedUs: number;
  /** Core time of the last segment received. */
  lastReceivedUs: number;
  /** Bytes/s; 0: not paced. */
  pacingRate: number;
  /** The most that the user allows, bytes/s; 0: any. */
  maxPacingRate: number;
  /** Bytes/s that the path was last seen to deliver; 0: not measured. */
  deliveryRate: number;
  /** Whether the application was the limit of `deliveryRate`. */
  deliveryRateAppLimited: boolean;
  /** Time-outs. */
  totalRto: number;
  /** Of them, the first ones in a row. */
  totalRtoRecoveries: number;
  /** ms until they were answered. */
  totalRtoTimeMs: number;
  /** Written and not sent yet, bytes. */
  notsentBytes: number;
  /** Time with data queued or unacknowledged, as of `chronoUs`; since then `chrono` goes on. */
  busyUs: number;
  /** Of it: held back by the peer's window. */
  rwndLimitedUs: number;
  /** Of it: held back by a full send ring. */
  sndbufLimitedUs: number;
  /** What goes on since `chronoUs`. */
  chrono: "idle" | "busy" | "rwnd-limited" | "sndbuf-limited";
  /** Core time of the last change of `chrono`. */
  chronoUs: number;
  /** Wire segments with payload sent. */
  dataSegsOut: number;
  /** Wire segments with payload received. */
  dataSegsIn: number;
  /** Bytes of the send ring. */
  sndRingBytes: number;
  /** Bytes of the receive ring. */
  rcvRingBytes: number;
  /** Bytes in the send ring: not sent, or not acknowledged. */
  sndQueuedBytes: number;
  /** Bytes in the receive ring that nobody has read. */
  rcvQueuedBytes: number;
}

const CHRONOS = ["idle", "busy", "rwnd-limited", "sndbuf-limited"] as const;
const CA_STATES = ["open", "disorder", "cwr", "recovery", "loss"] as const;

/** The fields of one TCB by their place in the layout. */
interface Fields {
  u8(field: number): number;
  u16(field: number): number;
  u32(field: number): number;
  u64(field: number): number;
  rate(field: number): number;
}

/** What a TCB is read through: views of the stack's memory, or of a copy. */
export interface TcpViews {
  u8: Uint8Array;
  u16: Uint16Array;
  u32: Uint32Array;
  u64: BigUint64Array;
}

/** Bytes/s of a TCB_RATE_SAMPLE, 0 = none yet. The core leaves the division to whoever asks. */
export function rateOfSample(sample: bigint): number {
  const microseconds = sample & 0xffff_ffffn;
  return microseconds === 0n ? 0 : Number(((sample >> 32n) * 1_000_000n) / microseconds);
}

/**
 * Reads a TCB.
 * @param tcb - address of the record
 */
export function readTcpInfo(views: TcpViews, tcb: number): TcpInfo {
  const fields: Fields = {
    u8: (field) => views.u8[tcb + field]!,
    u16: (field) => views.u16[(tcb + field) >>> 1]!,
    u32: (field) => views.u32[(tcb + field) >>> 2]!,
    u64: (field) => Number(views.u64[(tcb + field) >>> 3]!),
    rate: (field) => rateOfSample(views.u64[(tcb + field) >>> 3]!),
  };
  return { ...variables(fields), ...recovery(fields), ...traffic(fields), ...waiting(fields) };
}

// State, sequence variables, windows, sizes, round trips
function variables({ u8, u16, u32 }: Fields) {
  const ssthresh = u32(layout.TCB_SSTHRESH);
  return {
    state: stateName(u8(layout.TCB_STATE)),
    sndUna: u32(layout.TCB_SND_UNA),
    sndNxt: u32(layout.TCB_SND_NXT),
    sndWnd: u32(layout.TCB_SND_WND),
    iss: u32(layout.TCB_ISS),
    rcvNxt: u32(layout.TCB_RCV_NXT),
    rcvWnd: u32(layout.TCB_RCV_WND),
    irs: u32(layout.TCB_IRS),
    cwnd: u32(layout.TCB_CWND),
    ssthresh: ssthresh >= layout.SSTHRESH_NONE ? Number.POSITIVE_INFINITY : ssthresh,
    sndMss: u32(layout.TCB_SND_MSS),
    rcvMss: u32(layout.TCB_RCV_MSS),
    advMss: u16(layout.TCB_ADV_MSS),
    pmtu: u32(layout.TCB_PMTU),
    srttUs: u32(layout.TCB_SRTT_US),
    rttvarUs: u32(layout.TCB_RTTVAR_US),
    rtoUs: u32(layout.TCB_RTO_US),
    minRttUs: u32(layout.TCB_MIN_RTT_US),
  };
}

// What is outstanding, lost and sent again; what was negotiated
function recovery({ u8, u32 }: Fields) {
  const options = u8(layout.TCB_OPTIONS);
  return {
    packetsOut: u32(layout.TCB_PACKETS_OUT),
    lostOut: u32(layout.TCB_LOST_OUT),
    retransOut: u32(layout.TCB_RETRANS_OUT),
    sackedOut: u32(layout.TCB_SACKED_OUT),
    delivered: u32(layout.TCB_DELIVERED),
    reordering: u32(layout.TCB_REORDERING),
    reordSeen: u32(layout.TCB_REORD_SEEN),
    dsackDups: u32(layout.TCB_DSACK_DUPS),
    totalRetrans: u32(layout.TCB_TOTAL_RETRANS),
    retransmits: u8(layout.TCB_RETRANSMITS),
    backoff: u8(layout.TCB_BACKOFF),
    probes: u8(layout.TCB_PROBES),
    sndWscale: u8(layout.TCB_SND_WSCALE),
    rcvWscale: u8(layout.TCB_RCV_WSCALE),
    options: {
      timestamps: (options & layout.TCB_OPTION_TIMESTAMPS) !== 0,
      sack: (options & layout.TCB_OPTION_SACK) !== 0,
      windowScaling: (options & layout.TCB_OPTION_WSCALE) !== 0,
      ecn: (options & layout.TCB_OPTION_ECN) !== 0,
      ecnSeen: (options & layout.TCB_OPTION_ECN_SEEN) !== 0,
      synData: (options & layout.TCB_OPTION_SYN_DATA) !== 0,
    },
    caState: CA_STATES[u8(layout.TCB_CA_STATE)] ?? "open",
    congestionControl: congestionName(u8(layout.TCB_CONGESTION)),
  };
}

// Bytes and segments, when the last ones passed, rates, time-outs
function traffic({ u8, u16, u32, u64, rate }: Fields) {
  return {
    bytesSent: u64(layout.TCB_BYTES_SENT),
    bytesRetrans: u64(layout.TCB_BYTES_RETRANS),
    bytesAcked: u64(layout.TCB_BYTES_ACKED),
    bytesReceived: u64(layout.TCB_BYTES_RECEIVED),
    segsOut: u64(layout.TCB_SEGS_OUT),
    segsIn: u64(layout.TCB_SEGS_IN),
    rcvOooSegs: u32(layout.TCB_RCV_OOO_SEGS),
    deliveredCe: u32(layout.TCB_DELIVERED_CE),
    atoUs: u32(layout.TCB_ATO_US),
    rcvRttUs: u32(layout.TCB_RCV_RTT_US),
    lastDataSentUs: u64(layout.TCB_LAST_SENT_US),
    lastDataReceivedUs: u64(layout.TCB_LAST_TEXT_US),
    lastReceivedUs: u64(layout.TCB_LAST_RECEIVED_US),
    pacingRate: u64(layout.TCB_PACING_RATE),
    maxPacingRate: u64(layout.TCB_MAX_PACING_RATE),
    deliveryRate: rate(layout.TCB_RATE_SAMPLE),
    deliveryRateAppLimited: u8(layout.TCB_RATE_APP_LIMITED) !== 0,
    totalRto: u16(layout.TCB_TOTAL_RTO),
    totalRtoRecoveries: u16(layout.TCB_TOTAL_RTO_RECOVERIES),
    totalRtoTimeMs: u32(layout.TCB_TOTAL_RTO_TIME_MS),
  };
}

// What the sender waited for, and what waits in the rings
function waiting({ u8, u32, u64 }: Fields) {
  return {
    notsentBytes: unsentBytes(u32),
    busyUs: u64(layout.TCB_BUSY_US),
    rwndLimitedUs: u64(layout.TCB_RWND_LIMITED_US),
    sndbufLimitedUs: u64(layout.TCB_SNDBUF_LIMITED_US),
    chrono: CHRONOS[u8(layout.TCB_CHRONO)] ?? "idle",
    chronoUs: u64(layout.TCB_CHRONO_US),
    dataSegsOut: u32(layout.TCB_DATA_SEGS_OUT),
    dataSegsIn: u32(layout.TCB_DATA_SEGS_IN),
    sndRingBytes: u32(layout.TCB_SND_RING_CAPACITY),
    rcvRingBytes: u32(layout.TCB_RCV_RING_CAPACITY),
    sndQueuedBytes: (u32(layout.TCB_SND_TAIL) - u32(layout.TCB_SND_HEAD)) >>> 0,
    rcvQueuedBytes: (u32(layout.TCB_RCV_TAIL) - u32(layout.TCB_RCV_HEAD)) >>> 0,
  };
}

function unsentBytes(u32: (field: number) => number): number {
  const sent = (u32(layout.TCB_SND_NXT) - u32(layout.TCB_ISS) - 1) >>> 0;
  return Math.max(0, (u32(layout.TCB_SND_TAIL) - sent) | 0); // below 0 once our FIN is sent
}

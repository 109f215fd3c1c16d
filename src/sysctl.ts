// The settings of a stack under Linux's names and in Linux's units: types (which are the documentation), defaults, ranges, and
// where each lies in the CONFIG block. What a setting does is the core's business.
import * as layout from "../assembly/layout.ts";
import { integer, object } from "./argument-checks.ts";
import { CONGESTION_CONTROLS, type CongestionControl, congestionCode } from "./congestion-controls.ts";
import { invalidType, invalidValue, outOfRange } from "./errors.ts";

/** Least, initial and greatest size of a socket's ring, bytes; each at most the next. */
export type MemoryTriple = readonly [min: number, initial: number, max: number];

/** Settings of a stack. Names and units are those of Linux's `net.ipv4.*` (and `net.core`, `neigh.default`). */
export interface Sysctl {
  /** SYNs sent again before `connect` gives up, 1..127. Default 7: with doubling that is over three minutes (RFC 9293 MUST-23). */
  tcp_syn_retries: number;
  /** SYN-ACKs sent again before a connection that is being accepted is forgotten, 1..255. Default 5. */
  tcp_synack_retries: number;
  /** Retransmissions after which the way to the peer is suspected (R1), 1..255. Default 3. */
  tcp_retries1: number;
  /** Retransmissions after which a connection is given up (R2), 1..255. Default 15: 13 to 30 minutes. */
  tcp_retries2: number;
  /** Retransmissions for a connection that the application has closed, 0..255. Default 8. */
  tcp_orphan_retries: number;
  /** Seconds a closed connection waits in FIN-WAIT-2 for the peer's FIN, 1..3600. Default 60. */
  tcp_fin_timeout: number;
  /** Window scaling (RFC 7323), 0 | 1. Default 1. */
  tcp_window_scaling: number;
  /** Timestamps and PAWS (RFC 7323), 0 | 1. Default 1. */
  tcp_timestamps: number;
  /** Receive ring, bytes. Default [4096, 131072, 6291456]. */
  tcp_rmem: MemoryTriple;
  /** All connections together, pages of 4 KiB: pressure ends, pressure begins, high. Default [65536, 81920, 114688], and never more than the heap. */
  tcp_mem: MemoryTriple;
  /** Send ring, bytes. Default [4096, 16384, 4194304]. */
  tcp_wmem: MemoryTriple;
  /** Congestion control of new sockets: `cubic` (RFC 9438, default), `reno` (RFC 5681), `vegas`, `bbr` (version 3), `bbr1`. */
  tcp_congestion_control: CongestionControl;
  /** How CUBIC's slow start ends before it loses: 0 = it does not, 1 = HyStart as in Linux, 2 = HyStart++ (RFC 9406). Default 1. */
  tcp_cubic_hystart: number;
  /** Idle seconds before the first keepalive, 1..32767. Default 7200. */
  tcp_keepalive_time: number;
  /** Seconds between keepalives, 1..32767. Default 75. */
  tcp_keepalive_intvl: number;
  /** Unanswered keepalives before the connection is given up, 1..127. Default 9. */
  tcp_keepalive_probes: number;
  /** Least retransmission time-out, µs, 1000..120000000. Default 200000. */
  tcp_rto_min_us: number;
  /** Greatest retransmission time-out, ms, 1000..120000. Default 120000. */
  tcp_rto_max_ms: number;
  /** Least segment size we send, whatever a peer's MSS option says, bytes, 1..65535. Default 48. */
  tcp_min_snd_mss: number;
  /** Shrink the congestion window of a connection that was idle (RFC 5681 4.1), 0 | 1. Default 1. */
  tcp_slow_start_after_idle: number;
  /** Grow receive rings as the connection needs it, 0 | 1. Default 1. */
  tcp_moderate_rcvbuf: number;
  /** Greatest backlog of a listener, 1..65535. Default 4096. */
  somaxconn: number;
  /** Connections of a listener whose handshake is not complete, 1..65535. Default 4096. */
  tcp_max_syn_backlog: number;
  /** ms between answers to invalid segments of one connection (RFC 5961), 0..60000. Default 500. */
  tcp_invalid_ratelimit: number;
  /** Ephemeral ports (RFC 6056), first and last. Default [32768, 60999]. */
  ip_local_port_range: readonly [first: number, last: number];
  /** Time to live of what we send, 1..255. Default 64. */
  ip_default_ttl: number;
  /** Do not answer pings, 0 | 1. Default 0. */
  icmp_echo_ignore_all: number;
  /** ms between ICMP errors to one destination, 0..60000. Default 1000. */
  icmp_ratelimit: number;
  /** ms between ARP requests for one address, 1..60000. Default 1000. */
  retrans_time_ms: number;
  /** ARP requests before an address is unreachable, 1..100. Default 3. */
  mcast_solicit: number;
  /** ms an ARP entry is trusted, 1..3600000. Default 30000. */
  base_reachable_time_ms: number;
  /** Frames that wait for one unresolved address, 1..256. Default 16. */
  unres_qlen: number;
  /** ms of TIME-WAIT (2 MSL), 1..240000: with 0 the connection would be gone before its last ACK left. Default 60000. */
  tcp_time_wait_ms: number;
  /** Segments of the initial window (RFC 6928), 1..1000. Default 10. */
  tcp_initial_cwnd: number;
  /** Segments by which a path is taken to reorder until it shows more, 1..300: as many duplicate ACKs mean loss. Default 3. */
  tcp_reordering: number;
  /** Segments by which a path may be found to reorder, 1..65535. Default 300. */
  tcp_max_reordering: number;
  /** Bits: 1 RACK decides what is lost (RFC 8985), 2 its window does not adapt, 4 nor is it zero at tcp_reordering. Default 1. */
  tcp_recovery: number;
  /** 3 or 4: tail loss probes (RFC 8985 7), else none; 0..4. Default 3. */
  tcp_early_retrans: number;
  /** F-RTO after a time-out (RFC 5682): 0 off, 1 and 2 on. Default 2. */
  tcp_frto: number;
  /** µs an ACK may be delayed, 0..500000. Default 40000. */
  tcp_delack_min_us: number;
  /**
   * While the window may double: pace of a connection with a rate limit, and what sizes the super-segments of all others, per cent of
   * window / RTT, 1..1000. Default 200.
   */
  tcp_pacing_ss_ratio: number;
  /** The same once it grows slowly. Default 120. */
  tcp_pacing_ca_ratio: number;
  /** Least segments of a super-segment of a paced connection, 1..128. Default 2. */
  tcp_min_tso_segs: number;
  /** A paced connection may send super-segments of gso_max >> (RTT in µs >> this) beyond one millisecond's worth, 0..31; 0 = off. Default 9. */
  tcp_tso_rtt_log: number;
  /** Bytes of one connection that may wait for the link, 65536..1073741824. Default 4194304. */
  tcp_limit_output_bytes: number;
  /** Selective acknowledgement (RFC 2018), 0 or 1. Default 1. */
  tcp_sack: number;
  /** Whether duplicates are reported to their sender (RFC 2883), 0 or 1. Default 1. */
  tcp_dsack: number;
  /** Greatest `SO_SNDBUF` (`net.core.wmem_max`), bytes, 4608..1073741823. Default 212992. */
  wmem_max: number;
  /** Greatest `SO_RCVBUF` (`net.core.rmem_max`), bytes, 2304..1073741823. Default 212992. */
  rmem_max: number;
  /** Unsent bytes up to which a socket is writable, 0..4294967295. Default 4294967295: no limit, as is 0. */
  tcp_notsent_lowat: number;
  /** Bytes that fragments of incomplete datagrams may take, 0 (none are kept)..67108864. Default 4194304. */
  ipfrag_high_thresh: number;
  /** Seconds until a datagram with missing fragments is given up, 1..255. Default 30. */
  ipfrag_time: number;
  /** Path MTU discovery: 0 on, 1 off (DF is never set), 2 off and hints ignored, 3 as 0. Default 0. */
  ip_no_pmtu_disc: number;
  /** Least path MTU that is believed (Linux `route/min_pmtu`), bytes, 68..65535. Default 552. */
  min_pmtu: number;
  /** Seconds until a path MTU that was learnt is forgotten (Linux `route/mtu_expires`), 1..86400. Default 600. */
  mtu_expires: number;
  /** Probing for the path MTU without ICMP (RFC 4821): 0 off, 1 after a black hole was found, 2 always. Default 0. */
  tcp_mtu_probing: number;
  /** Segment size at which probing starts, bytes, 48..65495. Default 1024. */
  tcp_base_mss: number;
  /** Segment size below which a black hole is not looked for, bytes, 48..65495. Default 48. */
  tcp_mtu_probe_floor: number;
  /** Seconds until a search for a larger path MTU starts anew, 1..86400. Default 600. */
  tcp_probe_interval: number;
  /** Bytes between the limits of the search at which it ends, 1..65535. Default 8. */
  tcp_probe_threshold: number;
  /** ICMP errors per second to all destinations together, 0..1000000. Default 1000. */
  icmp_msgs_per_sec: number;
  /** ICMP errors in one burst, 0..1000000. Default 50. */
  icmp_msgs_burst: number;
  /**
   * Ask whether somebody has our address before it is used (RFC 5227; not a setting of Linux), 0 | 1. Takes 4 to 7 seconds, in which
   * `connect` fails with `ENETDOWN`; if somebody has it, it is not used. Default 0.
   */
  arp_probe: number;
  /** Explicit congestion notification (RFC 3168): 0 never, 1 ask for it, 2 answer those who ask. Default 2. */
  tcp_ecn: number;
  /** A SYN that asks for it and is lost is sent again without, 0 | 1. Default 1. */
  tcp_ecn_fallback: number;
  /** Stateless answers to SYNs (RFC 4987 3.6): 0 never, 1 when a listener's SYN queue is full, 2 always. Default 1. */
  tcp_syncookies: number;
  /** A connection that finds the accept queue full is reset instead of kept waiting, 0 | 1. Default 0. */
  tcp_abort_on_overflow: number;
  /** Connections in TIME-WAIT; beyond that the oldest end early, 1..131072. Default 65536. */
  tcp_max_tw_buckets: number;
  /** Whether `connect` may take the ports of a connection in TIME-WAIT (RFC 6191): 0 never, 1 always, 2 over the loopback. Default 2. */
  tcp_tw_reuse: number;
  /** Connections that were closed here and are not over; beyond that they are reset, 0..131072. Default 65536. */
  tcp_max_orphans: number;
  /**
   * TCP Fast Open (RFC 7413), a sum of: 1 as a client, 2 as a server, 4 data in the SYN without a cookie, 512 take it without a
   * cookie, 1024 for all listeners; other bits have no meaning. 0..2147483647. Default 1.
   */
  tcp_fastopen: number;
  /** Servers whose Fast Open cookie and MSS are remembered, 0..256; a change forgets them all. Default 256. */
  tcp_fastopen_servers: number;
  /** Key of the Fast Open cookies, four hexadecimal words with dashes between them. Default: all zero, a random one that changes daily. */
  tcp_fastopen_key: string;
}

type Row = readonly [address: number, initial: number, least: number, most: number];

const GIB = 1024 * 1024 * 1024;

const NUMBERS = {
  tcp_syn_retries: [layout.SYSCTL_TCP_SYN_RETRIES, 7, 1, 127],
  tcp_synack_retries: [layout.SYSCTL_TCP_SYNACK_RETRIES, 5, 1, 255],
  tcp_retries1: [layout.SYSCTL_TCP_RETRIES1, 3, 1, 255],
  tcp_retries2: [layout.SYSCTL_TCP_RETRIES2, 15, 1, 255],
  tcp_orphan_retries: [layout.SYSCTL_TCP_ORPHAN_RETRIES, 8, 0, 255],
  tcp_fin_timeout: [layout.SYSCTL_TCP_FIN_TIMEOUT, 60, 1, 3600],
  tcp_window_scaling: [layout.SYSCTL_TCP_WINDOW_SCALING, 1, 0, 1],
  tcp_timestamps: [layout.SYSCTL_TCP_TIMESTAMPS, 1, 0, 1],
  tcp_keepalive_time: [layout.SYSCTL_TCP_KEEPALIVE_TIME, 7200, 1, 32767],
  tcp_keepalive_intvl: [layout.SYSCTL_TCP_KEEPALIVE_INTVL, 75, 1, 32767],
  tcp_keepalive_probes: [layout.SYSCTL_TCP_KEEPALIVE_PROBES, 9, 1, 127],
  tcp_rto_min_us: [layout.SYSCTL_TCP_RTO_MIN_US, 200_000, 1000, 120_000_000],
  tcp_rto_max_ms: [layout.SYSCTL_TCP_RTO_MAX_MS, 120_000, 1000, 120_000],
  tcp_min_snd_mss: [layout.SYSCTL_TCP_MIN_SND_MSS, 48, 1, 65535],
  tcp_slow_start_after_idle: [layout.SYSCTL_TCP_SLOW_START_AFTER_IDLE, 1, 0, 1],
  tcp_moderate_rcvbuf: [layout.SYSCTL_TCP_MODERATE_RCVBUF, 1, 0, 1],
  somaxconn: [layout.SYSCTL_SOMAXCONN, 4096, 1, 65535],
  tcp_max_syn_backlog: [layout.SYSCTL_TCP_MAX_SYN_BACKLOG, 4096, 1, 65535],
  tcp_invalid_ratelimit: [layout.SYSCTL_TCP_INVALID_RATELIMIT, 500, 0, 60_000],
  ip_default_ttl: [layout.SYSCTL_IP_DEFAULT_TTL, 64, 1, 255],
  icmp_echo_ignore_all: [layout.SYSCTL_ICMP_ECHO_IGNORE_ALL, 0, 0, 1],
  icmp_ratelimit: [layout.SYSCTL_ICMP_RATELIMIT, 1000, 0, 60_000],
  retrans_time_ms: [layout.SYSCTL_NEIGH_RETRANS_TIME_MS, 1000, 1, 60_000],
  mcast_solicit: [layout.SYSCTL_NEIGH_MCAST_SOLICIT, 3, 1, 100],
  base_reachable_time_ms: [layout.SYSCTL_NEIGH_BASE_REACHABLE_TIME_MS, 30_000, 1, 3_600_000],
  unres_qlen: [layout.SYSCTL_NEIGH_UNRES_QLEN, 16, 1, 256],
  tcp_time_wait_ms: [layout.SYSCTL_TCP_TIME_WAIT_MS, 60_000, 1, 240_000],
  tcp_initial_cwnd: [layout.SYSCTL_TCP_INITIAL_CWND, 10, 1, 1000],
  tcp_reordering: [layout.SYSCTL_TCP_REORDERING, 3, 1, 300],
  tcp_max_reordering: [layout.SYSCTL_TCP_MAX_REORDERING, 300, 1, 65_535],
  tcp_recovery: [layout.SYSCTL_TCP_RECOVERY, 1, 0, 7],
  tcp_early_retrans: [layout.SYSCTL_TCP_EARLY_RETRANS, 3, 0, 4],
  tcp_frto: [layout.SYSCTL_TCP_FRTO, 2, 0, 2],
  tcp_delack_min_us: [layout.SYSCTL_TCP_DELACK_MIN_US, 40_000, 0, 500_000],
  tcp_pacing_ss_ratio: [layout.SYSCTL_TCP_PACING_SS_RATIO, 200, 1, 1000],
  tcp_pacing_ca_ratio: [layout.SYSCTL_TCP_PACING_CA_RATIO, 120, 1, 1000],
  tcp_min_tso_segs: [layout.SYSCTL_TCP_MIN_TSO_SEGS, 2, 1, 128],
  tcp_tso_rtt_log: [layout.SYSCTL_TCP_TSO_RTT_LOG, 9, 0, 31],
  tcp_cubic_hystart: [layout.SYSCTL_TCP_CUBIC_HYSTART, 1, 0, 2],
  tcp_limit_output_bytes: [layout.SYSCTL_TCP_LIMIT_OUTPUT_BYTES, 4_194_304, 65536, GIB],
  tcp_sack: [layout.SYSCTL_TCP_SACK, 1, 0, 1],
  tcp_dsack: [layout.SYSCTL_TCP_DSACK, 1, 0, 1],
  wmem_max: [layout.SYSCTL_WMEM_MAX, 212_992, layout.SNDBUF_MIN, GIB - 1],
  rmem_max: [layout.SYSCTL_RMEM_MAX, 212_992, layout.RCVBUF_MIN, GIB - 1],
  tcp_notsent_lowat: [layout.SYSCTL_TCP_NOTSENT_LOWAT, 0xffffffff, 0, 0xffffffff],
  ipfrag_high_thresh: [layout.SYSCTL_IPFRAG_HIGH_THRESH, 4_194_304, 0, 67_108_864],
  ipfrag_time: [layout.SYSCTL_IPFRAG_TIME, 30, 1, 255],
  ip_no_pmtu_disc: [layout.SYSCTL_IP_NO_PMTU_DISC, 0, 0, 3],
  min_pmtu: [layout.SYSCTL_MIN_PMTU, 552, 68, 65_535],
  mtu_expires: [layout.SYSCTL_MTU_EXPIRES, 600, 1, 86_400],
  tcp_mtu_probing: [layout.SYSCTL_TCP_MTU_PROBING, 0, 0, 2],
  tcp_base_mss: [layout.SYSCTL_TCP_BASE_MSS, 1024, 48, 65_495],
  tcp_mtu_probe_floor: [layout.SYSCTL_TCP_MTU_PROBE_FLOOR, 48, 48, 65_495],
  tcp_probe_interval: [layout.SYSCTL_TCP_PROBE_INTERVAL, 600, 1, 86_400],
  tcp_probe_threshold: [layout.SYSCTL_TCP_PROBE_THRESHOLD, 8, 1, 65_535],
  icmp_msgs_per_sec: [layout.SYSCTL_ICMP_MSGS_PER_SEC, 1000, 0, 1_000_000],
  icmp_msgs_burst: [layout.SYSCTL_ICMP_MSGS_BURST, 50, 0, 1_000_000],
  arp_probe: [layout.SYSCTL_ARP_PROBE, 0, 0, 1],
  tcp_ecn: [layout.SYSCTL_TCP_ECN, 2, 0, 2],
  tcp_ecn_fallback: [layout.SYSCTL_TCP_ECN_FALLBACK, 1, 0, 1],
  tcp_syncookies: [layout.SYSCTL_TCP_SYNCOOKIES, 1, 0, 2],
  tcp_abort_on_overflow: [layout.SYSCTL_TCP_ABORT_ON_OVERFLOW, 0, 0, 1],
  tcp_max_tw_buckets: [layout.SYSCTL_TCP_MAX_TW_BUCKETS, 65_536, 1, layout.TCB_CAPACITY],
  tcp_tw_reuse: [layout.SYSCTL_TCP_TW_REUSE, 2, 0, 2],
  tcp_max_orphans: [layout.SYSCTL_TCP_MAX_ORPHANS, 65_536, 0, layout.TCB_CAPACITY],
  tcp_fastopen: [layout.SYSCTL_TCP_FASTOPEN, 1, 0, 0x7fffffff],
  tcp_fastopen_servers: [layout.SYSCTL_TCP_FASTOPEN_SERVERS, 256, 0, 256],
} as const satisfies Partial<Record<keyof Sysctl, Row>>;

/** Settings that are several numbers, in ascending order, each in a word of its own. */
const LISTS = {
  tcp_mem: {
    addresses: [layout.SYSCTL_TCP_MEM_LOW, layout.SYSCTL_TCP_MEM_PRESSURE, layout.SYSCTL_TCP_MEM_HIGH],
    initial: [65_536, 81_920, 114_688],
    least: 1,
    most: 1_048_576,
  },
  tcp_rmem: {
    addresses: [layout.SYSCTL_TCP_RMEM_MIN, layout.SYSCTL_TCP_RMEM_DEFAULT, layout.SYSCTL_TCP_RMEM_MAX],
    initial: [4096, 131_072, 6_291_456],
    least: 256,
    most: GIB / 4,
  },
  tcp_wmem: {
    addresses: [layout.SYSCTL_TCP_WMEM_MIN, layout.SYSCTL_TCP_WMEM_DEFAULT, layout.SYSCTL_TCP_WMEM_MAX],
    initial: [4096, 16_384, 4_194_304],
    least: 256,
    most: GIB / 4,
  },
  ip_local_port_range: {
    addresses: [layout.SYSCTL_IP_LOCAL_PORT_RANGE_MIN, layout.SYSCTL_IP_LOCAL_PORT_RANGE_MAX],
    initial: [32_768, 60_999],
    least: 1,
    most: 65_535,
  },
} as const;

/** `tcp_fastopen_key`, a word each. */
const FASTOPEN_KEY = [
  layout.SYSCTL_TCP_FASTOPEN_KEY0,
  layout.SYSCTL_TCP_FASTOPEN_KEY1,
  layout.SYSCTL_TCP_FASTOPEN_KEY2,
  layout.SYSCTL_TCP_FASTOPEN_KEY3,
] as const;

/** The words of the CONFIG block that settings come to, by address. */
export type SysctlWords = Map<number, number>;

/**
 * Checks settings and fills in the defaults.
 * @throws TypeError (`ERR_INVALID_ARG_TYPE`, `ERR_INVALID_ARG_VALUE`), RangeError (`ERR_OUT_OF_RANGE`)
 */
export function resolveSysctl(sysctl: Partial<Sysctl> = {}): SysctlWords {
  object("sysctl", sysctl);
  const words: SysctlWords = new Map();
  for (const [address, initial] of Object.values(NUMBERS)) words.set(address, initial);
  for (const { addresses, initial } of Object.values(LISTS)) {
    for (const [index, address] of addresses.entries()) words.set(address, initial[index]!);
  }
  for (const address of FASTOPEN_KEY) words.set(address, 0);
  words.set(layout.SYSCTL_TCP_CONGESTION_CONTROL, layout.CONGESTION_CUBIC);
  for (const change of changedWords(sysctl)) words.set(...change);
  return words;
}

/**
 * Checks settings, without the defaults of the others: what changes in a stack that runs.
 * @throws as {@link resolveSysctl}
 */
export function changedWords(sysctl: Partial<Sysctl>): SysctlWords {
  const words: SysctlWords = new Map();
  for (const [name, value] of Object.entries(sysctl)) if (value !== undefined) setSysctl(words, name, value);
  return words;
}

function setSysctl(words: SysctlWords, name: string, value: unknown): void {
  const option = `sysctl.${name}`;
  if (Object.hasOwn(NUMBERS, name)) {
    const [address, , least, most] = NUMBERS[name as keyof typeof NUMBERS];
    words.set(address, integer(option, value, least, most));
  } else if (Object.hasOwn(LISTS, name)) {
    setList(words, option, name as keyof typeof LISTS, value);
  } else if (name === "tcp_fastopen_key") {
    setFastOpenKey(words, option, value);
  } else if (name === "tcp_congestion_control") {
    const code = congestionCode(value);
    if (code === undefined) throw invalidValue(option, `one of ${CONGESTION_CONTROLS.join(", ")}`, value);
    words.set(layout.SYSCTL_TCP_CONGESTION_CONTROL, code);
  } else {
    throw invalidValue("sysctl", `settings out of ${sysctlNames().join(", ")}`, name);
  }
}

function setFastOpenKey(words: SysctlWords, option: string, value: unknown): void {
  if (typeof value !== "string") throw invalidType(option, "a string", value);
  if (!/^[\da-f]{1,8}(-[\da-f]{1,8}){3}$/i.test(value)) {
    throw invalidValue(option, "four hexadecimal words such as 0-0-0-1", value);
  }
  for (const [index, word] of value.split("-").entries()) words.set(FASTOPEN_KEY[index]!, Number.parseInt(word, 16));
}

function setList(words: SysctlWords, option: string, name: keyof typeof LISTS, value: unknown): void {
  const { addresses, least, most } = LISTS[name];
  const wanted = `${addresses.length} ascending numbers in ${least}..${most}`;
  if (!Array.isArray(value)) throw invalidType(option, wanted, value);
  if (value.length !== addresses.length) throw invalidValue(option, wanted, value);
  let previous: number = least;
  for (const [index, address] of addresses.entries()) {
    const number = integer(`${option}[${index}]`, value[index], least, most);
    if (number < previous) throw outOfRange(option, wanted, value);
    words.set(address, number);
    previous = number;
  }
}

/** The names of all settings. */
function sysctlNames(): string[] {
  return [...Object.keys(NUMBERS), ...Object.keys(LISTS), "tcp_fastopen_key", "tcp_congestion_control"];
}

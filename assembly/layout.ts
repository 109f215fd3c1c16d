// The shared-memory map and the shared codes of wasmtcp: the one truth that the AssemblyScript core, the TypeScript API and
// (through the generated native/layout.h) the C++ addon read. Plain `export const NAME = numeric expression;` and nothing
// else, so that asc, tsc and native/generate-layout.ts all understand it. Addresses are byte offsets into the one
// WebAssembly.Memory of a shard; "core" is the worker thread that runs the WASM, "main" the thread that runs the API.

export const LAYOUT_VERSION = 1;

// ---------------------------------------------------------------------------------------------------------------- sizes
export const CACHE_LINE = 64; // bytes; one writer per line
export const WASM_PAGE = 65536; // bytes

export const INTERFACE_CAPACITY = 16; // including the loopback, which is always interface 0
export const ROUTE_CAPACITY = 64;
export const NEIGHBOR_CAPACITY = 1024; // power of two
export const TCB_CAPACITY = 131072; // connections, listeners and TIME-WAIT together; power of two, < 2^20 (handles)
export const HANDLE_INDEX_MASK = 0xfffff; // a socket handle is the index of its TCB, under a generation in the upper 12 bits (storage/slab.ts)
export const RTX_CAPACITY = 262144; // records of sent, unacknowledged segments, all connections
export const OP_CAPACITY = 8192; // slots, power of two
export const EVENT_CAPACITY = 8192; // slots, power of two
export const RX_DESCRIPTOR_CAPACITY = 256; // frames handed to receive() at once, per interface
export const TX_CAPACITY = 256; // frames waiting for their link, per interface; power of two
export const TX_HEADER_BYTES = 256; // Ethernet + IP + TCP headers of one frame, or a whole small frame (ARP, RST, ICMP error)

// ------------------------------------------------------------------------------------------- single-producer ring header
// [head | tail | corrupt | slots...]; head is written by the consumer, tail by the producer, both free-running u32
export const RING_HEAD = 0;
export const RING_TAIL = 64;
export const RING_AHEAD = 68; // u32: slots after the tail that are filled and not published; only the event ring tells, to its own thread
export const RING_CORRUPT = 128; // u32: times the other side's index was out of bounds
export const RING_SLOTS = 192;

// --------------------------------------------------------------------------------------------------------------- regions
// Page 0 belongs to the compiler (static data). Each region starts where the one before ends.
export const CONFIG = 65536; // 4 KiB, written by main before the core starts
export const CONFIG_BYTES = 4096;
export const CONTROL = CONFIG + CONFIG_BYTES; // doorbells and flags, one per cache line, below
export const CONTROL_BYTES = 4096;
export const COUNTERS = CONTROL + CONTROL_BYTES; // u64 each, written by the core, read by main
export const COUNTERS_BYTES = 4096;
export const INTERFACES = COUNTERS + COUNTERS_BYTES; // records, below
export const INTERFACE_BYTES = 256;
export const ROUTES = INTERFACES + INTERFACE_CAPACITY * INTERFACE_BYTES;
export const ROUTE_BYTES = 64;
export const OP_RING = ROUTES + ROUTE_CAPACITY * ROUTE_BYTES; // main -> core
export const OP_BYTES = 64;
export const EVENT_RING = OP_RING + RING_SLOTS + OP_CAPACITY * OP_BYTES; // core -> main
export const EVENT_BYTES = 64;
export const RX_DESCRIPTORS = EVENT_RING + RING_SLOTS + EVENT_CAPACITY * EVENT_BYTES; // one array per interface, written by its link
export const RX_DESCRIPTOR_BYTES = 32;
export const TX_RINGS = RX_DESCRIPTORS + INTERFACE_CAPACITY * RX_DESCRIPTOR_CAPACITY * RX_DESCRIPTOR_BYTES; // one ring per interface
export const TX_DESCRIPTOR_BYTES = 64;
export const TX_RING_BYTES = RING_SLOTS + TX_CAPACITY * TX_DESCRIPTOR_BYTES;
export const TX_HEADERS = TX_RINGS + INTERFACE_CAPACITY * TX_RING_BYTES; // header slot i belongs to descriptor slot i
export const SCRATCH = TX_HEADERS + INTERFACE_CAPACITY * TX_CAPACITY * TX_HEADER_BYTES; // core only
export const SCRATCH_BYTES = 262144;
export const TABLES = ((SCRATCH + SCRATCH_BYTES + 65535) >> 16) << 16; // core only: slabs, tuple table, timer wheel, neighbours
export const HEAP = 0x20000000; // 512 MiB: power-of-two allocator for socket rings, link receive regions; to the end of memory
export const HEAP_BYTES_DEFAULT = 0x20000000; // 512 MiB of address space; pages that are never touched cost nothing

// ---------------------------------------------------------------------------------------------------------- CONFIG block
export const CONFIG_VERSION = CONFIG; // u32 = LAYOUT_VERSION
export const CONFIG_HEAP_BYTES = CONFIG + 4; // u32, power of two
export const CONFIG_TRACE_STATES = CONFIG + 8; // u32 TRACE_ bits: while one is set there is an EVENT_STATE for each state change; may be switched at any time
export const TRACE_FOR_MAIN = 1; // somebody listens
export const TRACE_FOR_CAPTURE = 2; // packets get comments
export const CONFIG_SHARD_INDEX = CONFIG + 12; // u32; which of the shards of a stack this is, 0 = the one that speaks for the host
export const CONFIG_SHARD_COUNT = CONFIG + 16; // u32; 0 or 1: there are no others
export const SHARDS_MAX = 64; // of a stack
export const CONFIG_SHARD_SALT = CONFIG + 20; // u32, of the hash that says which connection belongs where (tcp/shard.ts)
// That hash, which the core, main (src/shards/shard-of.ts) and the kernel's program (native/fanout.cc) compute: three multiplications, with
// the upper bits brought down between them
export const SHARD_HASH_MULTIPLIER_1 = 0x9e3779b1;
export const SHARD_HASH_MULTIPLIER_2 = 0x85ebca6b;
export const SHARD_HASH_MULTIPLIER_3 = 0xc2b2ae35;
export const SHARD_HASH_SHIFT_1 = 16;
export const SHARD_HASH_SHIFT_2 = 13;
export const CONFIG_SECRETS = CONFIG + 64; // four 16-byte keys from a good random source:
export const SECRETS_BYTES = 64;
export const SECRET_ISN = CONFIG_SECRETS; // RFC 6528
export const SECRET_TUPLES = CONFIG_SECRETS + 16; // tuple table, other hashes, identifications; no two shards have the same
export const SECRET_PORTS = CONFIG_SECRETS + 32; // ephemeral ports, RFC 6056
export const SECRET_TIMESTAMPS = CONFIG_SECRETS + 48; // per-connection timestamp offset, RFC 7323 7.1, and the core's own PRNG
export const CONFIG_SYSCTLS = CONFIG + 256; // u32 each, index below; Linux's names, units and defaults
export const SYSCTL_TCP_SYN_RETRIES = CONFIG_SYSCTLS; // 7 (Linux 6; MUST-23 wants three minutes)
export const SYSCTL_TCP_SYNACK_RETRIES = CONFIG_SYSCTLS + 4; // 5
export const SYSCTL_TCP_RETRIES1 = CONFIG_SYSCTLS + 8; // 3
export const SYSCTL_TCP_RETRIES2 = CONFIG_SYSCTLS + 12; // 15
export const SYSCTL_TCP_FIN_TIMEOUT = CONFIG_SYSCTLS + 16; // s, 60
export const SYSCTL_TCP_WINDOW_SCALING = CONFIG_SYSCTLS + 20; // 0 | 1
export const SYSCTL_TCP_TIMESTAMPS = CONFIG_SYSCTLS + 24; // 0 | 1
export const SYSCTL_TCP_RMEM_MIN = CONFIG_SYSCTLS + 28; // bytes, 4096
export const SYSCTL_TCP_RMEM_DEFAULT = CONFIG_SYSCTLS + 32; // bytes, 131072
export const SYSCTL_TCP_RMEM_MAX = CONFIG_SYSCTLS + 36; // bytes, 6291456
export const SYSCTL_TCP_WMEM_MIN = CONFIG_SYSCTLS + 40; // bytes, 4096
export const SYSCTL_TCP_WMEM_DEFAULT = CONFIG_SYSCTLS + 44; // bytes, 16384
export const SYSCTL_TCP_WMEM_MAX = CONFIG_SYSCTLS + 48; // bytes, 4194304
export const SYSCTL_TCP_CONGESTION_CONTROL = CONFIG_SYSCTLS + 52; // a CONGESTION_ code
export const SYSCTL_TCP_KEEPALIVE_TIME = CONFIG_SYSCTLS + 56; // s, 7200
export const SYSCTL_TCP_KEEPALIVE_INTVL = CONFIG_SYSCTLS + 60; // s, 75
export const SYSCTL_TCP_KEEPALIVE_PROBES = CONFIG_SYSCTLS + 64; // 9
export const SYSCTL_TCP_RTO_MIN_US = CONFIG_SYSCTLS + 68; // µs, 200000
export const SYSCTL_TCP_RTO_MAX_MS = CONFIG_SYSCTLS + 72; // ms, 120000
export const SYSCTL_TCP_MIN_SND_MSS = CONFIG_SYSCTLS + 76; // bytes, 48
export const SYSCTL_TCP_SLOW_START_AFTER_IDLE = CONFIG_SYSCTLS + 80; // 0 | 1
export const SYSCTL_TCP_MODERATE_RCVBUF = CONFIG_SYSCTLS + 84; // 0 | 1: receive autotuning
export const SYSCTL_SOMAXCONN = CONFIG_SYSCTLS + 88; // 4096
export const SYSCTL_TCP_MAX_SYN_BACKLOG = CONFIG_SYSCTLS + 92; // 4096
export const SYSCTL_TCP_INVALID_RATELIMIT = CONFIG_SYSCTLS + 96; // ms, 500: challenge ACKs of one connection
export const SYSCTL_IP_LOCAL_PORT_RANGE_MIN = CONFIG_SYSCTLS + 100; // 32768
export const SYSCTL_IP_LOCAL_PORT_RANGE_MAX = CONFIG_SYSCTLS + 104; // 60999
export const SYSCTL_IP_DEFAULT_TTL = CONFIG_SYSCTLS + 108; // 64
export const SYSCTL_ICMP_ECHO_IGNORE_ALL = CONFIG_SYSCTLS + 112; // 0 | 1
export const SYSCTL_ICMP_RATELIMIT = CONFIG_SYSCTLS + 116; // ms between ICMP errors to one destination, 1000
export const SYSCTL_NEIGH_RETRANS_TIME_MS = CONFIG_SYSCTLS + 120; // 1000 (Linux neigh/default/retrans_time_ms)
export const SYSCTL_NEIGH_MCAST_SOLICIT = CONFIG_SYSCTLS + 124; // 3 requests before a neighbour is unreachable
export const SYSCTL_NEIGH_BASE_REACHABLE_TIME_MS = CONFIG_SYSCTLS + 128; // 30000
export const SYSCTL_NEIGH_UNRES_QLEN = CONFIG_SYSCTLS + 132; // frames waiting per unresolved address, 16
export const SYSCTL_TCP_TIME_WAIT_MS = CONFIG_SYSCTLS + 136; // 2 MSL, ms, 60000 (Linux's constant)
export const SYSCTL_TCP_INITIAL_CWND = CONFIG_SYSCTLS + 140; // segments, 10 (RFC 6928)
export const SYSCTL_TCP_REORDERING = CONFIG_SYSCTLS + 144; // duplicate ACKs, 3
export const SYSCTL_TCP_DELACK_MIN_US = CONFIG_SYSCTLS + 148; // µs, 40000
export const SYSCTL_TCP_ORPHAN_RETRIES = CONFIG_SYSCTLS + 152; // 8
export const SYSCTL_TCP_LIMIT_OUTPUT_BYTES = CONFIG_SYSCTLS + 156; // bytes of one connection waiting in a TX ring, 4194304
export const SYSCTL_TCP_SACK = CONFIG_SYSCTLS + 160; // 0 | 1 (RFC 2018)
export const SYSCTL_TCP_DSACK = CONFIG_SYSCTLS + 164; // 0 | 1 (RFC 2883)
export const SYSCTL_TCP_PACING_SS_RATIO = CONFIG_SYSCTLS + 168; // %, 200
export const SYSCTL_TCP_PACING_CA_RATIO = CONFIG_SYSCTLS + 172; // %, 120
export const SYSCTL_TCP_MIN_TSO_SEGS = CONFIG_SYSCTLS + 176; // segments, 2
export const SYSCTL_TCP_TSO_RTT_LOG = CONFIG_SYSCTLS + 180; // 9
export const SYSCTL_WMEM_MAX = CONFIG_SYSCTLS + 184; // bytes, greatest SO_SNDBUF, 212992
export const SYSCTL_RMEM_MAX = CONFIG_SYSCTLS + 188; // bytes, greatest SO_RCVBUF, 212992
export const SYSCTL_TCP_NOTSENT_LOWAT = CONFIG_SYSCTLS + 192; // bytes, 4294967295 = off
export const SYSCTL_TCP_ECN = CONFIG_SYSCTLS + 196; // 0 never, 1 ask and answer, 2 answer only (default)
export const SYSCTL_TCP_ECN_FALLBACK = CONFIG_SYSCTLS + 200; // 0 | 1: a lost ECN-setup SYN is sent again without ECN
export const SYSCTL_TCP_CUBIC_HYSTART = CONFIG_SYSCTLS + 204; // 0 off, 1 HyStart, 2 HyStart++ (RFC 9406)
export const SYSCTL_TCP_MEM_LOW = CONFIG_SYSCTLS + 208; // pages of 4 KiB: memory pressure ends below this, 65536
export const SYSCTL_TCP_MEM_PRESSURE = CONFIG_SYSCTLS + 212; // and begins above this, 81920
export const SYSCTL_TCP_MEM_HIGH = CONFIG_SYSCTLS + 216; // above this a connection gets the least only, 114688
export const SYSCTL_TCP_RECOVERY = CONFIG_SYSCTLS + 220; // bits: 1 RACK decides loss (RFC 8985), 2 its window is fixed, 4 no duplicate threshold; 1
export const SYSCTL_TCP_EARLY_RETRANS = CONFIG_SYSCTLS + 224; // 3 or 4: tail loss probe (RFC 8985 7), else none; 3
export const SYSCTL_TCP_MAX_REORDERING = CONFIG_SYSCTLS + 228; // segments, 300
export const SYSCTL_TCP_FRTO = CONFIG_SYSCTLS + 232; // 0 off, else F-RTO (RFC 5682); 2
export const SYSCTL_TCP_SYNCOOKIES = CONFIG_SYSCTLS + 236; // 0 never, 1 when the SYN queue is full (default), 2 always
export const SYSCTL_TCP_ABORT_ON_OVERFLOW = CONFIG_SYSCTLS + 240; // 0 | 1: a full accept queue resets
export const SYSCTL_TCP_MAX_TW_BUCKETS = CONFIG_SYSCTLS + 244; // connections in TIME-WAIT, 65536
export const SYSCTL_TCP_TW_REUSE = CONFIG_SYSCTLS + 248; // 0 never, 1 always, 2 over the loopback (default)
export const SYSCTL_TCP_MAX_ORPHANS = CONFIG_SYSCTLS + 252; // closed connections that are not over, 65536
export const SYSCTL_TCP_FASTOPEN = CONFIG_SYSCTLS + 256; // mask: 1 client (default), 2 server, 4, 0x200, 0x400 as in Linux
export const SYSCTL_TCP_FASTOPEN_KEY0 = CONFIG_SYSCTLS + 260; // four words; all 0 = a key of the core's own that changes daily
export const SYSCTL_TCP_FASTOPEN_KEY1 = CONFIG_SYSCTLS + 264;
export const SYSCTL_TCP_FASTOPEN_KEY2 = CONFIG_SYSCTLS + 268;
export const SYSCTL_TCP_FASTOPEN_KEY3 = CONFIG_SYSCTLS + 272;
export const SYSCTL_TCP_FASTOPEN_SERVERS = CONFIG_SYSCTLS + 276; // servers whose cookies are remembered, 256; a change forgets all
export const SYSCTL_END = CONFIG_SYSCTLS + 280;

// IP's settings, in a block of their own
export const CONFIG_SYSCTLS_IP = CONFIG_SYSCTLS + 1024;
export const SYSCTL_IPFRAG_HIGH_THRESH = CONFIG_SYSCTLS_IP; // bytes of datagrams in parts, 4194304
export const SYSCTL_IPFRAG_TIME = CONFIG_SYSCTLS_IP + 4; // s, 30
export const SYSCTL_IP_NO_PMTU_DISC = CONFIG_SYSCTLS_IP + 8; // 0 discover, 1 and 2 never set DF, 3 as 0
export const SYSCTL_MIN_PMTU = CONFIG_SYSCTLS_IP + 12; // bytes, 552 (Linux route/min_pmtu)
export const SYSCTL_MTU_EXPIRES = CONFIG_SYSCTLS_IP + 16; // s, 600 (Linux route/mtu_expires)
export const SYSCTL_TCP_MTU_PROBING = CONFIG_SYSCTLS_IP + 20; // 0 off, 1 after a black hole, 2 always
export const SYSCTL_TCP_BASE_MSS = CONFIG_SYSCTLS_IP + 24; // bytes, 1024
export const SYSCTL_TCP_MTU_PROBE_FLOOR = CONFIG_SYSCTLS_IP + 28; // bytes, 48
export const SYSCTL_TCP_PROBE_INTERVAL = CONFIG_SYSCTLS_IP + 32; // s, 600
export const SYSCTL_TCP_PROBE_THRESHOLD = CONFIG_SYSCTLS_IP + 36; // bytes, 8
export const SYSCTL_ICMP_MSGS_PER_SEC = CONFIG_SYSCTLS_IP + 40; // 1000
export const SYSCTL_ICMP_MSGS_BURST = CONFIG_SYSCTLS_IP + 44; // 50
export const SYSCTL_ARP_PROBE = CONFIG_SYSCTLS_IP + 48; // 0 | 1: RFC 5227 2.1, ask before an address is used
export const SYSCTL_IP_END = CONFIG_SYSCTLS_IP + 52;

export const CONGESTION_RENO = 0;
export const CONGESTION_CUBIC = 1;
export const CONGESTION_VEGAS = 2;
export const CONGESTION_BBR = 3;
export const CONGESTION_BBR1 = 4;
export const CONGESTION_COUNT = 5;

// --------------------------------------------------------------------------------------------------------- CONTROL block
// Doorbell of the core: `pending` is set by whoever has work for it, then, if `sleeping` says so, it is woken the way it sleeps.
export const DOORBELL_PENDING = CONTROL; // u32 0 | 1
export const DOORBELL_SLEEPING = CONTROL + CACHE_LINE; // u32: a SLEEP_ code, written by the core
export const SLEEP_AWAKE = 0;
export const SLEEP_FUTEX = 1; // in Atomics.wait on DOORBELL_PENDING: wake with Atomics.notify
export const SLEEP_POLL = 2; // in the addon's poll: wake by writing the eventfd
// Doorbell of main: `sequence` is incremented and notified by the core after it has published events.
export const EVENT_BELL = CONTROL + 2 * CACHE_LINE; // u32, Atomics.waitAsync on it
export const EVENT_BELL_WAITING = CONTROL + 3 * CACHE_LINE; // u32 0 | 1, 1 by main once it waits, 0 by the core that wakes it
export const STOP = CONTROL + 4 * CACHE_LINE; // u32 0 | 1, written by main: the loop shall end
export const CONTROL_REQUESTS = CONTROL + 5 * CACHE_LINE; // u32, incremented by main after it posted a control message
export const CONTROL_HANDLED = CONTROL + 6 * CACHE_LINE; // u32, written by the core
export const WAKE_FD = CONTROL + 7 * CACHE_LINE; // i32, the eventfd of SLEEP_POLL, or -1

// ------------------------------------------------------------------------------------------------- op slots (main -> core)
export const OP_KIND = 0; // u32
export const OP_HANDLE = 4; // u32, socket handle or 0
export const OP_TOKEN = 8; // u32, comes back in the events that answer
export const OP_VALUE = 12; // u32, by kind
export const OP_REMOTE_ADDRESS = 16; // 16 bytes, as all addresses: IPv6, or IPv4-mapped ::ffff:a.b.c.d (RFC 4291 2.5.5.2)
export const OP_LOCAL_ADDRESS = 32; // 16 bytes; all zero = any
export const OP_REMOTE_PORT = 48; // u16
export const OP_LOCAL_PORT = 50; // u16; 0 = choose one
export const OP_VALUE2 = 52; // u32
export const OP_VALUE3 = 56; // u32
export const OP_VALUE4 = 60; // u32

export const OP_CONNECT = 1; // token, addresses, ports, value2 = connect timeout ms (0 = SYN retries only) -> EVENT_ATTACHED | EVENT_FAILED
export const OP_LISTEN = 2; // token, local address and port, value = backlog -> EVENT_ATTACHED | EVENT_FAILED
export const OP_ACCEPT = 3; // handle of a child that EVENT_ACCEPTED announced: it leaves the accept queue
export const OP_KICK = 4; // handle: sndTail, rcvHead or an epoch word of the socket changed
export const OP_SHUTDOWN_WRITE = 5; // handle: FIN after all that is in the send ring
export const OP_CLOSE = 6; // handle: orderly close (RST if unread data is discarded); main forgets the socket now
export const OP_ABORT = 7; // handle: RST; main forgets the socket now
export const OP_SET_OPTION = 8; // handle, value = a SOCKET_OPTION_ code, value2.. = its words; handle 0: for the OP_CONNECT or OP_LISTEN with this token that follows
export const OP_MARK = 9; // handle, value = SEND_MARK_ bits, value2 = offset after the last byte of the write; before that is published
export const OP_PING = 10; // token, remote address, value = ICMP id << 16 | sequence, value2 = payload bytes -> EVENT_PING_REPLY | EVENT_PING_FAILED
export const OP_CLOSE_LISTENER = 11; // handle: children that were not accepted are reset; main forgets it now
export const OP_RING_WANTED = 12; // handle, value = bytes it is to hold (0 = as usual): main wants a send ring (first write), or a larger one
export const OP_RELEASE = 13; // handle: main forgets a socket that EVENT_SOCKET said is closed
export const OP_SHUTDOWN_READ = 14; // handle: main reads no more; what it has not read it may still
export const OP_COUNT = 15;

export const SEND_MARK_MORE = 1; // MSG_MORE: what is less than a segment waits for the next write
export const SEND_MARK_END_OF_RECORD = 2; // MSG_EOR: no segment holds bytes of both sides
export const SEND_MARK_URGENT = 4; // MSG_OOB: the last byte is urgent

// Codes of OP_SET_OPTION: Linux's names without their prefix, Linux's units but where it says ms. Words: value2 unless said otherwise
export const SOCKET_OPTION_NODELAY = 1; // 0 | 1
export const SOCKET_OPTION_KEEPALIVE = 2; // 0 | 1
export const SOCKET_OPTION_KEEPIDLE = 3; // ms, 0 = tcp_keepalive_time
export const SOCKET_OPTION_KEEPINTVL = 4; // ms, 0 = tcp_keepalive_intvl
export const SOCKET_OPTION_KEEPCNT = 5; // 0 = tcp_keepalive_probes
export const SOCKET_OPTION_CORK = 6; // 0 | 1
export const SOCKET_OPTION_MAXSEG = 7; // bytes, MAXSEG_MIN..MAXSEG_MAX, 0 = as the path allows
export const SOCKET_OPTION_USER_TIMEOUT = 8; // ms, 0 = tcp_retries2
export const SOCKET_OPTION_SYNCNT = 9; // 1..127, 0 = tcp_syn_retries
export const SOCKET_OPTION_LINGER = 10; // 0 | 1, value3 = s
export const SOCKET_OPTION_LINGER2 = 11; // i32 s in FIN-WAIT-2, 0 = tcp_fin_timeout, < 0 = none
export const SOCKET_OPTION_DEFER_ACCEPT = 12; // s, 0 = off
export const SOCKET_OPTION_WINDOW_CLAMP = 13; // bytes, 0 = none
export const SOCKET_OPTION_QUICKACK = 14; // 0 | 1
export const SOCKET_OPTION_CONGESTION = 15; // a CONGESTION_ code
export const SOCKET_OPTION_NOTSENT_LOWAT = 16; // bytes, 0 = tcp_notsent_lowat
export const SOCKET_OPTION_SNDBUF = 17; // bytes, before doubling
export const SOCKET_OPTION_RCVBUF = 18; // bytes, before doubling
export const SOCKET_OPTION_RCVLOWAT = 19; // bytes, 0 and 1 = any
export const SOCKET_OPTION_REUSEADDR = 20; // 0 | 1
export const SOCKET_OPTION_OOBINLINE = 21; // 0 | 1
export const SOCKET_OPTION_IP_TOS = 22; // 0..255; the ECN bits are TCP's
export const SOCKET_OPTION_IP_TTL = 23; // 1..255, 0 = ip_default_ttl
export const SOCKET_OPTION_IP_MTU_DISCOVER = 24; // Linux's IP_PMTUDISC_: 0 dont, 1 want (default), 2 do, 3 probe, 4 interface, 5 omit
export const SOCKET_OPTION_MAX_PACING_RATE = 25; // bytes/s, low word; value3 = high word; all ones = none
export const SOCKET_OPTION_FASTOPEN = 26; // listener: connections that may wait with data of their SYN, 0 = off
export const SOCKET_OPTION_FASTOPEN_CONNECT = 27; // 0 | 1; 0 on a connect that waits for data: its SYN leaves without
export const SOCKET_OPTION_FASTOPEN_KEY0 = 28; // listener: bytes 0 to 7 of its key; value3 = the second four; all 0 = tcp_fastopen_key
export const SOCKET_OPTION_FASTOPEN_KEY1 = 29; // and bytes 8 to 15
export const SOCKET_OPTION_FASTOPEN_NO_COOKIE = 30; // 0 | 1
export const SOCKET_OPTION_COUNT = 31;
// Limits of options (Linux's): main refuses what is beyond them, the core, which does not trust main, clamps to them
export const MAXSEG_MIN = 88; // bytes
export const MAXSEG_MAX = 32767;
export const KEEPCNT_MAX = 127;
export const SYNCNT_MAX = 127;
export const LINGER2_MAX = 120; // s
export const MTU_DISCOVER_MAX = 5;
export const SNDBUF_MIN = 4608; // bytes, doubled
export const RCVBUF_MIN = 2304; // bytes, doubled

// ---------------------------------------------------------------------------------------------- event slots (core -> main)
export const EVENT_KIND = 0; // u32
export const EVENT_HANDLE = 4; // u32
export const EVENT_TOKEN = 8; // u32
export const EVENT_VALUE = 12; // u32, by kind
export const EVENT_ERRNO = 16; // u32, an E* code or 0
export const EVENT_VALUE2 = 20; // u32
export const EVENT_TIME_US = 24; // f64, core time or a duration
export const EVENT_LOCAL_ADDRESS = 32; // 16 bytes
export const EVENT_REMOTE_ADDRESS = 48; // 16 bytes
export const EVENT_FRAME = EVENT_TOKEN; // of EVENT_STATE: interface << 16 | number of the received frame of its batch that caused it, from 1; 0 = none did
export const EVENT_PORTS = EVENT_VALUE2; // of EVENT_ATTACHED, EVENT_ACCEPTED and EVENT_STATE: local port << 16 | remote port

export const EVENT_ATTACHED = 1; // token, handle, addresses, ports: OP_CONNECT or OP_LISTEN made this socket
export const EVENT_FAILED = 2; // token, errno: OP_CONNECT or OP_LISTEN made none; ENETDOWN and ENODEV: value = the interface
export const EVENT_ACCEPTED = 3; // handle of the child, value = handle of the listener, addresses, ports
export const EVENT_SOCKET = 4; // handle, value = READY_ bits that became true, errno when READY_CLOSED, value2 = interface
export const EVENT_STATE = 5; // handle, value = old | new << 8, addresses, ports, time (only while CONFIG_TRACE_STATES)
export const EVENT_PING_REPLY = 6; // token, value = id << 16 | sequence, value2 = bytes << 8 | ttl, time = round trip µs
export const EVENT_PING_FAILED = 7; // token, value = id << 16 | sequence, errno, remote address = who said so
export const EVENT_INTERFACE = 8; // value = interface, value2 = an INTERFACE_EVENT_ code, token = its MTU, remote address = ours or the neighbour's

export const READY_CONNECTED = 1; // the handshake is complete
export const READY_READABLE = 2; // rcvTail moved while main waited for it
export const READY_WRITABLE = 4; // room in the send ring while main waited for it, or a ring was offered
export const READY_EOF = 8; // the peer's FIN was reached: no byte will follow those in the ring
export const READY_FIN_ACKED = 16; // the peer has acknowledged our FIN and so all we sent
export const READY_CLOSED = 32; // TIME-WAIT or CLOSED: the core needs nothing more of main; errno = 0 after an orderly end
export const READY_URGENT = 64; // an urgent pointer arrived, or the byte it announces
export const READY_RINGS = 128; // the core takes an idle send ring back: an epoch without a ring is on offer
export const INTERFACE_EVENT_CONFLICT = 1; // another host claims our address (RFC 5227)
export const INTERFACE_EVENT_UP = 2; // the link carries frames
export const INTERFACE_EVENT_DOWN = 3; // it does not: switched off, or without carrier
export const INTERFACE_EVENT_GONE = 4; // there is no such interface any more
export const INTERFACE_EVENT_MTU = 5; // another MTU from now on
export const INTERFACE_EVENT_NEIGHBOR_FAILED = 6; // a host of the link that had answered does not

// --------------------------------------------------------------------------------------------------------- RX descriptors
export const RX_FRAME_PTR = 0; // u32, address of the Ethernet header in this memory
export const RX_FRAME_LENGTH = 4; // u32, bytes
export const RX_FLAGS = 8; // u16, FRAME_ bits
export const RX_GSO_SIZE = 10; // u16, payload bytes per wire segment of a super-segment, 0 = one wire frame
export const RX_CSUM_START = 12; // u16, as the kernel says; with RX_CSUM_OFFSET for whoever passes frames on (FRAME_CSUM_PARTIAL)
export const RX_CSUM_OFFSET = 14; // u16
export const RX_TIME_US = 16; // f64, arrival in the loop's clock, 0 = unknown; for captures, the core does not look at it
export const RX_GSO_TYPE = 24; // u16, the kernel's code of the segmentation, 0 = none
export const RX_HEADER_BYTES = 26; // u16, bytes at the front that hold all headers, for RX_GSO_TYPE

export const FRAME_CSUM_PARTIAL = 1; // the L4 checksum field holds the pseudo-header sum only (vnet NEEDS_CSUM)
export const FRAME_CSUM_VALID = 2; // somebody verified the L4 checksum already (vnet DATA_VALID)
export const FRAME_MAX_BYTES = 65549; // Ethernet header + the longest IPv4 packet

// ------------------------------------------------------------------------------- TX descriptors (slots of a TX ring, core -> link)
export const TX_HEADER_PTR = 0; // u32, address of the headers (or the whole frame)
export const TX_HEADER_LENGTH = 4; // u32
export const TX_PIECE1_PTR = 8; // u32, first piece of the payload, in a socket's send ring or a block of its own
export const TX_PIECE1_LENGTH = 12; // u32
export const TX_PIECE2_PTR = 16; // u32, second piece (the ring wrapped)
export const TX_PIECE2_LENGTH = 20; // u32
export const TX_FLAGS = 24; // u16, FRAME_ bits
export const TX_GSO_SIZE = 26; // u16, 0 = fits the MTU
export const TX_CSUM_START = 28; // u16, offset of the L4 header (FRAME_CSUM_PARTIAL)
export const TX_CSUM_OFFSET = 30; // u16, offset of the checksum field in it
export const TX_OWNER = 32; // u32, TCB index whose ring the pieces lie in, or 0xffffffff
export const TX_BLOCK = 36; // u32, heap block to free once sent, or 0
export const TX_GSO_TYPE = 40; // u16, the kernel's code of the segmentation; 0 = TCP over whatever the Ethernet header says

// ------------------------------------------------------------------------------------------------------ interface records
export const CLAIM_DONE = 0; // the address is in use
export const CLAIM_PROBING = 1; // others are being asked whether it is theirs (RFC 5227)
export const CLAIM_LOST = 2; // somebody has it: it is not used

export const INTERFACE_FLAGS = 0; // u32, IF_ bits
export const INTERFACE_MTU = 4; // u32, bytes of IP packet
export const INTERFACE_GSO_MAX = 8; // u32, largest IP packet the link takes as a super-segment; 0 = none
export const INTERFACE_RX_SLOTS = 12; // u32, frames the link can hold for us; bounds what we let be in flight
export const INTERFACE_MAC = 16; // 6 bytes
export const INTERFACE_PREFIX_LENGTH = 24; // u32
export const INTERFACE_LINK_NEWS = 28; // u32 0 | 1, written by the link: it changed, and the core has not been told
export const INTERFACE_ADDRESS = 32; // 16 bytes
export const INTERFACE_CARRIER_CHANGES = 48; // u64, how often the link went up or down
export const INTERFACE_CLAIM = 56; // u32, a CLAIM_ code: whether the address may be used
export const INTERFACE_RX_FRAMES = 64; // u64 counters from here on
export const INTERFACE_RX_BYTES = 72;
export const INTERFACE_TX_FRAMES = 80;
export const INTERFACE_TX_BYTES = 88;
export const INTERFACE_RX_DROPPED = 96; // frames the core refused (each also under a named counter)
export const INTERFACE_TX_QUEUE_FULL = 104; // TX ring full for a turn, or a send refused with EAGAIN or ENOBUFS (back-pressure, nothing lost)
export const INTERFACE_LINK_DROPS = 112; // written by the link: frames lost in front of us (PACKET_STATISTICS)
export const INTERFACE_LINK_ERRORS = 120; // written by the link: send errors that are not back-pressure

export const IF_UP = 1;
export const IF_LOOPBACK = 2;
export const IF_CSUM_OFFLOAD = 4; // the link takes FRAME_CSUM_PARTIAL frames
export const IF_GONE = 8; // the interface was deleted, or moved to another network namespace: never up again
export const IF_GRO = 16; // frames that continue one another are merged before TCP sees them (gro.ts)

// -------------------------------------------------------------------------------------- the shared head of a socket (TCB)
// A TCB is at TCB_RECORDS + index * TCB_BYTES. Byte offsets into the stream are free-running u32 that start
// at 0 with the first payload byte, so sequence number = ISS + 1 + offset (mod 2^32).
export const TCB_BYTES = 960; // a multiple of the cache line
export const TCB_RECORDS = TABLES;
// line 0, written by main up to offset 28; from there on the core's own
export const TCB_SND_TAIL = 0; // u32 offset: bytes written into the send ring
export const TCB_RCV_HEAD = 4; // u32 offset: bytes read out of the receive ring
export const TCB_SND_EPOCH_TAKEN = 8; // u32: main has moved to the send ring of this epoch
export const TCB_RCV_EPOCH_TAKEN = 12; // u32: main reads from the receive ring of this epoch
export const TCB_WAITS = 16; // u32, READY_READABLE | READY_WRITABLE: set by main before it sleeps, cleared by the core with the event
export const TCB_KICKED = 20; // u32 0 | 1: an OP_KICK is on its way; set by main, cleared by the core
export const TCB_SND_MARKS = 24; // u32: OP_MARK of this socket pushed so far; bytes published after one are looked at once it has arrived
// line 1, written by the core; from offset 112 on its own
export const TCB_SND_HEAD = 64; // u32 offset: bytes acknowledged, their room is free
export const TCB_RCV_TAIL = 68; // u32 offset: bytes in order, ready to be read
export const TCB_SND_RING_PTR = 72; // u32 address of the send ring of TCB_SND_EPOCH, 0 = none
export const TCB_SND_RING_CAPACITY = 76; // u32 bytes, power of two
export const TCB_SND_EPOCH = 80; // u32; the producer (main) moves the send ring: see docs/ARCHITECTURE.md
export const TCB_RCV_RING = 84; // u32: address of the receive ring | log2 of its bytes (it lies at a multiple of them, 256 at least), 0 = none; one word, as it may move twice
export const TCB_RCV_RING_CAPACITY = 88; // u32 bytes, for info()
export const TCB_RCV_EPOCH = 92; // u32; the producer (core) moves the receive ring
export const TCB_RCV_KICK_AT = 96; // u32 offset: main kicks once rcvHead reaches it (a window update may be due)
export const TCB_STATE = 100; // u8, a STATE_ code
export const TCB_EOF = 101; // u8 0 | 1: the peer's FIN was reached
export const TCB_ERROR = 102; // u16, an E* code
export const TCB_HANDLE = 104; // u32
export const TCB_DATA_SEGS_OUT = 108; // u32, wire segments with payload
// line 2, the key of the tuple table and what info() shows; written by the core
export const TCB_LOCAL_ADDRESS = 128; // 16 bytes
export const TCB_REMOTE_ADDRESS = 144; // 16 bytes
export const TCB_LOCAL_PORT = 160; // u16
export const TCB_REMOTE_PORT = 162; // u16
export const TCB_SND_UNA = 164; // u32 and so on, RFC 9293 3.3.1
export const TCB_SND_NXT = 168;
export const TCB_SND_WND = 172; // bytes, scaled
export const TCB_ISS = 176;
export const TCB_RCV_NXT = 180;
export const TCB_RCV_WND = 184; // bytes, as last advertised
export const TCB_IRS = 188;
export const TCB_CWND = 192; // segments
export const TCB_SSTHRESH = 196; // segments, SSTHRESH_NONE = none yet
export const TCB_SND_MSS = 200; // bytes of payload per wire segment, options taken off
export const TCB_RCV_MSS = 204; // estimate of the peer's segment size
export const TCB_SRTT_US = 208; // u32 µs; 0 = no sample yet
export const TCB_RTTVAR_US = 212;
export const TCB_RTO_US = 216;
export const TCB_MIN_RTT_US = 220;
export const TCB_PACKETS_OUT = 224; // segments sent and not cumulatively acknowledged
export const TCB_LOST_OUT = 228;
export const TCB_RETRANS_OUT = 232;
export const TCB_SACKED_OUT = 236;
export const TCB_TOTAL_RETRANS = 240; // segments retransmitted in the connection's life
export const TCB_SND_WSCALE = 244; // u8
export const TCB_RCV_WSCALE = 245; // u8
export const TCB_OPTIONS = 246; // u8, TCB_OPTION_ bits that were negotiated
export const TCB_CA_STATE = 247; // u8, CA_ code
export const TCB_RETRANSMITS = 248; // u8, unanswered time-outs in a row
export const TCB_BACKOFF = 249; // u8
export const TCB_PROBES = 250; // u8, unanswered window probes in a row
export const TCB_CONGESTION = 251; // u8, CONGESTION_ code
export const TCB_INTERFACE = 252; // u32
export const TCB_BYTES_SENT = 256; // u64, payload bytes sent, retransmissions included
export const TCB_BYTES_RETRANS = 264; // u64
export const TCB_BYTES_ACKED = 272; // u64
export const TCB_BYTES_RECEIVED = 280; // u64
export const TCB_SEGS_OUT = 288; // u64 wire segments
export const TCB_SEGS_IN = 296; // u64 wire segments
export const TCB_RCV_OOO_SEGS = 304; // u32, segments that came out of order
export const TCB_PMTU = 308; // u32 bytes
export const TCB_ADV_MSS = 312; // u16 bytes, the MSS we announced
export const TCB_CHRONO = 314; // u8, a CHRONO_ code: what the time since TCB_CHRONO_US counts as
export const TCB_RATE_APP_LIMITED = 315; // u8 0 | 1: the application limited TCB_RATE_SAMPLE
export const TCB_DELIVERED_CE = 316; // u32, segments whose ACK echoed a congestion mark
// the options of a socket, one block that a listener's children inherit (tcp/options-set.ts); written by the core
export const TCB_SOCKET_OPTIONS = 320;
export const TCB_SOCKET_FLAGS = TCB_SOCKET_OPTIONS; // u32, SOCKET_FLAG_ bits
export const TCB_USER_TIMEOUT_MS = 324; // u32, 0 = tcp_retries2
export const TCB_SNDBUF = 328; // u32 bytes as getsockopt tells them (doubled), 0 = never set: autotuning
export const TCB_RCVBUF = 332; // u32 likewise
export const TCB_NOTSENT_LOWAT = 336; // u32 bytes, 0 = tcp_notsent_lowat
export const TCB_WINDOW_CLAMP = 340; // u32 bytes, 0 = none
export const TCB_RCVLOWAT = 344; // u32 bytes, 0 = 1
export const TCB_KEEPIDLE_MS = 348; // u32, 0 = tcp_keepalive_time
export const TCB_KEEPINTVL_MS = 352; // u32, 0 = tcp_keepalive_intvl
export const TCB_LINGER_SECONDS = 356; // u32, with SOCKET_FLAG_LINGER
export const TCB_MAX_PACING_RATE = 360; // u64 bytes/s, 0 = none
export const TCB_LINGER2 = 368; // i32 s, 0 = tcp_fin_timeout, -1 = no FIN-WAIT-2 without an owner
export const TCB_MAXSEG = 372; // u16, 0 = as the path allows
export const TCB_DEFER_ACCEPT = 374; // u16 s
export const TCB_SYNCNT = 376; // u8, 0 = tcp_syn_retries
export const TCB_KEEPCNT = 377; // u8, 0 = tcp_keepalive_probes
export const TCB_TOS = 378; // u8
export const TCB_TTL = 379; // u8, 0 = ip_default_ttl
export const TCB_MTU_DISCOVER = 380; // u8, Linux's IP_PMTUDISC_ + 1, 0 = want
export const TCB_FASTOPEN = 382; // u16, 0 = off
export const TCB_SOCKET_OPTIONS_END = 384;
// more of what info() shows; written by the core
export const TCB_REORDERING = 384; // u32, segments by which the path is known to reorder
export const TCB_REORD_SEEN = 388; // u32, times it did
export const TCB_DSACK_DUPS = 392; // u32, segments that the peer reported as duplicates
export const TCB_DELIVERED = 396; // u32, acknowledged or SACKed
export const TCB_ATO_US = 400; // u32, how long a lone ACK waits; 0 = no data arrived yet
export const TCB_RCV_RTT_US = 404; // u32, round trip as the receiver sees it; 0 = none yet
export const TCB_LAST_SENT_US = 408; // u64 core time of the last data segment sent; 0 = none
export const TCB_LAST_TEXT_US = 416; // u64 of the last payload from the peer; 0 = none
export const TCB_LAST_RECEIVED_US = 424; // u64 of the last segment from the peer
export const TCB_PACING_RATE = 432; // u64 bytes/s, 0 = none
export const TCB_BUSY_US = 440; // u64, time with data queued or unacknowledged, until TCB_CHRONO_US
export const TCB_RWND_LIMITED_US = 448; // u64, and of that, held back by the peer's window
export const TCB_SNDBUF_LIMITED_US = 456; // u64, and by a full send buffer
export const TCB_CHRONO_US = 464; // u64 core time since when TCB_CHRONO holds
export const TCB_DATA_SEGS_IN = 472; // u32, wire segments with payload
export const TCB_RATE_SAMPLE = 480; // u64 bytes << 32 | µs that it took to deliver them, the last sample that was not the application's own pace; 0 = none yet
export const TCB_TOTAL_RTO_TIME_MS = 488; // u32 ms between a first time-out and the ACK that answered
export const TCB_TOTAL_RTO = 492; // u16, time-outs
export const TCB_TOTAL_RTO_RECOVERIES = 494; // u16, first ones in a row
export const TCB_URGENT_STATE = 496; // u32: byte | URGENT_ << 8 | count of urgent pointers << 16; 0 = there never was one
export const TCB_URGENT_AT = 500; // u32 offset of the urgent byte in the receive stream; written before TCB_URGENT_STATE
export const TCB_SHARED_BYTES = 504; // private fields of the core follow

export const URGENT_POINTER = 1; // announced, not here yet
export const URGENT_BYTE = 2; // here

export const CHRONO_IDLE = 0;
export const CHRONO_BUSY = 1;
export const CHRONO_RWND_LIMITED = 2;
export const CHRONO_SNDBUF_LIMITED = 3;

export const SOCKET_FLAG_NODELAY = 1;
export const SOCKET_FLAG_KEEPALIVE = 2;
export const SOCKET_FLAG_CORK = 4;
export const SOCKET_FLAG_LINGER = 8;
export const SOCKET_FLAG_REUSEADDR = 16;
export const SOCKET_FLAG_OOBINLINE = 32;
export const SOCKET_FLAG_FASTOPEN_CONNECT = 64;
export const SOCKET_FLAG_FASTOPEN_NO_COOKIE = 256;
export const SOCKET_FLAG_QUICKACK_OFF = 128; // a dialogue: ACKs wait for our answers (TCP_QUICKACK reads 0)

export const TCB_OPTION_TIMESTAMPS = 1;
export const TCB_OPTION_SACK = 2;
export const TCB_OPTION_WSCALE = 4;
export const TCB_OPTION_ECN = 8;
export const TCB_OPTION_ECN_SEEN = 16; // the peer sent data that may be marked
export const TCB_OPTION_SYN_DATA = 32; // data in the SYN was acknowledged or taken (RFC 7413)

export const SSTHRESH_NONE = 0x7fffffff; // TCB_SSTHRESH before the first loss: "arbitrarily high" (RFC 5681 3.1)

export const CA_OPEN = 0;
export const CA_DISORDER = 1;
export const CA_CWR = 2;
export const CA_RECOVERY = 3;
export const CA_LOSS = 4;

// States, ordered so that >= STATE_ESTABLISHED means synchronized and past the handshake (RFC 9293 3.3.2)
export const STATE_CLOSED = 0;
export const STATE_LISTEN = 1;
export const STATE_SYN_SENT = 2;
export const STATE_SYN_RECEIVED = 3;
export const STATE_ESTABLISHED = 4;
export const STATE_FIN_WAIT_1 = 5;
export const STATE_FIN_WAIT_2 = 6;
export const STATE_CLOSE_WAIT = 7;
export const STATE_CLOSING = 8;
export const STATE_LAST_ACK = 9;
export const STATE_TIME_WAIT = 10;
export const STATE_COUNT = 11;

// ---------------------------------------------------------------------------------------------------------- usage() kinds
export const USAGE_TCBS = 0;
export const USAGE_RTX_RECORDS = 1;
export const USAGE_HEAP_BYTES = 2;
export const USAGE_TCP_TIMERS = 3; // connections with a timer
export const USAGE_TX_FRAMES = 4; // frames in TX rings
export const USAGE_NEIGHBORS = 5;
export const USAGE_PINGS = 6;
export const USAGE_IFACE_TIMERS = 7; // timers of neighbours, pings, announcements, reassembly and path MTUs
export const USAGE_FRAGMENT_BYTES = 32; // of datagrams in parts
export const USAGE_PATH_MTUS = 33; // destinations with a path MTU of their own
export const USAGE_TCP_ORPHANS = 34; // connections that main has closed and that go on, TIME-WAIT aside
export const USAGE_LINK_BYTES = 35; // of the heap, that links hold

// ---------------------------------------------------------------------------------------------------------- error codes
// Linux errno numbers; the API shows their names as Error.code
export const EPERM = 1;
export const EAGAIN = 11;
export const ENOMEM = 12;
export const ENODEV = 19;
export const EINVAL = 22;
export const EMFILE = 24;
export const EPIPE = 32;
export const ENONET = 64;
export const EPROTO = 71;
export const EMSGSIZE = 90;
export const ENOPROTOOPT = 92;
export const EOPNOTSUPP = 95;
export const EADDRINUSE = 98;
export const EADDRNOTAVAIL = 99;
export const ENETDOWN = 100;
export const ENETUNREACH = 101;
export const ECONNABORTED = 103;
export const ECONNRESET = 104;
export const ENOBUFS = 105;
export const ETIMEDOUT = 110;
export const ECONNREFUSED = 111;
export const EHOSTDOWN = 112;
export const EHOSTUNREACH = 113;

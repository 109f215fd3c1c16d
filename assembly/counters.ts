// The names of everything that is counted: drops by cause, TCP events, resource failures. Plain numeric consts like layout.ts,
// read by both languages: the core adds with count(), the API shows them under these names (stats().counters, lower camel case).
// Counter i is the u64 at COUNTERS + 8 * i. Names follow Linux's SNMP/netstat names where one exists.

// frames and Ethernet
export const COUNTER_FRAME_TOO_SHORT = 0;
export const COUNTER_FRAME_OTHER_HOST = 1;
export const COUNTER_FRAME_UNKNOWN_ETHERTYPE = 2;
export const COUNTER_FRAME_BAD_DESCRIPTOR = 3;
export const COUNTER_FRAME_TX_DROPPED = 4; // a frame of ours found no slot in the TX ring, no way or the interface down, or waited when it went down
// ARP
export const COUNTER_ARP_MALFORMED = 8;
export const COUNTER_ARP_REQUESTS_IN = 9;
export const COUNTER_ARP_REPLIES_IN = 10;
export const COUNTER_ARP_REQUESTS_OUT = 11;
export const COUNTER_ARP_REPLIES_OUT = 12;
export const COUNTER_ARP_NOT_FOR_US = 13;
export const COUNTER_ARP_UNSOLICITED = 14;
export const COUNTER_ARP_CONFLICT = 15;
export const COUNTER_ARP_CACHE_FULL = 16;
export const COUNTER_ARP_QUEUE_DROPPED = 17;
export const COUNTER_ARP_FAILED = 18;
// IPv4
export const COUNTER_IP_IN_RECEIVES = 24;
export const COUNTER_IP_IN_HDR_ERRORS = 25;
export const COUNTER_IP_IN_CSUM_ERRORS = 26;
export const COUNTER_IP_IN_ADDR_ERRORS = 27;
export const COUNTER_IP_IN_MARTIAN = 28;
export const COUNTER_IP_IN_BAD_OPTIONS = 29;
export const COUNTER_IP_REASM_REQDS = 30; // fragments that came
export const COUNTER_IP_IN_UNKNOWN_PROTOS = 31;
export const COUNTER_IP_OUT_REQUESTS = 32;
export const COUNTER_IP_OUT_NO_ROUTES = 33;
export const COUNTER_IP_OUT_TOO_BIG = 34;
export const COUNTER_IP_REASM_OKS = 35; // datagrams put together
export const COUNTER_IP_REASM_FAILS = 36; // fragments dropped: malformed, no room, of a discarded datagram, or to all hosts
export const COUNTER_IP_REASM_OVERLAPS = 37; // fragments that contradicted others: the datagram was discarded
export const COUNTER_IP_REASM_TIMEOUT = 38; // datagrams given up
export const COUNTER_IP_FRAG_CREATES = 39; // fragments made
// ICMP
export const COUNTER_ICMP_IN_MALFORMED = 40;
export const COUNTER_ICMP_IN_CSUM_ERRORS = 41;
export const COUNTER_ICMP_IN_ECHOS = 42;
export const COUNTER_ICMP_IN_ECHO_REPS = 43;
export const COUNTER_ICMP_IN_DEST_UNREACHS = 44;
export const COUNTER_ICMP_IN_IGNORED = 45;
export const COUNTER_ICMP_OUT_ECHOS = 46;
export const COUNTER_ICMP_OUT_ECHO_REPS = 47;
export const COUNTER_ICMP_OUT_DEST_UNREACHS = 48;
export const COUNTER_ICMP_OUT_RATE_LIMITED = 49;
export const COUNTER_ICMP_IN_NO_MATCH = 50;
export const COUNTER_ICMP_OUT_TIME_EXCDS = 51;
export const COUNTER_ICMP_IN_PMTU = 52; // path MTUs lowered on somebody's word
export const COUNTER_ICMP_IN_PMTU_IGNORED = 53; // claims that would not lower the path MTU, or came while discovery is off
// UDP
export const COUNTER_UDP_NO_PORTS = 54;
export const COUNTER_UDP_IN_ERRORS = 55;
// TCP input drops
export const COUNTER_TCP_IN_SEGS = 56;
export const COUNTER_TCP_IN_ERRS = 57;
export const COUNTER_TCP_IN_CSUM_ERRORS = 58;
export const COUNTER_TCP_IN_NO_SOCKET = 59;
export const COUNTER_TCP_IN_PORT_ZERO = 60;
export const COUNTER_TCP_IN_UNACCEPTABLE = 61;
export const COUNTER_TCP_IN_PAWS = 62;
export const COUNTER_TCP_IN_MISSING_TIMESTAMP = 63;
export const COUNTER_TCP_IN_BAD_ACK = 64;
export const COUNTER_TCP_IN_BAD_FLAGS = 65;
export const COUNTER_TCP_IN_LISTEN_IGNORED = 66;
export const COUNTER_TCP_IN_AFTER_CLOSE = 67;
export const COUNTER_TCP_IN_NO_ACK_FLAG = 68;
export const COUNTER_TCP_IN_RST_IGNORED = 69;
export const COUNTER_TCP_IN_OFO_QUEUED = 70;
export const COUNTER_TCP_IN_OFO_DROPPED = 71;
export const COUNTER_TCP_IN_DUPLICATE_DATA = 72;
export const COUNTER_TCP_IN_BEYOND_WINDOW = 73;
export const COUNTER_TCP_IN_NO_MEMORY = 74;
export const COUNTER_TCP_IN_OPTION_ERRORS = 75;
export const COUNTER_TCP_LISTEN_OVERFLOWS = 76;
export const COUNTER_TCP_SYN_BACKLOG_DROPS = 77;
export const COUNTER_TCP_TABLE_FULL = 78;
// TCP events
export const COUNTER_TCP_OUT_SEGS = 88;
export const COUNTER_TCP_OUT_RSTS = 89;
export const COUNTER_TCP_ACTIVE_OPENS = 90;
export const COUNTER_TCP_PASSIVE_OPENS = 91;
export const COUNTER_TCP_ATTEMPT_FAILS = 92;
export const COUNTER_TCP_ESTAB_RESETS = 93;
export const COUNTER_TCP_RETRANS_SEGS = 94;
export const COUNTER_TCP_FAST_RETRANS = 95;
export const COUNTER_TCP_TIMEOUTS = 96;
export const COUNTER_TCP_DELAYED_ACKS = 97;
export const COUNTER_TCP_CHALLENGE_ACKS = 98;
export const COUNTER_TCP_CHALLENGE_ACKS_LIMITED = 99;
export const COUNTER_TCP_WINDOW_PROBES = 100;
export const COUNTER_TCP_KEEPALIVES = 101;
export const COUNTER_TCP_TIME_WAITS = 102;
export const COUNTER_TCP_ABORT_ON_TIMEOUT = 103;
export const COUNTER_TCP_ABORT_ON_DATA = 104;
export const COUNTER_TCP_DUPLICATE_ACKS = 105;
export const COUNTER_TCP_TIME_WAIT_RECYCLED = 106;
export const COUNTER_TCP_ILLEGAL_TRANSITION = 107;
export const COUNTER_TCP_RCV_RING_GROWN = 108;
export const COUNTER_TCP_SND_RING_GROWN = 109;
export const COUNTER_TCP_PREDICTED = 110;
export const COUNTER_TCP_MTU_RETRANS = 117; // times that data in flight was cut to fit a narrower path
export const COUNTER_TCP_MTUP_FAIL = 118;
export const COUNTER_TCP_MTUP_SUCCESS = 119;
// one per state entered: COUNTER_TCP_STATE + STATE_*
export const COUNTER_TCP_STATE = 120;
// resources and the other thread
export const COUNTER_TCB_EXHAUSTED = 136;
export const COUNTER_RTX_EXHAUSTED = 137;
export const COUNTER_HEAP_EXHAUSTED = 138;
export const COUNTER_OP_STALE_HANDLE = 139;
export const COUNTER_OP_UNKNOWN = 140;
export const COUNTER_RING_INDEX_INVALID = 141;
export const COUNTER_EVENTS_DEFERRED = 142;
export const COUNTER_STATE_EVENTS_LOST = 143;
export const COUNTER_PING_REPLIES_UNMATCHED = 144;
// duplicates reported to their sender (RFC 2883): of bytes before RCV.NXT, and of bytes that wait out of order
export const COUNTER_TCP_DSACK_OLD_SENT = 145;
export const COUNTER_TCP_DSACK_OFO_SENT = 146;
export const COUNTER_OP_OPTION_INVALID = 147;
// handshakes, ECN and the end of connections
export const COUNTER_IP_IN_CE_PKTS = 160;
export const COUNTER_TCP_DELIVERED_CE = 161;
export const COUNTER_TCP_ECN_FALLBACK = 162;
export const COUNTER_TCP_SYNCOOKIES_SENT = 163;
export const COUNTER_TCP_SYNCOOKIES_RECV = 164;
export const COUNTER_TCP_SYNCOOKIES_FAILED = 165;
export const COUNTER_TCP_REQ_Q_FULL_DO_COOKIES = 166;
export const COUNTER_TCP_DEFER_ACCEPT_DROP = 167;
export const COUNTER_TCP_TIME_WAIT_OVERFLOW = 168; // ended before its time to make room
export const COUNTER_TCP_TIME_WAIT_REUSED = 169; // by a connection of ours
export const COUNTER_TCP_FASTOPEN_ACTIVE = 171; // SYNs of ours whose data was taken
export const COUNTER_TCP_FASTOPEN_ACTIVE_FAIL = 172; // and was not
export const COUNTER_TCP_FASTOPEN_PASSIVE = 173; // SYNs whose cookie was good
export const COUNTER_TCP_FASTOPEN_PASSIVE_FAIL = 174; // and was not
export const COUNTER_TCP_FASTOPEN_COOKIE_REQD = 175; // requests for a cookie
export const COUNTER_TCP_FASTOPEN_LISTEN_OVERFLOW = 176; // more pending ones than the listener allows
export const COUNTER_TCP_ABORT_ON_MEMORY = 170; // closed with more orphans than tcp_max_orphans
export const COUNTER_TCP_MARKS_DROPPED = 152;
export const COUNTER_TCP_IN_OTHER_SHARD = 177; // segments of connections that another shard has
// memory of all connections, and what it costs a receiver
export const COUNTER_TCP_MEMORY_PRESSURES = 192;
export const COUNTER_TCP_OFO_PRUNED = 193;
export const COUNTER_TCP_RCVQ_DROP = 194;
export const COUNTER_TCP_RCV_RING_REDUCED = 195;
// loss recovery
export const COUNTER_TCP_SACK_DISCARD = 200;
export const COUNTER_TCP_SACK_RENEGING = 201;
export const COUNTER_TCP_SACK_REORDER = 202;
export const COUNTER_TCP_TS_REORDER = 203;
export const COUNTER_TCP_RENO_REORDER = 204;
export const COUNTER_TCP_SACK_RECOVERY = 205;
export const COUNTER_TCP_RENO_RECOVERY = 206;
export const COUNTER_TCP_FULL_UNDO = 207;
export const COUNTER_TCP_PARTIAL_UNDO = 208;
export const COUNTER_TCP_DSACK_UNDO = 209;
export const COUNTER_TCP_LOSS_UNDO = 210;
export const COUNTER_TCP_SPURIOUS_RTOS = 211;
export const COUNTER_TCP_LOST_RETRANSMIT = 212;
export const COUNTER_TCP_LOSS_FAILURES = 213;
export const COUNTER_TCP_LOSS_PROBES = 214;
export const COUNTER_TCP_LOSS_PROBE_RECOVERY = 215;
export const COUNTER_TCP_DSACK_RECV = 216;
export const COUNTER_TCP_DSACK_OFO_RECV = 217;
export const COUNTER_TCP_DSACK_RECV_SEGS = 218;
export const COUNTER_TCP_DSACK_IGNORED_DUBIOUS = 219;
export const COUNTER_TCP_WQUEUE_TOO_BIG = 220;
// segments merged by our GRO before TCP took them; Linux's TCPRcvCoalesce counts those that it joined in the receive queue
export const COUNTER_TCP_RCV_COALESCE = 221;
export const COUNTER_COUNT = 224;

// One broken rule for each MUST and MUST NOT of RFC 9293: where it is kept in assembly/, and what stands there when it is not kept. The text to
// find has to be there exactly once; `npm run test:mutation` says so when the code has moved on.

/** A rule and how it is broken. */
export type Mutation = {
  id: string;
  /** What is wrong then. */
  what: string;
  file: string;
  /** Text to find, and what takes its place. */
  edits: readonly (readonly [find: string, replace: string])[];
};

export const MUTATIONS: readonly Mutation[] = [
  {
    id: "MUST-1",
    what: "the window field is signed",
    file: "assembly/tcp/send-window.ts",
    edits: [
      ["isSyn ? seg.wnd : seg.wnd << tcb.sndWscale", "isSyn ? seg.wnd : (<u32>(<i32>(<i16>seg.wnd))) << tcb.sndWscale"],
    ],
  },
  {
    id: "MUST-2",
    what: "the checksum of a segment is off by one",
    file: "assembly/iface/egress.ts",
    edits: [["header.checksum = finish(sum);", "header.checksum = finish(sum) ^ 1;"]],
  },
  {
    id: "MUST-3",
    what: "any checksum is taken",
    file: "assembly/iface/demux.ts",
    edits: [["=== 0xffff;", "!== 0x10000;"]],
  },
  {
    id: "MUST-4",
    what: "a no-op is taken for an option with a length",
    file: "assembly/wire/tcp-options.ts",
    edits: [["if (kind === KIND_NOP) {", "if (kind === 77) {"]],
  },
  {
    id: "MUST-5",
    what: "options count on a SYN only",
    file: "assembly/iface/demux.ts",
    edits: [
      [
        "parseTcpOptions(header.optionsPtr, header.dataOffset - TCP_HEADER,",
        "parseTcpOptions(header.optionsPtr, (controls & SYN) === 0 ? 0 : header.dataOffset - TCP_HEADER,",
      ],
    ],
  },
  {
    id: "MUST-6",
    what: "an unknown option is taken to have no body",
    file: "assembly/wire/tcp-options.ts",
    edits: [["    ptr += optionLength;\n  }", "    ptr += kind > 8 ? 2 : optionLength;\n  }"]],
  },
  {
    id: "MUST-7",
    what: "an option of length 0 is believed",
    file: "assembly/wire/tcp-options.ts",
    edits: [["if (optionLength < 2 || ptr + optionLength > end) {", "if (ptr + optionLength > end) {"]],
  },
  {
    id: "MUST-8",
    what: "the clock of the ISN stands still",
    file: "assembly/tcp/isn.ts",
    edits: [["<u32>(nowUs / CLOCK_TICK_US) +", "<u32>(nowUs / 1000000000000000) +"]],
  },
  {
    id: "MUST-9",
    what: "the ISN follows from the port",
    file: "assembly/tcp/isn.ts",
    edits: [["<u32>sipHash24(SECRET_ISN, tcb.ptr + TCB_LOCAL_ADDRESS, TUPLE_KEY_BYTES)", "tcb.remotePort * 64000"]],
  },
  {
    id: "MUST-10",
    what: "a SYN in SYN-SENT is not answered",
    file: "assembly/tcp/arrives-syn-sent.ts",
    edits: [["tcb.set(TCB_FLAG_SYN_PENDING); // the SYN", "tcb.clear(TCB_FLAG_SYN_PENDING); // the SYN"]],
  },
  {
    id: "MUST-11",
    what: "an active open forgets that it was one",
    file: "assembly/tcp/arrives-synchronized.ts",
    edits: [["tcb.state === STATE_SYN_RECEIVED && !isFastOpened(tcb) ? ECONNREFUSED : ECONNRESET", "ECONNRESET"]],
  },
  {
    id: "MUST-12",
    what: "a reset looks like an orderly end",
    file: "assembly/tcp/arrives-synchronized.ts",
    edits: [["? ECONNREFUSED : ECONNRESET, nowUs", "? ECONNREFUSED : 0, nowUs"]],
  },
  {
    id: "MUST-13",
    what: "TIME-WAIT lasts half as long",
    file: "assembly/tcp/close.ts",
    edits: [["<u64>load<u32>(SYSCTL_TCP_TIME_WAIT_MS) * 1000", "<u64>load<u32>(SYSCTL_TCP_TIME_WAIT_MS) * 500"]],
  },
  {
    id: "MUST-14",
    what: "the peer's MSS is ignored",
    file: "assembly/tcp/send-window.ts",
    edits: [["const mss = min(announced, path);", "const mss = path;"]],
  },
  {
    id: "MUST-15",
    what: "1460 is assumed",
    file: "assembly/tcp/handshake.ts",
    edits: [["isV4(tcb) ? MSS_DEFAULT :", "isV4(tcb) ? 1460 :"]],
  },
  {
    id: "MUST-16",
    what: "options are not taken off",
    file: "assembly/tcp/send-window.ts",
    edits: [["? mss - options : least", "? mss : least"]],
  },
  {
    id: "MUST-17",
    what: "TCP_NODELAY does nothing",
    file: "assembly/tcp/nagle.ts",
    edits: [
      [
        "if (tcb.hasOption(SOCKET_FLAG_NODELAY) || tcb.packetsOut === 0) return false;",
        "if (tcb.packetsOut === 0) return false;",
      ],
    ],
  },
  {
    id: "MUST-18",
    what: "SRTT moves by a quarter",
    file: "assembly/tcp/rtt.ts",
    edits: [["(7 * srtt + r + 4) >> 3", "(3 * srtt + r + 2) >> 2"]],
  },
  {
    id: "MUST-19",
    what: "the time-out is not backed off",
    file: "assembly/tcp/rtt.ts",
    edits: [["(<u64>tcb.rtoUs) << 1", "<u64>tcb.rtoUs"]],
  },
  {
    id: "MUST-20",
    what: "nothing is ever given up",
    file: "assembly/tcp/timeouts.ts",
    edits: [["return nowUs - tcb.firstUnansweredUs >= patienceUs(tcb);", "return false;"]],
  },
  {
    id: "MUST-21",
    what: "the user time-out is not looked at",
    file: "assembly/tcp/timeouts.ts",
    edits: [["if (hasUserTimeout(tcb)) return isUserTimeoutOver(tcb, tcb.firstUnansweredUs, nowUs);", ""]],
  },
  {
    id: "MUST-22",
    what: "an unanswered SYN is repeated for ever",
    file: "assembly/tcp/timeouts.ts",
    edits: [
      [
        "const isUsedUp = <u32>tcb.retransmits >= min<u32>(synRetries(tcb), 255) && !isDeferring(tcb);",
        "const isUsedUp = false;",
      ],
    ],
  },
  {
    id: "MUST-23",
    what: "two SYNs fewer",
    file: "assembly/tcp/timeouts.ts",
    edits: [
      [
        "tcb.synRetries : load<u32>(SYSCTL_TCP_SYN_RETRIES);",
        "tcb.synRetries : load<u32>(SYSCTL_TCP_SYN_RETRIES) - 2;",
      ],
    ],
  },
  {
    id: "MUST-24",
    what: "keep-alives cannot be switched off",
    file: "assembly/tcp/keepalive.ts",
    edits: [["tcb.setOption(SOCKET_FLAG_KEEPALIVE, isOn);", "tcb.setOption(SOCKET_FLAG_KEEPALIVE, true);"]],
  },
  {
    id: "MUST-25",
    what: "keep-alives are on by default",
    file: "assembly/tcp/keepalive.ts",
    edits: [
      [
        "if (!tcb.hasOption(SOCKET_FLAG_KEEPALIVE) || !isSupervised(tcb)) return;",
        "tcb.setOption(SOCKET_FLAG_KEEPALIVE, true);\n  if (!isSupervised(tcb)) return;",
      ],
    ],
  },
  {
    id: "MUST-26",
    what: "what was received does not count",
    file: "assembly/tcp/keepalive.ts",
    edits: [["tcb.keepAliveProbes === 0 && nowUs < dueUs", "tcb.keepAliveProbes === 0 && false"]],
  },
  {
    id: "MUST-27",
    what: "the interval that was set is ignored",
    file: "assembly/tcp/keepalive.ts",
    edits: [["return tcb.keepIdleMs !== 0 ?", "return tcb.keepIdleMs === 0xffffffff ?"]],
  },
  {
    id: "MUST-28",
    what: "the default interval is half an hour",
    file: "assembly/tcp/keepalive.ts",
    edits: [
      [
        "atLeastOneSecond(load<u32>(SYSCTL_TCP_KEEPALIVE_TIME))",
        "atLeastOneSecond(load<u32>(SYSCTL_TCP_KEEPALIVE_TIME) / 4)",
      ],
    ],
  },
  {
    id: "MUST-29",
    what: "one unanswered probe is enough",
    file: "assembly/tcp/keepalive.ts",
    edits: [["if (tcb.keepAliveProbes >= probesMax(tcb)) return true;", "if (tcb.keepAliveProbes >= 1) return true;"]],
  },
  {
    id: "MUST-30",
    what: "URG is not sent",
    file: "assembly/tcp/urgent-out.ts",
    edits: [["  out.flags |= URG;", "  out.flags |= 0;"]],
  },
  {
    id: "MUST-31",
    what: "a pointer beyond its segment is not believed",
    file: "assembly/tcp/urgent-in.ts",
    edits: [
      [
        "if (seqLt(offset, tcb.rcvHead) || seqLt(at, tcb.rcvNxt)) return;",
        "if (seqLt(offset, tcb.rcvHead) || seqLt(at, tcb.rcvNxt) || seg.up > seg.payloadLength) return;",
      ],
    ],
  },
  {
    id: "MUST-32",
    what: "a pointer that moves on is not told",
    file: "assembly/tcp/urgent-in.ts",
    edits: [["if (isPending(tcb) && !seqGt(offset, tcb.urgentAt)) return;", "if (isPending(tcb)) return;"]],
  },
  {
    id: "MUST-33",
    what: "the mark is one too far",
    file: "assembly/tcp/urgent-in.ts",
    edits: [["  tcb.urgentAt = offset;", "  tcb.urgentAt = offset + 1;"]],
  },
  {
    id: "MUST-62",
    what: "the pointer is the urgent byte",
    file: "assembly/tcp/urgent-out.ts",
    edits: [["const ahead = tcb.sndUp - out.seq;", "const ahead = tcb.sndUp - out.seq - 1;"]],
  },
  {
    id: "MUST-34",
    what: "the usable window wraps around",
    file: "assembly/tcp/send-window.ts",
    edits: [["return tcb.sndWnd > used ? tcb.sndWnd - used : 0;", "return tcb.sndWnd - used;"]],
  },
  {
    id: "MUST-35",
    what: "nothing leaves into a window that was taken back",
    file: "assembly/tcp/output.ts",
    edits: [["isFirst ? max(window, mss) : 0", "isFirst ? window : 0"]],
  },
  {
    id: "MUST-36",
    what: "the persist timer never starts",
    file: "assembly/tcp/persist.ts",
    edits: [["if (tcb.timerKind === TIMER_NONE) setRetransmitTimer", "if (tcb.timerKind === 99) setRetransmitTimer"]],
  },
  {
    id: "MUST-37",
    what: "answered probes count as unanswered",
    file: "assembly/tcp/timeouts.ts",
    edits: [["const isHopeless = !isOwned && ", "const isHopeless = "]],
  },
  {
    id: "MUST-38",
    what: "a small window is filled at once",
    file: "assembly/tcp/new-data.ts",
    edits: [
      ["if (!isAll) return tcb.packetsOut === 0 && bytes >= (tcb.maxSndWnd + 1) >> 1;", "if (!isAll) return true;"],
    ],
  },
  {
    id: "MUST-39",
    what: "each byte read moves the edge",
    file: "assembly/tcp/receive-window.ts",
    edits: [["if (limit > promised && limit - promised >= step) {", "if (limit > promised) {"]],
  },
  {
    id: "MUST-40",
    what: "an ACK may wait for 0.9 s",
    file: "assembly/tcp/delayed-ack.ts",
    edits: [["const DELAY_LIMIT_US: u64 = 499999;", "const DELAY_LIMIT_US: u64 = 900000;"]],
  },
  {
    id: "MUST-41",
    what: "a second listener takes the port",
    file: "assembly/tcp/user-calls.ts",
    edits: [["} else if (isListenerTaken(localHigh, localLow, port)) {", "} else if (false) {"]],
  },
  {
    id: "MUST-42",
    what: "a connection on the port keeps listeners away",
    file: "assembly/tcp/user-calls.ts",
    edits: [
      [
        "} else if (isListenerTaken(localHigh, localLow, port)) {",
        "} else if (isListenerTaken(localHigh, localLow, port) || tcbsInUse() !== 0) {",
      ],
      ['hash, raise, wantOutput } from "./connections";', 'hash, raise, tcbsInUse, wantOutput } from "./connections";'],
    ],
  },
  {
    id: "MUST-43",
    what: "the local address that was given is ignored",
    file: "assembly/iface/ops.ts",
    edits: [["let localLow = op.localLow;", "let localLow: u64 = 0;"]],
  },
  {
    id: "MUST-44",
    what: "the address is that of the first interface",
    file: "assembly/iface/ops.ts",
    edits: [["sender.isLoopback ? op.remoteLow : sender.addressLow", "Interface.at(1).addressLow"]],
  },
  {
    id: "MUST-45",
    what: "segments leave from the address of today's route",
    file: "assembly/iface/egress.ts",
    edits: [
      [
        "const src = mappedAddress(tcb.localAddressLow);",
        "const src = mappedAddress(tcb.state === 4 ? Interface.at(2).addressLow : tcb.localAddressLow);",
      ],
    ],
  },
  {
    id: "MUST-46",
    what: "any remote address will do",
    file: "assembly/iface/ops.ts",
    edits: [
      [
        "if (isUnspecified(remote) || isMulticast(remote) || isBroadcastAddress(remote)) return -ENETUNREACH;",
        "if (isUnspecified(remote)) return -ENETUNREACH;",
      ],
    ],
  },
  {
    id: "MUST-47",
    what: "soft errors are forgotten",
    file: "assembly/tcp/user-calls.ts",
    edits: [
      ["tcb.state !== STATE_LISTEN) tcb.softErrno = <u16>errno;", "tcb.state !== STATE_LISTEN) tcb.softErrno = 0;"],
    ],
  },
  {
    id: "MUST-48",
    what: "IP_TOS does nothing",
    file: "assembly/iface/egress.ts",
    edits: [["(tcb.tos & DSCP_MASK) | <u8>out.tos,", "<u8>out.tos,"]],
  },
  {
    id: "MUST-49",
    what: "IP_TTL does nothing",
    file: "assembly/iface/egress.ts",
    edits: [["tcb.ttl !== 0 ? tcb.ttl : <u8>", "<u8>"]],
  },
  {
    id: "MUST-50",
    what: "a packet with options is dropped",
    file: "assembly/iface/ingress.ts",
    edits: [
      [
        "if (header.headerLength > IPV4_HEADER && !ipv4OptionsAcceptable(ptr)) {",
        "if (header.headerLength > IPV4_HEADER) {",
      ],
    ],
  },
  {
    id: "MUST-51",
    what: "source routes are let in and ignored",
    file: "assembly/iface/ingress.ts",
    edits: [
      [
        "if (header.headerLength > IPV4_HEADER && !ipv4OptionsAcceptable(ptr)) {",
        "if (header.headerLength > IPV4_HEADER && false) {",
      ],
    ],
  },
  {
    id: "MUST-52",
    what: "source routes are let in and ignored",
    file: "assembly/iface/ingress.ts",
    edits: [
      [
        "if (header.headerLength > IPV4_HEADER && !ipv4OptionsAcceptable(ptr)) {",
        "if (header.headerLength > IPV4_HEADER && false) {",
      ],
    ],
  },
  {
    id: "MUST-53",
    what: "source routes are let in and ignored",
    file: "assembly/iface/ingress.ts",
    edits: [
      [
        "if (header.headerLength > IPV4_HEADER && !ipv4OptionsAcceptable(ptr)) {",
        "if (header.headerLength > IPV4_HEADER && false) {",
      ],
    ],
  },
  {
    id: "MUST-54",
    what: "the quoted ports are not looked at",
    file: "assembly/iface/icmp-in.ts",
    edits: [["header.srcPort, header.dstPort);", "header.srcPort, 40000);"]],
  },
  {
    id: "MUST-55",
    what: "source quench counts as an error",
    file: "assembly/iface/icmp-in.ts",
    edits: [
      ["case ICMPV4_PARAMETER_PROBLEM:\n", "case ICMPV4_PARAMETER_PROBLEM:\n    case 4:\n"],
      [
        "const errno = errnoOfIcmp(message.type, message.code);",
        "const errno: u32 = message.type === 4 ? 111 : errnoOfIcmp(message.type, message.code);",
      ],
    ],
  },
  {
    id: "MUST-56",
    what: "a soft error ends the connection",
    file: "assembly/tcp/user-calls.ts",
    edits: [
      [
        "tcb.state !== STATE_LISTEN) tcb.softErrno = <u16>errno;",
        "tcb.state !== STATE_LISTEN) enterClosed(tcb, errno, tcb.lastReceivedUs);",
      ],
    ],
  },
  {
    id: "MUST-57",
    what: "broadcasts reach TCP",
    file: "assembly/iface/demux.ts",
    edits: [["if (isBroadcast) Interface.at(interfaceIndex).drop(COUNTER_TCP_IN_ERRS);", "if (false) return;"]],
  },
  {
    id: "MUST-58",
    what: "each segment has an ACK of its own",
    file: "assembly/tcp/receive-window.ts",
    edits: [["tcb.duplicateAcksOwed = 0; // those", "tcb.duplicateAcksOwed += 1; // those"]],
  },
  {
    id: "MUST-59",
    what: "each segment has an ACK of its own",
    file: "assembly/tcp/receive-window.ts",
    edits: [["tcb.duplicateAcksOwed = 0; // those", "tcb.duplicateAcksOwed += 1; // those"]],
  },
  {
    id: "MUST-60",
    what: "a small segment waits even when all is acknowledged",
    file: "assembly/tcp/nagle.ts",
    edits: [
      [
        "if (tcb.hasOption(SOCKET_FLAG_NODELAY) || tcb.packetsOut === 0) return false;",
        "if (tcb.hasOption(SOCKET_FLAG_NODELAY)) return false;\n  if (tcb.packetsOut === 0) return true;",
      ],
    ],
  },
  {
    id: "MUST-61",
    what: "the end of what was written is not pushed",
    file: "assembly/tcp/nagle.ts",
    edits: [["if ((isEnd && !isMore) || isOverride", "if (isOverride"]],
  },
  {
    id: "MUST-63",
    what: "any source address will do",
    file: "assembly/iface/ingress.ts",
    edits: [
      [
        "if (isThisNetwork(src) || isMulticast(src) || isLimitedBroadcast(src) || isBroadcastAddress(src)) return true;",
        "if (isThisNetwork(src)) return true;",
      ],
    ],
  },
  {
    id: "MUST-64",
    what: "options are taken to be aligned",
    file: "assembly/wire/tcp-options.ts",
    edits: [["    ptr += optionLength;\n  }", "    ptr += (optionLength + 1) & ~1;\n  }"]],
  },
  {
    id: "MUST-65",
    what: "every segment carries an MSS option",
    file: "assembly/tcp/segment-builder.ts",
    edits: [
      [
        "  if (withSack) out.optionsLength += writeSack(",
        "  store<u32>(out.optionsPtr + out.optionsLength, 0xb4050402);\n  out.optionsLength += 4;\n  if (withSack) out.optionsLength += writeSack(",
      ],
    ],
  },
  {
    id: "MUST-66",
    what: "RST does not count while the window is closed",
    file: "assembly/tcp/arrives-synchronized.ts",
    edits: [["  if (seg.seq !== tcb.rcvNxt) {", "  if (seg.seq !== tcb.rcvNxt || tcb.rcvAdvertised === tcb.rcvNxt) {"]],
  },
  {
    id: "MUST-67",
    what: "the IP header is not taken off",
    file: "assembly/tcp/handshake.ts",
    edits: [["min<u32>(mtu - headers, 0xffff)", "min<u32>(mtu - headers + 20, 0xffff)"]],
  },
  {
    id: "MUST-68",
    what: "timestamps have no length",
    file: "assembly/wire/tcp-options.ts",
    edits: [["const WORD_NOP_NOP_TIMESTAMPS: u32 = 0x0a080101;", "const WORD_NOP_NOP_TIMESTAMPS: u32 = 0x00080101;"]],
  },
  {
    id: "MUST-69",
    what: "the end of the list comes before an option",
    file: "assembly/wire/tcp-options.ts",
    edits: [["const WORD_NOP_WINDOW_SCALE: u32 = 0x00030301;", "const WORD_NOP_WINDOW_SCALE: u32 = 0x00030300;"]],
  },
];

// What both ends agree on while the connection is made: segment size, window scale, timestamps (RFC 9293 3.7.1, RFC 7323, RFC 2018), and the
// moment it is ESTABLISHED. Shared by active, passive and simultaneous opens; which segment led here is the caller's business.
import {
  STATE_ESTABLISHED,
  STATE_FIN_WAIT_1,
  SYSCTL_TCP_SACK,
  SYSCTL_TCP_TIMESTAMPS,
  SYSCTL_TCP_WINDOW_SCALING,
  TCB_OPTION_SACK,
  TCB_OPTION_TIMESTAMPS,
  TCB_OPTION_WSCALE,
} from "../layout";
import { OPT_MSS, OPT_SACK_PERMITTED, OPT_TIMESTAMPS, OPT_WSCALE } from "../wire/tcp-options";
import { onAck } from "./acks";
import { wantOutput } from "./connections";
import { ecnNegotiate, ecnOffer } from "./ecn";
import { isFastOpened } from "./fast-open";
import { startPath } from "./path-mtu";
import { initialiseReceiveSpace, receiveWindowScale } from "./receive-space";
import { Segment } from "./segment";
import { updateSendWindow } from "./send-window";
import { startSender } from "./sender";
import { FIXED_HEADERS, FIXED_HEADERS_V6, MSS_DEFAULT, MSS_DEFAULT_V6 } from "./sizes";
import { setState } from "./state";
import { TCB_FLAG_FIN_QUEUED, Tcb } from "./tcb";
import { chooseTimestampOffset, initialiseTsRecent } from "./timestamps";

/** No path has a smaller MTU (RFC 791), so no MSS is less than what it leaves. */
const ADV_MSS_MIN: u32 = 28;

/** Whether the connection runs over IPv4: its addresses are ::ffff:a.b.c.d. */
function isV4(tcb: Tcb): bool {
  return tcb.remoteAddressHigh === 0 && (tcb.remoteAddressLow & 0xffffffff) === 0xffff0000;
}

/**
 * Fills a new TCB, whose addresses and ports are set, with what it will offer in its SYN.
 * @param mtu of the link, bytes of IP packet: what we can take, whatever the path to the peer holds
 */
export function prepareConnection(tcb: Tcb, interfaceIndex: u32, mtu: u32): void {
  const headers = isV4(tcb) ? FIXED_HEADERS : FIXED_HEADERS_V6;
  tcb.interfaceIndex = interfaceIndex;
  startPath(tcb, mtu);
  // RFC 9293 3.7.1 (MUST-67): the largest packet we take, less the fixed headers
  const advMss = mtu > headers + ADV_MSS_MIN ? min<u32>(mtu - headers, 0xffff) : ADV_MSS_MIN;
  tcb.advMss = <u16>(tcb.userMss !== 0 ? min<u32>(advMss, tcb.userMss) : advMss);
  tcb.peerMss = <u16>limitMss(tcb, isV4(tcb) ? MSS_DEFAULT : MSS_DEFAULT_V6);
  let options: u32 = ecnOffer();
  if (load<u32>(SYSCTL_TCP_TIMESTAMPS) !== 0) options |= TCB_OPTION_TIMESTAMPS;
  if (load<u32>(SYSCTL_TCP_WINDOW_SCALING) !== 0) options |= TCB_OPTION_WSCALE;
  if (load<u32>(SYSCTL_TCP_SACK) !== 0) options |= TCB_OPTION_SACK;
  tcb.options = <u8>options;
  tcb.rcvWscale = (options & TCB_OPTION_WSCALE) !== 0 ? <u8>receiveWindowScale(tcb) : 0;
  chooseTimestampOffset(tcb);
  initialiseReceiveSpace(tcb);
}

// TCP_MAXSEG bounds both directions: what we announce, and what we send
function limitMss(tcb: Tcb, mss: u32): u32 {
  return tcb.userMss !== 0 ? min<u32>(mss, tcb.userMss) : mss;
}

/** Takes over what the peer's SYN says; what only one of us offered is off (RFC 7323 2.2, 3.2). */
export function negotiate(tcb: Tcb, seg: Segment, nowUs: u64): void {
  const theirs = seg.options;
  if (theirs.has(OPT_MSS) && theirs.mss !== 0) tcb.peerMss = <u16>limitMss(tcb, theirs.mss);
  if ((tcb.options & TCB_OPTION_WSCALE) !== 0 && theirs.has(OPT_WSCALE)) {
    tcb.sndWscale = theirs.windowScale;
  } else {
    tcb.options &= ~(<u8>TCB_OPTION_WSCALE);
    tcb.sndWscale = 0;
    tcb.rcvWscale = 0;
  }
  if ((tcb.options & TCB_OPTION_TIMESTAMPS) !== 0 && theirs.has(OPT_TIMESTAMPS)) initialiseTsRecent(tcb, seg, nowUs);
  else tcb.options &= ~(<u8>TCB_OPTION_TIMESTAMPS);
  if (!theirs.has(OPT_SACK_PERMITTED)) tcb.options &= ~(<u8>TCB_OPTION_SACK); // RFC 2018 2
  ecnNegotiate(tcb, seg);
}

/** The handshake is complete: `seg` acknowledges our SYN. RFC 9293 3.10.7.3 (fourth), 3.10.7.4 (fifth, SYN-RECEIVED). */
export function establish(tcb: Tcb, seg: Segment, nowUs: u64): void {
  setState(tcb, STATE_ESTABLISHED, nowUs);
  tcb.lastReceivedUs = nowUs;
  tcb.lastTextUs = nowUs; // what info() counts from before there is any
  if (!isFastOpened(tcb)) startSender(tcb, nowUs); // before onAck: it must see whether the SYN was retransmitted
  onAck(tcb, seg, nowUs);
  updateSendWindow(tcb, seg);
  // CLOSE came before the handshake was over (RFC 9293 3.10.4: "queue for processing after entering ESTABLISHED state")
  if (tcb.has(TCB_FLAG_FIN_QUEUED)) setState(tcb, STATE_FIN_WAIT_1, nowUs);
  wantOutput(tcb);
}

// A connection and the MTU of its path (RFC 1191): what it starts with, what it does when the path proves narrower -- cut what is in
// flight to fit and send it again, which is no sign of congestion -- and whether its packets carry DF. What is known of paths is
// ip/path-mtu.ts's; finding it out without the network's help is mtu-probe.ts's.

import { count } from "../count";
import { COUNTER_TCP_MTU_RETRANS } from "../counters";
import { isPathLocked, isPathMtuDiscovered, pathMtu, pathMtuGeneration } from "../ip/path-mtu";
import { CA_LOSS, STATE_LISTEN, STATE_SYN_SENT } from "../layout";
import { NONE } from "../storage/none";
import { randomBelow } from "../storage/random";
import { isTcbInUse, tcbHighWater, wantOutput } from "./connections";
import { currentSsthresh } from "./reduction";
import { rtxAt, rtxMarkLost } from "./rtx-queue";
import { hasSender, segmentSize, syncMss } from "./send-window";
import { FIXED_HEADERS } from "./sizes";
import { TCB_FLAG_MAY_BE_CUT, TCB_FLAG_SYN_PENDING, Tcb } from "./tcb";
import { TLP_NONE } from "./tlp-state";
import { undoForget } from "./undo";

// Linux's IP_PMTUDISC_ values
const DISCOVER_DONT: u32 = 0;
const DISCOVER_WANT: u32 = 1;
const DISCOVER_PROBE: u32 = 3;
const DISCOVER_INTERFACE: u32 = 4;

function discovery(tcb: Tcb): u32 {
  if (tcb.mtuDiscover !== 0) return <u32>tcb.mtuDiscover - 1;
  return isPathMtuDiscovered() ? DISCOVER_WANT : DISCOVER_DONT;
}

/** Sets the path MTU that a new connection starts with. `mtu`: of the link, bytes of IP packet */
export function startPath(tcb: Tcb, mtu: u32): void {
  tcb.identification = <u16>randomBelow(0x10000);
  takePath(tcb, mtu);
}

/**
 * Takes over what is known of the path now. Cheap if nothing has changed.
 * @param mtu of the link, bytes of IP packet; less than before if the route leads over another one now
 */
export function refreshPath(tcb: Tcb, mtu: u32): void {
  if (tcb.pmtuGeneration === pathMtuGeneration && tcb.pmtu <= mtu) return;
  const before = tcb.pmtu;
  takePath(tcb, mtu);
  if (tcb.pmtu !== before && hasSender(tcb)) syncMss(tcb);
}

/**
 * The network said that a segment of ours in flight was too big: the path is remembered as narrower since, or another connection had
 * learnt so before.
 *
 *   RFC 1191 6.4: "when a Datagram Too Big message arrives [...] the data that was in it should be retransmitted [...] it should not be
 *   treated as a congestion signal."
 *
 * Whatever was larger than the segments are now is lost; the congestion window stays, in segments (Linux's tcp_simple_retransmit).
 * @param mtu of the link; `quotedBytes`: total length of the packet that was too big
 */
export function pathNarrowed(tcb: Tcb, mtu: u32, quotedBytes: u32): void {
  const before = tcb.pmtu;
  takePath(tcb, mtu);
  if (discovery(tcb) === DISCOVER_DONT || (tcb.pmtu >= before && quotedBytes <= tcb.pmtu)) return;
  if (!hasSender(tcb)) {
    resendSyn(tcb);
    return;
  }
  syncMss(tcb);
  const lostBefore = tcb.lostOut;
  markTooBig(tcb);
  if (tcb.lostOut !== lostBefore) sendAgain(tcb);
}

/**
 * The link of an interface takes packets of another size: its connections cut what is unsent to fit, and, if it is less, what is in flight
 * too. That is no congestion.
 * @param mtu bytes of IP packet
 */
export function linkMtuChanged(interfaceIndex: u32, mtu: u32): void {
  for (let index: u32 = 0; index < tcbHighWater(); index++) {
    if (!isTcbInUse(index)) continue;
    const tcb = Tcb.at(index);
    if (<u32>tcb.interfaceIndex !== interfaceIndex || tcb.state <= <u8>STATE_LISTEN) continue;
    const before = tcb.pmtu;
    takePath(tcb, mtu);
    if (tcb.pmtu === before) continue;
    if (hasSender(tcb)) {
      syncMss(tcb);
      if (tcb.pmtu < before) resendTooBig(tcb);
    } else if (tcb.pmtu < before) {
      resendSyn(tcb);
    }
  }
}

// Only a SYN with data (Fast Open) can have been too big: it leaves again without, and announces what the path holds (Linux)
function resendSyn(tcb: Tcb): void {
  if (tcb.state !== <u8>STATE_SYN_SENT || tcb.sndNxt === tcb.iss + 1) return;
  if (tcb.pmtu > FIXED_HEADERS) tcb.advMss = <u16>min<u32>(tcb.advMss, tcb.pmtu - FIXED_HEADERS);
  tcb.set(TCB_FLAG_SYN_PENDING);
  wantOutput(tcb);
}

/** Sends again, in segments of the present size, all that was sent in larger ones and has not arrived. */
export function resendTooBig(tcb: Tcb): void {
  markTooBig(tcb);
  if (tcb.lostOut !== 0) sendAgain(tcb);
}

function markTooBig(tcb: Tcb): void {
  const mss = segmentSize(tcb);
  for (let index = tcb.rtxHead; index !== NONE; ) {
    const record = rtxAt(index);
    if (record.payloadBytes > mss && (record.mss === 0 || record.mss > mss)) rtxMarkLost(tcb, index);
    index = record.next;
  }
}

function sendAgain(tcb: Tcb): void {
  count(COUNTER_TCP_MTU_RETRANS);
  enterLossUnreduced(tcb);
  wantOutput(tcb);
}

// LOSS with the window as it is: duplicate ACKs for what arrived after the holes must not look like congestion, and there is nothing
// to undo
function enterLossUnreduced(tcb: Tcb): void {
  if (tcb.caState === <u8>CA_LOSS) return;
  tcb.ssthresh = currentSsthresh(tcb);
  tcb.priorSsthresh = 0;
  tcb.frto = 0;
  tcb.tlpState = TLP_NONE;
  undoForget(tcb);
  tcb.highSeq = tcb.sndNxt;
  tcb.caState = <u8>CA_LOSS;
}

function takePath(tcb: Tcb, mtu: u32): void {
  const mode = discovery(tcb);
  tcb.pmtuGeneration = pathMtuGeneration;
  tcb.pmtu = mode < DISCOVER_PROBE ? pathMtu(tcb.remoteAddressHigh, tcb.remoteAddressLow, mtu) : mtu;
  const isLocked = mode === DISCOVER_WANT && isPathLocked(tcb.remoteAddressHigh, tcb.remoteAddressLow);
  if (mode === DISCOVER_DONT || mode >= DISCOVER_INTERFACE || isLocked) tcb.set(TCB_FLAG_MAY_BE_CUT);
  else tcb.clear(TCB_FLAG_MAY_BE_CUT);
}

/**
 * The identification of a packet of `segments` wire segments: 0 with DF (RFC 6864 4.1), else the next ones of the connection, which
 * started anywhere.
 */
export function takeIdentification(tcb: Tcb, segments: u32): u16 {
  if (!tcb.has(TCB_FLAG_MAY_BE_CUT)) return 0;
  const first = tcb.identification;
  tcb.identification = <u16>(<u32>first + segments);
  return first;
}

// Explicit congestion notification: RFC 3168 6.1. Who may be marked (new data only, 6.1.4 and 6.1.5), what the receiver echoes (ECE
// on every ACK from a CE mark to the sender's CWR, 6.1.3), what the sender answers (the window once per round trip, then CWR, 6.1.2).
// Must not know how much a window shrinks: that is congestion/'s, and loss-recovery.ts leads it there.
import { countMany } from "../count";
import { COUNTER_IP_IN_CE_PKTS, COUNTER_TCP_DELIVERED_CE, COUNTER_TCP_ECN_FALLBACK } from "../counters";
import { SYSCTL_TCP_ECN, SYSCTL_TCP_ECN_FALLBACK, TCB_OPTION_ECN, TCB_OPTION_ECN_SEEN } from "../layout";
import { ACK, CWR, ECE, SYN } from "../wire/tcp";
import { ackNow } from "./challenge";
import { enterQuickAck } from "./delayed-ack";
import { Outgoing } from "./outgoing";
import { Segment } from "./segment";
import { TCB_FLAG_PASSIVE, Tcb } from "./tcb";

// The ECN field of the IP header (RFC 3168 5)
const ECN_MASK: u32 = 3;
const NOT_ECT: u32 = 0;
const ECT_0: u32 = 2;
const CE: u32 = 3;

// tcb.ecn
const DEMAND_CWR: u8 = 1; // as receiver: a CE mark came, ECE until CWR
const QUEUE_CWR: u8 = 2; // as sender: the window was reduced, CWR goes with the next new data

/** ACKs that are not delayed after a mark. Linux's number. */
const QUICK_ACKS: u32 = 2;

// tcp_ecn
const ASK: u32 = 1; // 2, the default, only answers

/** Whether both ends agreed to use it; before that, in SYN-SENT, whether our SYN asks for it. */
function hasEcn(tcb: Tcb): bool {
  return (tcb.options & TCB_OPTION_ECN) !== 0;
}

/** What our own SYN offers: a bit for tcb.options. */
export function ecnOffer(): u32 {
  return load<u32>(SYSCTL_TCP_ECN) === ASK ? TCB_OPTION_ECN : 0;
}

/**
 * Control bits that a SYN or SYN-ACK adds. An ECN-setup SYN has ECE and CWR, an ECN-setup SYN-ACK ECE alone (RFC 3168 6.1.1).
 *
 *   RFC 3168 6.1.1.1: "a host that receives no reply to an ECN-setup SYN within the normal SYN retransmission timeout interval
 *   MAY resend the SYN and any subsequent SYN retransmissions with CWR and ECE cleared."
 */
export function ecnSynFlags(tcb: Tcb, isOffer: bool): u32 {
  if (!hasEcn(tcb)) return 0;
  if (!isOffer) return ECE;
  if (tcb.retransmits === 0 || load<u32>(SYSCTL_TCP_ECN_FALLBACK) === 0) return ECE | CWR;
  if (tcb.retransmits === 1) countMany(COUNTER_TCP_ECN_FALLBACK, 1);
  return 0;
}

/** Takes over what the peer's SYN or SYN-ACK says. A SYN that is itself ECN-capable breaks the rules and so is no offer. */
export function ecnNegotiate(tcb: Tcb, seg: Segment): void {
  const bits = seg.flags & (ECE | CWR);
  let isAgreed = hasEcn(tcb);
  if (tcb.has(TCB_FLAG_PASSIVE)) isAgreed = load<u32>(SYSCTL_TCP_ECN) !== 0;
  if ((seg.flags & ACK) !== 0) isAgreed = isAgreed && bits === ECE;
  else isAgreed = isAgreed && bits === (ECE | CWR) && (seg.tos & ECN_MASK) === NOT_ECT;
  if (isAgreed) tcb.options |= <u8>TCB_OPTION_ECN;
  else tcb.options &= ~(<u8>TCB_OPTION_ECN);
}

/** Whether a SYN is an offer that a stateless answer (a SYN cookie) may accept. */
export function isEcnSetupSyn(seg: Segment): bool {
  return (
    load<u32>(SYSCTL_TCP_ECN) !== 0 && (seg.flags & (ECE | CWR)) === (ECE | CWR) && (seg.tos & ECN_MASK) === NOT_ECT
  );
}

/** ECE, if the receiver owes it, for any segment with ACK that leaves. */
export function ecnEchoFlag(tcb: Tcb): u32 {
  return (tcb.ecn & DEMAND_CWR) !== 0 && hasEcn(tcb) ? ECE : 0;
}

/**
 * A segment with data that leaves for the first time: ECT(0), and CWR if the window was reduced since the last one. Not to be called
 * for retransmissions, probes and what has no data (RFC 3168 6.1.4 to 6.1.6).
 */
export function ecnOnNewData(tcb: Tcb, out: Outgoing): void {
  if (!hasEcn(tcb) || out.payloadLength === 0) return;
  out.tos |= ECT_0;
  if ((tcb.ecn & QUEUE_CWR) === 0) return;
  tcb.ecn &= ~QUEUE_CWR;
  out.flags |= CWR; // of a super-segment only the first wire segment carries it: whoever splits sees to that
}

/** The window was reduced, for whatever reason (RFC 3168 6.1.2). */
export function ecnQueueCwr(tcb: Tcb): void {
  if (hasEcn(tcb)) tcb.ecn |= QUEUE_CWR;
}

/** The reduction was undone: CWR, if it has not left yet, would say what did not happen. */
export function ecnWithdrawCwr(tcb: Tcb): void {
  tcb.ecn &= ~QUEUE_CWR;
}

/**
 * Text that the window test accepted (RFC 3168 6.1.3). The first mark after a CWR is answered at once, as Linux does: the sender learns
 * of it a delayed ACK earlier. CWR is looked at first, because a new mark may have come with it.
 */
export function ecnOnText(tcb: Tcb, seg: Segment): void {
  if (!hasEcn(tcb)) return;
  if ((seg.flags & CWR) !== 0) {
    tcb.ecn &= ~DEMAND_CWR;
    ackNow(tcb); // the sender's window may be one segment now: it must not wait for a second
  }
  const field = seg.tos & ECN_MASK;
  if (field === NOT_ECT) {
    // New data may be marked, so that this is a retransmission: its sender waits for the ACK (Linux's rule)
    if ((tcb.options & TCB_OPTION_ECN_SEEN) !== 0) enterQuickAck(tcb, QUICK_ACKS);
    return;
  }
  tcb.options |= <u8>TCB_OPTION_ECN_SEEN;
  if (field !== CE) return;
  countMany(COUNTER_IP_IN_CE_PKTS, seg.segments);
  if ((tcb.ecn & DEMAND_CWR) !== 0) return;
  tcb.ecn |= DEMAND_CWR;
  enterQuickAck(tcb, QUICK_ACKS);
  ackNow(tcb);
}

/** Whether an acceptable ACK echoes a congestion mark. */
export function isEcnEcho(tcb: Tcb, seg: Segment): bool {
  return hasEcn(tcb) && (seg.flags & (ECE | SYN)) === ECE;
}

/**
 * The ACK in hand echoes a mark: only counted here, loss-recovery.ts reduces the window.
 * @param deliveredSegments wire segments it reported for the first time
 */
export function ecnOnEcho(tcb: Tcb, deliveredSegments: u32): void {
  tcb.deliveredCe += deliveredSegments;
  countMany(COUNTER_TCP_DELIVERED_CE, deliveredSegments);
}

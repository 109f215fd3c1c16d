// Starts the sending side: queues the SYN (RFC 9293 3.10.1, 3.10.7.2) and, when the handshake is over, sets segment size,
// congestion window and time-out for data (RFC 6928, RFC 6298 5.7). Builds nothing; output.ts does.
import { startAckEstimate } from "./ack-slots";
import { congestionClock, congestionStart } from "./congestion/control";
import { startKeepAlive } from "./keepalive";
import { recoveryReset } from "./loss-recovery";
import { startMtuSearch } from "./mtu-probe";
import { RTO_AFTER_LOST_SYN_US, rttReset } from "./rtt";
import { rtxReset } from "./rtx-queue";
import { syncMss } from "./send-window";
import { TCB_FLAG_CONNECT_TIMEOUT, TCB_FLAG_PASSIVE, TCB_FLAG_SYN_PENDING, Tcb } from "./tcb";

/** RFC 6928 2: with more than this many SYNs or SYN-ACKs lost the first window is one segment. */
const LOST_SYNS_TOLERATED: u32 = 1;

/**
 * A SYN (in SYN-SENT) or SYN-ACK (in SYN-RECEIVED) must leave. The first call makes the sending side: SND.UNA = SND.NXT = ISS;
 * a later one sends the SYN again, as SYN-ACK if the peer's SYN has arrived meanwhile. The caller wants output.
 */
export function queueSyn(tcb: Tcb): void {
  tcb.set(TCB_FLAG_SYN_PENDING);
  if (tcb.rtxCount !== 0) return;
  tcb.sndUna = tcb.iss;
  tcb.sndNxt = tcb.iss;
  tcb.smallEnd = tcb.iss;
  tcb.cwndUsageSeq = tcb.iss;
  tcb.cwnd = 1;
  tcb.retransmits = 0;
  rtxReset(tcb);
  rttReset(tcb);
  recoveryReset(tcb);
}

/** The connection becomes ESTABLISHED. To be called before onAck of the segment that acknowledges our SYN. */
export function startSender(tcb: Tcb, nowUs: u64): void {
  tcb.pushedSeq = tcb.sndNxt;
  syncMss(tcb);
  congestionClock(nowUs);
  startMtuSearch(tcb, nowUs);
  if (!tcb.has(TCB_FLAG_PASSIVE)) syncMss(tcb); // who accepts begins large, as Linux
  congestionStart(tcb);
  startAckEstimate(tcb);
  if (tcb.retransmits !== 0 && tcb.srttUs === 0) {
    // RFC 6298 5.7: "If the timer expires awaiting the ACK of a SYN segment and the TCP implementation is using an RTO less
    // than 3 seconds, the RTO MUST be re-initialized to 3 seconds when data transmission begins". A timestamp measures it
    tcb.rtoUs = RTO_AFTER_LOST_SYN_US;
    tcb.backoff = 0;
    if (tcb.retransmits > LOST_SYNS_TOLERATED) tcb.cwnd = 1;
  }
  tcb.clear(TCB_FLAG_SYN_PENDING | TCB_FLAG_CONNECT_TIMEOUT);
  tcb.connectDeadlineUs = 0;
  startKeepAlive(tcb, nowUs);
}

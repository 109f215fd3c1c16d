// ACKs in answer to segments that look like an attack or an old duplicate, and their rate limit. RFC 5961 3.2, 4.2, 5.2 and 7:
// the limit is per connection, as a shared one can be measured from outside (CVE-2016-5696).
import { count } from "../count";
import { COUNTER_TCP_CHALLENGE_ACKS, COUNTER_TCP_CHALLENGE_ACKS_LIMITED } from "../counters";
import { SYSCTL_TCP_INVALID_RATELIMIT } from "../layout";
import { wantOutput } from "./connections";
import { TCB_FLAG_ACK_NOW, Tcb } from "./tcb";

// One answer per tcp_invalid_ratelimit ms. 0 in lastChallengeUs = none yet
function mayAnswer(tcb: Tcb, nowUs: u64): bool {
  const limitUs: u64 = <u64>load<u32>(SYSCTL_TCP_INVALID_RATELIMIT) * 1000;
  if (tcb.lastChallengeUs !== 0 && nowUs - tcb.lastChallengeUs < limitUs) return false;
  tcb.lastChallengeUs = max<u64>(nowUs, 1);
  return true;
}

/** Makes an ACK leave in this turn. */
export function ackNow(tcb: Tcb): void {
  tcb.set(TCB_FLAG_ACK_NOW);
  wantOutput(tcb);
}

/** Answers <SEQ=SND.NXT><ACK=RCV.NXT><CTL=ACK>, unless one left within tcp_invalid_ratelimit. */
export function challenge(tcb: Tcb, nowUs: u64): void {
  if (!mayAnswer(tcb, nowUs)) {
    count(COUNTER_TCP_CHALLENGE_ACKS_LIMITED);
    return;
  }
  count(COUNTER_TCP_CHALLENGE_ACKS);
  ackNow(tcb);
}

/**
 * Answers an unacceptable segment (RFC 9293 3.10.7.4, first step). One with payload or FIN always, as its sender would go on
 * retransmitting; a bare ACK within the limit only, or two ends that disagree would answer each other for ever.
 * @param hasText whether it occupies sequence space
 */
export function answerUnacceptable(tcb: Tcb, hasText: bool, nowUs: u64): void {
  if (hasText || mayAnswer(tcb, nowUs)) ackNow(tcb);
  else count(COUNTER_TCP_CHALLENGE_ACKS_LIMITED);
}

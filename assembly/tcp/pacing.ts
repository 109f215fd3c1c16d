// Pacing: spreads data over time at the rate the congestion control answered with (0 = as fast as the window allows). A burst of about
// two milliseconds' worth leaves at one go, in a few super-segments or in many segments; the next may leave once this one has gone out at
// that rate. Timers of a process fire late: what was due meanwhile is made up for, and at high rates bursts last as long as timers
// are late, so that the rate is what was asked for at 20 Gbit/s too.
import { SYSCTL_TCP_MIN_TSO_SEGS } from "../layout";
import { TCB_FLAG_PACED, Tcb } from "./tcb";
import { arm, NS_PER_US } from "./timers";

/**
 * C.send_quantum of draft-ietf-ccwg-bbr-06 5.6.3, which leaves it to the implementation beyond a millisecond: 1/512 s worth, two super-segments of
 * Linux's size, because each wake-up of a process costs; at most 64 KiB,
 */
const QUANTA_PER_SECOND: u64 = 512;
const QUANTUM_MAX: u64 = 65536;
/** but not less than goes out while a timer may be late: 100 µs. */
const TIMERS_PER_SECOND: u64 = 10000;
/** A segment never holds the next back for longer than this, however small the rate. */
const GAP_MAX_NS: u64 = 60000000000;
/** Later than this it was not the timer: there was nothing to send. */
const LATE_MAX_NS: u64 = 1000000;

/** Whether the next data must wait; the timer then wants output again. */
export function isPaced(tcb: Tcb, nowUs: u64): bool {
  if (tcb.pacingRate === 0) return false;
  if (tcb.pacingNextNs < (nowUs + 1) * NS_PER_US) {
    // Only a connection that pacing held back makes up for the time: not one that waited for data or for the window
    if (tcb.pacingBurst < burstBytes(tcb)) tcb.pacingNextNs = max(tcb.pacingNextNs, nowUs * NS_PER_US);
    tcb.pacingBurst = 0;
    return false;
  }
  if (tcb.pacingBurst < burstBytes(tcb)) return false;
  tcb.set(TCB_FLAG_PACED);
  arm(tcb);
  return true;
}

/** `bytes` of payload leave now. */
export function pacedOnSend(tcb: Tcb, bytes: u32, nowUs: u64): void {
  if (tcb.pacingRate === 0) return;
  const gapNs = min<u64>((<u64>bytes * 1000000000) / tcb.pacingRate, GAP_MAX_NS);
  const nowNs = nowUs * NS_PER_US;
  const dueNs = tcb.pacingNextNs;
  const fromNs = dueNs + LATE_MAX_NS < nowNs ? nowNs : dueNs;
  tcb.pacingBurst += bytes;
  tcb.pacingNextNs = fromNs + gapNs;
}

function burstBytes(tcb: Tcb): u32 {
  const rate = tcb.pacingRate;
  const least = <u64>load<u32>(SYSCTL_TCP_MIN_TSO_SEGS) * tcb.sndMss;
  const quantum = max<u64>(min<u64>(rate / QUANTA_PER_SECOND, QUANTUM_MAX), rate / TIMERS_PER_SECOND);
  return <u32>min<u64>(max<u64>(quantum, least), U32.MAX_VALUE);
}

// When a connection wants to be looked at: its deadlines lie in the TCB (absolute µs, 0 = off), and the timer wheel holds one
// entry per TCB for the earliest of them. What an expired timer does is in timeouts.ts.
//
// The wheel may be early, never late: a deadline that moves away (each ACK moves the retransmission timer) leaves the entry
// where it is, and the entry finds its new place when it fires. So the common path touches no wheel.
import { TCB_CAPACITY } from "../layout";
import { NEVER_US, TimerWheel, timerWheelBytes } from "../storage/timer-wheel";
import { TCB_FLAG_PACED, Tcb } from "./tcb";

// What tcb.retransmitUs means; these exclude each other
export const TIMER_NONE: u32 = 0;
export const TIMER_RETRANSMIT: u32 = 1; // RFC 6298
export const TIMER_PERSIST: u32 = 2; // RFC 9293 3.8.6.1, and the override of 3.8.6.2.1
export const TIMER_TIME_WAIT: u32 = 3; // 2 MSL
export const TIMER_FIN_WAIT_2: u32 = 4; // the peer never closes and nobody of ours waits for it
export const TIMER_LOSS_PROBE: u32 = 5; // RFC 8985 7.2
export const TIMER_REORDER: u32 = 6; // RFC 8985 6.2: the reordering window

/** A value of ringsUs: the rings are new, or one is wanted. */
export const RINGS_NEW: u64 = 1;

/** Pacing counts in ns. */
export const NS_PER_US: u64 = 1000;

let wheel: usize = 0;

/** Lays out the timer wheel in zeroed memory from `ptr` on. @returns the end */
export function timersInitialise(ptr: usize): usize {
  wheel = (ptr + 63) & ~63;
  TimerWheel.at(wheel).init(TCB_CAPACITY);
  return wheel + timerWheelBytes(TCB_CAPACITY);
}

/** The earliest entry, µs; NEVER_US if there is none. */
export function nextTimer(): u64 {
  return TimerWheel.at(wheel).next();
}

/** Takes an entry that is due out of the wheel. @returns the TCB's index, or NONE */
export function popTimer(nowUs: u64): u32 {
  return TimerWheel.at(wheel).pop(nowUs);
}

/** TCBs with an entry in the wheel. */
export function timersArmed(): u32 {
  return TimerWheel.at(wheel).armed;
}

/** Brings the wheel up to date after a deadline of this TCB was written. */
export function arm(tcb: Tcb): void {
  const due = earliest(tcb);
  const timers = TimerWheel.at(wheel);
  if (due === NEVER_US) timers.cancel(tcb.index);
  else if (due < timers.deadlineOf(tcb.index)) timers.set(tcb.index, due);
}

/** Turns all timers of a TCB off: it is about to be freed, or is closed. */
export function disarm(tcb: Tcb): void {
  tcb.timerKind = <u8>TIMER_NONE;
  tcb.retransmitUs = 0;
  tcb.delayedAckUs = 0;
  tcb.keepAliveUs = 0; // connectDeadlineUs, too
  tcb.ringsUs = 0;
  tcb.clear(TCB_FLAG_PACED);
  TimerWheel.at(wheel).cancel(tcb.index);
}

/** A ring was made, or is to be tried again: looks at the rings at the next runTimers(), which knows the time. */
export function watchRings(tcb: Tcb): void {
  if (tcb.ringsUs !== 0) return;
  tcb.ringsUs = RINGS_NEW;
  arm(tcb);
}

/** Sets the tagged timer; whatever it meant before is off. `kind`: a TIMER_ tag other than TIMER_NONE */
export function setRetransmitTimer(tcb: Tcb, kind: u32, deadlineUs: u64): void {
  const beforeUs = tcb.retransmitUs;
  tcb.timerKind = <u8>kind;
  tcb.retransmitUs = deadlineUs;
  // Moved away, as by each ACK: the entry is no later than it was. If expire() has it in hand, that arms it again at its end
  if (beforeUs !== 0 && beforeUs <= deadlineUs) return;
  // The entry is not later than any other deadline, so this is the only one that it may have to move for
  const timers = TimerWheel.at(wheel);
  if (deadlineUs < timers.deadlineOf(tcb.index)) timers.set(tcb.index, deadlineUs);
}

/** Turns the tagged timer off if it is of this kind. */
export function cancelRetransmitTimer(tcb: Tcb, kind: u32): void {
  if (tcb.timerKind !== kind) return;
  tcb.timerKind = <u8>TIMER_NONE;
  tcb.retransmitUs = 0;
}

/** With TCB_FLAG_PACED: when output may go on. */
export function pacingDueUs(tcb: Tcb): u64 {
  return tcb.pacingNextNs / NS_PER_US;
}

function earliest(tcb: Tcb): u64 {
  let due = sooner(NEVER_US, tcb.retransmitUs);
  due = sooner(due, tcb.delayedAckUs);
  due = sooner(due, tcb.keepAliveUs);
  due = sooner(due, tcb.ringsUs);
  return tcb.has(TCB_FLAG_PACED) ? sooner(due, pacingDueUs(tcb)) : due;
}

function sooner(due: u64, deadlineUs: u64): u64 {
  return deadlineUs !== 0 && deadlineUs < due ? deadlineUs : due;
}

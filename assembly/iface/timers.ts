// The few timers of iface/: neighbours, pings, address announcements, reassembly, path MTUs. A wheel of their own, apart from TCP's, with one id per
// thing that can wait. What happens when one fires is the business of iface/turn.ts.
import { INTERFACE_CAPACITY, NEIGHBOR_CAPACITY } from "../layout";
import { TimerWheel, timerWheelBytes } from "../storage/timer-wheel";

/** Pings that can be outstanding at once. */
export const PING_CAPACITY: u32 = 256;

/** Timer id of neighbour 0; that of neighbour n is n more. */
export const TIMER_NEIGHBOR: u32 = 0;
/** Timer id of ping 0. */
export const TIMER_PING: u32 = TIMER_NEIGHBOR + NEIGHBOR_CAPACITY;
/** Timer id of the announcements of interface 0. */
export const TIMER_ANNOUNCE: u32 = TIMER_PING + PING_CAPACITY;
/** Timer id of the datagram in parts that waits longest. */
export const TIMER_REASSEMBLY: u32 = TIMER_ANNOUNCE + INTERFACE_CAPACITY;
/** Timer id of the path MTU that is to be forgotten next. */
export const TIMER_PATH_MTU: u32 = TIMER_REASSEMBLY + 1;
const TIMER_COUNT: u32 = TIMER_PATH_MTU + 1;

let wheel: usize = 0;

/** Lays out the wheel in zeroed memory at `tablesPtr`. @returns its end */
export function ifaceTimersInitialise(tablesPtr: usize): usize {
  wheel = (tablesPtr + 63) & ~63;
  TimerWheel.at(wheel).init(TIMER_COUNT);
  return wheel + timerWheelBytes(TIMER_COUNT);
}

/** The timers: set(id, deadlineUs), cancel(id), next(), pop(nowUs). */
export function ifaceTimers(): TimerWheel {
  return TimerWheel.at(wheel);
}
